"""Socket.IO packets and long-polling payloads as our raw client writes and reads them.

Socket.IO protocol, revision 5, "Packet encoding"; Engine.IO protocol, revision 4, "Packet
encoding". Written from these, apart from `sockproof.wire`, so that the two do not share an error.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.clients.raw_socketio.switches import Switches

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = range(7)
SEPARATOR = "\x1e"
RESERVED = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)
Message = str | bytes  # of an Engine.IO MESSAGE, without its digit


class Malformed(Exception):
    """What came is no packet; `closes` where the document has its receiver close the connection."""

    def __init__(self, why: str, closes: bool = False) -> None:
        super().__init__(why)
        self.closes = closes


@dataclass
class Packet:
    """One Socket.IO packet; there may be `bytes` anywhere in its data."""

    type: int
    namespace: str = "/"
    data: Any = None
    id: int | None = None
    attachments: list[bytes] = field(default_factory=list)


def encode(packet: Packet, switches: Switches) -> list[Message]:
    """The packet's text, and behind it its attachments."""
    on = switches.on
    attachments: list[bytes] = []
    data = _taken_out(_spoilt(packet.data, switches), attachments, switches, 0)
    kind = packet.type
    if attachments and not on("binary-events-are-sent-as-events" if kind == EVENT else ""):
        kind = {EVENT: BINARY_EVENT, ACK: BINARY_ACK}[kind]
    if kind == BINARY_ACK and on("binary-acks-are-sent-as-acks"):
        kind = ACK
    text = str(kind)
    if kind in (BINARY_EVENT, BINARY_ACK):
        count = len(attachments)
        if on("counts-attachments-one-short"):
            count -= 1
        text += f"{count}-"
    root = "/" if on("writes-the-main-namespace") and kind != CONNECT else ""
    namespace = root if packet.namespace == "/" else packet.namespace
    comma = "" if on("namespaces-have-no-comma") else ","
    number = "" if packet.id is None else str(packet.id)
    if on("puts-ack-ids-before-namespaces") and number and namespace:
        text += f"{number}{namespace}{comma}"
    else:
        text += (f"{namespace}{comma}" if namespace else "") + number
    if data is not None:
        text += _json(data, switches)
    if on("reverses-attachments"):
        attachments.reverse()
    if on("loses-the-last-attachment") and len(attachments) > 1:
        attachments.pop()
    if on("merges-attachments") and len(attachments) > 1:
        attachments = [b"".join(attachments)]
    if on("sends-attachments-first"):
        return [*attachments, text]
    return [text, *attachments]


def _json(data: Any, switches: Switches) -> str:
    on = switches.on
    text = json.dumps(
        data,
        separators=(", ", ": ") if on("json-has-blanks") else (",", ":"),
        ensure_ascii=on("json-has-escapes"),
    )
    if on("json-has-tabs"):
        text = json.dumps(data, separators=(",\t", ":\t"), ensure_ascii=False)
    if on("json-has-line-breaks"):
        text = json.dumps(data, indent=1, ensure_ascii=False)
    if on("json-escapes-slashes"):
        text = text.replace("/", "\\/")
    if on("json-has-capital-escapes"):
        found = re.compile("[^\x20-\x7e]")
        text = found.sub(lambda each: _escapes(each[0]), text)
    if on("loses-text-beyond-ascii"):
        text = text.encode("ascii", "replace").decode("ascii")
    if on("loses-astral-text"):
        text = re.sub("[\U00010000-\U0010ffff]", "\ufffd", text)
    if on("escapes-text-twice"):
        text = text.replace("\\n", "\\\\n")
    return text


def _escapes(character: str) -> str:
    octets = character.encode("utf-16-be")
    return "".join(f"\\u{octets[n]:02X}{octets[n + 1]:02X}" for n in range(0, len(octets), 2))


def _spoilt(data: Any, switches: Switches) -> Any:
    """The arguments as a library with a fault, or a habit, hands them on."""
    on = switches.on
    if not isinstance(data, list):
        return data
    if on("spreads-a-lone-list") and len(data) == 2 and isinstance(data[1], list):
        return [data[0], *data[1]]
    if on("wraps-a-lone-argument-in-a-list") and len(data) == 2:
        return [data[0], [data[1]]]
    if on("wraps-arguments-in-a-list") and len(data) > 2:
        return [data[0], data[1:]]
    if on("sends-null-for-no-arguments") and len(data) == 1:
        return [*data, None]
    if on("sends-the-first-argument-alone"):
        return data[:2]
    if on("drops-null-arguments"):
        return [each for each in data if each is not None]
    return data


def _taken_out(value: Any, attachments: list[bytes], switches: Switches, depth: int) -> Any:
    on = switches.on
    if isinstance(value, bytes):
        if depth > 1 and on("takes-out-top-level-binary-alone"):
            return base64.b64encode(value).decode("ascii")
        if not value and on("sends-empty-binary-as-text"):
            return ""
        if on("sends-binary-as-base64-text"):
            return base64.b64encode(value).decode("ascii")
        if on("sends-binary-as-a-list-of-numbers"):
            return list(value)
        if value in attachments and on("joins-equal-attachments"):
            return {"_placeholder": True, "num": attachments.index(value)}
        attachments.append(value)
        number = len(attachments) - (0 if on("numbers-attachments-from-one") else 1)
        if on("names-placeholders-otherwise"):
            return {"_placeholder": True, "number": number}
        if on("placeholder-number-comes-first"):
            return {"num": number, "_placeholder": True}
        return {"_placeholder": True, "num": number}
    if isinstance(value, dict):
        items = list(value.items())
        if on("orders-members-otherwise"):
            items.reverse()
        if on("drops-members-that-are-null"):
            items = [(key, each) for key, each in items if each is not None]
        return {key: _taken_out(each, attachments, switches, depth + 1) for key, each in items}
    if isinstance(value, list):
        return [_taken_out(each, attachments, switches, depth + 1) for each in value]
    return _number(value, switches) if isinstance(value, int | float) else value


def _number(value: float, switches: Switches) -> float:
    on = switches.on
    if isinstance(value, float) and on("cuts-fractions-off"):
        return int(value)
    if isinstance(value, float) and value.is_integer() and on("writes-whole-floats-as-integers"):
        return int(value)
    if isinstance(value, bool) and on("sends-booleans-as-numbers"):
        return int(value)
    if isinstance(value, int) and abs(value) >= 2**31 and on("cuts-integers-to-32-bits"):
        return (value + 2**31) % 2**32 - 2**31
    return value


class Decoder:
    """Puts packets and their attachments together; raises `Malformed`."""

    def __init__(self, switches: Switches) -> None:
        self.on = switches.on
        self._packet: Packet | None = None
        self._missing = 0

    def feed(self, message: Message) -> Packet | None:
        """The packet that this message completes."""
        if isinstance(message, bytes):
            return self._attach(message)
        if self._packet is not None:
            if self.on("takes-text-for-an-attachment"):
                return self._attach(message.encode())
            if self.on("delivers-events-without-their-attachments"):
                packet, self._packet = self._packet, None
                return packet
            if self.on("waits-for-attachments-for-ever"):
                return None
            if not self.on("lets-text-through-between-attachments"):
                self._packet = None
                raise Malformed("text while attachments are missing")
        packet, count = self._parse(message)
        binary = packet.type in (BINARY_EVENT, BINARY_ACK)
        if count or (binary and self.on("waits-for-attachments-for-ever")):
            self._packet, self._missing = packet, count
            return None
        return self._filled(packet) if binary else packet

    def _attach(self, octets: bytes) -> Packet | None:
        if self._packet is None:
            if self.on("takes-stray-binary-for-an-event"):
                return Packet(EVENT, "/", ["message", octets])
            raise Malformed("binary that no packet announced")
        self._packet.attachments.append(octets)
        self._missing -= 1
        if self._missing > 0:
            return None
        packet, self._packet = self._packet, None
        return self._filled(packet)

    def _filled(self, packet: Packet) -> Packet:
        if self.on("reads-attachments-backwards"):
            packet.attachments.reverse()
        packet.data = self._put_back(packet.data, packet.attachments, iter(packet.attachments), 0)
        return packet

    def _put_back(self, value: Any, attachments: list[bytes], order: Any, depth: int) -> Any:
        if isinstance(value, dict) and value.get("_placeholder") is True:
            if depth > 1 and self.on("leaves-deep-placeholders"):
                return value
            if self.on("fills-placeholders-in-order"):
                return next(order)
            number = value.get("num")
            if type(number) is int and 0 <= number < len(attachments):
                return attachments[number]
            if self.on("fills-wrong-placeholders-with-nothing"):
                return None
            raise Malformed("illegal attachments")
        if isinstance(value, dict):
            items = value.items()
            return {key: self._put_back(each, attachments, order, depth + 1) for key, each in items}
        if isinstance(value, list):
            return [self._put_back(each, attachments, order, depth + 1) for each in value]
        return value

    def _parse(self, text: str) -> tuple[Packet, int]:
        found = re.match(r"([0-6])(?:(\d+)-)?(?:(/[^,]*),?)?(\d+)?", text, re.ASCII)
        if found is None:
            raise Malformed(f"unknown packet type {text[:1]!r}")
        kind = int(found[1])
        binary = kind in (BINARY_EVENT, BINARY_ACK)
        if binary != (found[2] is not None):
            raise Malformed("illegal attachments")
        number = found[4]
        rest = text[found.end() :]
        if number is not None and self.on("reads-one-digit-of-ack-ids"):
            number = number[:1]
        data = None
        if rest:
            try:
                data = json.loads(rest)
            except (ValueError, RecursionError):
                if self.on("takes-what-is-not-json-for-text"):
                    data = ["message", rest]
                else:
                    raise Malformed("invalid payload") from None
        namespace = found[3] or "/"
        if self.on("reads-no-namespaces"):
            namespace = "/"
        if not self.on("keeps-queries-of-namespaces"):
            namespace = namespace.partition("?")[0]
        packet = Packet(kind, namespace, data, int(number) if number else None)
        if number == "0" and self.on("takes-id-0-for-none"):
            packet.id = None
        if not self._valid(packet):
            listed = isinstance(data, list) and data
            raise Malformed("invalid payload", kind in (EVENT, BINARY_EVENT) and not listed)
        return packet, int(found[2] or 0)

    def _valid(self, packet: Packet) -> bool:
        data = packet.data
        match packet.type:
            case 2 | 5:
                if self.on("checks-no-events"):
                    return isinstance(data, list)
                named = isinstance(data, list) and bool(data) and isinstance(data[0], str)
                reserved = named and data[0] in RESERVED
                names = ("delivers-reserved-names", "takes-events-for-its-lifecycle")
                return named and (not reserved or self.on(*names))
            case 3 | 6:
                if self.on("checks-no-acknowledgements"):
                    return True
                return isinstance(data, list) and packet.id is not None
            case 1:
                return data is None
            case 0:
                return data is None or isinstance(data, dict)
        return isinstance(data, str | dict)


# Long-polling: packets as Engine.IO has them are text with their digit, or octets.


def in_payload(packet: Message, switches: Switches) -> str:
    """A packet as it stands in a POST."""
    if isinstance(packet, str):
        return packet
    text = base64.b64encode(packet).decode("ascii")
    if switches.on("writes-base64-for-urls"):
        text = text.replace("+", "-").replace("/", "_")
    if switches.on("writes-base64-without-padding"):
        text = text.rstrip("=")
    if switches.on("writes-base64-without-b"):
        return f"4{text}"
    return f"b4{text}" if switches.on("writes-base64-behind-b4") else f"b{text}"


def payload(packets: list[str], switches: Switches) -> bytes:
    """The body of a POST."""
    on = switches.on
    if on("writes-lengths-into-payloads"):
        return "".join(f"{len(each)}:{each}" for each in packets).encode()
    separator = "\n" if on("separates-packets-by-line-breaks") else SEPARATOR
    text = separator.join(packets)
    if on("ends-payloads-with-a-separator"):
        text += SEPARATOR
    if on("posts-latin-1"):
        return text.encode("latin-1", "replace")
    return text.encode("utf-8")


def packets_of(body: bytes, switches: Switches) -> list[Message]:
    """The packets of the answer to a GET; raises `Malformed`."""
    on = switches.on
    try:
        text = body.decode("latin-1" if on("reads-payloads-as-latin-1") else "utf-8")
    except UnicodeDecodeError:
        if not on("reads-what-is-not-utf-8"):
            raise Malformed("the payload is not UTF-8") from None
        text = body.decode("utf-8", "replace")
    if on("reads-one-packet-of-a-payload") and text.startswith("42"):
        text = text.partition(SEPARATOR)[0]
    parts = text.split(SEPARATOR, 1 if on("reads-two-packets-of-a-payload") else -1)
    if on("reads-payloads-backwards"):
        parts.reverse()
    return [_from_payload(part, switches) for part in parts]


def _from_payload(part: str, switches: Switches) -> Message:
    if not part.startswith("b"):
        return part
    if switches.on("reads-no-base64"):
        return f"4{part[1:]}"
    try:
        octets = base64.b64decode(part[1:], validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("invalid base64") from None
    return octets.rstrip(b"\0") if switches.on("loses-zeros-of-base64") else octets
