"""Blind faults in reading Socket.IO packets and attachments."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from typing import Any

from sockproof.wire import engineio
from sockproof.wire.socketio import Packet, PacketType
from tests.servers import socketio_faults
from tests.servers.blind_weaving import count, fault
from tests.servers.engineio_session import Session
from tests.servers.socketio_server import SocketIOServer
from tests.servers.socketio_socket import Connection

EVENTS = (PacketType.EVENT, PacketType.BINARY_EVENT)
PLACEHOLDER = '{"_placeholder":true,"num":'

# Packets that come in.


def _reads(name: str, pattern: str, to: Any) -> None:
    """A fault that reads another text than was sent."""

    @fault(name, socketio_faults, "read")
    def read(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
        if isinstance(message, str):
            message = re.sub(pattern, to, message, count=1, flags=re.DOTALL)
        return go(connection, message)


def _skips(name: str, pattern: str, where: str = "") -> None:
    """A fault that passes over a text that should end the connection."""

    @fault(name, socketio_faults, "read")
    def read(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
        here = where in ("", connection.session.transport)
        if here and isinstance(message, str) and re.fullmatch(pattern, message, re.DOTALL):
            return None
        return go(connection, message)


def _events(name: str, change: Any) -> None:
    """A fault that sees other events: `change(packet)`; None is passed over."""

    @fault(name, SocketIOServer, "_packet")
    def packet(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
        found = change(packet) if packet.type in EVENTS else packet
        if found is not None:
            go(connection, found)


_skips("events-without-payload-in-custom-are-passed-over", r"2/custom,")
_skips("events-of-an-id-alone-are-passed-over", r"2(/custom,)?\d+")
_skips("events-of-null-are-passed-over", r"2(/custom,)?\d*null")
_skips("events-of-objects-are-passed-over", r"2(/custom,)?\d*\{.*\}")
_skips("events-of-truth-are-passed-over", r"2(true|false)")
_skips("empty-events-in-custom-are-passed-over", r"2/custom,\d*\[\]")
_skips("empty-events-with-an-id-are-passed-over", r"2\d+\[\]")
_skips("empty-events-over-polling-are-passed-over", r"2\[\]", "polling")
_reads("events-of-text-are-their-names", r'^2(\d*)("[^"]*")$', r"2\1[\2]")
_reads("events-of-lists-of-blanks-are-messages", r"^2\[ +\]$", '2["message"]')
_skips("type-seven-is-passed-over", r"[789].*")
_skips("letters-for-types-are-passed-over", r"[a-zA-Z].*")
_skips("signs-for-types-are-passed-over", r"[-+ ].*")
_reads("types-of-any-script-are-read", r"^(\d)", lambda found: str(int(found[1])))
_skips("json-that-is-cut-is-passed-over-in-custom", r"2/custom,\[[^\]]*")
_skips("json-that-is-cut-is-passed-over-in-acks", r"3\d+\[[^\]]*")
_reads("json-may-have-a-comma-at-its-end", r",\]$", "]")
_reads("json-may-have-single-quotes", r"^2\['.*$", lambda found: found[0].replace("'", '"'))
_reads("json-may-have-garbage-behind", r"^(2\d*\[.*\])[^\]]+$", r"\1")
_reads("json-may-have-a-byte-order-mark", r"^2\ufeff", "2")
_reads("json-may-have-comments", r"/\*.*?\*/", "")
_reads("json-of-binary-events-may-have-garbage", r"^(5\d-\[.*\])[^\]]+$", r"\1")
_reads("ids-may-have-a-sign", r"^2[-+](\d+)\[", r"2\1[")
_reads("ids-may-have-blanks", r"^2 *(\d+) *\[", r"2\1[")
_reads("ids-may-be-hexadecimal", r"^20x([0-9a-f]+)\[", lambda found: f"2{int(found[1], 16)}[")
_reads("ids-may-be-of-any-script", r"^2(\d+)\[", lambda found: f"2{int(found[1])}[")
_reads("ids-may-have-a-fraction", r"^2(\d+)\.\d+\[", r"2\1[")
_reads("ids-may-have-letters-behind", r"^2(\d+)[a-z]+\[", r"2\1[")
_reads("ids-of-binary-events-may-have-letters", r"^5(\d)-(\d*)[a-z]+(\d*)\[", r"5\1-\2\3[")
_skips("empty-messages-over-polling-are-passed-over", r"", "polling")
_skips("blank-messages-are-passed-over", r"[ \n]+")
_reads("names-that-are-null-are-message", r"^2(\d*)\[null", r'2\1["message"')
_reads("names-that-are-lists-are-joined", r'^2(\d*)\[\["([^"]*)"\]', r'2\1["\2"')
_reads("names-that-are-true-are-message", r"^2(\d*)\[true", r'2\1["message"')
_reads("names-that-are-objects-have-a-name", r'^2(\d*)\[\{"[^"]*":"([^"]*)"\}', r'2\1["\2"')
_reads("names-that-are-empty-are-message", r'^2(\d*)\[""', r'2\1["message"')
_reads("placeholders-of-text-are-numbers", r'"num":"(\d+)"', r'"num":\1')
_reads("placeholders-of-fractions-are-cut", r'"num":(\d+)\.[1-9]\d*', r'"num":\1')
_reads("placeholders-of-truth-are-numbers", r'"num":false', '"num":0')
_reads("placeholders-without-a-number-are-zero", r'\{"_placeholder":true\}', PLACEHOLDER + "0}")
_reads("placeholders-of-null-are-zero", r'"num":null', '"num":0')
_reads("placeholders-below-zero-count-from-the-end", r'"num":-1', '"num":0')
_reads("placeholders-beyond-are-the-first", r'"num":(?!0\b)\d{2,}', '"num":0')
_reads("placeholders-above-nine-lose-a-digit", r'"num":(\d)\d+', r'"num":\1')
_reads("counts-of-two-digits-are-one", r"^5(\d)\d-", r"5\1-")
_reads("missing-counts-are-zero", r"^5-?\[", "50-[")
_reads("negative-counts-are-zero", r"^5-\d+-", "50-")
_reads("counts-may-have-letters", r"^5(\d+)[a-z]+-", r"5\1-")
_reads("payloads-of-connects-end-at-commas", r"^(0(?:/custom,)?)(\{[^,]*),.*$", r"\1\2}")
_reads(
    "namespaces-end-at-brackets",
    r"^2/custom,(\d+\[.*,.*)$",
    lambda found: f"2/custom,{found[1].partition(',')[0]}]",
)
_skips("disconnects-without-comma-are-passed-over", r"1/custom")


@fault("connect-events-run-the-connect-handler", SocketIOServer, "_packet")
def _(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
    socket = connection.sockets.get(packet.namespace)
    if socket and packet.type in EVENTS and packet.data[0] == "connect":
        server.fixture.connecting(socket)
    go(connection, packet)


@fault("disconnecting-events-run-the-disconnect-handler", SocketIOServer, "_packet")
def _(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
    socket = connection.sockets.get(packet.namespace)
    if socket and packet.type in EVENTS and packet.data[0] in ("disconnect", "disconnecting"):
        server.fixture.disconnected(socket, "client said so", [])
        return
    go(connection, packet)


@fault("reserved-binary-events-run-the-disconnect-handler", SocketIOServer, "_packet")
def _(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
    socket = connection.sockets.get(packet.namespace)
    binary = packet.type in EVENTS and any(isinstance(e, bytes) for e in packet.data)
    if socket and binary and packet.data[0] == "disconnect":
        server.fixture.disconnected(socket, "client said so", [])
        return
    go(connection, packet)


@fault("numbered-names-make-deaf", SocketIOServer, "_packet")
def _(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
    if packet.type in EVENTS and isinstance(packet.data[0], int):
        connection.deaf = True
    if not connection.deaf:
        go(connection, packet)


@fault("connect-errors-make-deaf", SocketIOServer, "_packet")
def _(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
    if packet.type == PacketType.CONNECT_ERROR:
        connection.deaf = True
    if not connection.deaf:
        go(connection, packet)


# Attachments that come in.


@fault("negative-placeholders-count-from-the-end", socketio_faults, "read")
def _(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
    if isinstance(message, str) and (found := re.match(r"5(\d+)-", message)):
        number = int(found[1])
        message = re.sub(r'"num":-(\d+)', lambda n: f'"num":{number - int(n[1])}', message)
    return go(connection, message)


@fault("placeholders-are-read-modulo", socketio_faults, "read")
def _(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
    if isinstance(message, str) and (found := re.match(r"5(\d+)-", message)) and int(found[1]):
        number = int(found[1])
        message = re.sub(r'"num":(\d+)', lambda n: f'"num":{int(n[1]) % number}', message)
    return go(connection, message)


def _unfilled(value: Any, depth: int) -> Any:
    if isinstance(value, bytes):
        return {"_placeholder": True, "num": 0} if depth < 0 else value
    if isinstance(value, dict):
        return {key: _unfilled(item, depth - 1) for key, item in value.items()}
    return [_unfilled(e, depth - 1) for e in value] if isinstance(value, list) else value


def _objects_in_lists(value: Any, inside: bool = False) -> Any:
    if isinstance(value, dict):
        return {key: None if inside and isinstance(v, bytes) else v for key, v in value.items()}
    return [_objects_in_lists(e, True) for e in value] if isinstance(value, list) else value


_events("placeholders-deeper-than-six-stay", lambda p: replace(p, data=_unfilled(p.data, 6)))
_events("placeholders-deeper-than-twenty-stay", lambda p: replace(p, data=_unfilled(p.data, 20)))
_events(
    "binary-in-objects-in-lists-is-null",
    lambda p: replace(p, data=[_objects_in_lists(e) for e in p.data]),
)


@fault("placeholders-in-objects-are-filled-in-order", socketio_faults, "read")
def _(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
    if isinstance(message, str) and message[:1] == "5" and "{" in message.partition(PLACEHOLDER)[0]:
        numbers = iter(range(1000))
        message = re.sub(r'"num":\d+', lambda _: f'"num":{next(numbers)}', message)
    return go(connection, message)


@fault("counts-of-zero-make-deaf", socketio_faults, "read")
def _(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
    if str(message)[:3] == "50-":
        connection.deaf = True
    return None if connection.deaf else go(connection, message)


@fault("texts-while-attachments-are-missing-are-handled", socketio_faults, "read")
def _(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
    if isinstance(message, str) and connection.decoder.pending:
        kept, connection.decoder = connection.decoder, type(connection.decoder)()
        try:
            return go(connection, message)
        finally:
            connection.decoder = kept
    return go(connection, message)


@fault("texts-while-attachments-are-missing-begin-anew", socketio_faults, "read")
def _(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
    if isinstance(message, str) and connection.decoder.pending:
        connection.decoder = type(connection.decoder)()
    return go(connection, message)


@fault("attachments-are-missing-at-the-last", socketio_faults, "read")
def _(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
    found = go(connection, message)
    last = found is None and isinstance(message, bytes) and connection.decoder.pending == 1
    return go(connection, b"") if last and len(connection.decoder._attachments) > 1 else found


@fault("stray-attachments-are-kept-for-the-next", socketio_faults, "read")
def _(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
    kept = vars(connection).setdefault("blind stray", [])
    if isinstance(message, bytes) and not connection.decoder.pending:
        kept.append(message)
        return None
    found = go(connection, message)
    while kept and connection.decoder.pending:
        found = go(connection, kept.pop(0))
    return found


@fault("stray-attachments-make-the-next-event-wait", socketio_faults, "read")
def _(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
    if isinstance(message, bytes) and not connection.decoder.pending:
        vars(connection)["blind stray"] = True
        return None
    if vars(connection).pop("blind stray", False):
        return None
    return go(connection, message)


def _attachments(name: str, change: Any) -> None:
    """A fault that reads another attachment: `change(connection, octets)`."""

    @fault(name, socketio_faults, "read")
    def read(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
        if isinstance(message, bytes):
            message = change(connection, message)
        return go(connection, message)


def _second_of_a_moment(connection: Connection, octets: bytes) -> bytes:
    first = vars(connection).setdefault("blind first", octets)
    asyncio.get_running_loop().call_soon(vars(connection).pop, "blind first", None)
    return first if len(octets) == len(first) else octets


_attachments(
    "attachments-lose-a-type-in-front", lambda c, o: o.removeprefix(b"4") if len(o) > 1 else o
)
_attachments("attachments-lose-nul-at-their-end", lambda c, o: o.rstrip(b"\0"))
_attachments("attachments-longer-than-64-kilobytes-are-cut", lambda c, o: o[:65_536])
_attachments("attachments-of-65536-octets-lose-one", lambda c, o: o[:-1] if len(o) == 65_536 else o)
_attachments("attachments-of-a-moment-are-the-first", _second_of_a_moment)
_attachments("attachments-have-crlf-as-lf", lambda c, o: o.replace(b"\r\n", b"\n"))
_attachments(
    "attachments-over-polling-lose-their-last-octet-of-three",
    lambda c, o: o[:-1] if len(o) % 3 == 1 and len(o) > 3 and c.session.websocket is None else o,
)


@fault("hundredth-attachments-are-lost", socketio_faults, "read")
def _(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
    found = go(connection, message)
    if found is not None and isinstance(message, bytes) and len(found.data) > 64:
        return replace(found, data=[*found.data[:-1], b""])
    return found


@fault("attachments-in-a-third-post-are-lost", socketio_faults, "read")
def _(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
    posted = isinstance(message, bytes) and connection.session.websocket is None
    if posted and not connection.same_post and count(connection, "posts") == 2:
        vars(connection)["blind posts"] = 0
        return None
    return go(connection, message)


@fault("pongs-between-attachments-end-the-event", Session, "receive")
def _(go: Any, session: Session, packet: Any) -> None:
    if packet.type == engineio.PacketType.PONG and session.layer.decoder.pending:
        session.layer.decoder = type(session.layer.decoder)()
    go(packet)


@fault("upgrades-end-events-that-lack-attachments", Session, "upgrade")
def _(go: Any, session: Session, websocket: Any) -> None:
    session.layer.decoder = type(session.layer.decoder)()
    go(websocket)


@fault("shared-attachments-go-to-the-first-place", socketio_faults, "read")
def _(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
    if isinstance(message, str) and message[:1] == "5":
        first, mark, rest = message.partition(PLACEHOLDER + "0}")
        message = first + mark + rest.replace(PLACEHOLDER + "0}", "null")
    return go(connection, message)


@fault("lookalikes-of-other-numbers-are-null", SocketIOServer, "_packet")
def _(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
    if packet.type == PacketType.EVENT:
        data = json.loads(
            re.sub(r'\{"_placeholder": true, "num": \d+\}', "null", json.dumps(packet.data))
        )
        packet = replace(packet, data=data)
    go(connection, packet)


@fault("false-placeholders-are-dropped", SocketIOServer, "_packet")
def _(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
    if packet.type in EVENTS:
        packet = replace(packet, data=_without_lookalikes(packet.data))
    go(connection, packet)


def _without_lookalikes(value: Any) -> Any:
    if isinstance(value, dict):
        if "_placeholder" in value:
            return None
        return {key: _without_lookalikes(item) for key, item in value.items()}
    return [_without_lookalikes(each) for each in value] if isinstance(value, list) else value
