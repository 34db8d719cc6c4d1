"""Pieces of Socket.IO packets as octets, and what of packets real clients hand over.

The lean client is no laxer than they are: socket.io-client ends a connection over what
it cannot read, python-socketio passes it over; here it is a `WireError`. What either of them drops
without a word is dropped.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from sockproof.load.socketio.session import parsed, see_values
from sockproof.wire import WireError
from sockproof.wire.socketio import MAX_ATTACHMENTS, RESERVED_NAMES, put_back

encoded: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
MAX_PREFIX: Final = 4096  # octets of a namespace's name
CACHED: Final = 1024  # octets of JSON, up to which its placeholders are remembered
BINARY_ACK: Final = b"6"
# The quote and the first letters of a name that needs a second look; and a name that is escaped.
_DOUBTFUL: Final = frozenset(f'"{name}'[:5].encode() for name in RESERVED_NAMES)
_MOST_USUAL: Final = 16
_usual: dict[bytes, tuple[bytes, ...]] = {}  # how other events begin, by what stands before them
# It sees whether octets are JSON without making values of them; what it refuses the slower one may
# take, as half a surrogate pair.
sound: Final = msgspec.json.Decoder(msgspec.Raw).decode


def prefix_of(namespace: str) -> bytes:
    """What names a namespace in a packet; nothing names the first one, `/`."""
    return b"" if namespace == "/" else namespace.encode("utf-8") + b","


def payload_of(auth: Any) -> bytes:
    """The payload of CONNECT."""
    return b"" if auth is None else encoded(auth).encode("utf-8")


def name_in(data: bytes, start: int) -> bytes:
    """The JSON string that begins behind the quote before `start`, as it is written."""
    end = data.find(b'"', start)
    while end > 0 and data[end - 1] == 0x5C:  # an escaped quote, or an escaped backslash before it
        before = data[start:end]
        if (len(before) - len(before.rstrip(b"\\"))) % 2 == 0:
            break
        end = data.find(b'"', end + 1)
    return data[start:end] if end >= start else b""


def see_json(octets: bytes, what: str) -> None:
    """See that octets are JSON; raises `WireError`."""
    try:
        sound(octets)
    except (msgspec.DecodeError, RecursionError):
        parsed(octets, what)


def see_event(data: bytes, bracket: int) -> None:
    """See that the JSON from the bracket on is an event that is handed over; raises `WireError`."""
    if _is_doubtful(data[bracket + 1 : bracket + 6]):
        see_name(parsed(data[bracket:], "an event"))
    else:
        see_json(data[bracket:], "an event")


def _is_doubtful(beginning: bytes) -> bool:
    return beginning[:1] != b'"' or beginning in _DOUBTFUL or b"\\" in beginning


def usual(head: bytes, data: bytes | None = None) -> tuple[bytes, ...]:
    """How events in a namespace begin whose names need no look; `data` is one that was seen."""
    known = _usual.get(head, ())
    if data is None or len(known) >= _MOST_USUAL or data.startswith(known):
        return known
    if not _is_doubtful(data[len(head) + 1 : len(head) + 6]):
        known = _usual[head] = (*known, data[: len(head) + 6])
    return known


def see_name(args: Any) -> None:
    """See that the list of an event begins with a name that may be; raises `WireError`."""
    if not isinstance(args, list) or not args:
        raise WireError(f"an event must be a list that is not empty: {args!r:.60}")
    name = args[0]
    if not isinstance(name, str | int | float) or isinstance(name, bool):
        raise WireError(f"an event's name is a string or a number, not {name!r:.60}")
    if name in RESERVED_NAMES:
        raise WireError(f"no event has the reserved name {name!r}")


def apart(data: bytes, at: int, what: str) -> tuple[bytes, bytes, int]:
    """The prefix of the namespace, the digits of the number, and where the list begins."""
    prefix = b""
    if data[at : at + 1] == b"/":
        end = data.find(b",", at) + 1
        if not 0 < end <= at + MAX_PREFIX:
            raise WireError(f"the namespace of {what} does not end: {data[:60]!r}")
        prefix, at = data[at:end], end
    bracket = data.find(b"[", at)
    if bracket < 0:
        raise WireError(f"{what} is not a JSON list: {data[:60]!r}")
    asked = data[at:bracket]
    if asked and not (asked.isdigit() and len(asked) <= 20):
        raise WireError(f"not the number of an acknowledgement: {asked[:40]!r}")
    return prefix, asked, bracket


def _places(octets: bytes, is_event: bool) -> frozenset[int]:
    """Which attachments stand in the data; those in no place are handed to nobody."""
    data = parsed(octets, "a packet with attachments")
    if is_event:
        see_name(data)
    found: set[int] = set()
    values = [data]
    while values:
        value = values.pop()
        if isinstance(value, list):
            values += value
        elif isinstance(value, dict) and value.get("_placeholder") is not True:
            values += value.values()
        elif isinstance(value, dict):
            number = value.get("num")
            if not isinstance(number, int) or isinstance(number, bool) or number < 0:
                raise WireError(f"a placeholder names no attachment: {number!r:.60}")
            found.add(number)
    return frozenset(found)


_known_places: Final = functools.lru_cache(maxsize=256)(_places)


class Attached:
    """A packet with attachments, as they come; raises `WireError` for one that is refused."""

    __slots__ = (
        "_count",
        "_parts",
        "_places",
        "asked",
        "at",
        "bracket",
        "octets",
        "prefix",
        "text",
    )

    def __init__(self, data: bytes) -> None:
        """`data` is the head of a binary event or acknowledgement, `45N-…` or `46N-…`."""
        dash = data.find(b"-", 2, 24)
        number = data[2:dash] if dash > 0 else b""
        if not number.isdigit() or not 0 < int(number) <= MAX_ATTACHMENTS:
            raise WireError(f"not a number of attachments: {data[:40]!r}")
        self.text = data
        self.at = dash + 1  # where the namespace stands
        self._count = int(number)
        self.prefix, self.asked, self.bracket = apart(data, self.at, "a packet with attachments")
        if self.is_ack and not self.asked:
            raise WireError("an acknowledgement has no id")
        content = data[self.bracket :]
        see_values(content, "a packet with attachments")
        places = _known_places if len(content) <= CACHED else _places
        self._places = places(content, not self.is_ack)
        if self._places and max(self._places) >= self._count:
            named = max(self._places)
            raise WireError(f"a placeholder names attachment {named} of {self._count}")
        self._parts: list[bytes] = []
        self.octets = 0

    @property
    def is_ack(self) -> bool:
        """Whether it is an acknowledgement."""
        return self.text[1:2] == BINARY_ACK

    @property
    def is_whole(self) -> bool:
        """Whether no attachment is missing."""
        return len(self._parts) == self._count

    def add(self, octets: bytes) -> None:
        """One more attachment is there."""
        self._parts.append(octets)
        self.octets += len(octets)

    def pieces(self) -> Iterator[tuple[bytes, bool]]:
        """What is handed over, raw: the text, and the attachments that have a place in it."""
        yield self.text, False
        for number in sorted(self._places):
            yield self._parts[number], True

    def arguments(self) -> list[Any]:
        """The list with its attachments."""
        content = parsed(self.text[self.bracket :], "a packet with attachments")
        try:
            return list(put_back(content, self._parts))
        except RecursionError:
            raise WireError("the data is nested too deeply") from None
