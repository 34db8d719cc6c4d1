"""Blind faults in the heartbeat."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from sockproof.wire.engineio import SEPARATOR, Packet, PacketType
from tests.servers import engineio_faults
from tests.servers.blind_weaving import count, fault
from tests.servers.engineio_http import WebSocket, respond
from tests.servers.engineio_server import EngineIOServer
from tests.servers.engineio_session import Session

MARK = SEPARATOR.encode()

# The heartbeat. `_beating(name, beats)` registers another heartbeat.


def _beating(name: str, beats: Any) -> None:
    @fault(name, Session, "_beats")
    async def following(go: Any, session: Session, interval: float, timeout: float) -> None:
        await beats(session, interval, timeout)


async def _await_pong(session: Session, timeout: float) -> None:
    try:
        async with asyncio.timeout(timeout):
            await session.ponged.wait()
    except TimeoutError:
        session.close("ping timeout")
        raise asyncio.CancelledError from None


async def _beat(session: Session, data: str, timeout: float) -> None:
    session.ponged.clear()
    session.send(Packet(PacketType.PING, data))
    await _await_pong(session, timeout)


async def _stops_after_one(session: Session, interval: float, timeout: float) -> None:
    await asyncio.sleep(interval)
    await _beat(session, "", timeout)
    await asyncio.Event().wait()


async def _only_when_idle(session: Session, interval: float, timeout: float) -> None:
    while True:
        before = session.received
        await asyncio.sleep(interval)
        if session.received == before:
            await _beat(session, "", timeout)


async def _doubling(session: Session, interval: float, timeout: float) -> None:
    while True:
        await asyncio.sleep(interval)
        await _beat(session, "", timeout)
        interval *= 3


async def _at_the_timeout(session: Session, interval: float, timeout: float) -> None:
    while True:
        await asyncio.sleep(interval + timeout)
        await _beat(session, "", timeout)


async def _with_the_time(session: Session, interval: float, timeout: float) -> None:
    while True:
        await asyncio.sleep(interval)
        await _beat(session, "1700000000" if session.websocket is None else "", timeout)


async def _second_with_data(session: Session, interval: float, timeout: float) -> None:
    while True:
        await asyncio.sleep(interval)
        await _beat(session, "again" if count(session, "pings") == 2 else "", timeout)


async def _end_at_upgrades(session: Session, interval: float, timeout: float) -> None:
    polled = session.websocket is None
    while True:
        await asyncio.sleep(interval)
        if polled and session.websocket is not None:
            await asyncio.Event().wait()
        await _beat(session, "", timeout)


async def _polling_after_upgrades(session: Session, interval: float, timeout: float) -> None:
    polled = session.websocket is None
    while True:
        await asyncio.sleep(interval)
        websocket = session.websocket
        if polled:
            session.websocket = None
        session.ponged.clear()
        session.send(Packet(PacketType.PING))
        session.websocket = websocket
        await _await_pong(session, timeout)


async def _count_one_pong(session: Session, interval: float, timeout: float) -> None:
    await asyncio.sleep(interval)
    await _beat(session, "", timeout)
    await asyncio.sleep(interval)
    session.send(Packet(PacketType.PING))
    await asyncio.sleep(timeout)
    session.close("ping timeout")


async def _impatient_later(session: Session, interval: float, timeout: float) -> None:
    while True:
        await asyncio.sleep(interval)
        await _beat(session, "", timeout)
        timeout = min(timeout, 0.4)


async def _no_timeout_after_upgrades(session: Session, interval: float, timeout: float) -> None:
    polled = session.websocket is None
    while True:
        await asyncio.sleep(interval)
        if polled and session.websocket is not None:
            session.send(Packet(PacketType.PING))
        else:
            await _beat(session, "", timeout)


async def _no_timeout_after_a_pong(session: Session, interval: float, timeout: float) -> None:
    while True:
        await asyncio.sleep(interval)
        if session.ponged.is_set():
            session.send(Packet(PacketType.PING))
        else:
            await _beat(session, "", timeout)


async def _timeout_keeps_websockets(session: Session, interval: float, timeout: float) -> None:
    while True:
        await asyncio.sleep(interval)
        session.ponged.clear()
        session.send(Packet(PacketType.PING))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await session.ponged.wait()
                continue
        session.websocket = None
        session.close("ping timeout")
        return


async def _after_a_message(session: Session, interval: float, timeout: float) -> None:
    while True:
        await asyncio.sleep(interval)
        if session.received > 1:
            await _beat(session, "", timeout)


async def _binary_pings(session: Session, interval: float, timeout: float) -> None:
    while True:
        await asyncio.sleep(interval)
        session.ponged.clear()
        if session.websocket is not None:
            session.websocket.send(b"2")
        else:
            session.send(Packet(PacketType.PING))
        await _await_pong(session, timeout)


async def _noops_over_polling(session: Session, interval: float, timeout: float) -> None:
    while True:
        await asyncio.sleep(interval)
        if session.websocket is not None:
            await _beat(session, "", timeout)
        else:
            session.send(Packet(PacketType.NOOP))


async def _impatient_over_polling(session: Session, interval: float, timeout: float) -> None:
    while True:
        await asyncio.sleep(interval)
        await _beat(session, "", timeout * (1 if session.websocket else 0.4))


async def _no_timeout_without_gets(session: Session, interval: float, timeout: float) -> None:
    while True:
        await asyncio.sleep(interval)
        if session.websocket is not None or session.polling:
            await _beat(session, "", timeout)
        else:
            session.send(Packet(PacketType.PING))


_beating("pings-begin-with-a-second-message", _after_a_message)
_beating("pings-on-websockets-are-binary", _binary_pings)
_beating("pings-over-polling-are-noops", _noops_over_polling)
_beating("patience-is-shorter-over-polling", _impatient_over_polling)
_beating("sessions-without-a-get-never-time-out", _no_timeout_without_gets)
_beating("pings-stop-after-one", _stops_after_one)
_beating("pings-come-only-when-idle", _only_when_idle)
_beating("ping-intervals-grow", _doubling)
_beating("ping-intervals-have-the-timeout-added", _at_the_timeout)
_beating("polling-pings-carry-the-time", _with_the_time)
_beating("second-pings-carry-data", _second_with_data)
_beating("pings-end-at-upgrades", _end_at_upgrades)
_beating("pings-stay-on-polling-after-upgrades", _polling_after_upgrades)
_beating("second-pongs-do-not-count", _count_one_pong)
_beating("patience-ends-with-the-first-pong", _impatient_later)
_beating("upgraded-sessions-never-time-out", _no_timeout_after_upgrades)
_beating("sessions-that-ponged-never-time-out", _no_timeout_after_a_pong)
_beating("timeouts-keep-the-websocket-open", _timeout_keeps_websockets)


@fault("timed-out-sessions-take-gets", EngineIOServer, "_session_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any, sid: str) -> Any:
    if sid not in server.sessions and sid.startswith("engine-") and request.method == "GET":
        return respond(200, b"6")
    return go(request, query, sid)


def _pongs(name: str, ignored: Any) -> None:
    @fault(name, Session, "receive")
    def receive(go: Any, session: Session, packet: Packet) -> None:
        if packet.type != PacketType.PONG or not ignored(session):
            go(packet)


_pongs("pongs-on-websockets-after-upgrades-are-lost", lambda s: vars(s).get("blind upgraded"))
_pongs("every-second-pong-is-lost", lambda s: count(s, "pongs") % 2 == 0)


@fault("pongs-on-websockets-after-upgrades-are-lost", Session, "upgrade")
def _(go: Any, session: Session, websocket: WebSocket) -> None:
    vars(session)["blind upgraded"] = True
    go(websocket)


@fault("pongs-behind-messages-are-lost", engineio_faults, "posted")
def _(go: Any, kind: Any, body: bytes) -> list[Packet]:
    packets = go(kind, body)
    return packets[:1] + [each for each in packets[1:] if each.type != PacketType.PONG]


def _pings(name: str, when: Any, answer: Any) -> None:
    """A fault that does something else with a client's PING than to close the session."""

    @fault(name, Session, "receive")
    def receive(go: Any, session: Session, packet: Packet) -> None:
        if packet.type == PacketType.PING and when(session, packet):
            if answer:
                session.send(Packet(PacketType.PONG, packet.data))
            return
        go(packet)


_pings("pings-in-posts-are-answered", lambda s, p: s.websocket is None, True)
_pings("pings-in-posts-are-passed-over", lambda s, p: s.websocket is None, False)
_pings("pings-on-websockets-are-passed-over", lambda s, p: s.websocket is not None, False)
_pings("pings-with-data-are-answered", lambda s, p: bool(p.data), True)
_pings("pings-after-upgrades-are-answered", lambda s, p: vars(s).get("blind upgraded"), True)


@fault("pings-after-upgrades-are-answered", Session, "upgrade")
def _(go: Any, session: Session, websocket: WebSocket) -> None:
    vars(session)["blind upgraded"] = True
    go(websocket)
