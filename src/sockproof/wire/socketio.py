"""Socket.IO packets as text and attachments: Socket.IO protocol, revision 5.

    <type>[<number of attachments>-][<namespace>,][<acknowledgement id>][JSON]

Octets inside the data leave it as attachments, each in place of `{"_placeholder":true,"num":n}`,
numbered depth first, and follow the packet as binary messages of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sockproof.wire import WireError, strict_json

MAX_ATTACHMENTS = 1000
MAX_OCTETS = 32 * 1024 * 1024
# An id of nineteen digits that went through a double may come back with twenty.
_HEADER = re.compile(r"([0-6])(?:([0-9]{1,19})-)?(?:(/[^,]*)(?:,|$))?([0-9]{1,20})?", re.ASCII)


class PacketType(IntEnum):
    """The digit in front of a packet."""

    CONNECT = 0
    DISCONNECT = 1
    EVENT = 2
    ACK = 3
    CONNECT_ERROR = 4
    BINARY_EVENT = 5
    BINARY_ACK = 6


_WITH_ATTACHMENTS = {
    PacketType.EVENT: PacketType.BINARY_EVENT,
    PacketType.ACK: PacketType.BINARY_ACK,
}
_EVENTS = (PacketType.EVENT, PacketType.BINARY_EVENT)
_BINARY = (PacketType.BINARY_EVENT, PacketType.BINARY_ACK)
# Names that the libraries on either side keep for themselves, and refuse in a packet.
RESERVED_NAMES = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet; `data` is a list for events and acknowledgements, with `bytes` anywhere."""

    type: PacketType
    namespace: str = "/"
    data: Any = None
    id: int | None = None

    def encode(self) -> tuple[str, list[bytes]]:
        """The packet's text and its attachments; octets in the data make the type a binary one."""
        attachments: list[bytes] = []
        data = _take_out(self.data, attachments)
        type_ = _WITH_ATTACHMENTS.get(self.type, self.type) if attachments else self.type
        text = f"{type_:d}"
        if type_ in _BINARY:
            text += f"{len(attachments)}-"
        if self.namespace != "/":
            text += f"{self.namespace},"
        if self.id is not None:
            text += str(self.id)
        if data is not None:
            text += json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        return text, attachments

    def __str__(self) -> str:
        where = "" if self.namespace == "/" else f" in {self.namespace}"
        number = "" if self.id is None else f" id {self.id}"
        data = "" if self.data is None else f" {self.data!r:.300}"
        return f"{self.type.name}{where}{number}{data}"


def _take_out(value: Any, attachments: list[bytes]) -> Any:
    if isinstance(value, bytes | bytearray):
        attachments.append(bytes(value))
        return {"_placeholder": True, "num": len(attachments) - 1}
    if isinstance(value, dict):
        return {key: _take_out(item, attachments) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_take_out(item, attachments) for item in value]
    return value


def put_back(value: Any, attachments: Sequence[Any]) -> Any:
    """The data with attachments in their places; raises `WireError`, and `RecursionError`."""
    if isinstance(value, dict):
        if value.get("_placeholder") is True:
            number = value.get("num")
            if not isinstance(number, int) or isinstance(number, bool):
                raise WireError(f"a placeholder's num is not a whole number: {number!r:.60}")
            if not 0 <= number < len(attachments):
                raise WireError(f"a placeholder names attachment {number} of {len(attachments)}")
            return attachments[number]
        return {key: put_back(item, attachments) for key, item in value.items()}
    if isinstance(value, list):
        return [put_back(item, attachments) for item in value]
    return value


def parse(text: str) -> tuple[Packet, int]:
    """A packet's text with its placeholders left in, and how many attachments are to follow."""
    found = _HEADER.match(text)
    if found is None:
        raise WireError(f"a Socket.IO packet begins with a digit from 0 to 6, not {text[:1]!r}")
    type_ = PacketType(int(found[1]))
    if (type_ in _BINARY) != (found[2] is not None):
        what = "needs a number of attachments" if type_ in _BINARY else "has no attachments"
        raise WireError(f"{type_.name} {what}: {text[:40]!r}")
    count = int(found[2] or 0)
    if count > MAX_ATTACHMENTS:
        raise WireError(f"a packet announces {count} attachments, more than {MAX_ATTACHMENTS}")
    rest = text[found.end() :]
    data = None
    if rest:
        try:
            data = strict_json.loads(rest)
        except (ValueError, RecursionError) as error:
            raise WireError(f"{type_.name} is not JSON: {error}") from None
        if data is None:
            raise WireError(f"{type_.name} holds null")
    packet = Packet(type_, found[3] or "/", data, None if found[4] is None else int(found[4]))
    _check(packet)
    return packet, count


def _check(packet: Packet) -> None:
    data = packet.data
    match packet.type:
        case PacketType.EVENT | PacketType.BINARY_EVENT:
            if not isinstance(data, list) or not data:
                raise WireError(f"an event's data is a list that is not empty, not {data!r:.60}")
            named = isinstance(data[0], str | int | float) and not isinstance(data[0], bool)
            if not named:
                raise WireError(f"an event's name is a string or a number, not {data[0]!r:.60}")
        case PacketType.ACK | PacketType.BINARY_ACK:
            if not isinstance(data, list):
                raise WireError(f"an acknowledgement's data is a list, not {data!r:.60}")
            if packet.id is None:
                raise WireError("an acknowledgement has no id")
        case PacketType.DISCONNECT:
            if data is not None:
                raise WireError(f"DISCONNECT has no data, not {data!r:.60}")
        case PacketType.CONNECT:
            if data is not None and not isinstance(data, dict):
                raise WireError(f"CONNECT holds an object, not {data!r:.60}")
        case PacketType.CONNECT_ERROR:
            # Old servers put text here; whether that is right is for a case to say.
            if not isinstance(data, str | dict):
                raise WireError(f"CONNECT_ERROR holds an object, not {data!r:.60}")


class Decoder:
    """Puts packets and their attachments together, message by message."""

    def __init__(
        self,
        max_attachments: int = MAX_ATTACHMENTS,
        max_octets: int = MAX_OCTETS,
        reserved: frozenset[str] = RESERVED_NAMES,
    ) -> None:
        self._max_attachments = max_attachments
        self._max_octets = max_octets
        self._reserved = reserved
        self._packet: Packet | None = None
        self._attachments: list[bytes] = []
        self.octets = 0  # of the attachments that are there
        self.pending = 0

    def feed(self, message: str | bytes) -> Packet | None:
        """The packet that the message completes, or None; raises `WireError`."""
        if isinstance(message, bytes):
            return self._attach(message)
        if self.pending:
            raise WireError(f"a text packet while {self.pending} attachments are missing")
        packet, count = parse(message)
        if packet.type in _EVENTS and packet.data[0] in self._reserved:
            raise WireError(f"no event has the reserved name {packet.data[0]!r}")
        if count > self._max_attachments:
            raise WireError(f"a packet announces {count} attachments")
        if count:
            self._packet, self._attachments, self.pending = packet, [], count
            self.octets = 0
            return None
        return self._filled(packet) if packet.type in _BINARY else packet

    def _attach(self, octets: bytes) -> Packet | None:
        if self._packet is None:
            raise WireError("a binary message that no packet announced")
        self._attachments.append(octets)
        self.octets += len(octets)
        if self.octets > self._max_octets:
            raise WireError(f"the attachments are longer than {self._max_octets} octets")
        self.pending -= 1
        if self.pending:
            return None
        packet, self._packet = self._packet, None
        return self._filled(packet)

    def _filled(self, packet: Packet) -> Packet:
        try:
            data = put_back(packet.data, self._attachments)
        except RecursionError:
            raise WireError("the data is nested too deeply") from None
        self._attachments = []
        return Packet(packet.type, packet.namespace, data, packet.id)
