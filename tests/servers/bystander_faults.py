"""Faults of our Socket.IO server by which somebody overhears what is said to others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sockproof.wire.socketio import Packet

if TYPE_CHECKING:
    from tests.servers.rooms import Adapter
    from tests.servers.socketio_socket import Socket


def overheard(adapter: Adapter, packet: Packet, to: Iterable[str] | None) -> None:
    """An event has been sent to who hears it; a fault sends it to somebody besides."""
    rooms = set(to or ())
    for socket in _overhearing(adapter, rooms) if rooms else _elsewhere(adapter, to):
        if not rooms & set(adapter.rooms_of(socket.sid)):
            socket.send(Packet(packet.type, socket.namespace, packet.data))


def _overhearing(adapter: Adapter, rooms: set[str]) -> list[Socket]:
    sockets = list(adapter.sockets.values())
    match adapter.fault:
        case "rooms-reach-the-first-client":
            return sockets[:1]
        case "rooms-reach-the-last-client":
            return sockets[-1:]
        case "sids-reach-the-first-client" if rooms <= set(adapter.sockets):
            return sockets[:1]
        case "rooms-reach-who-left-another":
            left = {sid for sid, room in adapter.left if str(room).startswith("left-")}
            return [socket for socket in sockets if socket.sid in left]
        case "rooms-reach-another-namespace" if adapter.namespace == "/":
            return list(adapter.others["/other"].sockets.values())
        case "rooms-reach-long-polling":
            polling = [each for each in sockets if each.connection.session.transport == "polling"]
            return polling[:1]
        case "rooms-reach-everyone":
            return sockets
    return []


def _elsewhere(adapter: Adapter, to: Iterable[str] | None) -> list[Socket]:
    """Who hears what is said to everyone in another namespace."""
    others = {
        "broadcasts-reach-the-first-of-another-namespace": ("/", "/other"),
        "broadcasts-in-custom-reach-the-first-of-the-main-one": ("/custom", "/"),
    }
    namespace, other = others.get(adapter.fault or "", ("", ""))
    if to is not None or adapter.namespace != namespace:
        return []
    return list(adapter.others[other].sockets.values())[:1]


def answered(adapter: Adapter, socket: Socket, args: list[Any]) -> None:
    """A client has been answered; a fault answers the first client too."""
    if adapter.fault == "answers-reach-the-first-client":
        first = next(iter(adapter.sockets.values()))
        if first is not socket:
            first.emit("message-back", *args)
