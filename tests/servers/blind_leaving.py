"""Blind faults in leaving a namespace, and in events of others than its clients."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from sockproof.wire.socketio import Packet, PacketType
from tests.servers import socketio_faults
from tests.servers.blind_connecting import in_one_moment
from tests.servers.blind_weaving import fault, once
from tests.servers.rooms import Adapter
from tests.servers.socketio_fixture import Fixture
from tests.servers.socketio_server import SocketIOServer
from tests.servers.socketio_socket import Connection, Socket

EVENTS = (PacketType.EVENT, PacketType.BINARY_EVENT)

# Leaving.


@fault("disconnects-of-custom-are-answered", SocketIOServer, "_left")
def _(go: Any, server: SocketIOServer, socket: Socket, reason: str) -> None:
    go(socket, reason)
    if reason.startswith("client") and socket.namespace != "/":
        socket.send(Packet(PacketType.DISCONNECT, socket.namespace))


@fault("disconnects-are-answered-over-polling", SocketIOServer, "_left")
def _(go: Any, server: SocketIOServer, socket: Socket, reason: str) -> None:
    go(socket, reason)
    if reason.startswith("client") and socket.connection.session.websocket is None:
        socket.send(Packet(PacketType.DISCONNECT, socket.namespace))


@fault("disconnects-need-a-comma", socketio_faults, "read")
def _(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
    if isinstance(message, str) and message[:2] == "1/" and not message.endswith(","):
        return None
    return go(connection, message)


@fault("events-behind-a-disconnect-of-a-moment-are-handled", SocketIOServer, "_packet")
def _(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
    if packet.type == PacketType.DISCONNECT and packet.namespace in connection.sockets:
        asyncio.get_running_loop().call_later(0.02, _leave_late, go, connection, packet)
    else:
        go(connection, packet)


def _leave_late(go: Any, connection: Connection, packet: Packet) -> None:
    if packet.namespace in connection.sockets:
        go(connection, packet)


@fault("put-out-of-custom-is-told-in-main", Socket, "send")
def _(go: Any, socket: Socket, packet: Packet) -> None:
    if packet.type == PacketType.DISCONNECT:
        packet = replace(packet, namespace="/")
    go(packet)


@fault("put-out-over-polling-is-not-told", Socket, "send")
def _(go: Any, socket: Socket, packet: Packet) -> None:
    told = packet.type != PacketType.DISCONNECT or socket.connection.session.websocket is not None
    if told:
        go(packet)


@fault("who-was-put-out-hears-broadcasts", Adapter, "remove")
def _(go: Any, adapter: Adapter, sid: str) -> None:
    socket = adapter.sockets.get(sid)
    go(sid)
    if socket is not None and not socket.connection.session.closed:
        adapter.sockets[sid] = socket


@fault("who-was-put-out-is-answered-calls", SocketIOServer, "disconnect")
def _(go: Any, server: SocketIOServer, socket: Socket) -> None:
    go(socket)
    socket.emit("disconnected", "server")


@fault("events-of-who-was-put-out-are-handled", SocketIOServer, "_left")
def _(go: Any, server: SocketIOServer, socket: Socket, reason: str) -> None:
    go(socket, reason)
    if reason.startswith("server namespace"):
        vars(socket.connection).setdefault("blind out", {})[socket.namespace] = socket


@fault("events-of-who-was-put-out-are-handled", SocketIOServer, "_not_joined")
def _(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
    socket = vars(connection).get("blind out", {}).get(packet.namespace)
    if socket is not None and packet.type in EVENTS:
        server.fixture.event(socket, packet.data[0], packet.data[1:], packet.id)


@fault("events-go-to-the-namespace-that-connected-last", SocketIOServer, "_packet")
def _(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
    if packet.type in EVENTS and packet.namespace == "/" and len(connection.sockets) > 2:
        packet = replace(packet, namespace=list(connection.sockets)[-1])
    go(connection, packet)


@fault("neighbouring-events-share-a-namespace", SocketIOServer, "_packet")
def _(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
    if packet.type in EVENTS and len(connection.sockets) > 1:
        if in_one_moment(connection, "events") == 1:
            vars(connection)["blind namespace"] = packet.namespace
        packet = replace(packet, namespace=vars(connection)["blind namespace"])
    go(connection, packet)


@fault("first-events-after-a-second-namespace-are-lost", SocketIOServer, "_packet")
def _(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
    lost = packet.type in EVENTS and len(connection.sockets) == 2 and once(connection, "second")
    if not lost:
        go(connection, packet)


# Putting out.


@fault("others-that-are-put-out-are-not-told", SocketIOServer, "disconnect")
def _(go: Any, server: SocketIOServer, socket: Socket) -> None:
    if server.adapters[socket.namespace].speaking is socket:
        go(socket)
    else:
        server._left(socket, "server namespace disconnect")


@fault("being-put-out-of-custom-leaves-main", SocketIOServer, "disconnect")
def _(go: Any, server: SocketIOServer, socket: Socket) -> None:
    go(socket)
    main = socket.connection.sockets.get("/")
    if socket.namespace != "/" and main is not None:
        server._left(main, "server namespace disconnect")


@fault("being-put-out-empties-the-rooms-of-others", SocketIOServer, "disconnect")
def _(go: Any, server: SocketIOServer, socket: Socket) -> None:
    go(socket)
    for other in socket.connection.sockets.values():
        for room in server.adapters[other.namespace].rooms_of(other.sid):
            server.adapters[other.namespace].leave(other.sid, room)


@fault("abrupt-ends-have-no-reason", Fixture, "disconnected")
def _(go: Any, fixture: Fixture, socket: Socket, reason: str, rooms: Any) -> None:
    go(socket, "" if reason == "transport close" else reason, rooms)


@fault("abrupt-ends-in-custom-have-null-for-a-reason", Fixture, "disconnected")
def _(go: Any, fixture: Fixture, socket: Socket, reason: Any, rooms: Any) -> None:
    go(socket, reason if socket.namespace == "/" else None, rooms)


@fault("ends-are-told-once-for-each-room", Fixture, "disconnected")
def _(go: Any, fixture: Fixture, socket: Socket, reason: str, rooms: list[str]) -> None:
    for _ in range(max(1, len(rooms) - 1)):
        go(socket, reason, rooms)


@fault("ends-with-attachments-missing-are-not-told", Fixture, "disconnected")
def _(go: Any, fixture: Fixture, socket: Socket, reason: str, rooms: list[str]) -> None:
    if not socket.connection.decoder.pending:
        go(socket, reason, rooms)


@fault("ends-during-calls-are-not-told", Fixture, "disconnected")
def _(go: Any, fixture: Fixture, socket: Socket, reason: str, rooms: list[str]) -> None:
    if not socket._acks:
        go(socket, reason, rooms)
