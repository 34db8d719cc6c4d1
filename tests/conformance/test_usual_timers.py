"""A server with the usual timers alone is judged by an idle client that is there all the time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from sockproof.conformance.preflight import introduce
from sockproof.conformance.running.run import with_timers
from sockproof.conformance.running.runner import Plan, run_cases
from sockproof.conformance.shelf.case import load_cases
from sockproof.conformance.targets.server import Server
from sockproof.runs.records import CaseRecord
from sockproof.shelves import shelf
from sockproof.wire.url import Address
from tests.mutants_run import requirements
from tests.servers.free_server import FreeServer
from tests.servers.socketio_server import SocketIOServer

CASES = [
    case
    for case in load_cases(shelf("conformance"), ["engineio"])
    if case.id.startswith("engineio/heartbeat_usual/")
]
# Milliseconds, which a busy machine may be late by.
TIMERS: dict[str, Any] = {"ping_interval": 3000, "ping_timeout": 3000}
LIMIT = 5.0  # seconds, less than both, as with the usual ones


async def _judged(server: SocketIOServer, announced: int = 3000) -> CaseRecord:
    async with server:
        asked = (await introduce(Server(Address.parse(server.url)), LIMIT)).server
        asked = replace(asked, ping_interval=announced)
        records: list[CaseRecord] = []
        plan = Plan(with_timers([asked]), requirements(), limit=LIMIT, second_look=False)
        await run_cases(CASES, plan, records.append)
        return records[0]


def test_server_that_pings_in_time_is_right() -> None:
    assert asyncio.run(_judged(SocketIOServer(**TIMERS))).outcome == "PASS"


@pytest.mark.parametrize("freedom", ["pings-a-little-early", "sends-noops", "ticks"])
def test_freedom_is_not_accused(freedom: str) -> None:
    assert asyncio.run(_judged(FreeServer([freedom], **TIMERS))).outcome == "PASS"


def test_server_that_never_pings_is_told() -> None:
    record = asyncio.run(_judged(SocketIOServer("never-pings", **TIMERS)))
    assert (record.outcome, record.got) == ("FAIL", "none within 6 s")


def test_server_that_pings_at_another_time_than_it_announced_is_told() -> None:
    record = asyncio.run(_judged(SocketIOServer("pings-too-often", **TIMERS)))
    assert record.outcome == "NON_STRICT"
    assert record.expected == "a PING after 3 s"


def test_ping_interval_of_a_minute_is_not_waited_for() -> None:
    record = asyncio.run(_judged(SocketIOServer(**TIMERS), announced=60_000))
    assert record.outcome == "UNSUPPORTED"
    assert "--thorough" in record.got


def test_server_with_fast_timers_beside_needs_none_of_this() -> None:
    slow = Server(Address.parse("http://127.0.0.1:1/"), capabilities=frozenset({"slow-timers"}))
    fast = replace(slow, capabilities=frozenset({"fast-timers"}))
    assert with_timers([slow, fast]) == [slow, fast]
    assert "usual-timers" in with_timers([slow])[0].capabilities
