"""Faults of our Socket.IO server in connecting, leaving, and what its handlers are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockproof.wire.socketio import Packet, PacketType

if TYPE_CHECKING:
    from tests.servers.socketio_fixture import Fixture
    from tests.servers.socketio_server import SocketIOServer
    from tests.servers.socketio_socket import Socket


def logged(fixture: Fixture, entry: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries that the log gets for one."""
    match fixture.fault, entry["type"]:
        case "runs-connect-handlers-twice", "connect":
            return [entry, entry]
        case "runs-disconnect-handlers-twice", "disconnect":
            return [entry, entry]
        case "tells-ping-timeouts-twice", "disconnect" if entry["reason"] == "ping timeout":
            return [entry, entry]
        case "tells-no-payload-to-connect-handlers", "connect":
            return [{**entry, "auth": None}]
        case "gives-no-reason", "disconnect":
            return [{**entry, "reason": ""}]
    return [entry]


def left(server: SocketIOServer, socket: Socket) -> None:
    """A client has left a namespace by a packet of its own."""
    connection = socket.connection
    if server.fault == "answers-disconnects":
        socket.send(Packet(PacketType.DISCONNECT, socket.namespace))
    if server.fault == "tells-all-namespaces-that-one-was-left":
        for other in connection.sockets.values():
            server.fixture.disconnected(other, "left elsewhere", [])


def parted(server: SocketIOServer, socket: Socket, rooms: list[str]) -> None:
    """A client has gone, for whatever reason; it was in these rooms."""
    adapter = server.adapters[socket.namespace]
    if server.fault == "doubles-in-rooms-of-departures":
        adapter.reopened.update(rooms)
    if server.fault == "returning-clients-are-in-their-old-rooms":
        socket.connection.rooms[socket.namespace] = rooms


def returned(server: SocketIOServer, socket: Socket) -> None:
    """A client has connected to a namespace."""
    connection = socket.connection
    if server.fault == "enters-the-main-namespace-unasked" and "/" not in connection.sockets:
        unasked = type(socket)(f"unasked-{socket.sid}", "/", connection, None)
        server.adapters["/"].add(unasked)
    for room in connection.rooms.pop(socket.namespace, ()):
        server.adapters[socket.namespace].join(socket.sid, room)


def refused(server: SocketIOServer, socket: Socket) -> None:
    """A client was refused; `socket` is what it would have been."""
    if server.fault == "refused-clients-are-members":
        server.adapters[socket.namespace].add(socket)
        server.fixture.connecting(socket)
