"""Blind faults in what the application hears of clients, and in refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from sockproof.wire.socketio import Packet, PacketType
from tests.servers.blind_weaving import count, fault
from tests.servers.engineio_session import CLOSED_BY_CLIENT, Session
from tests.servers.socketio_fixture import Fixture
from tests.servers.socketio_server import SocketIOServer
from tests.servers.socketio_socket import Connection, Socket

EVENTS = (PacketType.EVENT, PacketType.BINARY_EVENT)

# Handlers.


def _logs(name: str, kind: str, change: Any) -> None:
    """A fault of what the application hears: `change(entry)` gives a list of entries."""
    method = "connecting" if kind == "connect" else "disconnected"

    @fault(name, Fixture, method)
    def logged(go: Any, fixture: Fixture, socket: Socket, *args: Any) -> None:
        before = len(fixture.log)
        go(socket, *args)
        entries = [fixture.log.pop() for _ in range(len(fixture.log) - before)][::-1]
        for entry in entries:
            fixture.log.extend(change(entry, socket))


def _entry(socket: Socket, **more: Any) -> dict[str, Any]:
    return {"namespace": socket.namespace, "sid": socket.sid, **more}


@fault("upgrades-run-connect-handlers-again", SocketIOServer, "session_opened")
def _(go: Any, server: SocketIOServer, session: Session) -> None:
    go(session)
    upgrade = session.upgrade

    def upgraded(websocket: Any) -> None:
        upgrade(websocket)
        for socket in session.layer.sockets.values():
            server.fixture.log.append(_entry(socket, type="connect", auth=socket.auth))

    session.upgrade = upgraded


@fault("second-connects-run-connect-handlers", SocketIOServer, "_connect")
def _(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
    socket = connection.sockets.get(packet.namespace)
    if socket is not None:
        server.fixture.log.append(_entry(socket, type="connect", auth=packet.data))
    go(connection, packet)


@fault("leaving-and-closing-are-told-twice", SocketIOServer, "session_opened")
def _(go: Any, server: SocketIOServer, session: Session) -> None:
    go(session)
    above = session.on_close

    def closed(reason: str) -> None:
        for socket in vars(session.layer).get("blind left", ()):
            server.fixture.disconnected(socket, reason, [])
        above(reason)

    session.on_close = closed


@fault("leaving-and-closing-are-told-twice", SocketIOServer, "_left")
def _(go: Any, server: SocketIOServer, socket: Socket, reason: str) -> None:
    if reason == "client namespace disconnect":
        vars(socket.connection).setdefault("blind left", []).append(socket)
    go(socket, reason)


_logs(
    "being-put-out-is-told-twice",
    "disconnect",
    lambda e, s: [e, e] if e["reason"].startswith("server") else [e],
)
_logs(
    "being-put-out-is-not-told",
    "disconnect",
    lambda e, s: [] if e["reason"].startswith("server") else [e],
)
_logs(
    "leaving-is-told-without-a-reason",
    "disconnect",
    lambda e, s: [{**e, "reason": None}] if e["reason"].startswith("client") else [e],
)
_logs("leaving-custom-is-told-of-main", "disconnect", lambda e, s: [{**e, "namespace": "/"}])
_logs(
    "leaving-over-polling-is-not-told",
    "disconnect",
    lambda e, s: [] if s.connection.session.transport == "polling" else [e],
)
_logs(
    "ends-of-upgraded-sessions-are-not-told",
    "disconnect",
    lambda e, s: [] if vars(s.connection.session).get("blind upgraded") else [e],
)
_logs(
    "ends-are-told-of-the-main-namespace-alone",
    "disconnect",
    lambda e, s: [] if e["reason"].startswith("transport") and s.namespace != "/" else [e],
)
_logs(
    "ends-are-told-of-two-namespaces",
    "disconnect",
    lambda e, s: (
        [] if e["reason"].startswith("transport") and count(s.connection, "ends") > 2 else [e]
    ),
)
_logs(
    "timeouts-are-told-of-the-main-namespace-alone",
    "disconnect",
    lambda e, s: [] if e["reason"] == "ping timeout" and s.namespace != "/" else [e],
)
_logs(
    "timeouts-over-polling-are-not-told",
    "disconnect",
    lambda e, s: (
        [] if e["reason"] == "ping timeout" and s.connection.session.transport == "polling" else [e]
    ),
)
_logs(
    "handlers-after-upgrades-are-not-told-the-payload",
    "connect",
    lambda e, s: [{**e, "auth": None}] if vars(s.connection.session).get("blind upgraded") else [e],
)


@fault("ends-of-upgraded-sessions-are-not-told", Session, "upgrade")
def _(go: Any, session: Session, websocket: Any) -> None:
    vars(session)["blind upgraded"] = True
    go(websocket)


@fault("handlers-after-upgrades-are-not-told-the-payload", Session, "upgrade")
def _(go: Any, session: Session, websocket: Any) -> None:
    vars(session)["blind upgraded"] = True
    go(websocket)


@fault("close-packets-are-not-told", SocketIOServer, "session_opened")
def _(go: Any, server: SocketIOServer, session: Session) -> None:
    go(session)
    above, receive = session.on_close, session.receive

    def received(packet: Any) -> None:
        vars(session)["blind close"] = packet.type == 1
        receive(packet)

    def closed(reason: str) -> None:
        if reason == CLOSED_BY_CLIENT and vars(session).get("blind close"):
            for socket in list(session.layer.sockets.values()):
                server.adapters[socket.namespace].remove(socket.sid)
            return
        above(reason)

    session.receive, session.on_close = received, closed


# Refusals.


def _refusals(name: str, change: Any) -> None:
    """A fault that refuses by another packet: `change(packet)`."""

    @fault(name, Connection, "send")
    def send(go: Any, connection: Connection, packet: Packet) -> None:
        go(change(packet) if packet.type == PacketType.CONNECT_ERROR else packet)


def _known(packet: Packet) -> bool:
    return packet.namespace in ("/", "/custom", "/other", "/reject")


_refusals(
    "unknown-namespaces-are-refused-with-text",
    lambda p: p if _known(p) else replace(p, data=p.data["message"]),
)
_refusals(
    "unknown-namespaces-are-refused-without-payload",
    lambda p: p if _known(p) else replace(p, data=None),
)
_refusals(
    "unknown-namespaces-are-refused-in-the-main-one",
    lambda p: p if _known(p) else replace(p, namespace="/"),
)
_refusals("refusals-are-in-lower-case", lambda p: replace(p, namespace=p.namespace.lower()))
_refusals(
    "refusals-with-data-have-no-message",
    lambda p: replace(p, data=p.data["data"]) if "data" in p.data else p,
)
_refusals(
    "refusals-without-a-message-have-null",
    lambda p: (
        replace(p, data={"message": None}) if p.data["message"].startswith("Connection") else p
    ),
)
_refusals(
    "refusals-hold-lists",
    lambda p: replace(p, data=[p.data["message"]]) if p.data.get("message") == "no entry" else p,
)
_refusals(
    "refusals-are-cut-at-four-characters",
    lambda p: replace(p, data={**p.data, "message": p.data["message"][:4]}) if _known(p) else p,
)
_refusals(
    "refusals-have-their-data-beside",
    lambda p: (
        replace(p, data={"message": p.data["message"], **p.data["data"]}) if "data" in p.data else p
    ),
)
_refusals(
    "refusals-in-custom-say-only-that",
    lambda p: (
        replace(p, data={**p.data, "message": "Connection refused"}) if "data" in p.data else p
    ),
)
_refusals(
    "refusals-carry-data-as-text",
    lambda p: (
        replace(p, data={**p.data, "data": json.dumps(p.data["data"])}) if "data" in p.data else p
    ),
)


def _after_refusals(name: str, then: Any) -> None:
    """A fault that does something to the client's other namespaces when one is refused."""

    @fault(name, SocketIOServer, "_refuse")
    def refuse(go: Any, server: SocketIOServer, connection: Connection, *args: Any) -> None:
        go(connection, *args)
        then(server, connection)


def _lose_rooms(server: SocketIOServer, connection: Connection) -> None:
    for socket in connection.sockets.values():
        for room in server.adapters[socket.namespace].rooms_of(socket.sid):
            server.adapters[socket.namespace].leave(socket.sid, room)


def _lose_calls(server: SocketIOServer, connection: Connection) -> None:
    for socket in connection.sockets.values():
        socket._acks.clear()


def _lose_data(server: SocketIOServer, connection: Connection) -> None:
    for socket in connection.sockets.values():
        socket.data = {}


def _lose_custom(server: SocketIOServer, connection: Connection) -> None:
    vars(connection)["blind refused"] = True


_after_refusals("refusals-empty-the-rooms-of-others", _lose_rooms)
_after_refusals("refusals-forget-calls-under-way", _lose_calls)
_after_refusals("refusals-empty-the-sessions-of-others", _lose_data)


def _close_polling(server: SocketIOServer, connection: Connection) -> None:
    if connection.session.websocket is None:
        connection.session.close("refused")


def _leave_main(server: SocketIOServer, connection: Connection) -> None:
    if "/" in connection.sockets:
        server._left(connection.sockets["/"], "refused")


_after_refusals("refusals-close-sessions-over-polling", _close_polling)
_after_refusals("refusals-leave-main", _leave_main)
_after_refusals("refusals-make-others-unknown", _lose_custom)


@fault("refusals-make-others-unknown", SocketIOServer, "_connect")
def _(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
    if vars(connection).get("blind refused"):
        packet = replace(packet, namespace=f"{packet.namespace}!")
    go(connection, packet)


def _strangers(name: str, when: Any) -> None:
    """A fault that handles events of namespaces that their sender is not in."""

    @fault(name, SocketIOServer, "_not_joined")
    def not_joined(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
        adapter = server.adapters.get(packet.namespace, server.adapters["/"])
        if packet.type in EVENTS and when(connection, packet):
            socket = Socket("stranger", adapter.namespace, connection, None)
            server.fixture.event(socket, packet.data[0], packet.data[1:], packet.id)


def _is_binary(packet: Packet) -> bool:
    return any(isinstance(each, bytes) for each in packet.data)


_strangers("binary-events-of-strangers-are-handled", lambda c, p: _is_binary(p))
_strangers("events-with-an-id-of-strangers-are-handled", lambda c, p: p.id is not None)
_strangers(
    "events-of-unknown-namespaces-are-handled-in-main",
    lambda c, p: p.namespace not in ("/", "/custom", "/other", "/reject"),
)
_strangers(
    "events-of-refused-clients-are-handled-when-binary",
    lambda c, p: p.namespace == "/reject" and _is_binary(p),
)
_strangers(
    "events-of-refused-clients-are-handled-with-an-id",
    lambda c, p: p.namespace == "/reject" and p.id is not None,
)
_strangers("events-of-the-idle-namespace-are-handled", lambda c, p: p.namespace == "/other")
_strangers(
    "events-of-who-left-main-are-handled", lambda c, p: p.namespace == "/" and bool(c.sockets)
)


@fault("leaving-custom-enters-main", SocketIOServer, "_left")
def _(go: Any, server: SocketIOServer, socket: Socket, reason: str) -> None:
    go(socket, reason)
    connection = socket.connection
    if reason.startswith("client") and socket.namespace != "/" and "/" not in connection.sockets:
        server._connect(connection, Packet(PacketType.CONNECT))


@fault("custom-clients-are-in-the-idle-namespace", SocketIOServer, "_connect")
def _(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
    go(connection, packet)
    if "/custom" in connection.sockets and "/other" not in connection.sockets:
        adapter = server.adapters["/other"]
        adapter.add(Socket(f"implicit-{count(adapter, 'implicit')}", "/other", connection, None))


@fault("operations-of-who-left-are-done", SocketIOServer, "_not_joined")
def _(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
    if packet.type in EVENTS and packet.data[0] == "sockproof":
        socket = Socket("gone", packet.namespace, connection, None)
        server.fixture.event(socket, "sockproof", packet.data[1:], None)
