"""What RFC 7692 leaves to a server: what it agrees to (5, 7.1) and how it compresses (6, 7.2)."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace

from sockproof.wire.deflate import TAIL, Compressor, Parameters
from sockproof.wire.http import Request, Response
from tests.servers.freedom import Answer, Freedom

SERVER_FLAG, CLIENT_FLAG = "server_no_context_takeover", "client_no_context_takeover"
SERVER_BITS, CLIENT_BITS = "server_max_window_bits", "client_max_window_bits"
Asked = dict[str, str | None]


class Agrees(Freedom):
    """Answers an offer in its own way; None declines it."""

    def __init__(self, change: Callable[[Asked, Answer], Answer | None]) -> None:
        self.change = change

    def deflate(self, asked: Asked, answer: Answer) -> Answer | None:
        return self.change(asked, answer)


def adding(**more: str | None) -> Callable[[Asked, Answer], Answer]:
    """These parameters too, in place of what is there."""
    return lambda _, answer: [*(pair for pair in answer if pair[0] not in more), *more.items()]


def leaving_out(*names: str) -> Callable[[Asked, Answer], Answer]:
    """Without these, which are hints."""
    return lambda _, answer: [pair for pair in answer if pair[0] not in names]


def declining(*names: str) -> Callable[[Asked, Answer], Answer | None]:
    """No offer with any of these."""
    return lambda asked, answer: None if set(names) & set(asked) else answer


def only_plain(asked: Asked, answer: Answer) -> Answer | None:
    return answer if not asked else None


def only_without_takeover(asked: Asked, answer: Answer) -> Answer | None:
    return answer if SERVER_FLAG in asked else None


def small_windows(asked: Asked, answer: Answer) -> Answer:
    """At most 2 to the power 10 each way, as far as the client lets it choose."""
    bits = dict(answer)
    most = {SERVER_BITS: "10"}
    if CLIENT_BITS in asked:
        most[CLIENT_BITS] = "10"
    for name, value in most.items():
        given = bits.get(name)
        bits[name] = value if given is None or int(given) > 10 else given
    return list(bits.items())


def client_window_of_its_own(asked: Asked, answer: Answer) -> Answer:
    """A window for the client wherever the client allows one, named or not."""
    if CLIENT_BITS not in asked:
        return answer
    given = asked[CLIENT_BITS] or "15"
    return [*leaving_out(CLIENT_BITS)(asked, answer), (CLIENT_BITS, str(min(int(given), 12)))]


class Compresses(Freedom):
    """Not every message is worth it."""

    def __init__(self, worth: Callable[[int, bytes], bool]) -> None:
        self.worth = worth
        self.number = 0

    def compresses(self, payload: bytes) -> bool:
        self.number += 1
        return self.worth(self.number, payload)


class Blocks(Freedom):
    """Blocks of another kind, in other numbers."""

    def __init__(self, make: Callable[[int, bool], Compressor]) -> None:
        self.make = make

    def compressor(self, parameters: Parameters) -> Compressor:
        keeps = not parameters.server_no_context_takeover
        return self.make(parameters.server_max_window_bits, keeps)


class Final(Compressor):
    """Each message ends with a block that has BFINAL 1 (RFC 7692, 7.2.3.4)."""

    def __init__(self, bits: int, keeps: bool) -> None:
        super().__init__(bits, keeps)
        self.bits = max(9, bits)

    def compress(self, payload: bytes, *, first: bool = True, last: bool = True) -> bytes:
        stream = zlib.compressobj(-1, zlib.DEFLATED, -self.bits)
        return stream.compress(payload) + stream.flush(zlib.Z_FINISH) + b"\0"


class Several(Compressor):
    """A message in several blocks, empty ones among them (7.2.3.5)."""

    def compress(self, payload: bytes, *, first: bool = True, last: bool = True) -> bytes:
        if not self._takeover:
            self._stream = zlib.compressobj(*self._arguments)
        size = max(1, len(payload) // 3)
        octets = b""
        for at in range(0, len(payload), size):
            octets += self._stream.compress(payload[at : at + size])
            octets += self._stream.flush(zlib.Z_SYNC_FLUSH) + self._stream.flush(zlib.Z_FULL_FLUSH)
        octets = octets or self._stream.flush(zlib.Z_SYNC_FLUSH)
        return octets.removesuffix(TAIL) or b"\0"


class Quotes(Freedom):
    """Values in quotes, and blanks left out: RFC 6455, 9.1 lets them be written so."""

    def __init__(self, quoted: bool) -> None:
        self.quoted = quoted

    def answer(self, request: Request, response: Response) -> Response:
        return replace(response, headers=tuple(map(self._written, response.headers)))

    def _written(self, pair: tuple[str, str]) -> tuple[str, str]:
        name, value = pair
        if name.lower() != "sec-websocket-extensions":
            return pair
        parts = []
        for part in value.split("; "):
            key, equals, number = part.partition("=")
            parts.append(f'{key}="{number}"' if equals and self.quoted else part)
        return name, (" ; " if self.quoted else ";").join(parts)


def fixed(bits: int, keeps: bool) -> Compressor:
    return Compressor(bits, keeps, strategy=zlib.Z_FIXED)


SWITCHES = {
    "declines-deflate": lambda: Agrees(lambda asked, answer: None),
    "declines-all-but-the-plain-offer": lambda: Agrees(only_plain),
    "declines-offers-with-takeover": lambda: Agrees(only_without_takeover),
    "declines-server-windows": lambda: Agrees(declining(SERVER_BITS)),
    "declines-client-windows": lambda: Agrees(declining(CLIENT_BITS)),
    "declines-windows": lambda: Agrees(declining(SERVER_BITS, CLIENT_BITS)),
    "names-server-no-takeover-unasked": lambda: Agrees(adding(**{SERVER_FLAG: None})),
    "names-client-no-takeover-unasked": lambda: Agrees(adding(**{CLIENT_FLAG: None})),
    "names-no-takeover-unasked": lambda: Agrees(adding(**{SERVER_FLAG: None, CLIENT_FLAG: None})),
    "names-a-server-window-unasked": lambda: Agrees(
        lambda asked, answer: answer if SERVER_BITS in asked else [*answer, (SERVER_BITS, "12")]
    ),
    "names-windows-of-1024": lambda: Agrees(small_windows),
    "names-a-client-window": lambda: Agrees(client_window_of_its_own),
    "ignores-client-hints": lambda: Agrees(leaving_out(CLIENT_FLAG, CLIENT_BITS)),
    "ignores-the-client-window-hint": lambda: Agrees(leaving_out(CLIENT_BITS)),
    "names-parameters-backwards": lambda: Agrees(lambda asked, answer: answer[::-1]),
    "quotes-values": lambda: Quotes(True),
    "leaves-blanks-out": lambda: Quotes(False),
    "compresses-nothing": lambda: Compresses(lambda number, payload: False),
    "compresses-every-other-message": lambda: Compresses(lambda number, payload: number % 2 == 0),
    "compresses-long-messages": lambda: Compresses(lambda number, payload: len(payload) >= 1024),
    "compresses-short-messages": lambda: Compresses(lambda number, payload: len(payload) < 64),
    "stores-blocks": lambda: Blocks(lambda bits, keeps: Compressor(bits, keeps, level=0)),
    "fixed-blocks": lambda: Blocks(fixed),
    "best-compression": lambda: Blocks(lambda bits, keeps: Compressor(bits, keeps, level=9)),
    "huffman-alone": lambda: Blocks(
        lambda bits, keeps: Compressor(bits, keeps, strategy=zlib.Z_HUFFMAN_ONLY)
    ),
    "final-blocks": lambda: Blocks(Final),
    "several-blocks": lambda: Blocks(Several),
    "takes-nothing-over": lambda: Blocks(lambda bits, keeps: Compressor(bits, False)),
    "uses-a-small-window": lambda: Blocks(lambda bits, keeps: Compressor(min(bits, 9), keeps)),
}
