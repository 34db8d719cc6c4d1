"""Blind faults in acknowledgements, in both directions."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

from sockproof.wire import WireError, engineio
from sockproof.wire.socketio import Packet, PacketType
from tests.servers import socketio_faults
from tests.servers.blind_weaving import count, fault
from tests.servers.engineio_session import Session
from tests.servers.socketio_fixture import Fixture
from tests.servers.socketio_server import SocketIOServer
from tests.servers.socketio_socket import Connection, Socket


def _has_octets(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_has_octets, value.values() if isinstance(value, dict) else value))
    return isinstance(value, bytes)


# What the server acknowledges. `_acks(name, change)`: `change(socket, packet)` gives packets.


def _acks(name: str, change: Any) -> None:
    @fault(name, Socket, "send")
    def send(go: Any, socket: Socket, packet: Packet) -> None:
        found = change(socket, packet) if packet.type == PacketType.ACK else packet
        for each in found if isinstance(found, list) else [found]:
            go(each)


def _ids(name: str, change: Any) -> None:
    """A fault that acknowledges with another id; None is not acknowledged at all."""

    def changed(socket: Socket, packet: Packet) -> Any:
        number = change(socket, packet)
        return [] if number is None else replace(packet, id=number)

    _acks(name, changed)


def _fewer_digits(number: int) -> int:
    return number // 10 if number >= 10**18 else number


_ids("ids-from-2-31-wrap", lambda s, p: p.id - (1 << 32) if 1 << 31 <= p.id < 1 << 32 else p.id)
_ids("ids-from-2-31-are-not-acknowledged", lambda s, p: p.id if p.id < 1 << 31 else None)
_ids("ids-are-cut-to-32-bits", lambda s, p: p.id % (1 << 32))
_ids("ids-of-more-than-nine-digits-lose-the-first", lambda s, p: int(str(p.id)[-9:]))
_ids("ids-beyond-2-63-wrap", lambda s, p: p.id % (1 << 63))
_ids("ids-of-nineteen-digits-lose-the-last", lambda s, p: _fewer_digits(p.id))
_ids("ids-beyond-2-53-are-2-53", lambda s, p: min(p.id, 1 << 53))
_ids(
    "zero-in-custom-is-not-acknowledged",
    lambda s, p: None if p.id == 0 and s.namespace != "/" else p.id,
)
_ids(
    "zero-of-binary-events-is-not-acknowledged",
    lambda s, p: None if p.id == 0 and _has_octets(p.data) else p.id,
)
_ids("zero-is-acknowledged-as-one", lambda s, p: p.id or 1)
_ids(
    "acks-over-polling-have-the-next-id",
    lambda s, p: p.id + (s.connection.session.websocket is None and p.id > 9),
)
_ids(
    "binary-ids-above-nine-lose-a-digit",
    lambda s, p: int(str(p.id)[-1]) if _has_octets(p.data) else p.id,
)
_ids(
    "binary-events-are-not-acknowledged-over-polling",
    lambda s, p: None if _has_octets(p.data) and s.connection.session.websocket is None else p.id,
)
_ids(
    "binary-events-are-not-acknowledged-in-custom",
    lambda s, p: None if _has_octets(p.data) and s.namespace != "/" else p.id,
)
_ids("twentieth-acks-are-lost", lambda s, p: None if count(s, "acks") == 20 else p.id)
_acks("twentieth-acks-come-twice", lambda s, p: [p, p] if count(s, "acks") == 20 else p)
_acks("binary-acks-come-twice", lambda s, p: [p, p] if _has_octets(p.data) else p)
_acks("acks-in-custom-come-twice", lambda s, p: [p, p] if s.namespace != "/" else p)
_acks("empty-acks-come-twice", lambda s, p: [p, p] if p.data == [] else p)
_acks(
    "binary-acks-are-in-the-main-namespace",
    lambda s, p: replace(p, namespace="/") if _has_octets(p.data) else p,
)
_acks(
    "acks-of-third-namespaces-are-in-the-first",
    lambda s, p: (
        replace(p, namespace=next(iter(s.connection.sockets)))
        if len(s.connection.sockets) > 2
        else p
    ),
)
_acks(
    "acks-of-one-list-are-unpacked",
    lambda s, p: (
        replace(p, data=p.data[0]) if len(p.data) == 1 and isinstance(p.data[0], list) else p
    ),
)
_acks("acks-of-one-null-are-empty", lambda s, p: replace(p, data=[]) if p.data == [None] else p)
_acks("acks-of-ten-values-are-enough", lambda s, p: replace(p, data=p.data[:10]))
_acks(
    "acks-of-two-values-are-an-object",
    lambda s, p: (
        replace(p, data=dict(enumerate(p.data))) if len(p.data) == 2 and _has_octets(p.data) else p
    ),
)
_acks(
    "acks-of-two-values-are-a-list-in-a-list",
    lambda s, p: replace(p, data=[p.data]) if len(p.data) == 2 else p,
)
_acks(
    "empty-acks-in-custom-hold-null",
    lambda s, p: replace(p, data=[None]) if p.data == [] and s.namespace != "/" else p,
)


@fault("acks-after-upgrades-are-in-the-main-namespace", Session, "upgrade")
def _(go: Any, session: Session, websocket: Any) -> None:
    vars(session)["blind upgraded"] = True
    go(websocket)


_acks(
    "acks-after-upgrades-are-in-the-main-namespace",
    lambda s, p: (
        replace(p, namespace="/") if vars(s.connection.session).get("blind upgraded") else p
    ),
)


@fault("acks-of-neighbours-change-ids", Fixture, "event")
def _(go: Any, fixture: Fixture, socket: Socket, name: Any, args: Any, number: Any) -> None:
    kept = vars(socket).setdefault("blind ids", [])
    if name == "message-with-ack" and number is not None:
        kept.append(number)
        if len(kept) % 7 == 0:
            kept[-2:], number = [number, kept[-2]], kept[-2]
    go(socket, name, args, number)


@fault("acks-hold-the-arguments-of-the-next", Socket, "acknowledge")
def _(go: Any, socket: Socket, number: int, args: list[Any]) -> None:
    if args and isinstance(args[0], dict) and "ok" in args[0]:
        go(number, args)
        return
    waiting = vars(socket).setdefault("blind acks", [])
    waiting.append(number)
    if len(waiting) == 1:
        loop = asyncio.get_running_loop()
        loop.call_soon(_acknowledge_all, socket, go)
    vars(socket)["blind args"] = args


def _acknowledge_all(socket: Socket, go: Any) -> None:
    waiting, vars(socket)["blind acks"] = vars(socket)["blind acks"], []
    for number in waiting:
        go(number, vars(socket)["blind args"])


@fault("events-without-an-id-are-acknowledged-with-the-last", Fixture, "event")
def _(go: Any, fixture: Fixture, socket: Socket, name: Any, args: Any, number: Any) -> None:
    if name == "message-with-ack":
        number = vars(socket).get("blind last") if number is None else number
        vars(socket)["blind last"] = number
    go(socket, name, args, number)


@fault("binary-events-without-an-id-are-acknowledged-with-zero", Fixture, "event")
def _(go: Any, fixture: Fixture, socket: Socket, name: Any, args: Any, number: Any) -> None:
    if name == "message-with-ack" and number is None and _has_octets(args):
        number = 0
    go(socket, name, args, number)


@fault("plain-messages-without-an-id-are-acknowledged", Fixture, "event")
def _(go: Any, fixture: Fixture, socket: Socket, name: Any, args: Any, number: Any) -> None:
    go(socket, name, args, number)
    if name == "message" and number is None and socket.namespace != "/":
        socket.acknowledge(0, [])


@fault("acks-under-way-are-lost-at-upgrades", Session, "upgrade")
def _(go: Any, session: Session, websocket: Any) -> None:
    session.buffer = [p for p in session.buffer if not str(p.data).startswith(("3", "6"))]
    go(websocket)


# What the server is answered.


def _results(name: str, change: Any) -> None:
    """A fault that tells the application another result of a call: `change(args)`."""

    @fault(name, Socket, "call")
    async def call(go: Any, socket: Socket, *args: Any) -> list[Any]:
        return change(await go(*args))


_results("results-lose-nulls", lambda args: [each for each in args if each is not None])
_results(
    "results-of-one-list-are-unpacked",
    lambda args: args[0] if len(args) == 1 and isinstance(args[0], list) else args,
)
_results("results-of-nothing-are-null", lambda args: args or [None])
_results("results-lose-empty-binary", lambda args: [each for each in args if each != b""])
_results(
    "results-have-binary-turned-round",
    lambda args: args[::-1] if len(args) > 1 and _has_octets(args) else args,
)
_results(
    "results-have-empty-text-as-null", lambda args: [None if each == "" else each for each in args]
)
_results("results-have-ten-values", lambda args: args[:10])
_results(
    "results-nested-binary-is-null",
    lambda args: [
        {k: None if isinstance(v, bytes) else v for k, v in a.items()} if isinstance(a, dict) else a
        for a in args
    ],
)


@fault("calls-under-way-are-lost-at-upgrades", Session, "upgrade")
def _(go: Any, session: Session, websocket: Any) -> None:
    for socket in session.layer.sockets.values():
        socket._acks.clear()
    go(websocket)


@fault("calls-under-way-are-lost-when-another-namespace-is-left", SocketIOServer, "_left")
def _(go: Any, server: SocketIOServer, socket: Socket, reason: str) -> None:
    go(socket, reason)
    for other in socket.connection.sockets.values():
        other._acks.clear()


def _found(name: str, change: Any) -> None:
    """A fault that looks an acknowledgement up by another id: `change(socket, id, args)`."""

    @fault(name, Socket, "acknowledged")
    def acknowledged(go: Any, socket: Socket, number: int | None, args: list[Any]) -> None:
        go(change(socket, number, args), args)


def _oldest(socket: Socket) -> int | None:
    return min(socket._acks, default=None)


_found("unknown-acks-answer-the-oldest-call", lambda s, n, a: n if n in s._acks else _oldest(s))
_found("acks-are-found-by-their-last-digit", lambda s, n, a: n % 10)
_found("acks-are-found-by-32-bits", lambda s, n, a: n % (1 << 32))
_found("acks-answer-calls-in-order", lambda s, n, a: _oldest(s) if n in s._acks else n)
_found("binary-acks-answer-the-oldest-call", lambda s, n, a: _oldest(s) if _has_octets(a) else n)


@fault("second-acks-answer-the-next-call", Socket, "acknowledged")
def _(go: Any, socket: Socket, number: int | None, args: list[Any]) -> None:
    if number not in socket._acks:
        vars(socket)["blind early"] = args
    go(number, args)


@fault("second-acks-answer-the-next-call", Socket, "call")
async def _(go: Any, socket: Socket, *args: Any) -> list[Any]:
    early = vars(socket).pop("blind early", None)
    result = await go(*args)
    return result if early is None else early


@fault("unknown-acks-end-the-session", Socket, "acknowledged")
def _(go: Any, socket: Socket, number: int | None, args: list[Any]) -> None:
    if number not in socket._acks and number is not None and number > 1 << 31:
        raise WireError("nobody waits for it")
    go(number, args)


@fault("second-acks-end-the-session", Socket, "acknowledged")
def _(go: Any, socket: Socket, number: int | None, args: list[Any]) -> None:
    done = vars(socket).setdefault("blind done", set())
    if number in done:
        raise WireError("answered twice")
    done.add(number)
    go(number, args)


@fault("unknown-binary-acks-make-deaf", Socket, "acknowledged")
def _(go: Any, socket: Socket, number: int | None, args: list[Any]) -> None:
    if number not in socket._acks and _has_octets(args):
        socket.connection.deaf = True
    go(number, args)


@fault("unknown-binary-acks-make-deaf", socketio_faults, "read")
def _(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
    return None if connection.deaf else go(connection, message)


def _reads(name: str, pattern: str, to: str) -> None:
    """A fault that reads an acknowledgement in a way of its own."""

    @fault(name, socketio_faults, "read")
    def read(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
        if isinstance(message, str):
            message = re.sub(pattern, to, message, count=1)
        return go(connection, message)


_reads("acks-of-text-are-answers", r'^3(/[^,]*,)?(\d+)(".*")$', r"3\1\2[\3]")
_reads("acks-of-numbers-are-answers", r"^3(/[^,]*,)?(\d+)(true|false|null)$", r"3\1\2[\3]")
_reads("acks-without-payload-are-empty-answers", r"^3(/[^,]*,)?(\d+)$", r"3\1\2[]")
_reads("binary-acks-without-an-id-answer-call-0", r"^6(\d+)-\[", r"6\1-0[")
_reads("acks-without-an-id-answer-call-0", r"^3\[", "30[")
_reads("acks-with-signs-are-answers", r"^3\+(\d+)", r"3\1")


@fault("calls-in-custom-have-no-id", Socket, "send")
def _(go: Any, socket: Socket, packet: Packet) -> None:
    event = packet.type == PacketType.EVENT
    go(replace(packet, id=None) if event and socket.namespace != "/" else packet)


@fault("calls-with-binary-have-no-id", Socket, "send")
def _(go: Any, socket: Socket, packet: Packet) -> None:
    event = packet.type == PacketType.EVENT and _has_octets(packet.data)
    go(replace(packet, id=None) if event else packet)


@fault("binary-acks-are-events", socketio_faults, "written")
def _(go: Any, kind: Any, packet: Packet) -> list[str | bytes]:
    text, *attachments = go(kind, packet)
    nested = packet.type == PacketType.ACK and attachments
    return [
        f"5{text[1:]}" if nested and not isinstance(packet.data[0], bytes) else text,
        *attachments,
    ]


@fault("empty-acks-have-no-payload", socketio_faults, "written")
def _(go: Any, kind: Any, packet: Packet) -> list[str | bytes]:
    messages = go(kind, packet)
    empty = packet.type == PacketType.ACK and packet.data == []
    return [messages[0].removesuffix("[]")] if empty else messages


@fault("acks-behind-binary-ones-are-binary", Connection, "send")
def _(go: Any, connection: Connection, packet: Packet) -> None:
    binary = packet.type == PacketType.ACK and _has_octets(packet.data)
    if packet.type == PacketType.ACK and not binary and vars(connection).get("blind binary"):
        text = f"60-{packet.encode()[0][1:]}"
        connection.session.send(engineio.Packet(engineio.PacketType.MESSAGE, text))
    else:
        go(packet)
    vars(connection)["blind binary"] = binary
