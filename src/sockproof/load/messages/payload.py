"""Messages of plain WebSockets: JSON, text, octets, or a codec of the application's own.

The rules that hold here:

* The stamp stands directly before the body, in the same string, and is found without decoding.
* In JSON a body ends at the quote that closes its string. Elsewhere nothing tells its end but the
  end of the message: where something stands behind it, a quote is put between the two, and the
  body may hold none.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sockproof.load.messages.answers import Check, answers
from sockproof.load.messages.naming import called, event_of
from sockproof.load.messages.placeholders import Body, Number
from sockproof.wire.stamp import checksum_of

_encoded = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_BODY, _NUMBER, _ID = "$sockproof-body$", "$sockproof-number$", "$sockproof-id$"
_HOLES = re.compile(f'({re.escape(_BODY)}|"{re.escape(_NUMBER)}"|{re.escape(_ID)})')
_QUOTE = b'"'

Part = bytes | Body | Number
Ack = Check | Sequence[Check] | None  # what its answers have to say
Encode = Callable[[Any], str | bytes]


class Payload:
    """A message with a place for its body, and perhaps for its number; see the constructors.

    `numbered` says whether it holds `NUMBER` or `ID`. `name` is what counts, latencies and rules
    call it; by default what the first of its fields `type`, `event`, `action`, `op`, `do`, `cmd`,
    `command`, `method` and `kind` says that holds a constant string, and else "message".
    """

    __slots__ = (
        "_encode",
        "_parts",
        "_value",
        "answers",
        "called",
        "is_binary",
        "is_json",
        "is_named",
        "numbered",
    )

    def __init__(
        self,
        parts: Sequence[Part] = (),
        *,
        is_json: bool = False,
        is_binary: bool = False,
        value: Any = None,
        encode: Encode | None = None,
        name: str | None = None,
        event: str = "",
        ack: Ack = None,
    ) -> None:
        self.answers = answers(ack)
        self.called, self.is_named = called(name, event), name is not None
        places = list(_places(value)) if encode is not None else list(parts)
        bodies = sum(isinstance(each, Body) for each in places)
        if bodies != 1:
            raise ValueError(f"the message has {bodies} bodies instead of one")
        self.numbered = any(isinstance(each, Number) for each in places)
        self._parts = tuple(parts)
        self._value = value
        self._encode = encode
        self.is_json = is_json
        self.is_binary = is_binary

    @classmethod
    def json(cls, value: Any, *, name: str | None = None, ack: Ack = None) -> Payload:
        """A JSON value, sent as text, one string of which is `BODY`.

        `NUMBER` and `ID` may stand anywhere. Raises ValueError unless there is one body, TypeError
        for what JSON has no word for.
        """
        pieces = _HOLES.split(_encoded(_with_holes(value)))
        parts = [_part(each) for each in pieces if each]
        return cls(parts, is_json=True, name=name, event=event_of(value), ack=ack)

    @classmethod
    def text(cls, *parts: str | Body | Number, name: str | None = None, ack: Ack = None) -> Payload:
        """Text in parts, one of which is `BODY`; raises ValueError unless there is one body."""
        encoded = [each.encode("utf-8") if isinstance(each, str) else each for each in parts]
        return cls(encoded, name=name, ack=ack)

    @classmethod
    def binary(
        cls, *parts: bytes | Body | Number, name: str | None = None, ack: Ack = None
    ) -> Payload:
        """Octets in parts, one of which is `BINARY_BODY`; a number is written in decimal digits.

        Raises ValueError unless there is one body.
        """
        return cls(parts, is_binary=True, name=name, ack=ack)

    @classmethod
    def coded(
        cls, value: Any, encode: Encode, *, name: str | None = None, ack: Ack = None
    ) -> Payload:
        """A value that `encode` turns into text or octets each time, once its places are filled.

        `BODY` becomes a string, `BINARY_BODY` octets, `NUMBER` and `ID` a number and a string. The
        string has to stand in what `encode` returns as it is, not in Base64 or compressed. Raises
        ValueError unless there is one body.
        """
        return cls(value=value, encode=encode, name=name, event=event_of(value), ack=ack)

    def said(self, body: str | bytes) -> Said:
        """The message with one body, to be said any number of times; raises ValueError.

        That is when the body holds a quote and its end could not be told.
        """
        return _said(self, body)

    def fill(self, body: str | bytes) -> tuple[list[Part], bytes]:
        """The parts with the body behind its place, and the octets that the stamp has to check."""
        octets = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        if self.is_json:
            return [*self._followed(_escaped(octets))], octets
        ends = bool(self._parts) and isinstance(self._parts[-1], Body)
        if not ends and _QUOTE in octets:
            raise ValueError("a body with a quote in it has to stand last in its message")
        return [*self._followed(octets if ends else octets + _QUOTE)], octets

    def _followed(self, body: bytes) -> Iterator[Part]:
        for part in self._parts:
            yield part
            if isinstance(part, Body):
                yield body

    def encode(self, stamped: bytes, number: int) -> str | bytes:
        """What a codec of one's own makes of it."""
        assert self._encode is not None
        return self._encode(_filled(self._value, stamped, number))

    @property
    def is_coded(self) -> bool:
        """Whether a codec of one's own makes it."""
        return self._encode is not None


class Said:
    """A payload with one body: what of it is the same however often it is said."""

    __slots__ = ("_numbers", "_parts", "_stamp", "_stamped", "body", "checksum", "payload")

    def __init__(self, payload: Payload, body: str | bytes) -> None:
        self.payload = payload
        self.body = body
        parts, octets = payload.fill(body)
        self.checksum = checksum_of(octets)
        self._stamped = octets + _QUOTE
        joined: list[bytes] = []
        self._numbers: list[int] = []
        self._stamp = -1
        for part in parts:
            if isinstance(part, Body):
                self._stamp = len(joined)
            elif isinstance(part, Number):
                self._numbers.append(len(joined))
            joined.append(part if isinstance(part, bytes) else b"")
        self._parts = joined

    def octets(self, stamp: bytes, number: int) -> tuple[bytes, bool]:
        """The message with a stamp, and whether it is binary."""
        payload = self.payload
        if payload.is_coded:
            made = payload.encode(stamp + self._stamped, number)
            return (made, True) if isinstance(made, bytes) else (made.encode("utf-8"), False)
        parts = self._parts.copy()
        parts[self._stamp] = stamp
        for at in self._numbers:
            parts[at] = b"%d" % number
        return b"".join(parts), payload.is_binary


@functools.lru_cache(maxsize=64)
def _said(payload: Payload, body: str | bytes) -> Said:
    return Said(payload, body)


def encoded(value: Any) -> tuple[bytes, bool]:
    """What nobody counts as octets, and whether they are binary: a string or octets as they are,
    anything else as JSON."""
    if isinstance(value, bytes):
        return value, True
    text = value if isinstance(value, str) else _encoded(value)
    return text.encode("utf-8"), False


def _escaped(octets: bytes) -> bytes:
    text = octets.decode("utf-8", "surrogatepass")
    return _encoded(text)[1:-1].encode("utf-8", "surrogatepass")


def _part(text: str) -> Part:
    if text == _BODY:
        return Body(False)
    if text in (f'"{_NUMBER}"', _ID):
        return Number(text == _ID)
    return text.encode("utf-8", "surrogatepass")


def _with_holes(value: Any) -> Any:
    if isinstance(value, Body):
        if value.binary:
            raise ValueError("JSON holds no octets: BODY, not BINARY_BODY")
        return _BODY
    if isinstance(value, Number):
        return _ID if value.quoted else _NUMBER
    return _mapped(value, _with_holes)


def _filled(value: Any, stamped: bytes, number: int) -> Any:
    if isinstance(value, Body):
        return stamped if value.binary else stamped.decode("utf-8", "surrogatepass")
    if isinstance(value, Number):
        return str(number) if value.quoted else number
    return _mapped(value, lambda each: _filled(each, stamped, number))


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: change(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [change(each) for each in value]
    return value


def _places(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _places(each)
    else:
        yield value
