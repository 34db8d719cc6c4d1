"""Blind faults in rooms that close, clients that go, and their namespaces."""

from __future__ import annotations

from typing import Any

from tests.servers.blind_hearers import polls
from tests.servers.blind_weaving import fault
from tests.servers.engineio_session import Session
from tests.servers.rooms import Adapter
from tests.servers.socketio_server import SocketIOServer
from tests.servers.socketio_socket import Socket

# Closing rooms.


def _closes(name: str, change: Any) -> None:
    @fault(name, Adapter, "close_room")
    def close_room(go: Any, adapter: Adapter, room: str) -> None:
        change(adapter, go, room)


def _but(adapter: Adapter, go: Any, room: str, kept: str | None) -> None:
    was_in = kept in adapter.members(room)
    go(room)
    if was_in and kept is not None:
        adapter.rooms.setdefault(room, set()).add(kept)


def _members_rooms(adapter: Adapter, go: Any, room: str) -> None:
    for sid in adapter.members(room):
        for other in adapter.rooms_of(sid):
            if other != sid:
                adapter.leave(sid, other)
    go(room)


def _own_rooms(adapter: Adapter, go: Any, room: str) -> None:
    for sid in adapter.members(room):
        adapter.leave(sid, sid)
    go(room)


def _alike(adapter: Adapter, go: Any, room: str) -> None:
    for other in list(adapter.rooms):
        if str(other).startswith(str(room)):
            go(other)


def _everywhere(adapter: Adapter, go: Any, room: str) -> None:
    for other in adapter.others.values():
        for sid in other.members(room):
            other.leave(sid, room)
    go(room)


_closes(
    "closing-keeps-the-first-member", lambda a, go, r: _but(a, go, r, (a.members(r) or [None])[0])
)
_closes(
    "closing-keeps-who-closes",
    lambda a, go, r: _but(a, go, r, a.speaking.sid if a.speaking else None),
)
_closes("closing-empties-all-rooms-of-its-members", _members_rooms)
_closes("closing-empties-the-own-rooms-of-its-members", _own_rooms)
_closes("closing-closes-rooms-that-begin-alike", _alike)
_closes("closing-closes-the-room-in-every-namespace", _everywhere)


# Going.


def _removes(name: str, change: Any) -> None:
    @fault(name, Adapter, "remove")
    def remove(go: Any, adapter: Adapter, sid: str) -> None:
        change(adapter, go, sid)


def _keeps(adapter: Adapter, go: Any, sid: str, when: bool) -> None:
    rooms = adapter.rooms_of(sid) if when else []
    go(sid)
    for room in rooms:
        adapter.rooms.setdefault(room, set()).add(sid)


def _close_first(adapter: Adapter, go: Any, sid: str) -> None:
    for room in adapter.rooms_of(sid):
        if room != sid and adapter.members(room)[0] == sid:
            adapter.close_room(room)
    go(sid)


def _take_next(adapter: Adapter, go: Any, sid: str) -> None:
    for room in adapter.rooms_of(sid):
        others = [each for each in adapter.members(room) if each != sid]
        if room != sid and others:
            adapter.leave(others[0], room)
    go(sid)


_removes(
    "polling-clients-stay-in-their-rooms",
    lambda a, go, sid: _keeps(a, go, sid, polls(a.sockets[sid])),
)
_removes(
    "clients-of-custom-stay-in-their-rooms",
    lambda a, go, sid: _keeps(a, go, sid, a.namespace != "/"),
)
_removes(
    "clients-of-many-rooms-stay-in-the-last",
    lambda a, go, sid: _keeps(a, go, sid, len(a.rooms_of(sid)) > 3),
)
_removes("rooms-close-when-their-first-member-goes", _close_first)
_removes("members-that-go-take-another-along", _take_next)


# Namespaces.


@fault("rooms-of-custom-and-other-are-shared", Adapter, "emit")
def _(go: Any, adapter: Adapter, event: str, args: Any, to: Any = None, *rest: Any) -> None:
    go(event, args, to, *rest)
    if to and adapter.namespace == "/custom":
        for socket in adapter.others["/other"].hearers(to):
            socket.emit(event, *args)


@fault("leaving-a-room-leaves-it-in-every-namespace", Adapter, "leave")
def _(go: Any, adapter: Adapter, sid: str, room: str) -> None:
    socket = adapter.sockets.get(sid)
    go(sid, room)
    for other in socket.connection.sockets.values() if socket else ():
        found = adapter.others[other.namespace].rooms.get(room)
        if found and room != other.sid:
            found.discard(other.sid)


@fault("sids-are-reached-from-any-namespace", Adapter, "emit")
def _(go: Any, adapter: Adapter, event: str, args: Any, to: Any = None, *rest: Any) -> None:
    go(event, args, to, *rest)
    for other in adapter.others.values():
        if other is not adapter and to and len(to) == 1 and to[0] in other.sockets:
            other.sockets[to[0]].emit(event, *args)


def _when_left(name: str, then: Any) -> None:
    """A fault that does something to the client's other namespaces when it leaves one."""

    @fault(name, SocketIOServer, "_left")
    def left(go: Any, server: SocketIOServer, socket: Socket, reason: str) -> None:
        go(socket, reason)
        for other in list(socket.connection.sockets.values()):
            then(server, other, socket)


def _empty(server: SocketIOServer, other: Socket, socket: Socket) -> None:
    adapter = server.adapters[other.namespace]
    for room in adapter.rooms_of(other.sid):
        if room != other.sid:
            adapter.leave(other.sid, room)


def _forget(server: SocketIOServer, other: Socket, socket: Socket) -> None:
    other.data = {}


def _deafen(server: SocketIOServer, other: Socket, socket: Socket) -> None:
    server.adapters[other.namespace].sockets.pop(other.sid, None)


_when_left("leaving-a-namespace-empties-the-rooms-of-others", _empty)
_when_left("leaving-a-namespace-empties-the-sessions-of-others", _forget)
_when_left("leaving-a-namespace-ends-broadcasts-in-others", _deafen)


def _at_upgrades(name: str, then: Any) -> None:
    @fault(name, SocketIOServer, "session_opened")
    def opened(go: Any, server: SocketIOServer, session: Session) -> None:
        go(session)
        upgrade = session.upgrade

        def upgraded(websocket: Any) -> None:
            upgrade(websocket)
            for socket in list(session.layer.sockets.values()):
                then(server, socket, socket)

        session.upgrade = upgraded


def _leave_own(server: SocketIOServer, other: Socket, socket: Socket) -> None:
    server.adapters[other.namespace].leave(other.sid, other.sid)


def _leave_custom(server: SocketIOServer, other: Socket, socket: Socket) -> None:
    if other.namespace != "/":
        server._left(other, "transport change")


_at_upgrades("upgrades-empty-rooms", _empty)
_at_upgrades("upgrades-empty-sessions", _forget)
_at_upgrades("upgrades-leave-own-rooms", _leave_own)
_at_upgrades("upgrades-leave-namespaces-but-the-main", _leave_custom)
_at_upgrades("upgrades-end-broadcasts", _deafen)
