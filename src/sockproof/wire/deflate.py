"""permessage-deflate: RFC 7692, and the extension header that RFC 6455, 9.1 defines."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from sockproof.wire import TooBig, WireError

NAME = "permessage-deflate"
TAIL = b"\x00\x00\xff\xff"
MAX_SIZE = 32 * 1024 * 1024
STEPS = 8  # a window of output, since zlib does not bound references into one call's output
PORTION = 1024  # octets for a step: zlib copies what is left of them behind each

_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_ITEM = re.compile(rf'\s*({_NAME})\s*(?:=\s*(?:({_NAME})|"((?:[^"\\]|\\.)*)"))?\s*')
_FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
_BITS = ("server_max_window_bits", "client_max_window_bits")


@dataclass(frozen=True, slots=True)
class Extension:
    """One member of a Sec-WebSocket-Extensions field; a value of None is none at all."""

    name: str
    parameters: tuple[tuple[str, str | None], ...] = ()


def parse_extensions(value: str) -> list[Extension]:
    """The members of the field, in order; raises `WireError` where the grammar is left."""
    extensions: list[Extension] = []
    position = 0
    items: list[tuple[str, str | None]] = []
    while True:
        found = _ITEM.match(value, position)
        if found is None:
            raise WireError(f"no token at character {position} of {value[:200]!r}")
        text = found[2] if found[3] is None else re.sub(r"\\(.)", r"\1", found[3])
        if text is not None and not re.fullmatch(_NAME, text):
            raise WireError(f"a quoted value that is not a token: {text[:60]!r}")
        items.append((found[1], text))
        position = found.end()
        separator = value[position : position + 1]
        if separator not in ("", ",", ";"):
            raise WireError(f"unexpected {separator!r} at character {position}")
        if separator != ";":
            (name, own), *parameters = items
            if own is not None:
                raise WireError(f"the extension {name!r} itself has a value")
            extensions.append(Extension(name, tuple(parameters)))
            items = []
        if not separator:
            return extensions
        position += 1


def format_extensions(extensions: Iterable[Extension]) -> str:
    """The field's value."""
    return ", ".join(
        "; ".join([each.name, *(n if v is None else f"{n}={v}" for n, v in each.parameters)])
        for each in extensions
    )


@dataclass(frozen=True, slots=True)
class Parameters:
    """What both sides agreed on (RFC 7692, 7.1)."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = 15
    client_max_window_bits: int = 15

    @classmethod
    def from_response(cls, extension: Extension) -> Parameters:
        """Read what a server answered; raises `WireError` for what 7.1 does not allow."""
        seen: dict[str, bool | int] = {}
        for name, value in extension.parameters:
            if name in seen:
                raise WireError(f"{name} stands there twice (7)")
            if name in _FLAGS:
                if value is not None:
                    raise WireError(f"{name} has no value, not {value!r} (7.1.1)")
                seen[name] = True
            elif name in _BITS:
                seen[name] = window_bits(name, value)
            else:
                raise WireError(f"not a parameter of permessage-deflate: {name!r} (7)")
        return cls(**seen)  # type: ignore[arg-type]


def window_bits(name: str, value: str | None) -> int:
    """The value of a window size: 8 to 15, no leading zero (7.1.2); raises `WireError`."""
    if value is None or not re.fullmatch(r"[89]|1[0-5]", value):
        raise WireError(f"{name} is 8 to 15, not {value!r} (7.1.2)")
    return int(value)


class Compressor:
    """Compresses messages, with or without context takeover (7.2.1).

    zlib cannot make a raw stream with a window of 8 bits; 9 is used then, and such a message is
    right only while it is shorter than 256 octets or stored.
    """

    def __init__(
        self,
        window_bits: int = 15,
        context_takeover: bool = True,
        level: int = -1,
        strategy: int = zlib.Z_DEFAULT_STRATEGY,
    ) -> None:
        self._arguments = (level, zlib.DEFLATED, -max(9, window_bits), 8, strategy)
        self._takeover = context_takeover
        self._stream = zlib.compressobj(*self._arguments)

    def compress(self, payload: bytes, *, first: bool = True, last: bool = True) -> bytes:
        """The payload of a message, or of a fragment that is not its `first` or not its `last`.

        The tail of 00 00 ff ff is taken off the last; what is before ends with an empty block.
        """
        if first and not self._takeover:
            self._stream = zlib.compressobj(*self._arguments)
        octets = self._stream.compress(payload) + self._stream.flush(zlib.Z_SYNC_FLUSH)
        if not last:
            return octets
        return octets.removesuffix(TAIL) or b"\x00"


class Decompressor:
    """Inflates messages, with or without context takeover (7.2.2).

    A window smaller than 15 bits is really kept: a reference further beyond it than an eighth of
    its size is an error.
    """

    def __init__(
        self, window_bits: int = 15, context_takeover: bool = True, max_size: int = MAX_SIZE
    ) -> None:
        self._bits = window_bits
        self._takeover = context_takeover
        self._max_size = max_size
        self._window = b""
        self._stream = self._fresh()

    def _fresh(self) -> zlib._Decompress:
        # zlib refuses a raw stream of 8 bits; a dictionary of at most 256 octets bounds it instead.
        bits = max(9, self._bits)
        return (
            zlib.decompressobj(-bits, zdict=self._window)
            if self._window
            else (zlib.decompressobj(-bits))
        )

    def decompress(self, payload: bytes) -> bytes:
        """The inflated message; raises `WireError` when it is corrupt, cut off or too long."""
        if not self._takeover:
            self._window = b""
            self._stream = self._fresh()
        inflated = bytearray()
        remembered = 0  # how many octets of it the window has already
        octets = payload + TAIL
        portion = len(octets) if self._bits == 15 else PORTION
        taken, given, more = 0, b"", True
        while given or taken < len(octets) or more:
            if not given:
                given = octets[taken : taken + portion]
                taken += len(given)
            step = self._max_size + 1 - len(inflated)
            if self._bits < 15:
                step = min(step, (1 << self._bits) // STEPS)
            piece = self._inflate(given, step)
            inflated += piece
            if len(inflated) > self._max_size:
                raise TooBig(f"the message decompresses to more than {self._max_size} octets")
            given, more = self._stream.unconsumed_tail, len(piece) == step
            if self._stream.eof:
                # A block with BFINAL ends zlib's stream, not the message (7.2.3.4); one that
                # lacks the empty block behind it is let be.
                given, more = self._stream.unused_data, False
                if len(given) + len(octets) - taken == len(TAIL):
                    given, taken = b"", len(octets)
                self._remember(inflated[remembered:])
                remembered = len(inflated)
                self._stream = self._fresh()
        self._check_complete()
        self._remember(inflated[remembered:])
        return bytes(inflated)

    def _remember(self, octets: bytes | bytearray) -> None:
        self._window = (self._window + octets)[-(1 << self._bits) :]

    def _inflate(self, octets: bytes, at_most: int) -> bytes:
        try:
            return self._stream.decompress(octets, at_most)
        except zlib.error as error:
            raise WireError(f"the compressed message is corrupt: {error}") from None

    def _check_complete(self) -> None:
        """Only between two blocks would an empty last one end the stream and say nothing."""
        probe = self._stream.copy()
        try:
            complete = not probe.decompress(b"\x01" + TAIL, 1) and probe.eof
        except zlib.error:
            complete = False
        if not complete:
            raise WireError("the compressed message ends inside a DEFLATE block")
