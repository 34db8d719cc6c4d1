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
        self.twice: set[tuple[str, str]] = set()  # what faults count: joined again, (sid, room)

    # Coming and going.

    def add(self, socket: Socket) -> None:
        """A socket has connected."""
        self.sockets[socket.sid] = socket
        if self.fault != "forgets-the-own-room":
            self.join(socket.sid, socket.sid)

    def remove(self, sid: str) -> None:
        """A socket has gone: it leaves every room."""
        if self.fault != "left-namespaces-keep-their-rooms":
            for room in self.rooms_of(sid):
                self.leave(sid, room)
        self.sockets.pop(sid, None)

    def join(self, sid: str, room: str) -> None:
        """Put a socket into a room; nothing happens when it is in there."""
        if sid in self.rooms.get(room, ()):
            self.twice.add((sid, room))
        self.rooms.setdefault(room, set()).add(sid)

    def leave(self, sid: str, room: str) -> None:
        """Take a socket out of a room; nothing happens when it is not in there."""
        members = self.rooms.get(room, set())
        match self.fault:
            case "leaving-a-strange-room-is-an-error" if sid not in members:
                raise KeyError(room)
            case "two-joins-need-two-leaves" if (sid, room) in self.twice:
                self.twice.discard((sid, room))
                return
            case "one-of-several-cannot-leave" if len(members) > 1:
                return
            case "the-last-one-cannot-leave" if len(members) == 1:
                return
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
        if self.fault == "unknown-rooms-are-an-error" and to and not self.rooms.keys() & set(to):
            raise KeyError(*to)
        if self.fault == "ignores-skip":
            skip = ()
        if self.fault == "ignores-except":
            without = ()
        if self.fault == "no-rooms-are-all-rooms" and to == []:
            to = None
        if self.fault == "empty-name-is-everyone" and to == [""]:
            to = None
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
        if self.fault == "reaches-strangers" and args in (["hello"], ["to you"]):
            to = None
        for socket in self.hearers(to, without, skip):
            for _ in range(self._times(socket, to)):
                socket.send(packet)

    def _times(self, socket: Socket, to: Iterable[str] | None) -> int:
        """How often a socket hears an event: once, but for a fault."""
        rooms = list(to or ())
        match self.fault:
            case "broadcasts-twice" if to is None:
                return 2
            case "counts-joins" if any((socket.sid, room) in self.twice for room in rooms):
                return 2
            case "counts-rooms" if len(rooms) > 1:
                return sum(socket.sid in self.members(room) for room in rooms)
        return 1
