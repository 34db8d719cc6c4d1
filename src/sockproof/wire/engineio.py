"""Engine.IO packets as text and octets: Engine.IO protocol, revision 4.

A text packet is one digit and its data. On a WebSocket a binary message has no digit at all; in
a long-polling body it is base64 behind a `b`, and packets are separated by U+001E.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeVar

from sockproof.wire import WireError, strict_json

SEPARATOR = "\x1e"
MAX_PACKETS = 100_000  # in one long-polling body
USUAL_INTERVAL, USUAL_TIMEOUT = 25_000, 20_000  # milliseconds
Value = TypeVar("Value")


class PacketType(IntEnum):
    """The digit in front of a packet."""

    OPEN = 0
    CLOSE = 1
    PING = 2
    PONG = 3
    MESSAGE = 4
    UPGRADE = 5
    NOOP = 6


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet; `data` is `bytes` for a binary MESSAGE and text for everything else."""

    type: PacketType
    data: str | bytes = ""

    def encode(self) -> str | bytes:
        """The packet as one WebSocket message."""
        if isinstance(self.data, bytes):
            return self.data
        return f"{self.type:d}{self.data}"

    def __str__(self) -> str:
        if isinstance(self.data, bytes):
            shown = self.data[:32].hex() + ("…" if len(self.data) > 32 else "")
            return f"{self.type.name} {len(self.data)} octets {shown}".rstrip()
        shown = self.data[:200] + ("…" if len(self.data) > 200 else "")
        return f"{self.type.name} {shown!r}" if self.data else self.type.name


def decode(message: str | bytes) -> Packet:
    """The packet in one WebSocket message; raises `WireError`."""
    if isinstance(message, bytes):
        return Packet(PacketType.MESSAGE, message)
    if message[:1] not in ("0", "1", "2", "3", "4", "5", "6"):
        raise WireError(f"an Engine.IO packet begins with a digit from 0 to 6, not {message[:1]!r}")
    return Packet(PacketType(int(message[0])), message[1:])


def encode_payload(packets: Iterable[Packet]) -> bytes:
    """Packets as a long-polling body, in UTF-8."""
    return SEPARATOR.join(map(_in_payload, packets)).encode("utf-8")


def _in_payload(packet: Packet) -> str:
    if isinstance(packet.data, bytes):
        return "b" + base64.b64encode(packet.data).decode("ascii")
    return f"{packet.type:d}{packet.data}"


def decode_payload(body: bytes) -> list[Packet]:
    """The packets of a long-polling body; raises `WireError`."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WireError(f"the body is not UTF-8: {error}") from None
    if text.count(SEPARATOR) >= MAX_PACKETS:
        raise WireError(f"the body holds more than {MAX_PACKETS} packets")
    return [_from_payload(part) for part in text.split(SEPARATOR)] if text else []


def is_like_open(body: bytes) -> bool:
    """Whether a long-polling body is the beginning of a session, right or not quite."""
    try:
        packets = decode_payload(body)
    except WireError:
        packets = []
    octets = [each.data for each in packets if isinstance(each.data, bytes)]
    words = (b'"sid"', b"pingInterval")
    return body.startswith(b"0{") or any(word in each for each in (body, *octets) for word in words)


def _from_payload(part: str) -> Packet:
    if not part.startswith("b"):
        return decode(part)
    try:
        return Packet(PacketType.MESSAGE, base64.b64decode(part[1:], validate=True))
    except (binascii.Error, ValueError) as error:
        raise WireError(f"invalid base64 after the b: {error}") from None


@dataclass(frozen=True, slots=True)
class Handshake:
    """What an OPEN packet announces; intervals in milliseconds, `max_payload` in octets.

    Servers older than the field announce no `max_payload`; one that is not a number is none either.
    """

    sid: str
    upgrades: tuple[str, ...]
    ping_interval: int
    ping_timeout: int
    max_payload: int | None

    @classmethod
    def parse(cls, packet: Packet) -> Handshake:
        """Read an OPEN packet; raises `WireError` naming the field that is wrong."""
        fields = _fields_of(packet)
        return cls(
            _sid(fields),
            _upgrades(fields),
            _whole(fields, "pingInterval"),
            _whole(fields, "pingTimeout"),
            _octets(fields),
        )

    @classmethod
    def usable(cls, packet: Packet) -> Handshake:
        """What can be used of an OPEN packet: a field that is wrong is empty, or as is usual.

        Raises `WireError` where it is no OPEN packet, or is not a JSON object.
        """
        fields = _fields_of(packet)
        return cls(
            _or(lambda: _sid(fields), ""),
            _or(lambda: _upgrades(fields), ()),
            _or(lambda: _whole(fields, "pingInterval"), USUAL_INTERVAL),
            _or(lambda: _whole(fields, "pingTimeout"), USUAL_TIMEOUT),
            _octets(fields),
        )

    def encode(self) -> Packet:
        """The OPEN packet."""
        fields = {
            "sid": self.sid,
            "upgrades": list(self.upgrades),
            "pingInterval": self.ping_interval,
            "pingTimeout": self.ping_timeout,
            "maxPayload": self.max_payload,
        }
        return Packet(PacketType.OPEN, json.dumps(fields, separators=(",", ":")))


def _fields_of(packet: Packet) -> dict[str, Any]:
    if packet.type != PacketType.OPEN:
        raise WireError(f"an OPEN packet comes first, not {packet}")
    try:
        fields = strict_json.loads(packet.data)
    except (ValueError, RecursionError) as error:
        raise WireError(f"the OPEN packet is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise WireError(f"the OPEN packet is not a JSON object: {packet}")
    return fields


def _or(read: Callable[[], Value], usual: Value) -> Value:
    try:
        return read()
    except WireError:
        return usual


def _sid(fields: dict[str, Any]) -> str:
    sid = fields.get("sid")
    if not isinstance(sid, str) or not sid:
        raise WireError(f"sid must be a string that is not empty, not {sid!r:.80}")
    return sid


def _upgrades(fields: dict[str, Any]) -> tuple[str, ...]:
    upgrades = fields.get("upgrades")
    if not isinstance(upgrades, list) or not all(isinstance(each, str) for each in upgrades):
        raise WireError(f"upgrades must be a list of strings, not {upgrades!r:.80}")
    return tuple(upgrades)


def _octets(fields: dict[str, Any]) -> int | None:
    return _or(lambda: _whole(fields, "maxPayload"), None)


def _whole(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON does not tell 25000.0 from 25000
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**53:
        raise WireError(f"{name} must be a positive whole number, not {value!r:.80}")
    return value
