"""Blind faults in upgrades, and in a second WebSocket of a session."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from dataclasses import replace
from typing import Any

from sockproof.wire.engineio import SEPARATOR, Packet, PacketType
from tests.servers.blind_weaving import count, fault
from tests.servers.engineio_http import Gone, HttpConnection, WebSocket, respond
from tests.servers.engineio_server import EngineIOServer
from tests.servers.engineio_session import Session

MARK = SEPARATOR.encode()

# Upgrades.


@fault("probes-are-answered-in-gets", WebSocket, "send")
def _(go: Any, websocket: WebSocket, message: str | bytes) -> None:
    if message != "3probe":
        go(message)


@fault("probes-are-answered-in-gets", Session, "probe")
def _(go: Any, session: Session, websocket: WebSocket) -> None:
    session.send(Packet(PacketType.PONG, "probe"))
    go(websocket)


@fault("probes-are-answered-in-binary", WebSocket, "send")
def _(go: Any, websocket: WebSocket, message: str | bytes) -> None:
    go(b"3probe" if message == "3probe" else message)


@fault("probes-are-answered-twice", WebSocket, "send")
def _(go: Any, websocket: WebSocket, message: str | bytes) -> None:
    go(message)
    if message == "3probe":
        go(message)


@fault("second-probes-are-not-answered", EngineIOServer, "_probed")
async def _(go: Any, server: EngineIOServer, session: Session, websocket: WebSocket) -> bool:
    if count(session, "probes") == 1:
        return await go(session, websocket)
    websocket.closing = True
    with contextlib.suppress(Gone):
        await websocket.receive()
    return False


@fault("pending-gets-are-cut-by-probes", EngineIOServer, "_poll")
async def _(go: Any, server: EngineIOServer, connection: Any, session: Session) -> Any:
    held = not session.ready.is_set()
    response = await go(connection, session)
    if held and session.probing is not None:
        raise Gone
    return response


@fault("pending-gets-get-an-empty-body-at-probes", EngineIOServer, "_poll")
async def _(go: Any, server: EngineIOServer, connection: Any, session: Session) -> Any:
    response = await go(connection, session)
    return respond(200) if response.body == b"6" and session.probing is not None else response


@fault("pending-gets-wait-for-the-upgrade", Session, "probe")
def _(go: Any, session: Session, websocket: WebSocket) -> None:
    session.probing = websocket


@fault("binary-stays-on-polling", Session, "send")
def _(go: Any, session: Session, packet: Packet) -> None:
    websocket = session.websocket
    if isinstance(packet.data, bytes) and vars(session).get("blind upgraded"):
        session.websocket = None
    go(packet)
    session.websocket = websocket


@fault("binary-stays-on-polling", Session, "upgrade")
def _(go: Any, session: Session, websocket: WebSocket) -> None:
    vars(session)["blind upgraded"] = True
    go(websocket)


@fault("long-text-stays-on-polling", Session, "send")
def _(go: Any, session: Session, packet: Packet) -> None:
    websocket = session.websocket
    if len(packet.data) > 1000 and vars(session).get("blind upgraded"):
        session.websocket = None
    go(packet)
    session.websocket = websocket


@fault("long-text-stays-on-polling", Session, "upgrade")
def _(go: Any, session: Session, websocket: WebSocket) -> None:
    vars(session)["blind upgraded"] = True
    go(websocket)


@fault("binary-goes-to-probing-websockets", Session, "send")
def _(go: Any, session: Session, packet: Packet) -> None:
    if isinstance(packet.data, bytes) and session.probing and session.websocket is None:
        session.probing.send(packet.data)
    else:
        go(packet)


@fault("second-messages-go-to-probing-websockets", Session, "send")
def _(go: Any, session: Session, packet: Packet) -> None:
    probing = session.probing if session.websocket is None else None
    message = probing is not None and packet.type == PacketType.MESSAGE
    if probing is not None and message and count(session, "early") == 2:
        probing.send(packet.encode())
    else:
        go(packet)


def _upgrades(name: str, change: Any) -> None:
    """A fault that has other packets waiting at the upgrade: `change(packets)` gives them."""

    @fault(name, Session, "upgrade")
    def upgrade(go: Any, session: Session, websocket: WebSocket) -> None:
        session.buffer = change(session.buffer)
        go(websocket)


_upgrades("upgrades-keep-ten-packets", lambda packets: packets[:10])
_upgrades("upgrades-keep-the-last-packet", lambda packets: packets[-1:])
_upgrades(
    "upgrades-send-text-first",
    lambda packets: sorted(packets, key=lambda p: isinstance(p.data, bytes)),
)
_upgrades("upgrades-turn-the-buffer-round", lambda packets: packets[::-1])
_upgrades("upgrades-lose-binary", lambda packets: [p for p in packets if isinstance(p.data, str)])
_upgrades(
    "upgrades-lose-attachments-behind-the-first",
    lambda packets: [p for n, p in enumerate(packets) if n < 2 or isinstance(p.data, str)],
)
_upgrades("upgrades-double-the-last-packet", lambda packets: packets + packets[-1:])


@fault("upgrades-send-binary-as-base64", Session, "_send_on")
def _(go: Any, session: Session, websocket: WebSocket, message: str | bytes) -> None:
    if isinstance(message, bytes) and session.probing is not None:
        message = "b" + base64.b64encode(message).decode()
    go(websocket, message)


@fault("binary-posted-before-upgrades-is-late", Session, "_message")
def _(go: Any, session: Session, packet: Packet) -> None:
    if session.probing is not None and session.websocket is None and isinstance(packet.data, bytes):
        asyncio.get_running_loop().call_later(0.05, go, packet)
    else:
        go(packet)


@fault("posts-under-way-at-upgrades-are-refused", EngineIOServer, "_post")
async def _(
    go: Any, server: EngineIOServer, connection: Any, request: Any, session: Session
) -> Any:
    if session.transport == "websocket":
        await connection.body(request)
        return respond(400)
    body = HttpConnection.body
    read = await body(connection, request)
    if session.transport == "websocket":
        return respond(400)
    connection._rest = read + connection._rest
    sized = replace(
        request,
        headers=(
            ("Content-Length", str(len(read))),
            *request.without("Transfer-Encoding").without("Content-Length").headers,
        ),
    )
    return await go(connection, sized, session)


@fault("abandoned-upgrades-lose-what-waits", Session, "abandon")
def _(go: Any, session: Session) -> None:
    if session.websocket is None:
        session.buffer.clear()
    go()


@fault("upgrades-abandoned-by-close-frames-end-sessions", WebSocket, "_control")
def _(go: Any, websocket: WebSocket, frame: Any) -> None:
    vars(websocket)["blind close"] = frame.opcode == 8
    go(frame)


@fault("upgrades-abandoned-by-close-frames-end-sessions", EngineIOServer, "_probed")
async def _(go: Any, server: EngineIOServer, session: Session, websocket: WebSocket) -> bool:
    done = await go(session, websocket)
    if not done and vars(websocket).get("blind close"):
        session.close("transport error")
    return done


@fault("abandoned-upgrades-hold-the-place", EngineIOServer, "_probed")
async def _(go: Any, server: EngineIOServer, session: Session, websocket: WebSocket) -> bool:
    done = await go(session, websocket)
    if not done and not session.closed:
        session.polling = True
    return done


@fault("abandoned-upgrades-stop-posts", EngineIOServer, "_probed")
async def _(go: Any, server: EngineIOServer, session: Session, websocket: WebSocket) -> bool:
    done = await go(session, websocket)
    if not done and not session.closed:
        session.transport = "websocket"
    return done


@fault("upgrades-need-no-probe", EngineIOServer, "_probed")
async def _(go: Any, server: EngineIOServer, session: Session, websocket: WebSocket) -> bool:
    with contextlib.suppress(Gone):
        first = await websocket.receive()
        if first == "5":
            session.upgrade(websocket)
            return True
        kept = [first]

        async def again() -> Any:
            return kept.pop() if kept else await WebSocket.receive(websocket)

        websocket.receive = again
        return await go(session, websocket)
    return False


@fault("messages-need-no-probe", EngineIOServer, "_probed")
async def _(go: Any, server: EngineIOServer, session: Session, websocket: WebSocket) -> bool:
    with contextlib.suppress(Gone):
        first = await websocket.receive()
        if first[:1] == "4":
            session.receive(Packet(PacketType.MESSAGE, first[1:]))
            return False
        kept = [first]

        async def again() -> Any:
            return kept.pop() if kept else await WebSocket.receive(websocket)

        websocket.receive = again
        return await go(session, websocket)
    return False


@fault("upgraded-posts-are-handled", EngineIOServer, "_session_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any, sid: str) -> Any:
    return None if sid in server.sessions and request.method == "POST" else go(request, query, sid)


@fault("upgraded-gets-are-held", EngineIOServer, "_session_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any, sid: str) -> Any:
    return (
        None
        if sid in server.sessions
        and request.method == "GET"
        and not request.get("Sec-WebSocket-Key")
        else go(request, query, sid)
    )


@fault("posts-after-upgrades-change-back", EngineIOServer, "_session_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any, sid: str) -> Any:
    refused = go(request, query, sid)
    if refused is not None and sid in server.sessions and request.method == "POST":
        server.sessions[sid].websocket = None
    return refused


@fault("gets-after-upgrades-swallow-a-message", EngineIOServer, "_session_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any, sid: str) -> Any:
    refused = go(request, query, sid)
    if refused is not None and sid in server.sessions and request.method == "GET":
        vars(server.sessions[sid])["blind swallow"] = True
    return refused


@fault("gets-after-upgrades-swallow-a-message", Session, "send")
def _(go: Any, session: Session, packet: Packet) -> None:
    if not vars(session).pop("blind swallow", False):
        go(packet)


# A second WebSocket.


def _second(name: str, then: Any) -> None:
    """A fault that accepts a second WebSocket of a session and does something with it."""

    @fault(name, EngineIOServer, "_serve_websocket")
    async def serve(go: Any, server: EngineIOServer, connection: Any, request: Any) -> bool:
        sid = request.target.partition("sid=")[2].partition("&")[0]
        session = server.sessions.get(sid)
        if session is None or session.websocket is None:
            return await go(connection, request)
        websocket = connection.upgrade(request)
        await then(session, websocket)
        return True


async def _held(session: Session, websocket: WebSocket) -> None:
    with contextlib.suppress(Gone):
        while True:
            await websocket.receive()


async def _steals(session: Session, websocket: WebSocket) -> None:
    if await websocket.receive() == "2probe":
        session.websocket = websocket
        websocket.send("3probe")
    await _held(session, websocket)


async def _ends_pings(session: Session, websocket: WebSocket) -> None:
    websocket.close()
    vars(session)["blind deaf"] = True


_second("second-websockets-are-held", _held)
_second("second-websockets-steal-at-the-probe", _steals)
_second("second-websockets-make-the-first-deaf", _ends_pings)


@fault("second-websockets-make-the-first-deaf", Session, "receive")
def _(go: Any, session: Session, packet: Packet) -> None:
    if not vars(session).get("blind deaf"):
        go(packet)


@fault("second-websockets-during-a-probe-are-held", EngineIOServer, "_serve_websocket")
async def _(go: Any, server: EngineIOServer, connection: Any, request: Any) -> bool:
    sid = request.target.partition("sid=")[2].partition("&")[0]
    session = server.sessions.get(sid)
    if session is None or session.probing is None or session.websocket is not None:
        return await go(connection, request)
    await _held(session, connection.upgrade(request))
    return True
