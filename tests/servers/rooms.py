"""Rooms: who is in which, and who hears what is said to them. One `Adapter` is one namespace.

A room exists as long as somebody is in it. Every socket is alone in the room named like its sid
from the start.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from sockproof.wire.socketio import Packet, PacketType

if TYPE_CHECKING:
    from tests.servers.socketio_socket import Socket


class Adapter:
    """The sockets and rooms of one namespace."""

    def __init__(self, namespace: str, fault: str | None = None) -> None:
        self.namespace = namespace
        self.fault = fault
        self.sockets: dict[str, Socket] = {}
        self.rooms: dict[str, set[str]] = {}  # room -> sids

    # Coming and going.

    def add(self, socket: Socket) -> None:
        """A socket has connected."""
        self.sockets[socket.sid] = socket
        self.join(socket.sid, socket.sid)

    def remove(self, sid: str) -> None:
        """A socket has gone: it leaves every room."""
        for room in self.rooms_of(sid):
            self.leave(sid, room)
        self.sockets.pop(sid, None)

    def join(self, sid: str, room: str) -> None:
        """Put a socket into a room; nothing happens when it is in there."""
        self.rooms.setdefault(room, set()).add(sid)

    def leave(self, sid: str, room: str) -> None:
        """Take a socket out of a room; nothing happens when it is not in there."""
        members = self.rooms.get(room, set())
        members.discard(sid)
        if not members:
            self.rooms.pop(room, None)

    def close_room(self, room: str) -> None:
        """Take everybody out of a room."""
        for sid in self.members(room):
            self.leave(sid, room)

    # Asking.

    def rooms_of(self, sid: str) -> list[str]:
        """The rooms that a socket is in, sorted."""
        return sorted(room for room, members in self.rooms.items() if sid in members)

    def members(self, room: str) -> list[str]:
        """The sids in a room, sorted."""
        return sorted(self.rooms.get(room, ()))

    def hearers(
        self,
        to: Iterable[str] | None = None,
        without: Iterable[str] = (),
        skip: Collection[str] = (),
    ) -> list[Socket]:
        """Who hears something said to the union of rooms `to`, or to everybody when it is None.

        Not heard by those in a room of `without`, nor by the sids in `skip`; once each.
        """
        found = set(self.sockets)
        if to is not None:
            found = set().union(*(self.members(room) for room in to))
        for room in without:
            found -= set(self.members(room))
        return [socket for sid, socket in self.sockets.items() if sid in found and sid not in skip]

    # Speaking.

    def emit(
        self,
        event: str,
        args: list[Any],
        to: Iterable[str] | None = None,
        without: Iterable[str] = (),
        skip: Collection[str] = (),
    ) -> None:
        """Send an event to all who hear it; see `hearers`."""
        packet = Packet(PacketType.EVENT, self.namespace, [event, *args])
        for socket in self.hearers(to, without, skip):
            socket.send(packet)
