"""Blind faults in who is in a room."""

from __future__ import annotations

from typing import Any

from tests.servers.blind_hearers import hearers_as, polls
from tests.servers.blind_weaving import count, fault
from tests.servers.rooms import Adapter
from tests.servers.socketio_fixture import Fixture
from tests.servers.socketio_socket import Socket

# Joining. `_joins(name, change)`: `change(adapter, go, sid, room)`; leaving likewise.


def _joins(name: str, change: Any, method: str = "join") -> None:
    @fault(name, Adapter, method)
    def joined(go: Any, adapter: Adapter, sid: str, room: str) -> None:
        change(adapter, go, sid, room)


def _own_rooms_of_sessions(adapter: Adapter, go: Any, sid: str, room: str) -> None:
    go(sid, room)
    if sid == room:
        go(sid, adapter.sockets[sid].connection.session.sid)


def _third_namespaces(adapter: Adapter, go: Any, sid: str, room: str) -> None:
    socket = adapter.sockets.get(sid)
    if not (sid == room and socket and len(socket.connection.sockets) > 2):
        go(sid, room)


def _main_sid_too(adapter: Adapter, go: Any, sid: str, room: str) -> None:
    go(sid, room)
    main = adapter.sockets[sid].connection.sockets.get("/") if sid in adapter.sockets else None
    if sid == room and main is not None and adapter.namespace != "/":
        go(sid, main.sid)


def _ignore_other_sids(adapter: Adapter, go: Any, sid: str, room: str) -> None:
    if sid == room or room not in adapter.sockets:
        go(sid, room)


def _take_over_sids(adapter: Adapter, go: Any, sid: str, room: str) -> None:
    if sid != room and room in adapter.sockets:
        adapter.rooms.pop(room, None)
    go(sid, room)


def _deaf_own_room(adapter: Adapter, go: Any, sid: str, room: str) -> None:
    if not (sid == room and (sid, room) in adapter.left):
        go(sid, room)


def _replacing(adapter: Adapter, go: Any, sid: str, room: str) -> None:
    for other in adapter.rooms_of(sid):
        if other not in (sid, room) and len(adapter.rooms_of(sid)) > 4:
            adapter.leave(sid, other)
    go(sid, room)


def _empty_name(adapter: Adapter, go: Any, sid: str, room: str) -> None:
    if room != "":
        go(sid, room)


_joins("own-rooms-have-the-name-of-the-session-too", _own_rooms_of_sessions)
_joins("own-rooms-are-missing-in-third-namespaces", _third_namespaces)
_joins("own-rooms-of-main-are-in-custom", _main_sid_too)
_joins("joining-other-sids-is-passed-over", _ignore_other_sids)
_joins("joining-other-sids-takes-them-over", _take_over_sids)
_joins("own-rooms-cannot-be-joined-again", _deaf_own_room)
_joins("a-fifth-room-drives-the-others-out", _replacing)
_joins("the-empty-name-cannot-be-joined", _empty_name)
_joins(
    "names-of-rooms-are-in-lower-case",
    lambda a, go, sid, room: go(sid, str(room).lower() if sid != room else room),
)


def _strangers_join(adapter: Adapter, go: Any, sid: str, room: str) -> None:
    if sid in adapter.members(room) or sid not in adapter.sockets:
        go(sid, room)
    else:
        adapter.join(sid, room)


def _unknown_ends(adapter: Adapter, go: Any, sid: str, room: str) -> None:
    if room not in adapter.rooms and sid in adapter.sockets:
        raise RuntimeError("no such room")
    go(sid, room)


_joins("leaving-a-room-of-others-joins-it", _strangers_join, "leave")
_joins("leaving-an-unknown-room-breaks-the-connection", _unknown_ends, "leave")
hearers_as(
    "who-comes-back-to-a-room-hears-twice",
    lambda a, f, to, w, s: f + [e for e in f if to and (e.sid, to[0]) in a.left],
)
hearers_as(
    "own-rooms-that-were-joined-again-are-deaf",
    lambda a, f, to, w, s: [e for e in f if not (to == [e.sid] and (e.sid, e.sid) in a.left)],
)
hearers_as(
    "rooms-joined-twice-at-once-come-twice",
    lambda a, f, to, w, s: (
        f
        + [
            e
            for e in f
            if to and (e.sid, to[0]) in a.twice and len(to) == 1 and vars(e).get("blind pair")
        ]
    ),
)


@fault("rooms-joined-twice-at-once-come-twice", Fixture, "_op_join")
def _(go: Any, fixture: Fixture, socket: Socket, request: Any) -> Any:
    vars(socket)["blind pair"] = len(set(request["rooms"])) < len(request["rooms"])
    return go(socket, request)


@fault("joins-in-connect-handlers-need-a-leave-of-their-own", Adapter, "leave")
def _(go: Any, adapter: Adapter, sid: str, room: str) -> None:
    socket = adapter.sockets.get(sid)
    auth = socket.auth if socket else None
    handler = isinstance(auth, dict) and room in (auth.get("join") or ())
    if not (handler and count(socket, f"left {room}") == 1 and (sid, room) in adapter.twice):
        go(sid, room)


def _three_joins(adapter: Adapter, go: Any, sid: str, room: str) -> None:
    if count(adapter, f"join {sid} {room}") == 3:
        vars(adapter).setdefault("blind thrice", set()).add((sid, room))
    go(sid, room)


_joins("three-joins-need-two-leaves", _three_joins)


@fault("three-joins-need-two-leaves", Adapter, "leave")
def _(go: Any, adapter: Adapter, sid: str, room: str) -> None:
    thrice = vars(adapter).get("blind thrice", set())
    if (sid, room) in thrice:
        thrice.discard((sid, room))
    else:
        go(sid, room)


def _another_goes(adapter: Adapter, go: Any, sid: str, room: str) -> None:
    members = adapter.members(room)
    if members and sid not in members:
        go(members[0], room)
    go(sid, room)


def _unknown_takes_own(adapter: Adapter, go: Any, sid: str, room: str) -> None:
    if room not in adapter.rooms:
        adapter.rooms.pop(sid, None)
    go(sid, room)


def _beginnings(adapter: Adapter, go: Any, sid: str, room: str) -> None:
    for other in adapter.rooms_of(sid):
        if str(other).startswith(str(room)):
            go(sid, other)
    go(sid, room)


def _next_goes(adapter: Adapter, go: Any, sid: str, room: str) -> None:
    members = adapter.members(room)
    if sid in members[:-1] and sid != room and len(members) > 2:
        go(members[members.index(sid) + 1], room)
    go(sid, room)


def _last_stays(adapter: Adapter, go: Any, sid: str, room: str) -> None:
    if adapter.members(room) == [sid] and sid != room:
        vars(adapter).setdefault("blind kept", {})[room] = adapter.sockets.get(sid)
    go(sid, room)


def _closes_alike(adapter: Adapter, go: Any, sid: str, room: str) -> None:
    if sid == room and sid in adapter.sockets:
        for other in adapter.rooms_of(sid):
            go(sid, other)
    go(sid, room)


_joins("leaving-a-room-of-others-puts-one-out", _another_goes, "leave")
_joins("leaving-an-unknown-room-leaves-the-own", _unknown_takes_own, "leave")
_joins("leaving-leaves-rooms-that-begin-alike", _beginnings, "leave")
_joins("leaving-takes-the-next-member-along", _next_goes, "leave")
_joins("rooms-keep-their-last-member", _last_stays, "leave")
_joins("leaving-the-own-room-leaves-all", _closes_alike, "leave")
_joins(
    "own-rooms-cannot-be-left",
    lambda a, go, sid, room: None if sid == room and sid in a.sockets else go(sid, room),
    "leave",
)
_joins(
    "polling-clients-cannot-leave",
    lambda a, go, sid, room: None if sid in a.sockets and polls(a.sockets[sid]) else go(sid, room),
    "leave",
)
_joins(
    "rooms-of-five-cannot-be-left",
    lambda a, go, sid, room: None if len(a.members(room)) > 4 else go(sid, room),
    "leave",
)


@fault("rooms-keep-their-last-member", Adapter, "hearers")
def _(go: Any, adapter: Adapter, to: Any = None, without: Any = (), skip: Any = ()) -> Any:
    kept = vars(adapter).get("blind kept", {})
    late = [kept.pop(room) for room in to or () if room in kept and room not in adapter.rooms]
    return go(to, without, skip) + [each for each in late if each is not None]


@fault("one-more-event-is-heard-after-leaving", Adapter, "leave")
def _(go: Any, adapter: Adapter, sid: str, room: str) -> None:
    if sid != room and sid in adapter.members(room):
        vars(adapter).setdefault("blind late", {}).setdefault(room, set()).add(sid)
    go(sid, room)


@fault("one-more-event-is-heard-after-leaving", Adapter, "hearers")
def _(go: Any, adapter: Adapter, to: Any = None, without: Any = (), skip: Any = ()) -> Any:
    late = vars(adapter).get("blind late", {}).pop(to[0], set()) if to else set()
    found = go(to, without, skip)
    return found + [s for sid, s in adapter.sockets.items() if sid in late and s not in found]


@fault("joining-several-rooms-joins-the-first", Fixture, "_op_join")
def _(go: Any, fixture: Fixture, socket: Socket, request: Any) -> Any:
    return go(socket, {**request, "rooms": request["rooms"][:1]})
