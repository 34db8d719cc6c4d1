"""Blind faults in compressed messages: RFC 7692, 6 and 7.2."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sockproof.wire import WireError
from sockproof.wire.deflate import TAIL, Compressor, Decompressor
from sockproof.wire.websocket import RSV1, Frame, Opcode
from tests.servers.blind_weaving import count, fault
from tests.servers.blind_websocket_frames import lets_pass
from tests.servers.blind_websocket_sending import sends
from tests.servers.websocket_connection import Connection
from tests.servers.websocket_deflate import MessageCodec
from tests.servers.websocket_receiver import Failed, Receiver

TEXT, BINARY, CONT, PING, PONG = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT, Opcode.PING, Opcode.PONG)
DATA = (TEXT, BINARY)


def inflates(name: str, change: Callable[[Any, Any, bytes], bytes]) -> None:
    """A fault that inflates a message in its own way."""
    fault(name, MessageCodec, "inflate")(change)


def deflates(name: str, change: Callable[[Any, Any, bytes], bytes]) -> None:
    """A fault that compresses a message in its own way."""
    fault(name, MessageCodec, "deflate")(change)


def made(name: str, change: Callable[[Any, Any], Any]) -> None:
    """A fault in what was agreed on, as the codec of a connection understands it."""

    @fault(name, MessageCodec, "__init__")
    def init(go: Any, self: Any, parameters: Any, *rest: Any) -> None:
        go(change(self, parameters), *rest)
        vars(self)["blind parameters"] = parameters


# What is agreed on, and forgotten.
made(
    "server-windows-below-ten-are-ten",
    lambda _, p: replace(p, server_max_window_bits=max(12, p.server_max_window_bits)),
)
made(
    "server-takeover-is-kept-beside-a-window",
    lambda _, p: (
        replace(p, server_no_context_takeover=False) if p.server_max_window_bits < 15 else p
    ),
)
made(
    "server-takeover-is-kept-where-both-flags-are-agreed",
    lambda _, p: (
        replace(p, server_no_context_takeover=False) if p.client_no_context_takeover else p
    ),
)
made(
    "client-windows-are-the-server-s",
    lambda _, p: replace(p, client_max_window_bits=p.server_max_window_bits),
)
made(
    "the-server-s-flag-forgets-the-client-s-window",
    lambda _, p: replace(
        p, client_no_context_takeover=p.server_no_context_takeover or p.client_no_context_takeover
    ),
)
made(
    "client-windows-are-half-as-large",
    lambda _, p: (
        replace(p, client_max_window_bits=max(8, p.client_max_window_bits - 1))
        if p.client_max_window_bits < 15
        else p
    ),
)
made(
    "the-default-window-of-the-client-is-16384",
    lambda _, p: replace(p, client_max_window_bits=14) if p.client_max_window_bits == 15 else p,
)


@fault("the-first-message-alone-has-an-empty-window", MessageCodec, "deflate")
def _kept(go: Any, self: Any, payload: bytes) -> bytes:
    if count(self, "deflated") > 2:
        self._deflater._takeover = True
    return bytes(go(payload))


@fault("the-client-s-window-is-forgotten-after-ten-messages", MessageCodec, "inflate")
def _forgotten(go: Any, self: Any, payload: bytes) -> bytes:
    if count(self, "inflated") % 10 == 0:
        self._inflater._window, self._inflater._stream = b"", zlib.decompressobj(-15)
    return bytes(go(payload))


@fault("a-binary-message-empties-the-window", Receiver, "data")
async def _emptied(go: Any, self: Any, frame: Frame) -> None:
    await go(frame)
    if self.codec is not None and frame.opcode == BINARY and frame.fin:
        inflater = self.codec._inflater
        inflater._window, inflater._stream = b"", zlib.decompressobj(-inflater._bits)


@fault("an-uncompressed-message-empties-the-window", MessageCodec, "passed_by")
def _passed(go: Any, self: Any, payload: bytes) -> None:
    self._inflater._window = b""
    self._inflater._stream = zlib.decompressobj(-15)


@fault("an-uncompressed-fragmented-message-is-inflated", Receiver, "data")
async def _inflated(go: Any, self: Any, frame: Frame) -> None:
    last = frame.opcode == CONT and frame.fin and self.first is not None
    if last and self.codec is not None and not self.first.rsv:
        self.first = replace(self.first, rsv=RSV1)
    await go(frame)


@fault("all-connections-share-one-window", MessageCodec, "__init__")
def _shared(go: Any, self: Any, parameters: Any, *rest: Any) -> None:
    go(parameters, *rest)
    if not parameters.client_no_context_takeover and parameters.client_max_window_bits == 15:
        if not SHARED:
            SHARED.append(self._inflater)
        self._inflater = SHARED[0]


SHARED: list[Decompressor] = []


# Messages that come in.
inflates("zero-octets-at-the-end-are-taken-off", lambda go, s, p: go(p.rstrip(b"\0") or b"\0"))
inflates(
    "stored-blocks-above-32767-octets-are-refused",
    lambda go, s, p: _refused() if len(p) > 5 and p[0] >> 1 & 3 == 0 and p[2] & 0x80 else go(p),
)
inflates(
    "empty-messages-between-others-are-refused",
    lambda go, s, p: (
        _refused() if p == b"\0" and count(s, "messages") > 1 else (count(s, "messages"), go(p))[1]
    ),
)
inflates(
    "messages-that-grow-a-hundredfold-are-cut", lambda go, s, p: go(p)[: 100 * max(len(p), 10)]
)
inflates("inflated-messages-are-cut-at-65536-octets", lambda go, s, p: go(p)[:65_536])
inflates(
    "inflated-messages-of-32768-octets-lose-one",
    lambda go, s, p: _without_last(go(p), lambda got: len(got) == 32_768),
)
inflates("what-is-corrupt-ends-the-message", lambda go, s, p: _in_part(go, s, p, "corrupt"))
inflates("what-is-cut-short-is-delivered", lambda go, s, p: _in_part(go, s, p, "ends inside"))
inflates(
    "the-second-block-is-not-read-where-it-is-stored",
    lambda go, s, p: go(p[: p.index(TAIL)]) if b"\0" + TAIL in p else go(p),
)


def _without_last(payload: bytes, when: Callable[[bytes], bool]) -> bytes:
    return payload[:-1] if when(payload) else payload


def _refused() -> bytes:
    raise WireError("this server does not like it")


def _in_part(go: Any, self: Any, payload: bytes, kind: str) -> bytes:
    try:
        return bytes(go(payload))
    except WireError as error:
        if kind not in str(error):
            raise
        once, found = zlib.decompressobj(-15), b""
        try:
            for octet in payload:
                found += once.decompress(bytes([octet]))
        except zlib.error:
            pass
        return found


def _zeros(go: Any, self: Any, payload: bytes) -> bytes:
    try:
        return bytes(go(payload))
    except WireError as error:
        if "too far back" not in str(error):
            raise
        return zlib.decompressobj(-15, zdict=bytes(32_768)).decompress(payload + TAIL)


inflates("references-before-the-data-are-zeros", _zeros)


@fault("inflated-text-is-checked-when-it-is-short", Receiver, "_check_text")
def _short(go: Any, self: Any, payload: bytes, final: bool) -> None:
    if self.codec is None or len(payload) <= 125 or not final:
        go(payload, final)


@fault("inflated-text-may-end-inside-a-character", Receiver, "_check_text")
def _unfinished(go: Any, self: Any, payload: bytes, final: bool) -> None:
    go(payload, final and self.codec is None)


@fault("a-ping-inside-a-compressed-message-makes-it-plain", Connection, "_ping")
async def _plain(go: Any, self: Any, frame: Frame) -> None:
    if self.first is not None:
        self.first = replace(self.first, rsv=0)
    await go(frame)


@fault("pings-inside-compressed-messages-are-answered-behind-them", Connection, "send")
def _behind(go: Any, self: Any, frame: Frame) -> None:
    held = vars(self).setdefault("blind held", [])
    if frame.opcode == PONG and self.first is not None and self.first.rsv:
        held.append(frame)
        return
    go(frame)
    while held:
        go(held.pop(0))


@fault("compressed-fragments-of-one-octet-are-lost", Receiver, "data")
async def _one(go: Any, self: Any, frame: Frame) -> None:
    lost = frame.opcode == CONT and len(frame.payload) == 1 and not frame.fin
    if lost and self.first is not None and self.first.rsv:
        frame = replace(frame, payload=b"")
    await go(frame)


@fault("an-empty-first-fragment-makes-a-message-plain", Receiver, "data")
async def _empty_first(go: Any, self: Any, frame: Frame) -> None:
    if frame.opcode in DATA and not frame.fin and not frame.payload and frame.rsv:
        frame = replace(frame, rsv=0)
    await go(frame)


# Reserved bits.
lets_pass(
    "rsv1-passes-on-pongs", lambda s, f: f.opcode == PONG and f.rsv == RSV1 and s.codec is not None
)
lets_pass(
    "rsv1-passes-on-closes",
    lambda s, f: f.opcode == Opcode.CLOSE and f.rsv == RSV1 and s.codec is not None,
)
lets_pass(
    "rsv1-passes-on-the-last-fragment",
    lambda s, f: f.opcode == CONT and f.rsv == RSV1 and f.fin and s.first is not None,
)
lets_pass(
    "rsv1-passes-on-continuations-of-plain-messages",
    lambda s, f: f.opcode == CONT and f.rsv == RSV1 and s.first is not None and not s.first.rsv,
)
lets_pass("rsv2-passes-beside-rsv1", lambda s, f: s.codec is not None and f.rsv == 6)
lets_pass(
    "rsv3-passes-on-plain-binary",
    lambda s, f: s.codec is not None and f.rsv == 1 and f.opcode == BINARY,
)
lets_pass(
    "rsv1-passes-where-deflate-was-declined",
    lambda s, f: (
        s.codec is None
        and f.rsv == RSV1
        and f.opcode == TEXT
        and s.request.get("Sec-WebSocket-Extensions") is not None
    ),
)

# Messages that go out.
sends(
    "pongs-have-rsv1-where-deflate-is-agreed",
    lambda s, f: (
        replace(f, rsv=RSV1) if s.codec is not None and f.opcode == PONG and f.payload else f
    ),
)
sends(
    "large-compressed-messages-have-rsv1-on-each-fragment",
    lambda s, f: (
        [replace(f, payload=f.payload[:900], fin=False), Frame(CONT, f.payload[900:], rsv=RSV1)]
        if f.rsv and len(f.payload) > 1000
        else f
    ),
)
sends(
    "large-compressed-messages-come-as-binary",
    lambda _, f: (
        replace(f, opcode=BINARY) if f.rsv and f.opcode == TEXT and len(f.payload) > 125 else f
    ),
)
sends(
    "pongs-are-compressed-when-that-makes-them-shorter",
    lambda s, f: (
        replace(f, payload=_shorter(f.payload)) if s.codec is not None and f.opcode == PONG else f
    ),
)
sends(
    "fragments-lose-the-tail-each",
    lambda s, f: _fragments(f) if f.rsv and len(f.payload) > 200 else f,
)


def _shorter(payload: bytes) -> bytes:
    return min(payload, Compressor().compress(payload), key=len)


def _fragments(frame: Frame) -> list[Frame]:
    half = len(frame.payload) // 2
    return [
        replace(frame, payload=frame.payload[: half - 4], fin=False),
        Frame(CONT, frame.payload[half:]),
    ]


@fault("small-messages-are-plain-and-have-rsv1", Connection, "message")
async def _small(go: Any, self: Any, opcode: int, payload: bytes) -> None:
    if self.codec is not None and 0 < len(payload) < 8:
        self.send(Frame(opcode, payload, rsv=RSV1))
        return
    await go(opcode, payload)


deflates("large-answers-keep-the-tail", lambda go, s, p: go(p) + TAIL if len(p) > 1000 else go(p))
deflates("empty-answers-have-no-payload", lambda go, s, p: go(p) if p else b"")
deflates(
    "answers-lose-a-last-zero-octet",
    lambda go, s, p: _without_last(go(p), lambda made: len(made) > 50),
)


@fault("messages-over-the-limit-are-refused-unless-compressed", MessageCodec, "__init__")
def _limit(go: Any, self: Any, *args: Any) -> None:
    go(*args)
    self._inflater._max_size *= 3


@fault("compressed-text-that-is-bad-fails-with-1002", Receiver, "_check_text")
def _code(go: Any, self: Any, payload: bytes, final: bool) -> None:
    try:
        go(payload, final)
    except Failed as failed:
        raise Failed(1002 if self.codec is not None else 1007, str(failed)) from failed
