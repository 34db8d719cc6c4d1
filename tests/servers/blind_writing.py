"""Blind faults in writing Socket.IO packets, and in their order."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

from sockproof.wire import WireError, engineio
from sockproof.wire.socketio import Packet, PacketType
from tests.servers import socketio_faults
from tests.servers.blind_weaving import count, fault
from tests.servers.engineio_session import Session
from tests.servers.socketio_server import SocketIOServer
from tests.servers.socketio_socket import Connection

EVENTS = (PacketType.EVENT, PacketType.BINARY_EVENT)
PLACEHOLDER = '{"_placeholder":true,"num":'

# Packets that go out. `_written(name, change)`: `change(packet, messages)` gives messages.


def _written(name: str, change: Callable[[Packet, list[Any]], list[Any]]) -> None:
    @fault(name, socketio_faults, "written")
    def written(go: Any, kind: Any, packet: Packet) -> list[str | bytes]:
        return change(packet, go(kind, packet))


def _text(when: Any, pattern: str, to: Any) -> Any:
    def change(packet: Packet, messages: list[Any]) -> list[Any]:
        if not when(packet, messages):
            return messages
        return [re.sub(pattern, to, messages[0], count=1), *messages[1:]]

    return change


def _every(packet: Packet, messages: list[Any]) -> bool:
    return True


def _with_octets(packet: Packet, messages: list[Any]) -> bool:
    return len(messages) > 1


def _is_ack(packet: Packet, messages: list[Any]) -> bool:
    return packet.type == PacketType.ACK


def _sorted_as_text(packet: Packet, messages: list[Any]) -> list[Any]:
    text, *attachments = messages
    order = sorted(range(len(attachments)), key=str)
    return [text, *(attachments[n] for n in order)]


def _blanks(packet: Packet, messages: list[Any]) -> list[Any]:
    text = re.sub(r'([\]}"]),([\[{"])', r"\1, \2", messages[0])
    return [text, *messages[1:]]


def _only_once(packet: Packet, messages: list[Any]) -> list[Any]:
    text, *attachments = messages
    return [text, *dict.fromkeys(attachments)]


def _split(packet: Packet, messages: list[Any]) -> list[Any]:
    text = messages[0]
    return [text[:65_536], text[65_536:], *messages[1:]] if len(text) > 65_536 else messages


_written(
    "acks-in-custom-are-of-type-7",
    _text(lambda p, m: _is_ack(p, m) and p.namespace != "/", r"^3", "7"),
)
_written("disconnects-are-of-type-8", _text(_every, r"^1", "8"))
_written(
    "counts-stand-behind-namespaces", _text(_with_octets, r"^([56])(\d+-)(/[^,]*,)", r"\1\3\2")
)
_written("counts-stand-behind-ids", _text(_with_octets, r"^([56])(\d+-)(\d+)\[", r"\1\3\2["))
_written("main-is-named-with-attachments", _text(_with_octets, r"^([56]\d+-)(?!/)", r"\1/,"))
_written("main-is-named-in-acks", _text(_is_ack, r"^3(?!/)", "3/,"))
_written("main-is-named-in-disconnects", _text(_every, r"^1$", "1/,"))
_written("custom-connects-have-no-comma", _text(_every, r"^0(/[^,]*),", r"0\1"))
_written("custom-attachments-have-no-comma", _text(_with_octets, r"^([56]\d+-)(/[^,]*),", r"\1\2"))
_written("custom-acks-have-no-namespace", _text(_is_ack, r"^3/[^,]*,", "3"))
_written("disconnects-have-no-namespace", _text(_every, r"^1/.*", "1"))
_written("acks-have-blanks", lambda p, m: _blanks(p, m) if _is_ack(p, m) else m)
_written("refusals-have-blanks", _text(_every, r'^4(.*)":', r'4\1": '))
_written("connects-have-blanks", _text(_every, r'^0(.*)":', r'0\1": '))
_written("attachments-have-blanks", lambda p, m: _blanks(p, m) if _with_octets(p, m) else m)
_written("counts-above-nine-are-nine", _text(_with_octets, r"^([56])\d{2,}-", r"\g<1>9-"))
_written("counts-of-one-are-left-out", _text(_with_octets, r"^([56])1-", r"\1-"))
_written("equal-attachments-are-sent-once", _only_once)
_written("attachments-above-nine-are-sorted-as-text", _sorted_as_text)
_written("attachments-of-two-change-places", lambda p, m: [m[0], m[2], m[1]] if len(m) == 3 else m)
_written(
    "placeholders-begin-with-one",
    lambda p, m: [re.sub(r'"num":(\d+)', lambda n: f'"num":{int(n[1]) + 1}', m[0]), *m[1:]],
)
_written(
    "placeholders-above-nine-are-text",
    lambda p, m: (
        [re.sub(r'"num":(\d{2,})', r'"num":"\1"', m[0]), *m[1:]] if _with_octets(p, m) else m
    ),
)
_written("long-packets-are-sent-in-two", _split)
_written(
    "long-attachments-are-sent-in-two",
    lambda p, m: [
        m[0],
        *(part for a in m[1:] for part in ([a[:65_536], a[65_536:]] if len(a) > 65_536 else [a])),
    ],
)
_written("empty-attachments-are-not-sent", lambda p, m: [each for each in m if each != b""])
_written("last-empty-attachments-are-not-sent", lambda p, m: m[:-1] if m[-1] == b"" else m)
_written(
    "attachments-in-acks-have-a-type",
    lambda p, m: [m[0], *(b"\x04" + each for each in m[1:])] if _is_ack(p, m) else m,
)
_written(
    "names-are-left-out-of-binary-events",
    lambda p, m: [m[0].replace('["message-back",', "[", 1), *m[1:]] if _with_octets(p, m) else m,
)
_written(
    "names-in-custom-are-lists",
    _text(lambda p, m: p.namespace != "/", r'"message-back"', '["message-back"]'),
)
_written(
    "events-without-arguments-are-text", _text(_every, r'^2(/[^,]*,)?\["([^"]*)"\]$', r'2\1"\2"')
)
_written(
    "events-in-custom-without-arguments-are-empty",
    _text(_every, r'^2/custom,\["message-back"\]$', "2/custom,[]"),
)


@fault("events-behind-binary-ones-are-binary", Connection, "send")
def _(go: Any, connection: Connection, packet: Packet) -> None:
    text, attachments = packet.encode()
    if packet.type == PacketType.EVENT and not attachments and vars(connection).get("blind binary"):
        message = engineio.Packet(engineio.PacketType.MESSAGE, f"50-{text[1:]}")
        connection.session.send(message)
    else:
        go(packet)
    vars(connection)["blind binary"] = bool(attachments)


@fault("lookalikes-make-events-binary", Connection, "send")
def _(go: Any, connection: Connection, packet: Packet) -> None:
    text, attachments = packet.encode()
    if packet.type == PacketType.EVENT and not attachments and "_placeholder" in text:
        message = engineio.Packet(engineio.PacketType.MESSAGE, f"50-{text[1:]}")
        connection.session.send(message)
    else:
        go(packet)


@fault("acks-share-a-message-with-the-packet-before", Connection, "send")
def _(go: Any, connection: Connection, packet: Packet) -> None:
    kept = vars(connection).pop("blind text", None)
    text, attachments = packet.encode()
    if kept is None and packet.type == PacketType.EVENT and not attachments:
        vars(connection)["blind text"] = text
        asyncio.get_running_loop().call_soon(_send_text, connection)
    elif kept is not None and packet.type == PacketType.ACK and not attachments:
        message = engineio.Packet(engineio.PacketType.MESSAGE, f"{kept}\n{text}")
        connection.session.send(message)
    else:
        vars(connection)["blind text"] = kept
        _send_text(connection)
        go(packet)


def _send_text(connection: Connection) -> None:
    text = vars(connection).pop("blind text", None)
    if text is not None:
        connection.session.send(engineio.Packet(engineio.PacketType.MESSAGE, text))


# Order.


def _late(name: str, when: Any) -> None:
    """A fault that sends what `when` chooses behind all else of the moment."""

    @fault(name, Connection, "send")
    def send(go: Any, connection: Connection, packet: Packet) -> None:
        if when(connection, packet):
            asyncio.get_running_loop().call_soon(go, packet)
        else:
            go(packet)


def _octets(packet: Packet) -> int:
    return len(packet.encode()[1])


_late("events-with-three-attachments-come-late", lambda c, p: _octets(p) > 2)
_late("events-in-custom-come-late", lambda c, p: p.namespace != "/" and p.type == PacketType.EVENT)
_late("tenth-packets-come-late", lambda c, p: count(c, "sent") % 10 == 0)
_late(
    "long-events-come-late", lambda c, p: p.type == PacketType.EVENT and len(p.encode()[0]) > 1000
)


def _handled_late(name: str, when: Any) -> None:
    """A fault that handles what `when` chooses behind all else of the moment."""

    @fault(name, SocketIOServer, "_packet")
    def packet(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
        def handle() -> None:
            if not connection.session.closed:
                go(connection, packet)

        if packet.type in EVENTS and when(connection, packet):
            asyncio.get_running_loop().call_soon(handle)
        else:
            go(connection, packet)


_handled_late("binary-events-are-handled-late", lambda c, p: _octets(p) > 0)
_handled_late("events-with-an-id-are-handled-late", lambda c, p: p.id is not None)
_handled_late("thirtieth-events-are-handled-late", lambda c, p: count(c, "events") % 30 == 0)
_handled_late("events-in-custom-are-handled-late", lambda c, p: p.namespace != "/")


@fault("attachments-stand-behind-the-next-packet", Connection, "send")
def _(go: Any, connection: Connection, packet: Packet) -> None:
    kept = vars(connection).setdefault("blind kept", [])
    text, *attachments = socketio_faults.written(None, packet)
    send = connection.session.send
    send(engineio.Packet(engineio.PacketType.MESSAGE, text))
    for each in kept:
        send(engineio.Packet(engineio.PacketType.MESSAGE, each))
    kept[:] = []
    if len(attachments) == 2:
        kept.extend(attachments)
        asyncio.get_running_loop().call_soon(_send_kept, connection)
    else:
        for each in attachments:
            send(engineio.Packet(engineio.PacketType.MESSAGE, each))


def _send_kept(connection: Connection) -> None:
    kept = vars(connection)["blind kept"]
    for each in kept:
        connection.session.send(engineio.Packet(engineio.PacketType.MESSAGE, each))
    kept[:] = []


@fault("bad-packets-after-upgrades-are-passed-over", socketio_faults, "read")
def _(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
    try:
        return go(connection, message)
    except WireError:
        if vars(connection.session).get("blind upgraded"):
            return None
        raise


@fault("bad-packets-after-upgrades-are-passed-over", Session, "upgrade")
def _(go: Any, session: Session, websocket: Any) -> None:
    vars(session)["blind upgraded"] = True
    go(websocket)
