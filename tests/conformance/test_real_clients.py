"""Real clients get through on correct servers of our own, and notice what is wrong with others."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from sockproof.conformance.preflight import introduce
from sockproof.conformance.running.runner import Plan, run_cases
from sockproof.conformance.shelf.case import Case, load_cases
from sockproof.conformance.targets.server import Server
from sockproof.runs.records import CaseRecord
from sockproof.shelves import shelf
from sockproof.wire.http import Request, Response
from sockproof.wire.url import Address
from tests.mutants_run import LOOKS, PATIENCE, requirements
from tests.servers.free_server import FreeServer
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
    cases: Iterable[Case],
    server: SocketIOServer | WebSocketServer,
    like: str = "",
    limit: float = 20,
) -> list[CaseRecord]:
    """The records of the cases; `like` is a correct server, which shows what a faulty one has."""
    named = Server(Address.parse(like or server.url))
    return await run_named(cases, named, Address.parse(server.url), limit)


async def run_named(
    cases: Iterable[Case], named: Server, address: Address | None = None, limit: float = PATIENCE
) -> list[CaseRecord]:
    """The records of the cases on the server as a user named it."""
    records: list[CaseRecord] = []
    found = (await introduce(named, 5)).server
    found = replace(found, address=address or named.address)
    chosen = [case for case in cases if case.needs <= found.capabilities]
    await run_cases(chosen, Plan([found], requirements(), limit=limit), records.append)
    return records


def not_there(records: list[CaseRecord]) -> None:
    """Skip where a client is not installed and need not be."""
    missing = [record.got for record in records if record.outcome == "UNSUPPORTED"]
    if missing and os.environ.get("SOCKPROOF_REQUIRE_TARGETS") != "1":
        pytest.skip(missing[0])


def stories(records: list[CaseRecord]) -> list[str]:
    return [
        f"{each.id}: {each.outcome}: expected {each.expected}; got {each.got}"
        for each in amiss(records)
    ]


def amiss(records: list[CaseRecord]) -> list[CaseRecord]:
    """What counts: no time-out that did not repeat."""
    return [each for each in records if each.outcome != "PASS" and each.aside is None]


@pytest.mark.parametrize("kind", KINDS)
def test_client_gets_through(kind: str) -> None:
    async def both() -> list[CaseRecord]:
        async with SocketIOServer() as socketio, WebSocketServer() as websocket:
            return [
                *await run(chosen, socketio, limit=PATIENCE),
                *await run(chosen, websocket, limit=PATIENCE),
            ]

    chosen = of_kind(CASES, kind)
    for _ in range(LOOKS):  # who is turned away has three seconds to hear of it
        records = asyncio.run(both())
        not_there(records)
        assert records
        late = {each.id for each in amiss(records)}
        chosen = [case for case in chosen if case.id in late]
        if not chosen:
            break
    assert stories(records) == []


class Guarded(FreeServer):
    """Wants a token in each CONNECT, and in each request whatever else the user gave."""

    wanted: tuple[tuple[str, str], ...] = ()

    def _refusal(self, request: Request, query: dict[str, str]) -> Response | None:
        right = all(value in (request.get(name) or "") for name, value in self.wanted)
        if right and query.get("key") == "0f3a":
            return super()._refusal(request, query)
        return Response(401, "Unauthorized", (("Content-Length", "0"),))


GIVEN = (("Cookie", "session=d41d8cd9; theme=dark"), ("X-Api-Key", "7f"))


@pytest.mark.parametrize("kind", KINDS[:4])
def test_socketio_client_brings_what_the_user_gave(kind: str) -> None:
    given = GIVEN[:1] if kind == "chromium" else GIVEN

    async def guarded() -> list[CaseRecord]:
        async with Guarded(["wants-a-token"]) as server:
            assert isinstance(server, Guarded)
            server.wanted = given
            url = server.url.replace("//", "//proof:secret@") if given is GIVEN else server.url
            address = Address.parse(f"{url}?key=0f3a")
            server.wanted += (("Authorization", "Basic "),) if address.user else ()
            named = Server(address, headers=given, auth={"token": "secret"})
            about = [case for case in of_kind(CASES, kind) if re.search("greeted|cut", case.id)]
            return await run_named(about, named)

    records = asyncio.run(guarded())
    not_there(records)
    assert records
    assert stories(records) == []
    assert not any("d41d8cd9" in entry.text for each in records for entry in each.wire)


@pytest.mark.parametrize(
    ("freedom", "given"),
    [
        ("a-cookie-is-demanded", {"headers": (("Cookie", "a=b; session=d41d8cd9"),)}),
        ("one-protocol-is-demanded", {"subprotocols": ("chat.v7",)}),
        ("a-bearer-token-is-demanded", {"headers": (("Authorization", "Bearer 0f3a"),)}),
    ],
)
@pytest.mark.parametrize("kind", ["websocket-client", "chromium"])
def test_websocket_client_brings_what_the_user_gave(
    kind: str, freedom: str, given: dict[str, Any]
) -> None:
    async def demanding() -> list[CaseRecord]:
        async with WebSocketServer(freedoms=[freedom]) as server:
            named = Server(Address.parse(server.url), **given)
            return await run_named(one("client_has_its_messages_back", kind), named)

    (record,) = asyncio.run(demanding())
    if kind == "chromium" and "Bearer" in str(given):
        assert (record.outcome, record.got) == ("UNSUPPORTED", "no page sends Authorization")
        return
    not_there([record])
    assert stories([record]) == []


def one(name: str, kind: str) -> list[Case]:
    return [case for case in of_kind(CASES, kind) if re.search(rf"/{name}\w*\[", case.id)][:1]


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
