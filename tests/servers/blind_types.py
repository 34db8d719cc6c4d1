"""Blind faults in packet types, and in closing a session."""

from __future__ import annotations

from typing import Any

from sockproof.wire.engineio import SEPARATOR, Packet, PacketType
from tests.servers import engineio_faults
from tests.servers.blind_weaving import fault, once
from tests.servers.engineio_http import Gone, WebSocket, respond
from tests.servers.engineio_server import EngineIOServer
from tests.servers.engineio_session import CLOSED_BY_CLIENT, Session

MARK = SEPARATOR.encode()

# Types of packets in POSTs.


def _typed(name: str, change: Any) -> None:
    """A fault that reads another packet out of a body: `change(part)` gives it."""

    @fault(name, engineio_faults, "posted")
    def posted(go: Any, kind: Any, body: bytes) -> list[Packet]:
        return go(kind, MARK.join(map(change, body.split(MARK))) if body else body)


def _script(part: bytes) -> bytes:
    text = part.decode("utf-8", "replace")
    return f"{int(text[0])}{text[1:]}".encode() if text[:1].isdecimal() else part


_typed(
    "types-seven-to-nine-are-noops", lambda part: b"6" if part[:1] in (b"7", b"8", b"9") else part
)
_typed("types-are-digits-of-any-script", _script)
_typed("a-capital-b-is-base64-too", lambda part: b"b" + part[1:] if part[:1] == b"B" else part)
_typed("types-may-have-a-blank-in-front", lambda part: part.lstrip())
_typed("letters-are-noops", lambda part: b"6" if part[:1].isalpha() and part[:1] != b"b" else part)
_typed("minus-signs-are-noops", lambda part: b"6" if part[:1] in (b"-", b"+") else part)


@fault("untyped-packets-behind-others-are-passed-over", engineio_faults, "posted")
def _(go: Any, kind: Any, body: bytes) -> list[Packet]:
    first, *others = body.split(MARK)
    return go(kind, MARK.join([first, *(each for each in others if each[:1] in b"0123456b")]))


@fault("unknown-types-are-refused-and-forgotten", EngineIOServer, "_post")
async def _(go: Any, server: EngineIOServer, connection: Any, request: Any, session: Any) -> Any:
    kept = session.close
    session.close = lambda reason: None if reason == "parse error" else kept(reason)
    try:
        return await go(connection, request, session)
    finally:
        session.close = kept


@fault("the-first-unknown-type-is-forgiven", EngineIOServer, "_post")
async def _(go: Any, server: EngineIOServer, connection: Any, request: Any, session: Any) -> Any:
    kept = session.close

    def close(reason: str) -> None:
        if reason != "parse error" or not once(session, "bad type"):
            kept(reason)

    session.close = close
    try:
        return await go(connection, request, session)
    finally:
        session.close = kept


@fault("open-packets-are-answered-with-open", Session, "receive")
def _(go: Any, session: Session, packet: Packet) -> None:
    if packet.type == PacketType.OPEN:
        session.send(Packet(PacketType.OPEN, '{"sid":"again"}'))
    go(packet)


@fault("open-packets-make-deaf", Session, "receive")
def _(go: Any, session: Session, packet: Packet) -> None:
    if packet.type == PacketType.OPEN:
        vars(session)["blind deaf"] = True
    if not vars(session).get("blind deaf"):
        go(packet)


# Closing.


@fault("pending-gets-are-cut-by-close", EngineIOServer, "_poll")
async def _(go: Any, server: EngineIOServer, connection: Any, session: Session) -> Any:
    held = not session.ready.is_set()
    response = await go(connection, session)
    if held and session.closed:
        raise Gone
    return response


@fault("close-leaves-pending-gets-without-a-body", EngineIOServer, "_poll")
async def _(go: Any, server: EngineIOServer, connection: Any, session: Session) -> Any:
    held = not session.ready.is_set()
    response = await go(connection, session)
    return respond(200) if held and session.closed else response


@fault("close-ends-sessions-only-without-a-get", Session, "receive")
def _(go: Any, session: Session, packet: Packet) -> None:
    if packet.type == PacketType.CLOSE and session.polling:
        session.ready.set()
        session.buffer.append(Packet(PacketType.NOOP))
        return
    go(packet)


@fault("close-with-data-is-passed-over", Session, "receive")
def _(go: Any, session: Session, packet: Packet) -> None:
    if packet.type != PacketType.CLOSE or not packet.data:
        go(packet)


@fault("close-after-an-upgrade-is-passed-over", Session, "receive")
def _(go: Any, session: Session, packet: Packet) -> None:
    upgraded = session.websocket is not None and vars(session).get("blind upgraded")
    if packet.type != PacketType.CLOSE or not upgraded:
        go(packet)


@fault("close-after-an-upgrade-is-passed-over", Session, "upgrade")
def _(go: Any, session: Session, websocket: WebSocket) -> None:
    vars(session)["blind upgraded"] = True
    go(websocket)


@fault("close-keeps-the-websocket", Session, "close")
def _(go: Any, session: Session, reason: str) -> None:
    if reason == CLOSED_BY_CLIENT and session.websocket is not None:
        session.websocket, kept = None, session.websocket
        go(reason)
        session.websocket = kept
    else:
        go(reason)


@fault("close-keeps-the-session-for-posts", EngineIOServer, "_session_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any, sid: str) -> Any:
    if request.method == "POST" and sid.startswith("engine-") and sid not in server.sessions:
        return respond(200, b"ok")
    return go(request, query, sid)
