"""Blind faults in crowds, and between the processes of a cluster."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from sockproof.wire.socketio import Packet, PacketType
from tests.servers import room_faults
from tests.servers.blind_hearers import has_octets, polls
from tests.servers.blind_room_data import heard_by, of_octets, spoilt
from tests.servers.blind_weaving import count, fault
from tests.servers.rooms import Adapter
from tests.servers.socketio_fixture import Fixture
from tests.servers.socketio_socket import Connection, Socket

# Crowds: many speak to one room at once.


def _in_crowds(name: str, change: Any) -> None:
    """A fault in events whose first two arguments are numbers, as many speakers send them."""

    def heard(adapter: Adapter, socket: Socket, packet: Packet) -> list[Packet]:
        numbers = packet.data[1:3]
        crowd = len(numbers) == 2 and all(type(each) is int for each in numbers)
        return change(adapter, socket, packet, numbers[1]) if crowd else [packet]

    heard_by(name, heard)


def _neighbours_octets(
    adapter: Adapter, socket: Socket, packet: Packet, number: int
) -> list[Packet]:
    kept = vars(socket).get("blind octets")
    octets = [each for each in packet.data if isinstance(each, bytes)]
    if octets:
        vars(socket)["blind octets"] = octets
    if kept and octets and len(kept[0]) == len(octets[0]) and number % 9 == 5:
        return [replace(packet, data=[*packet.data[:-1], kept[0]])]
    return [packet]


def _held_back(adapter: Adapter, socket: Socket, packet: Packet, number: int) -> list[Packet]:
    kept = vars(socket).setdefault("blind held", [])
    if number % 11 == 4 and not kept:
        kept.append(packet)
        return []
    found = [packet, *kept]
    kept.clear()
    return found


_in_crowds(
    "crowds-lose-one-event-of-forty", lambda a, s, p, n: [] if count(s, "heard") % 40 == 39 else [p]
)
_in_crowds(
    "crowds-hear-one-event-of-forty-twice",
    lambda a, s, p, n: [p, p] if count(s, "heard") % 40 == 39 else [p],
)
_in_crowds("crowds-get-the-attachments-of-neighbours", _neighbours_octets)
_in_crowds("crowds-hear-one-event-of-eleven-late", _held_back)


def _empty_now_and_then(
    adapter: Adapter, socket: Socket, packet: Packet, number: int
) -> list[Packet]:
    return spoilt(packet, of_octets(lambda o: b"")) if number % 10 == 9 else [packet]


def _binary_late(adapter: Adapter, socket: Socket, packet: Packet, number: int) -> list[Packet]:
    kept = vars(socket).setdefault("blind late", [])
    if has_octets(packet.data) and not kept and number:
        kept.append(packet)
        return []
    found = [packet, *kept]
    kept.clear()
    return found


_in_crowds("crowds-get-an-empty-attachment-of-ten", _empty_now_and_then)
_in_crowds("crowds-hear-every-second-binary-event-late", _binary_late)


# Clusters: what is said by a client of another process.


def _afar(name: str, change: Any) -> None:
    heard_by(name, lambda a, s, p: change(a, s, p) if room_faults.is_apart(a, s) else [p])


_afar(
    "events-from-afar-have-empty-text-as-null",
    lambda a, s, p: spoilt(p, lambda v: None if v == "" else v),
)
_afar(
    "binary-from-afar-is-text", lambda a, s, p: spoilt(p, of_octets(lambda o: o.decode("latin-1")))
)
_afar("second-binary-from-afar-is-the-first", lambda a, s, p: _first_octets(p))
_afar("long-events-from-afar-are-lost", lambda a, s, p: [] if len(str(p.data)) > 10_000 else [p])
_afar("events-from-afar-reach-polling-clients-twice", lambda a, s, p: [p, p] if polls(s) else [p])
_afar(
    "every-tenth-event-from-afar-is-lost", lambda a, s, p: [] if count(s, "afar") % 10 == 0 else [p]
)


def _first_octets(packet: Packet) -> list[Packet]:
    octets: list[bytes] = []

    def first(value: bytes) -> bytes:
        octets.append(value)
        return octets[0]

    return spoilt(packet, of_octets(first))


def _asks_afar(name: str, change: Any) -> None:
    """A fault that asks for other hearers afar: `change(adapter, found, to, skip)`."""

    @fault(name, Adapter, "hearers")
    def hearers(
        go: Any, adapter: Adapter, to: Any = None, without: Any = (), skip: Any = ()
    ) -> Any:
        return change(adapter, go(to, without, skip), to, skip)


def _apart(adapter: Adapter, socket: Socket) -> bool:
    return room_faults.is_apart(adapter, socket)


_asks_afar(
    "broadcasts-from-afar-miss-custom",
    lambda a, f, to, s: [e for e in f if not (to is None and a.namespace != "/" and _apart(a, e))],
)
_asks_afar(
    "broadcasts-do-not-reach-afar",
    lambda a, f, to, s: [e for e in f if not (to is None and _apart(a, e))],
)
_asks_afar(
    "unions-double-afar",
    lambda a, f, to, s: f + [e for e in f if to and len(to) > 1 and _apart(a, e)],
)
_asks_afar(
    "skipping-self-skips-all-afar", lambda a, f, to, s: [e for e in f if not (s and _apart(a, e))]
)
_asks_afar(
    "unions-take-one-room-afar",
    lambda a, f, to, s: [
        e
        for e in f
        if not (to and len(to) > 1 and _apart(a, e) and e.sid not in a.members(next(iter(to))))
    ],
)
_asks_afar(
    "skips-of-the-sender-alone-are-known-afar",
    lambda a, f, to, s: f + [e for e in a.sockets.values() if e.sid in s and _apart(a, e)],
)
_asks_afar(
    "sids-afar-are-not-found",
    lambda a, f, to, s: [e for e in f if not (to and e.sid in to and _apart(a, e))],
)


def _operates_afar(name: str, operation: str, change: Any) -> None:
    """A fault in an operation on a client afar: `change(go, fixture, socket, request)`."""

    @fault(name, Fixture, operation)
    def operate(go: Any, fixture: Fixture, socket: Socket, request: Any) -> Any:
        about = fixture._of(socket, request)[1] if "sid" in request else socket
        if about.connection.process == socket.connection.process:
            return go(socket, request)
        return change(go, fixture, socket, request)


def _put_out_silently(go: Any, fixture: Fixture, socket: Socket, request: Any) -> None:
    fixture._adapter(socket.namespace).remove(request["sid"])


_operates_afar(
    "joins-afar-join-the-first-room",
    "_op_join",
    lambda go, f, s, r: go(s, {**r, "rooms": r["rooms"][:1]}),
)
_operates_afar("joins-afar-are-lost", "_op_join", lambda go, f, s, r: None)
_operates_afar(
    "leaves-afar-leave-the-first-room",
    "_op_leave",
    lambda go, f, s, r: go(s, {**r, "rooms": r["rooms"][:1]}),
)
_operates_afar("leaves-afar-are-lost", "_op_leave", lambda go, f, s, r: None)
_operates_afar("putting-out-afar-is-lost", "_op_disconnect", lambda go, f, s, r: None)
_operates_afar("putting-out-afar-is-not-told", "_op_disconnect", _put_out_silently)


@fault("calls-afar-give-null", Fixture, "_call")
async def _(go: Any, fixture: Fixture, socket: Socket, request: Any, number: Any) -> None:
    about = fixture._adapter(socket.namespace).sockets.get(request.get("sid"))
    if about is not None and about.connection.process != socket.connection.process:
        socket.acknowledge(number, [{"ok": True, "result": None}])
    else:
        await go(socket, request, number)


@fault("calls-afar-give-one-value", Fixture, "_call")
async def _(go: Any, fixture: Fixture, socket: Socket, request: Any, number: Any) -> None:
    about = fixture._adapter(socket.namespace).sockets.get(request.get("sid"))
    if about is None or about.connection.process == socket.connection.process:
        await go(socket, request, number)
        return
    acknowledge = socket.acknowledge

    def shortened(number: int, args: list[Any]) -> None:
        result = args[0].get("result") or []
        acknowledge(number, [{**args[0], "result": result[:1]}])

    socket.acknowledge = shortened
    try:
        await go(socket, request, number)
    finally:
        socket.acknowledge = acknowledge


@fault("closing-afar-takes-own-rooms-away", Adapter, "close_room")
def _(go: Any, adapter: Adapter, room: str) -> None:
    for sid in adapter.members(room):
        if _apart(adapter, adapter.sockets[sid]):
            adapter.leave(sid, sid)
    go(room)


@fault("rooms-close-only-for-members-in-reach", Adapter, "close_room")
def _(go: Any, adapter: Adapter, room: str) -> None:
    kept = [s for s in adapter.members(room) if _apart(adapter, adapter.sockets[s])][1:]
    go(room)
    if kept:
        adapter.rooms.setdefault(room, set()).update(kept)


@fault("events-to-afar-come-behind-the-next", Connection, "send")
def _(go: Any, connection: Connection, packet: Packet) -> None:
    late = (
        packet.type == PacketType.EVENT and connection.process and count(connection, "e") % 5 == 0
    )
    if late:
        asyncio.get_running_loop().call_soon(go, packet)
    else:
        go(packet)
