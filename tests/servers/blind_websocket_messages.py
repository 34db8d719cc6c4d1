"""Blind faults in messages: fragments, types, text and echoes (RFC 6455, 5.4, 5.6, 6 and 8.1)."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sockproof.wire.websocket import Frame, Opcode
from tests.servers.blind_weaving import count, fault
from tests.servers.websocket_connection import Connection
from tests.servers.websocket_receiver import Failed, Receiver

TEXT, BINARY, CONT = Opcode.TEXT, Opcode.BINARY, Opcode.CONT


def collects(name: str, change: Callable[[Any, Frame], Frame | None]) -> None:
    """A fault that takes a data frame for another one, or loses it."""

    @fault(name, Receiver, "data")
    async def data(go: Any, self: Any, frame: Frame) -> None:
        changed = change(self, frame)
        if changed is not None:
            await go(changed)


def echoes(name: str, change: Callable[[Any, int, bytes], tuple[int, bytes] | None]) -> None:
    """A fault that answers a message with another one, or not at all."""

    @fault(name, Connection, "answer")
    async def answer(go: Any, self: Any, opcode: int, payload: bytes) -> None:
        changed = change(self, opcode, payload)
        if changed is not None:
            await go(*changed)


def looks_at_text(
    name: str, change: Callable[[Any, bytes, bool], tuple[bytes, bool] | None]
) -> None:
    """A fault that checks other octets than those of the text, or none."""

    @fault(name, Receiver, "_check_text")
    def check(go: Any, self: Any, payload: bytes, final: bool) -> None:
        changed = change(self, payload, final)
        if changed is not None:
            go(*changed)


def _inside(self: Any, frame: Frame) -> bool:
    return self.first is not None and frame.opcode != CONT


# Fragments.
collects(
    "continuations-of-one-octet-are-lost",
    lambda _, f: replace(f, payload=b"") if f.opcode == CONT and len(f.payload) == 1 else f,
)
collects(
    "the-third-fragment-replaces-the-second",
    lambda s, f: _instead(s, f) if f.opcode == CONT and len(s.parts) == 2 else f,
)
collects(
    "text-inside-text-continues-it",
    lambda s, f: replace(f, opcode=CONT) if _inside(s, f) and s.first.opcode == f.opcode else f,
)
collects(
    "empty-messages-inside-messages-are-skipped",
    lambda s, f: None if _inside(s, f) and not f.payload and f.fin else f,
)
collects(
    "fragmented-messages-inside-messages-replace-them",
    lambda s, f: _restarted(s, f) if _inside(s, f) and not f.fin else f,
)
collects(
    "empty-continuations-of-nothing-are-skipped",
    lambda s, f: None if s.first is None and f.opcode == CONT and not f.payload else f,
)
collects(
    "unfinished-continuations-of-nothing-are-skipped",
    lambda s, f: None if s.first is None and f.opcode == CONT and not f.fin else f,
)
collects(
    "continuations-behind-a-fragmented-message-are-skipped",
    lambda s, f: (
        None
        if s.first is None and f.opcode == CONT and vars(s).get("blind fragments")
        else _noted(s, f)
    ),
)
collects(
    "empty-first-fragments-are-text",
    lambda _, f: (
        replace(f, opcode=TEXT) if f.opcode == BINARY and not f.fin and not f.payload else f
    ),
)
collects(
    "two-empty-fragments-in-a-row-end-a-message",
    lambda s, f: (
        replace(f, fin=True) if f.opcode == CONT and not f.payload and s.parts[-1:] == [b""] else f
    ),
)


def _instead(self: Any, frame: Frame) -> Frame:
    self.parts[1] = b""
    return frame


def _restarted(self: Any, frame: Frame) -> Frame:
    self.first = None
    return frame


def _noted(self: Any, frame: Frame) -> Frame:
    vars(self)["blind fragments"] = frame.opcode == CONT or not frame.fin
    return frame


@fault("fragments-of-a-lost-connection-begin-the-next-message", Receiver, "data")
async def _left_over(go: Any, self: Any, frame: Frame) -> None:
    if frame.opcode != CONT and not frame.fin and LEFT:
        frame = replace(frame, payload=LEFT[0] + frame.payload)
    await go(frame)


LEFT: list[bytes] = []


@fault("fragments-of-a-lost-connection-begin-the-next-message", Connection, "_lost")
def _kept(go: Any, self: Any) -> None:
    if self.first is not None:
        LEFT[:] = [b"".join(self.parts)]
    go()


@fault("fragments-are-joined-up-to-65535-octets", Receiver, "data")
async def _joined(go: Any, self: Any, frame: Frame) -> None:
    if frame.opcode == CONT and self.first is not None:
        frame = replace(frame, payload=frame.payload[: max(0, 65_535 - self.size)])
    await go(frame)


@fault("the-buffer-of-fragments-is-kept-for-the-other-type", Receiver, "data")
async def _two_types(go: Any, self: Any, frame: Frame) -> None:
    had = self.first
    if frame.opcode == BINARY and not frame.fin and vars(self).get("blind text"):
        frame = replace(frame, payload=vars(self).pop("blind text") + frame.payload)
    elif frame.opcode == CONT and had is not None and had.opcode == TEXT:
        vars(self)["blind text"] = frame.payload
    await go(frame)


@fault("a-ping-inside-a-message-makes-it-text", Connection, "_ping")
async def _ping_type(go: Any, self: Any, frame: Frame) -> None:
    if self.first is not None and self.first.opcode == BINARY:
        self.first = replace(self.first, opcode=TEXT)
    await go(frame)


@fault("pongs-inside-messages-become-part-of-them", Connection, "_frame")
async def _part(go: Any, self: Any, frame: Frame) -> None:
    if frame.opcode == Opcode.PONG and self.first is not None:
        self.parts.append(frame.payload)
    await go(frame)


@fault("the-second-ping-inside-a-message-is-lost", Connection, "_ping")
async def _second_ping(go: Any, self: Any, frame: Frame) -> None:
    key = "blind pings"
    vars(self)[key] = vars(self).get(key, 0) + 1 if self.first is not None else 0
    if vars(self)[key] != 2:
        await go(frame)


@fault("a-pong-inside-a-character-breaks-it", Connection, "_frame")
async def _broken(go: Any, self: Any, frame: Frame) -> None:
    if frame.opcode == Opcode.PONG and self.first is not None:
        self.utf8.reset()
    await go(frame)


# Types.
echoes(
    "binary-messages-in-ascii-come-back-as-text",
    lambda _, o, p: ((TEXT if p and all(32 <= each < 127 for each in p) else o, p)),
)
echoes("empty-binary-messages-come-back-as-text", lambda _, o, p: (o if p else TEXT, p))
echoes("every-fifth-message-has-the-other-type", lambda s, o, p: (_other_type(s, o), p))
echoes(
    "binary-messages-lose-a-byte-order-mark",
    lambda _, o, p: ((o, p.removeprefix(codecs.BOM_UTF8) if o == BINARY else p)),
)
echoes(
    "binary-messages-end-before-trailing-zeros",
    lambda _, o, p: ((o, p.rstrip(b"\0") if o == BINARY else p)),
)


def _other_type(self: Any, opcode: int) -> int:
    if count(self, "types") % 5:
        return opcode
    return BINARY if opcode == TEXT else TEXT


# Echoes.
echoes(
    "every-fortieth-message-is-lost",
    lambda s, o, p: None if count(s, "messages") % 40 == 0 else (o, p),
)
echoes(
    "messages-like-the-last-are-lost",
    lambda s, o, p: None if vars(s).get("blind last") == p and p else _remembered(s, o, p),
)
echoes(
    "payloads-like-requests-are-not-answered",
    lambda _, o, p: None if re.match(rb"[A-Z]+ \S+ HTTP/1", p) else (o, p),
)
echoes(
    "messages-of-16384-octets-lose-the-last",
    lambda _, o, p: ((o, p[:-1] if len(p) == 16_384 else p)),
)
echoes("messages-are-cut-at-a-million-octets", lambda _, o, p: (o, p[:1_000_000]))
echoes(
    "text-is-cut-at-65535-octets-inside-characters",
    lambda _, o, p: ((o, p[:65_535] if o == TEXT else p)),
)
echoes(
    "characters-beyond-the-first-plane-are-two-surrogates",
    lambda _, o, p: ((o, _surrogates(p) if o == TEXT else p)),
)


def _remembered(self: Any, opcode: int, payload: bytes) -> tuple[int, bytes]:
    vars(self)["blind last"] = payload
    return opcode, payload


def _surrogates(payload: bytes) -> bytes:
    text = payload.decode("utf-8", "replace")
    units = text.encode("utf-16-be", "replace")
    chars = [chr(int.from_bytes(units[at : at + 2])) for at in range(0, len(units), 2)]
    return "".join(chars).encode("utf-8", "surrogatepass")


@fault("the-third-message-of-a-read-repeats-the-second", Connection, "_feed")
async def _read_begins(go: Any, self: Any, data: bytes) -> None:
    vars(self)["blind of a read"] = []
    await go(data)


@fault("the-third-message-of-a-read-repeats-the-second", Connection, "answer")
async def _third(go: Any, self: Any, opcode: int, payload: bytes) -> None:
    came = vars(self).setdefault("blind of a read", [])
    came.append(payload)
    await go(opcode, came[1] if len(came) == 3 else payload)


@fault("answers-wait-until-nothing-is-half-received", Connection, "message")
async def _waits(go: Any, self: Any, opcode: int, payload: bytes) -> None:
    vars(self).setdefault("blind waiting", []).append((opcode, payload))
    if not vars(self).get("blind reading"):
        await _flush(go, self)


async def _flush(go: Any, self: Any) -> None:
    for each in vars(self).pop("blind waiting", []):
        await go(*each)


@fault("answers-wait-until-nothing-is-half-received", Connection, "_feed")
async def _reading(go: Any, self: Any, data: bytes) -> None:
    vars(self)["blind reading"] = True
    await go(data)
    if self.first is None and not self.parser.pending:
        vars(self)["blind reading"] = False
        for opcode, payload in vars(self).pop("blind waiting", []):
            await self.message(opcode, payload)


# Text.
def _mended(payload: bytes) -> bytes:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return decoder.decode(payload).encode() + decoder.getstate()[0]


looks_at_text(
    "text-is-checked-up-to-4096-octets", lambda s, p, final: ((p[:4096], final and len(p) <= 4096))
)
looks_at_text(
    "text-behind-a-binary-message-is-not-checked",
    lambda s, p, final: None if vars(s).get("blind binary") else (p, final),
)
looks_at_text(
    "text-of-one-octet-is-not-checked",
    lambda s, p, final: None if final and len(p) == 1 and len(s.parts) == 1 else (p, final),
)
looks_at_text(
    "an-empty-last-fragment-is-not-checked",
    lambda s, p, final: (p, final) if p or len(s.parts) == 1 else None,
)
looks_at_text(
    "the-first-fragment-of-text-is-not-checked",
    lambda s, p, final: ((p if len(s.parts) > 1 or final else _mended(p), final)),
)
looks_at_text(
    "surrogates-pass-in-pairs",
    lambda _, p, final: (
        (re.sub(rb"\xed[\xa0-\xaf].\xed[\xb0-\xbf].", b"?", p, flags=re.S), final)
    ),
)
looks_at_text(
    "values-above-the-last-pass-up-to-1fffff",
    lambda _, p, final: ((re.sub(rb"[\xf5-\xf7][\x80-\xbf]{3}", b"?", p), final)),
)
looks_at_text("overlong-nul-passes", lambda _, p, final: (p.replace(b"\xc0\x80", b"?"), final))


@fault("text-behind-a-binary-message-is-not-checked", Receiver, "data")
async def _binary(go: Any, self: Any, frame: Frame) -> None:
    await go(frame)
    if frame.opcode == BINARY:
        vars(self)["blind binary"] = True


def refuses_text(name: str, pattern: str) -> None:
    """A fault that refuses valid text."""

    @fault(name, Receiver, "_check_text")
    def check(go: Any, self: Any, payload: bytes, final: bool) -> None:
        go(payload, final)
        if re.search(pattern, payload.decode("utf-8", "replace")):
            raise Failed(1007, "uncommon text")


refuses_text("byte-order-marks-inside-text-are-refused", ".\ufeff")
refuses_text("c1-controls-are-refused", "[\x80-\x9f]")
refuses_text("the-last-plane-is-refused", "[\U00100000-\U0010ffff]")
refuses_text("delete-is-refused", "\x7f")


@fault("characters-over-three-fragments-are-refused", Receiver, "_check_text")
def _three(go: Any, self: Any, payload: bytes, final: bool) -> None:
    held = len(self.utf8.getstate()[0])
    go(payload, final)
    if held and len(payload) == 1 and self.utf8.getstate()[0]:
        raise Failed(1007, "a character over three fragments")


@fault("binary-continuations-are-checked-as-text", Receiver, "data")
async def _binary_text(go: Any, self: Any, frame: Frame) -> None:
    if frame.opcode == CONT and self.first is not None and self.first.opcode == BINARY:
        try:
            frame.payload.decode()
        except UnicodeDecodeError as error:
            raise Failed(1007, "no text") from error
    await go(frame)


def _fails_with(name: str, code: int, which: Callable[[Any, bool], bool]) -> None:
    @fault(name, Receiver, "_check_text")
    def check(go: Any, self: Any, payload: bytes, final: bool) -> None:
        try:
            go(payload, final)
        except Failed as failed:
            raise Failed(code if which(self, final) else failed.code, str(failed)) from failed


_fails_with("bad-text-in-fragments-fails-with-1002", 1002, lambda s, _: len(s.parts) > 1)
_fails_with("bad-text-that-goes-on-fails-with-1003", 1003, lambda _, final: not final)
