"""The fixture of the target contract is believed when it answers exactly, and nothing else is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import socketio
from aiohttp import web

from sockproof.conformance.preflight import introduce
from sockproof.conformance.targets.server import Server
from sockproof.fixtures.python_socketio import install
from sockproof.wire.url import Address
from tests.servers.blind import woven
from tests.servers.socketio_server import SocketIOServer
from tests.waiting import EXPIRES

LIMIT = EXPIRES  # seconds that a server has for an answer
ANSWERED = 30.0  # of one that answers everything; less than the usual timers, which it is told from
BASE = {"polling", "websocket", "upgrade", "socketio", "slow-timers"}
NEEDED = {"fixture", "auth", "info", "join", "leave", "rooms", "emit", "disconnect", "log"}
Setup = Callable[[socketio.AsyncServer], None]


def asked(setup: Setup, limit: float = LIMIT, **options: Any) -> set[str]:
    """What is believed of an application on python-socketio."""

    async def ask() -> set[str]:
        sio = socketio.AsyncServer(async_mode="aiohttp", **options)
        setup(sio)
        app = web.Application()
        sio.attach(app)
        runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0]
            introduction = await introduce(Server(Address.parse(f"http://{host}:{port}/")), limit)
            return set(introduction.server.capabilities)
        finally:
            await runner.cleanup()

    return asyncio.run(ask())


def welcomes(sio: socketio.AsyncServer) -> None:
    @sio.event
    async def connect(sid: str, environ: object) -> None:
        del environ
        await sio.emit("welcome", {"sid": sid}, to=sid)


def answers_otherwise(sio: socketio.AsyncServer) -> None:
    @sio.on("message")
    async def message(sid: str, *args: Any) -> None:
        await sio.emit("message-back", {"from": sid, "args": args}, to=sid)
        await sio.emit("auth", "ok", to=sid)

    @sio.on("message-with-ack")
    async def acknowledge(sid: str, *args: Any) -> str:
        del sid, args
        return "ok"

    @sio.on("sockproof")
    async def operate(sid: str, *args: Any) -> Any:
        del sid, args
        return {"ok": True, "sid": "somebody", "capabilities": ["join", "emit"]}


def acknowledges_everything(sio: socketio.AsyncServer) -> None:
    @sio.on("*")
    async def anything(event: str, sid: str, *args: Any) -> Any:
        del event, sid
        return args


def nothing(sio: socketio.AsyncServer) -> None:
    del sio


@pytest.mark.parametrize("setup", [nothing, welcomes, answers_otherwise, acknowledges_everything])
def test_plain_application_has_no_fixture(setup: Setup) -> None:
    assert asked(setup) == BASE


def both(sio: socketio.AsyncServer) -> None:
    welcomes(sio)
    install(sio)


@pytest.mark.parametrize("setup", [install, both])
@pytest.mark.parametrize("options", [{}, {"always_connect": True}])
def test_fixture_is_found_whatever_else_is_said(setup: Setup, options: dict[str, Any]) -> None:
    assert asked(setup, ANSWERED, **options) >= BASE | NEEDED


def slowly(sio: socketio.AsyncServer) -> None:
    install(sio)
    inner = sio.handlers["/"]["message"]

    async def message(sid: str, *args: Any) -> None:
        await asyncio.sleep(1)
        await inner(sid, *args)

    sio.on("message", message)


def test_slow_fixture_is_a_fixture() -> None:
    assert asked(slowly, ANSWERED) >= BASE | NEEDED


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_one_transport_is_enough(transport: str) -> None:
    found = asked(install, ANSWERED, transports=[transport])
    assert found >= (BASE | NEEDED) - {"polling", "websocket", "upgrade"} | {transport}
    assert "upgrade" not in found


FAULTS = ["loses-auth", "acks-unasked", "refuses-without-data", "ignores-bad-packets"]


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_faulty_server_shows_its_fixture(fault: str | None) -> None:
    async def ask() -> set[str]:
        async with SocketIOServer(fault=fault) as server:
            found = await introduce(Server(Address.parse(server.url)), ANSWERED)
            return set(found.server.capabilities)

    assert asyncio.run(ask()) >= BASE | NEEDED


MISOPENED = {
    "open-is-binary-on-websockets": "websocket",
    "websocket-noop-comes-before-open": "websocket",
    "websocket-sid-is-null": "websocket",
    "websocket-timeout-is-null": "websocket",
    "websocket-has-no-upgrades-field": "websocket",
    "open-is-written-twice": "polling",
    "polling-open-comes-behind-a-message": "polling",
}


@pytest.mark.parametrize(("fault", "transport"), MISOPENED.items())
def test_transport_that_opens_wrongly_is_there(fault: str, transport: str) -> None:
    async def ask() -> set[str]:
        async with SocketIOServer() as server:
            found = await introduce(Server(Address.parse(server.url)), ANSWERED)
            return set(found.server.capabilities)

    with woven(fault):
        assert transport in asyncio.run(ask())
