"""Rooms: who is in which, and who hears what is said to them. One `Adapter` is one namespace.

A room exists as long as somebody is in it. Every socket is alone in the room named like its sid
from the start.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from sockproof.wire.socketio import Packet, PacketType
from tests.servers import bystander_faults, room_faults

if TYPE_CHECKING:
    from tests.servers.socketio_socket import Socket


class Adapter:
    """The sockets and rooms of one namespace."""

    def __init__(self, namespace: str, fault: str | None = None) -> None:
        self.namespace = namespace
        self.fault = fault
        self.sockets: dict[str, Socket] = {}
        self.rooms: dict[str, set[str]] = {}  # room -> sids
        self.speaking: Socket | None = None  # whose event is being handled
        self.others: dict[str, Adapter] = {}  # by namespace, this one too
        # What faults count and keep: joined again, (sid, room); see `room_faults`.
        self.twice: set[tuple[str, str]] = set()
        self.left: set[tuple[str, str]] = set()
        self.afar: set[tuple[str, str]] = set()
        self.reopened: set[str] = set()
        self.octets: list[Any] = []
        self.kept: dict[tuple[str, int], Packet] = {}

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
        match self.fault:
            case "takes-alike-names-for-one":
                room = room_faults.alike(room)
            case "keeps-few-rooms" if len(self.rooms_of(sid)) > room_faults.KEPT_ROOMS:
                return
            case "forgets-who-came-back" if (sid, room) in self.left:
                return
            case "joins-from-afar-count-twice" if self._is_afar(sid):
                self.afar.add((sid, room))
        self.rooms.setdefault(room, set()).add(sid)

    def leave(self, sid: str, room: str) -> None:
        """Take a socket out of a room; nothing happens when it is not in there."""
        members = self.rooms.get(room, set())
        self.left.add((sid, room))
        match self.fault:
            case "leaving-from-afar-is-lost" if self._is_afar(sid):
                return
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
        if self.fault == "doubles-in-rooms-that-were-closed":
            self.reopened.add(room)
        if self.fault == "closes-no-rooms":
            return
        for sid in self.members(room):
            if self.fault == "closes-rooms-in-one-process" and self._is_afar(sid):
                continue
            self.leave(sid, room)
            if self.fault == "closing-a-room-disconnects-its-members":
                self.sockets[sid].send(Packet(PacketType.DISCONNECT, self.namespace))

    def _is_afar(self, sid: str) -> bool:
        return sid in self.sockets and room_faults.is_apart(self, self.sockets[sid])

    # Asking.

    def rooms_of(self, sid: str) -> list[str]:
        """The rooms that a socket is in, sorted."""
        found = (room for room, members in self.rooms.items() if sid in members)
        return sorted(found, key=str)  # the number 7 is a name too

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
        if self.fault == "skips-nobody-in-another-process":
            skip = [sid for sid in skip if not self._is_afar(sid)]
        if self.fault == "takes-alike-names-for-one" and to is not None:
            to = [room_faults.alike(room) for room in to]
        if self.fault == "has-rooms-of-everyone" and set(to or ()) & set(room_faults.WORDS):
            to = None
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
                for each in room_faults.heard(self, socket, packet, to is None):
                    socket.send(each)
        if to is None:
            room_faults.overheard(self, packet)
        bystander_faults.overheard(self, packet, to)

    def _times(self, socket: Socket, to: Iterable[str] | None) -> int:
        """How often a socket hears an event: once, but for a fault."""
        rooms = list(to or ())
        match self.fault:
            case "broadcasts-twice" if to is None:
                return 2
            case "counts-joins" if self.twice & {(socket.sid, room) for room in rooms}:
                return 2
            case "joins-from-afar-count-twice" if self.afar & {
                (socket.sid, room) for room in rooms
            }:
                return 2
            case "doubles-in-own-rooms-that-were-left" if (socket.sid, socket.sid) in self.left:
                return 1 + (socket.sid in rooms)
            case "doubles-in-rooms-that-were-closed" | "doubles-in-rooms-of-departures":
                return 1 + bool(self.reopened & set(rooms))
            case "counts-rooms" if len(rooms) > 1:
                return sum(socket.sid in self.members(room) for room in rooms)
        return 1
