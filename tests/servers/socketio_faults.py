"""Faults of our Socket.IO server in how it reads and writes packets.

Most of them show with one marked packet only, so that a fault is noticed where it belongs.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

from sockproof.wire import WireError
from sockproof.wire.socketio import Packet, PacketType, parse

if TYPE_CHECKING:
    from tests.servers.socketio_socket import Connection

STRANGE_ACK = re.compile(r"3(\d+)(\{.*)")
STRANGE_ID = re.compile(r'2[^/\["{]+(\[.*)')
ABOUT_BINARY = ("placeholder", "no packet announced", "needs a number of attachments")


def read(connection: Connection, message: str | bytes) -> Packet | None:
    """The packet that a message completes, if any, as a fault makes the server see it."""
    match connection.fault:
        case "forgets-packets-between-posts" if message == b"posted" and not connection.same_post:
            return None
        case "loses-attachments-in-one-post" if message == b"posted" and connection.same_post:
            return None
        case "ends-namespaces-at-the-last-comma" if ",/other," in str(message):
            raise WireError("a namespace that is none")
        case "overlooks-empty-messages" if message == "":
            return None
        case "takes-binary-events-without-a-number" if str(message)[:2] in ("5[", "5-"):
            return parse("2" + str(message)[1:].lstrip("-"))[0]
        case "is-deaf-after-odd-attachments" if connection.deaf or str(message).startswith("50-"):
            connection.deaf = True
            return None
        case "is-deaf-after-interrupted-attachments" if connection.deaf or (
            connection.decoder.pending and isinstance(message, str)
        ):
            connection.deaf = True
            return None
        case "spoils-attachments-behind-others" if message == b"again":
            message = b"?"
    connection.same_post = True
    asyncio.get_running_loop().call_soon(setattr, connection, "same_post", False)
    try:
        packet = connection.decoder.feed(message)
    except WireError as error:
        return _misread(connection, message, str(error))
    shared = ["message", b"shared", b"shared"]
    if connection.fault == "takes-attachments-once" and packet and packet.data == shared:
        return Packet(packet.type, packet.namespace, [*shared[:2], b""])
    if connection.fault == "fills-placeholders-in-events" and packet is not None:
        return _filled(packet)
    return packet


def _misread(connection: Connection, message: str | bytes, why: str) -> Packet | None:
    """What is no packet, and no fault takes for one, raises `WireError`."""
    match connection.fault:
        case "is-deaf-after-odd-attachments" if any(each in why for each in ABOUT_BINARY):
            connection.deaf = True
            return None
        case "fills-strange-placeholders" if "placeholder" in why:
            return Packet(PacketType.BINARY_EVENT, "/", ["message", message])
        case "handles-stray-attachments" if "no packet announced" in why:
            return Packet(PacketType.EVENT, "/", ["message", message])
        case "answers-acks-without-an-id" if str(message).startswith("3["):
            connection.sockets["/"].emit("message-back", "for me?")
            return None
        case "takes-acks-without-an-id" if str(message).startswith("3["):
            connection.sockets["/"].acknowledged(None, json.loads(str(message)[1:]))
            return None
        case "takes-any-payload-for-an-ack" if found := STRANGE_ACK.fullmatch(str(message)):
            return Packet(PacketType.ACK, "/", [json.loads(found[2])], int(found[1]))
        case "takes-any-name-for-an-event" if "no name" in str(message):
            return Packet(PacketType.EVENT, "/", ["message", "no name"])
        case "connects-whatever-the-payload" if str(message).startswith("0/custom,"):
            return Packet(PacketType.CONNECT, "/custom")
        case "overlooks-strange-ids" if found := STRANGE_ID.fullmatch(str(message)):
            return Packet(PacketType.EVENT, "/", json.loads(found[1]), 0)
    raise WireError(why)


def _filled(packet: Packet) -> Packet:
    """An event whose placeholders are taken for such although it has no attachments."""
    if packet.type != PacketType.EVENT:
        return packet
    lookalike = {"_placeholder": True, "num": 0}
    data = [None if each == lookalike else each for each in packet.data]
    return Packet(packet.type, packet.namespace, data, packet.id)


def written(fault: str | None, packet: Packet) -> list[str | bytes]:
    """The messages of a packet, as a fault has them written."""
    text, attachments = packet.encode()
    marks = packet.data if isinstance(packet.data, list) else []
    mark = marks[1] if len(marks) > 1 else None
    match fault:
        case "acks-without-a-list" if marks == ["value"] and packet.type == PacketType.ACK:
            text = text.replace('["value"]', '"value"', 1)
        case "types-packets-as-7" if packet.data == ["typed"]:
            text = "7" + text[1:]
        case "writes-ids-before-namespaces" if packet.id == 12 and packet.namespace != "/":
            text = text.replace("/custom,12", "12/custom,", 1)
        case "names-the-main-namespace" if "left out" in marks:
            text = f"{text[0]}/,{text[1:]}"
        case "writes-namespaces-without-a-comma" if mark == "named":
            text = text.replace("/custom,", "/custom", 1)
        case "writes-json-with-blanks" if mark == "com pact":
            text = text[0] + json.dumps(packet.data)
        case "splits-packets" if mark == "whole":
            return [text[:9], text[9:]]
        case "prefixes-attachments" if mark == b"4 plain octets":
            attachments = [b"\x04" + each for each in attachments]
        case "writes-events-without-a-list" if str(marks[:1]).startswith("['bare"):
            text = '2"bare"'
        case "numbers-names-of-events" if mark == "its name":
            text = text.replace('"message-back"', "7", 1)
        case "announces-an-attachment-too-few" if mark == "announced":
            count = int(text[1])
            text = text.replace(f"5{count}-", f"5{count - 1}-", 1)
        case "sends-text-between-attachments" if mark in ("announced", "contiguous"):
            return [text, attachments[0], '2["message-back","in between"]', *attachments[1:]]
        case "numbers-placeholders-backwards" if _is_nested(mark):
            text, attachments = _renumbered(text), attachments[::-1]
        case "numbers-placeholders-wrongly" if _is_nested(mark):
            text = _renumbered(text)
        case "spoils-text" if mark == "a text":
            text = text[:-3] + '?"]'
        case "spoils-values" if mark == "a value":
            text = f"{text[:-1]},null]"
    return [text, *attachments]


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict) and "deeper" in value


def _renumbered(text: str) -> str:
    """Placeholders 0, 1, 2 numbered 2, 1, 0."""
    return re.sub(r'"num":([0-2])', lambda found: f'"num":{2 - int(found[1])}', text)
