"""A client and a server together: a right pair passes, and whoever breaks something is named."""

from __future__ import annotations

import asyncio
import fnmatch
from collections.abc import Iterable
from urllib.parse import urlsplit

import pytest

from sockproof.api.clients import ClientPlan
from sockproof.api.pairs import pair_cases, pair_requirements, with_server
from sockproof.clients.pairs.server import PairServer
from sockproof.clients.run import ClientRun
from sockproof.clients.serving import serving
from sockproof.render.conformance.pairs import side_of
from sockproof.runs.records import CaseRecord
from sockproof.shelves import shelf
from sockproof.targets.spec import load_target
from tests.clients.raw_websocket.driver import drive
from tests.clients.websocket_run import faults, freedoms
from tests.servers.websocket_server import WebSocketServer
from tests.waiting import LIMIT

EVERY = frozenset({"push", "server-close", "subprotocols", "permessage-deflate"})


async def met(
    server_fault: str | None = None,
    client_fault: str | None = None,
    client_freedom: str | None = None,
    server_freedoms: Iterable[str] = (),
    only: str = "*",
) -> dict[str, CaseRecord]:
    """The records of all cases, by their names, for our own client and server."""
    mixins = [] if client_fault is None else [faults()[client_fault].mixin]
    mixins += [] if client_freedom is None else [freedoms()[client_freedom].mixin]
    async with WebSocketServer(server_fault, freedoms=server_freedoms) as listening:
        port = urlsplit(listening.url).port or 0
        where = PairServer("raw", "127.0.0.1", port, "/", EVERY)
        spec = load_target(shelf("targets") / "websockets")
        cases = [with_server(each, where) for each in pair_cases(ClientPlan(), spec)]
        cases = [each for each in cases if fnmatch.fnmatchcase(each.id, f"*/{only}")]
        run = ClientRun(cases, pair_requirements(ClientPlan()), agent="raw", limit=LIMIT)
        async with serving(run) as listener:
            async with asyncio.timeout(LIMIT):
                await drive(f"ws://127.0.0.1:{listener.port}", "raw", mixins, 4)
                for case in cases:
                    await run.settled(case)
    return {name.rpartition("/")[2]: record for name, record in run.records.items()}


def accused(records: dict[str, CaseRecord]) -> dict[str, set[str]]:
    """The sides that are at fault, and the requirements."""
    found: dict[str, set[str]] = {}
    for record in records.values():
        if record.outcome != "PASS":
            assert record.outcome == "FAIL", record
            found.setdefault(side_of(record.requirement), set()).add(record.requirement)
    return found


def test_a_right_client_and_a_right_server_pass() -> None:
    records = asyncio.run(met())
    assert len(records) > 14
    assert {record.outcome for record in records.values()} == {"PASS"}
    assert all("extension: permessage-deflate" in record.notes[0] for record in records.values())


@pytest.mark.parametrize(
    ("fault", "only", "broken"),
    [
        ("spoils-certain-lengths", "mess*", {"pair-server-messages"}),
        ("spoils-long-messages", "mess*", {"pair-server-messages"}),
        ("long-forms-of-lengths", "*", {"rfc6455-5.2-length-minimal-sent"}),
        ("accept-without-guid", "*", {"pair-server-opens"}),
        ("answers-close-twice", "*", {"pair-server-closes"}),
        ("does-not-answer-close", "*", {"pair-server-closes"}),
        ("keeps-tcp-open-after-close", "client_*", {"pair-server-closes"}),
    ],
)
def test_a_faulty_server_is_named(fault: str, only: str, broken: set[str]) -> None:
    assert accused(asyncio.run(met(server_fault=fault, only=only))) == {"server": broken}


@pytest.mark.parametrize(
    ("fault", "only", "broken"),
    [
        ("swaps-types", "*multi-byte*", {"pair-client-messages"}),
        ("masks-no-text", "*", {"client-rfc6455-5.1-masked"}),
        ("refuses-65536-octets", "*", {"pair-client-messages"}),
        ("loses-empty-messages", "*empty-text*", {"pair-client-messages"}),
        ("echoes-twice", "*", {"pair-client-messages"}),
        ("does-not-answer-close-and-stays", "client_*", {"pair-client-closes"}),
    ],
)
def test_a_faulty_client_is_named(fault: str, only: str, broken: set[str]) -> None:
    assert accused(asyncio.run(met(client_fault=fault, only=only))) == {"client": broken}


def test_a_server_that_ends_tcp_behind_its_close_frame_has_a_remark() -> None:
    records = asyncio.run(met(server_fault="starts-closing-and-does-not-wait", only="server_*"))
    assert {record.outcome for record in records.values()} <= {"PASS", "NON_STRICT"}
    assert {record.requirement for record in records.values() if record.outcome != "PASS"} == {
        "rfc6455-7.1.2-start-completed"
    }


def test_nobody_is_named_where_the_server_opens_no_connection() -> None:
    found = accused(asyncio.run(met(server_fault="version-13-refused", only="opening_*")))
    assert found == {"both": {"pair-both-open"}}
