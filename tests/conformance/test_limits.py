"""Limits that a profile does not declare are found out by steps and reported."""

from __future__ import annotations

import asyncio

from sockproof.conformance.running.run import choose_cases
from sockproof.conformance.running.runner import Plan, run_cases
from sockproof.conformance.shelf.case import load_cases
from sockproof.conformance.shelf.profile import Profile
from sockproof.conformance.shelf.requirements import load_requirements
from sockproof.conformance.targets.server import Server
from sockproof.runs.records import CaseRecord
from sockproof.shelves import shelf
from sockproof.wire.url import Address
from tests.servers.websocket_server import WebSocketServer
from tests.waiting import SOON


def found(profile: Profile) -> dict[str, CaseRecord]:
    """The records of the cases about limits on the correct server, by what is in brackets."""
    records: dict[str, CaseRecord] = {}

    async def judge() -> None:
        async with WebSocketServer() as server:
            offered = frozenset({"echo"})
            plan = Plan(
                [Server(Address.parse(server.url), profile, offered)],
                load_requirements(shelf("conformance") / "requirements"),
                limit=SOON,  # some of it is large
            )
            cases = load_cases(shelf("conformance"), ["websocket"])
            chosen = choose_cases(cases, ["websocket/limits/*"])
            await run_cases(chosen, plan, lambda record: records.update({record.id: record}))

    asyncio.run(judge())
    return {
        case_id.removeprefix("websocket/limits/"): record for case_id, record in records.items()
    }


def test_steps_find_limits_that_are_not_declared() -> None:
    records = found(Profile())
    within = {
        name: records[f"what_a_limit_allows_is_taken[{name}]"].notes
        for name in ("max_message", "max_fragments", "max_header_octets", "max_pending_pings")
    }
    fragments = "between 4000 and 10000 fragments (CLOSE 1009 'too many fragments' [20 octets])"
    assert within == {
        "max_message": ["max_message: at least 16777216 octets, none declared"],
        "max_fragments": [f"max_fragments: {fragments}, none declared"],
        "max_header_octets": ["max_header_octets: at least 65536 octets, none declared"],
        "max_pending_pings": ["max_pending_pings: at least 1000 Pings, none declared"],
    }
    outcomes = {name: record.outcome for name, record in records.items()}
    assert set(outcomes.values()) == {"PASS", "UNSUPPORTED"}
    assert outcomes["what_exceeds_a_limit_leaves_others_served[max_fragments]"] == "UNSUPPORTED"


def test_limit_declared_too_high_fails() -> None:
    records = found(Profile(limits={"max_fragments": 6000, "max_header_octets": 1000}))
    record = records["what_a_limit_allows_is_taken[max_fragments]"]
    assert record.outcome == "FAIL"
    assert record.expected == "6000 fragments taken, as max_fragments = 6000 says"
    assert "CLOSE 1009" in record.got
    beyond = records["what_exceeds_a_limit_leaves_others_served[max_header_octets]"]
    assert beyond.outcome == "PASS"
    assert beyond.notes == ["max_header_octets: more than the 1000 declared"]
