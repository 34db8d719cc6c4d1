"""A Socket.IO client and a server together: a right pair passes, and a fault of either shows."""

from __future__ import annotations

import asyncio
import fnmatch
from typing import Any
from urllib.parse import urlsplit

import pytest

from sockproof.api.clients import ClientPlan
from sockproof.api.pairs import pair_cases, pair_requirements, with_server
from sockproof.clients.pairs.opening import for_server
from sockproof.clients.pairs.server import PairServer
from sockproof.clients.run import ClientRun
from sockproof.clients.serving import serving
from sockproof.runs.records import CaseRecord
from sockproof.shelves import shelf
from sockproof.targets.spec import load_target
from tests.clients.raw_socketio.driver import drive
from tests.servers.socketio_fixture import Fixture
from tests.servers.socketio_server import SocketIOServer
from tests.servers.socketio_socket import Socket
from tests.waiting import LIMIT


class _Forgets(Fixture):
    """Loses the last argument of all that it sends back."""

    def event(self, socket: Socket, name: Any, args: list[Any], number: int | None) -> None:
        if name in ("message", "message-with-ack"):
            args = args[:-1]
        super().event(socket, name, args, number)


class Forgetful(SocketIOServer):
    """A server with such an application."""

    def _make_fixture(self) -> Fixture:
        return _Forgets(self)


async def met(
    server_fault: str | None = None,
    client_fault: str | None = None,
    only: str = "*",
    kind: type[SocketIOServer] = SocketIOServer,
) -> dict[str, CaseRecord]:
    """The records of all cases, by their names, for our own client and server."""
    async with kind(server_fault) as listening:
        port = urlsplit(listening.url).port or 0
        where = PairServer("raw", "127.0.0.1", port)
        spec = load_target(shelf("targets") / "python-socketio-uvicorn")
        cases = [with_server(each, where) for each in pair_cases(ClientPlan(), spec)]
        cases = [each for each in cases if fnmatch.fnmatchcase(each.id, f"*/{only}")]
        run = ClientRun(cases, pair_requirements(ClientPlan()), agent="raw", limit=LIMIT)
        names = [] if client_fault is None else [client_fault]
        async with serving(run) as listener, asyncio.timeout(LIMIT):
            await drive(f"http://127.0.0.1:{listener.port}", "raw", names)
            for case in cases:
                await run.settled(case)
    return {name.rpartition("/")[2]: record for name, record in run.records.items()}


def test_a_right_client_and_a_right_server_pass() -> None:
    records = asyncio.run(met())
    assert len(records) == 22
    assert {name: record.got for name, record in records.items() if record.outcome != "PASS"} == {}


@pytest.mark.parametrize(
    ("fault", "only"),
    [
        ("acknowledges-with-the-first-argument", "*_server_is_acknowledged?websocket,json]"),
        ("reverses-attachments", "*_server_is_acknowledged?websocket,binary]"),
        ("hears-the-first-argument-alone", "event_of_the_server_arrives?websocket,json]"),
    ],
)
def test_a_faulty_client_shows(fault: str, only: str) -> None:
    (record,) = asyncio.run(met(client_fault=fault, only=only)).values()
    assert (record.outcome, record.requirement[:10]) == ("FAIL", "pair-both-")


@pytest.mark.parametrize(
    "only", ["event_of_the_client_comes_back?websocket]", "*_client_is_acknowledged?polling]"]
)
def test_a_faulty_server_shows(only: str) -> None:
    (record,) = asyncio.run(met(only=only, kind=Forgetful)).values()
    assert (record.outcome, record.requirement[:10]) == ("FAIL", "pair-both-")


def test_host_and_origin_become_those_of_the_server_and_nothing_else() -> None:
    server = PairServer("raw", "127.0.0.1", 80)
    head = b"GET /x?y HTTP/1.1\r\nhost: here:1\r\nX: host: here:1\r\nOrigin: null\r\n\r\n"
    assert for_server(head, server, "/") == (
        b"GET / HTTP/1.1\r\nhost: 127.0.0.1:80\r\nX: host: here:1\r\n"
        b"Origin: http://127.0.0.1:80\r\n\r\n"
    )
