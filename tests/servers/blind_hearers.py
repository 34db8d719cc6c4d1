"""Blind faults in who hears what is said to a room, a sid or everyone."""

from __future__ import annotations

from typing import Any

from tests.servers.blind_weaving import count, fault
from tests.servers.engineio_session import Session
from tests.servers.rooms import Adapter
from tests.servers.socketio_socket import Socket


def has_octets(value: Any) -> bool:
    """Whether there is binary data in a value."""
    if isinstance(value, dict | list):
        return any(map(has_octets, value.values() if isinstance(value, dict) else value))
    return isinstance(value, bytes)


def polls(socket: Socket) -> bool:
    """Whether a client is reached over long-polling."""
    return socket.connection.session.websocket is None


# Who hears. `hearers_as(name, change)`: `change(adapter, found, to, without, skip)` gives sockets.


def hearers_as(name: str, change: Any) -> None:
    @fault(name, Adapter, "hearers")
    def hearers(
        go: Any, adapter: Adapter, to: Any = None, without: Any = (), skip: Any = ()
    ) -> Any:
        return change(adapter, go(to, without, skip), to, without, skip)


def _asks(name: str, change: Any) -> None:
    """A fault that asks for others: `change(adapter, to, without, skip)` gives the three."""

    @fault(name, Adapter, "hearers")
    def hearers(
        go: Any, adapter: Adapter, to: Any = None, without: Any = (), skip: Any = ()
    ) -> Any:
        return go(*change(adapter, to, without, skip))


def _with(found: list[Socket], *others: Socket | None) -> list[Socket]:
    return found + [each for each in others if each is not None and each not in found]


def _first(adapter: Adapter) -> Socket | None:
    return next(iter(adapter.sockets.values()), None)


def _last(adapter: Adapter) -> Socket | None:
    return next(reversed(adapter.sockets.values()), None)


def _is_sid(adapter: Adapter, to: Any) -> bool:
    return bool(to) and len(to) == 1 and to[0] in adapter.sockets


def _is_room(adapter: Adapter, to: Any) -> bool:
    return bool(to) and not _is_sid(adapter, to)


def _without_one(found: list[Socket], index: int) -> list[Socket]:
    return [each for n, each in enumerate(found) if n != index]


def _skips(adapter: Adapter, skip: Any) -> bool:
    return bool(skip) and adapter.speaking is not None and list(skip) == [adapter.speaking.sid]


hearers_as(
    "events-to-rooms-reach-the-first-client",
    lambda a, f, to, w, s: _with(f, _first(a)) if _is_room(a, to) else f,
)
hearers_as(
    "events-to-rooms-reach-the-last-client",
    lambda a, f, to, w, s: _with(f, _last(a)) if _is_room(a, to) else f,
)
hearers_as(
    "events-to-sids-reach-the-first-client",
    lambda a, f, to, w, s: _with(f, _first(a)) if _is_sid(a, to) else f,
)
hearers_as(
    "events-to-sids-are-heard-in-all-namespaces",
    lambda a, f, to, w, s: (
        [o for e in f for o in e.connection.sockets.values()] if _is_sid(a, to) else f
    ),
)
hearers_as(
    "events-to-rooms-miss-polling-members",
    lambda a, f, to, w, s: [e for e in f if not polls(e)] if _is_room(a, to) else f,
)
hearers_as(
    "events-to-rooms-miss-the-fourth-member",
    lambda a, f, to, w, s: _without_one(f, 3) if _is_room(a, to) else f,
)
hearers_as(
    "broadcasts-miss-polling-clients",
    lambda a, f, to, w, s: [e for e in f if not polls(e)] if to is None else f,
)
hearers_as(
    "broadcasts-miss-who-left-the-own-room",
    lambda a, f, to, w, s: [e for e in f if e.sid in a.members(e.sid)] if to is None else f,
)
hearers_as(
    "broadcasts-reach-the-first-of-the-idle-namespace",
    lambda a, f, to, w, s: _with(f, _first(a.others["/other"])) if to is None else f,
)
hearers_as(
    "broadcasts-miss-the-first-client",
    lambda a, f, to, w, s: [e for e in f if e is not _first(a)] if to is None else f,
)
hearers_as(
    "broadcasts-miss-who-is-in-no-room",
    lambda a, f, to, w, s: [e for e in f if len(a.rooms_of(e.sid)) > 1] if to is None else f,
)
hearers_as(
    "broadcasts-come-once-for-each-room",
    lambda a, f, to, w, s: [e for e in f for _ in a.rooms_of(e.sid)] if to is None else f,
)
hearers_as(
    "broadcasts-in-custom-miss-the-sender",
    lambda a, f, to, w, s: (
        [e for e in f if e is not a.speaking] if to is None and a.namespace != "/" else f
    ),
)
hearers_as(
    "broadcasts-to-polling-senders-miss-them",
    lambda a, f, to, w, s: (
        [e for e in f if e is not a.speaking or not polls(e)] if to is None else f
    ),
)
hearers_as(
    "members-hear-twice-after-upgrades",
    lambda a, f, to, w, s: f + [e for e in f if vars(e.connection.session).get("blind upgraded")],
)
hearers_as(
    "skipping-one-skips-the-next",
    lambda a, f, to, w, s: [e for e in f if not s or e.sid not in {n.sid for n in _next(a, s)}],
)
hearers_as(
    "emptied-rooms-reach-everyone",
    lambda a, f, to, w, s: (
        f
        or (
            [e for e in a.sockets.values() if e.sid not in s]
            if any(r == to[0] for _, r in a.left)
            else f
        )
        if to
        else f
    ),
)
hearers_as(
    "unknown-rooms-reach-the-first-client",
    lambda a, f, to, w, s: f if f or not to else _with(f, _first(a)),
)
hearers_as(
    "unknown-rooms-reach-the-sender",
    lambda a, f, to, w, s: f if f or not to else _with(f, a.speaking),
)
hearers_as(
    "no-rooms-reach-the-sender", lambda a, f, to, w, s: _with(f, a.speaking) if to == [] else f
)
hearers_as(
    "no-rooms-reach-everyone-in-custom",
    lambda a, f, to, w, s: list(a.sockets.values()) if to == [] and a.namespace != "/" else f,
)
hearers_as(
    "members-of-three-rooms-hear-twice",
    lambda a, f, to, w, s: (
        f + [e for e in f if to and len(to) > 2 and all(e.sid in a.members(r) for r in to)]
    ),
)
hearers_as(
    "three-rooms-are-their-intersection",
    lambda a, f, to, w, s: (
        [e for e in f if all(e.sid in a.members(r) for r in to)] if to and len(to) > 2 else f
    ),
)
hearers_as(
    "sids-behind-rooms-hear-twice",
    lambda a, f, to, w, s: f + [e for e in f if to and len(to) > 1 and e.sid in to[1:]],
)
hearers_as(
    "sids-in-front-of-rooms-hear-twice",
    lambda a, f, to, w, s: f + [e for e in f if to and len(to) > 1 and e.sid == to[0]],
)
hearers_as(
    "rooms-named-three-times-come-twice",
    lambda a, f, to, w, s: f * 2 if to and any(list(to).count(r) > 2 for r in to) else f,
)
hearers_as(
    "sids-named-twice-hear-twice",
    lambda a, f, to, w, s: (
        f * 2 if to and len(to) == 2 and to[0] == to[1] and to[0] in a.sockets else f
    ),
)
hearers_as(
    "the-empty-name-is-everyone-in-custom",
    lambda a, f, to, w, s: list(a.sockets.values()) if to == [""] and a.namespace != "/" else f,
)
_asks(
    "skip-self-is-forgotten-for-rooms",
    lambda a, to, w, s: (to, w, () if to and _skips(a, s) else s),
)
_asks(
    "skip-self-is-forgotten-for-broadcasts",
    lambda a, to, w, s: (to, w, () if to is None and _skips(a, s) else s),
)
_asks("skip-of-several-takes-the-first", lambda a, to, w, s: (to, w, list(s)[:1]))
_asks("skip-of-several-takes-two", lambda a, to, w, s: (to, w, list(s)[:2]))
_asks(
    "skip-is-forgotten-for-rooms", lambda a, to, w, s: (to, w, () if to and not _skips(a, s) else s)
)
_asks(
    "skip-means-the-sender",
    lambda a, to, w, s: (to, w, [a.speaking.sid] if s and a.speaking else s),
)
_asks("except-of-several-takes-the-first", lambda a, to, w, s: (to, list(w)[:1], s))
_asks(
    "except-of-sids-is-forgotten", lambda a, to, w, s: (to, [r for r in w if r not in a.sockets], s)
)
_asks("except-is-forgotten-for-everyone", lambda a, to, w, s: (to, () if to is None else w, s))
_asks(
    "except-is-forgotten-for-two-rooms",
    lambda a, to, w, s: (to, () if to and len(to) > 1 else w, s),
)
_asks(
    "except-of-an-empty-room-excludes-all",
    lambda a, to, w, s: ([] if w and not a.members(w[0]) else to, w, s),
)
_asks(
    "the-empty-name-is-no-room",
    lambda a, to, w, s: ([r for r in to if r != ""] if to else to, w, s),
)
_asks(
    "names-of-rooms-are-stripped",
    lambda a, to, w, s: ([str(r).strip() for r in to] if to else to, w, s),
)
_asks(
    "names-of-rooms-are-cut-at-64",
    lambda a, to, w, s: (
        [next((o for o in a.rooms if str(o)[:64] == str(r)[:64]), r) for r in to] if to else to,
        w,
        s,
    ),
)
_asks(
    "rooms-are-found-by-their-beginning",
    lambda a, to, w, s: (
        [o for r in to for o in a.rooms if str(o).startswith(str(r))] if to else to,
        w,
        s,
    ),
)
_asks("unions-of-ten-rooms-are-enough", lambda a, to, w, s: (list(to)[:10] if to else to, w, s))
_asks(
    "sids-among-rooms-are-passed-over",
    lambda a, to, w, s: ([r for r in to if r not in a.sockets] if to and len(to) > 1 else to, w, s),
)


def _next(adapter: Adapter, skip: Any) -> list[Socket]:
    sockets = list(adapter.sockets.values())
    return [sockets[n + 1] for n in range(len(sockets) - 1) if sockets[n].sid in skip]


@fault("members-hear-twice-after-upgrades", Session, "upgrade")
def _(go: Any, session: Session, websocket: Any) -> None:
    vars(session)["blind upgraded"] = True
    go(websocket)


# What is emitted. `_emits(name, change)`: `change(adapter, go, event, args, to, without, skip)`.


def _emits(name: str, change: Any) -> None:
    @fault(name, Adapter, "emit")
    def emit(
        go: Any,
        adapter: Adapter,
        event: str,
        args: list[Any],
        to: Any = None,
        without: Any = (),
        skip: Any = (),
    ) -> None:
        change(adapter, go, event, args, to, without, skip)


def _binary_to_all(adapter: Adapter, go: Any, event: str, args: Any, to: Any, *rest: Any) -> None:
    go(event, args, None if has_octets(args) and _is_room(adapter, to) else to, *rest)


def _binary_skips_sender(
    adapter: Adapter, go: Any, event: str, args: Any, to: Any, without: Any, skip: Any
) -> None:
    if has_octets(args) and adapter.speaking is not None:
        skip = [*skip, adapter.speaking.sid]
    go(event, args, to, without, skip)


def _speakers_join(adapter: Adapter, go: Any, event: str, args: Any, to: Any, *rest: Any) -> None:
    go(event, args, to, *rest)
    if _is_room(adapter, to) and adapter.speaking is not None:
        adapter.join(adapter.speaking.sid, to[0])


def _outsiders_are_dumb(
    adapter: Adapter, go: Any, event: str, args: Any, to: Any, *rest: Any
) -> None:
    speaker = adapter.speaking
    outside = _is_room(adapter, to) and speaker and speaker.sid not in adapter.members(to[0])
    if not (outside and has_octets(args)):
        go(event, args, to, *rest)


def _nth(number: int, times: int, where: Any) -> Any:
    def emitted(adapter: Adapter, go: Any, event: str, args: Any, to: Any, *rest: Any) -> None:
        hit = where(adapter, to) and count(adapter, f"emits to {to}") == number
        for _ in range(times if hit else 1):
            go(event, args, to, *rest)

    return emitted


def _everyone(adapter: Adapter, to: Any) -> bool:
    return to is None


def _unions_of_binary(
    adapter: Adapter, go: Any, event: str, args: Any, to: Any, *rest: Any
) -> None:
    rooms = to if to and len(to) > 1 and has_octets(args) else [None]
    for room in rooms:
        go(event, args, to if room is None else [room], *rest)


def _keep_last(adapter: Adapter, go: Any, event: str, args: Any, to: Any, *rest: Any) -> None:
    vars(adapter)["blind last"] = (event, args, to)
    go(event, args, to, *rest)


_emits("binary-events-to-rooms-reach-everyone", _binary_to_all)
_emits("binary-broadcasts-skip-the-sender", _binary_skips_sender)
_emits("speakers-join-what-they-speak-to", _speakers_join)
_emits("binary-of-outsiders-is-dropped", _outsiders_are_dumb)
_emits("thirty-third-events-to-a-room-are-lost", _nth(33, 0, _is_room))
_emits("fifteenth-events-to-a-room-come-twice", _nth(15, 2, _is_room))
_emits("seventh-broadcasts-come-twice", _nth(7, 2, _everyone))
_emits("binary-unions-come-once-for-each-room", _unions_of_binary)
_emits("who-joins-hears-the-last-event-again", _keep_last)


@fault("who-joins-hears-the-last-event-again", Adapter, "join")
def _(go: Any, adapter: Adapter, sid: str, room: str) -> None:
    go(sid, room)
    event, args, to = vars(adapter).get("blind last", ("", [], None))
    if to and room in to and sid in adapter.sockets:
        adapter.sockets[sid].emit(event, *args)


@fault("steady-members-miss-an-event-when-another-leaves", Adapter, "leave")
def _(go: Any, adapter: Adapter, sid: str, room: str) -> None:
    go(sid, room)
    if sid != room:
        vars(adapter).setdefault("blind missing", {})[room] = adapter.members(room)[:1]


@fault("steady-members-miss-an-event-when-another-leaves", Adapter, "hearers")
def _(go: Any, adapter: Adapter, to: Any = None, without: Any = (), skip: Any = ()) -> Any:
    missing = vars(adapter).get("blind missing", {}).pop(to[0], []) if to else []
    return [each for each in go(to, without, skip) if each.sid not in missing]


@fault("steady-members-miss-an-event-when-another-joins", Adapter, "join")
def _(go: Any, adapter: Adapter, sid: str, room: str) -> None:
    if sid != room:
        vars(adapter).setdefault("blind missing", {})[room] = adapter.members(room)[:1]
    go(sid, room)


@fault("steady-members-miss-an-event-when-another-joins", Adapter, "hearers")
def _(go: Any, adapter: Adapter, to: Any = None, without: Any = (), skip: Any = ()) -> Any:
    missing = vars(adapter).get("blind missing", {}).pop(to[0], []) if to else []
    return [each for each in go(to, without, skip) if each.sid not in missing]
