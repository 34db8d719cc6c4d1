"""Real clients get through on correct servers of our own, and notice what is wrong with others."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable
from dataclasses import replace

import pytest

from sockproof.conformance.address import Address
from sockproof.conformance.case import Case, load_cases
from sockproof.conformance.preflight import introduce
from sockproof.conformance.runner import Plan, run_cases
from sockproof.conformance.target import Server
from sockproof.records import CaseRecord
from sockproof.shelves import shelf
from tests.mutants_run import requirements
from tests.servers.socketio_server import SocketIOServer
from tests.servers.websocket_server import WebSocketServer

CASES = load_cases(shelf("conformance"), ["clients"])
KINDS = ("python-socketio", "python-socketio-async", "node", "chromium", "websocket-client")

# For each case, a fault of our server, and what the case says of it.
SOCKETIO = {
    "client_connects_and_is_greeted_with_its_auth_payload": ("loses-auth", "to hear auth"),
    "client_connects_to_another_namespace": (
        "answers-connect-in-the-main-namespace",
        "to connect|to hear",
    ),
    "event_of_a_client_comes_back_unchanged": ("forgets-arguments", "to hear message-back"),
    "events_of_a_client_come_back_in_order": ("answers-in-another-order", "to hear message-back"),
    "octets_of_a_client_come_back_unchanged": ("forgets-arguments", "to hear message-back"),
    "acknowledgement_reaches_the_client": ("forgets-arguments", "acknowledged with"),
    "client_hears_its_room_until_it_leaves": ("the-last-one-cannot-leave", "outside"),
    "client_gets_from_long_polling_to_websocket_and_loses_nothing": (
        "refuses-upgrades",
        "polling, after",
    ),
    "client_comes_back_when_its_connection_is_cut": ("one-sid-for-all-clients", "a new sid"),
}
WEBSOCKET = {
    "client_has_its_messages_back_and_closes_cleanly": ("does-not-answer-close", "to close"),
    "socketio_client_is_turned_away_by_a_plain_websocket_server": (
        "leaves-plain-requests-unanswered",
        "nothing within",
    ),
}


def of_kind(cases: Iterable[Case], kind: str) -> list[Case]:
    return [case for case in cases if case.parameters["client"] == kind]


async def run(
    cases: Iterable[Case], server: SocketIOServer | WebSocketServer, like: str = ""
) -> list[CaseRecord]:
    """The records of the cases; `like` is a correct server, which shows what a faulty one has."""
    records: list[CaseRecord] = []
    found = (await introduce(Server(Address.parse(like or server.url)), 5)).server
    found = replace(found, address=Address.parse(server.url))
    chosen = [case for case in cases if case.needs <= found.capabilities]
    await run_cases(chosen, Plan([found], requirements(), limit=20), records.append)
    return records


def not_there(records: list[CaseRecord]) -> None:
    """Skip where a client is not installed and need not be."""
    missing = [record.got for record in records if record.outcome == "UNSUPPORTED"]
    if missing and os.environ.get("SOCKPROOF_REQUIRE_TARGETS") != "1":
        pytest.skip(missing[0])


def stories(records: list[CaseRecord]) -> list[str]:
    return [
        f"{each.id}: {each.outcome}: expected {each.expected}; got {each.got}"
        for each in records
        if each.outcome != "PASS"
    ]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", KINDS)
def test_client_gets_through(kind: str) -> None:
    async def both() -> list[CaseRecord]:
        async with SocketIOServer() as socketio, WebSocketServer() as websocket:
            chosen = of_kind(CASES, kind)
            return [*await run(chosen, socketio), *await run(chosen, websocket)]

    records = asyncio.run(both())
    not_there(records)
    assert records
    assert stories(records) == []


def one(name: str, kind: str) -> list[Case]:
    return [case for case in of_kind(CASES, kind) if re.search(rf"/{name}\[", case.id)][:1]


@pytest.mark.parametrize("name", sorted(SOCKETIO))
def test_fault_of_a_socketio_server_is_noticed(name: str) -> None:
    fault, reason = SOCKETIO[name]

    async def faulty() -> list[CaseRecord]:
        async with SocketIOServer(fault=fault) as server, SocketIOServer() as correct:
            return await run(one(name, "python-socketio-async"), server, correct.url)

    (record,) = asyncio.run(faulty())
    assert record.outcome == "FAIL", stories([record])
    assert re.search(reason, f"{record.expected} | {record.got}")


def test_server_that_opens_whatever_comes_turns_nobody_away() -> None:
    (case,) = one("plain_websocket_client_is_turned_away_by_a_socketio_server", "websocket-client")

    async def open_to_all() -> list[CaseRecord]:
        records: list[CaseRecord] = []
        async with WebSocketServer() as server:
            url = server.url.replace("ws:", "http:")
            posing = Server(Address.parse(url), capabilities=frozenset({"polling"}))
            await run_cases([case], Plan([posing], requirements(), limit=20), records.append)
        return records

    (record,) = asyncio.run(open_to_all())
    assert (record.outcome, record.got) == ("FAIL", "the WebSocket is open")


@pytest.mark.parametrize("name", sorted(WEBSOCKET))
def test_fault_of_a_websocket_server_is_noticed(name: str) -> None:
    fault, reason = WEBSOCKET[name]
    kind = "websocket-client" if name.startswith("client") else "python-socketio-async"

    async def faulty() -> list[CaseRecord]:
        async with WebSocketServer(fault=fault) as server:
            return await run(one(name, kind), server)

    (record,) = asyncio.run(faulty())
    assert record.outcome == "FAIL", stories([record])
    assert re.search(reason, f"{record.expected} | {record.got}")
