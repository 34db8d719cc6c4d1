"""Blind faults in closing and failing: RFC 6455, 5.5.1, 7.1 and 7.4."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sockproof.wire.websocket import Frame, FrameParser, Opcode, close_payload
from tests.servers.blind_weaving import fault
from tests.servers.utf8_faults import is_utf8
from tests.servers.websocket_connection import Connection
from tests.servers.websocket_receiver import Failed, Receiver

LONG_WAIT = 30


def code_of(payload: bytes) -> int | None:
    return int.from_bytes(payload[:2], "big") if len(payload) > 1 else None


def closes(name: str, change: Callable[[Any, Frame], Frame | None]) -> None:
    """A fault that takes a Close frame for another, or passes it over."""

    @fault(name, Connection, "_close_frame")
    async def close_frame(go: Any, self: Any, frame: Frame) -> None:
        changed = change(self, frame)
        if changed is not None:
            await go(changed)


def refuses_close(name: str, which: Callable[[Any, int | None, bytes], bool]) -> None:
    """A fault that fails the connection at a valid Close frame."""

    @fault(name, Connection, "_close_frame")
    async def close_frame(go: Any, self: Any, frame: Frame) -> None:
        if which(self, code_of(frame.payload), frame.payload[2:]):
            raise Failed(1002, "this server does not take that")
        await go(frame)


def answers_close(name: str, change: Callable[[Any, Frame, Frame], Frame | None]) -> None:
    """A fault that answers a Close frame with another, or not at all."""

    @fault(name, Connection, "_close_frame")
    async def close_frame(go: Any, self: Any, frame: Frame) -> None:
        vars(self)["blind answering"] = frame
        await go(frame)
        vars(self)["blind answering"] = None

    @fault(name, Connection, "send")
    def send(go: Any, self: Any, frame: Frame) -> None:
        asked = vars(self).get("blind answering")
        changed = frame if asked is None or self.close_sent else change(self, asked, frame)
        if changed is not None:
            go(changed)


def takes_code(name: str, which: Callable[[int, bytes], bool]) -> None:
    """A fault that takes a code which may not be sent for an ordinary one."""
    closes(
        name,
        lambda _, f: (
            replace(f, payload=b"\x03\xe8")
            if len(f.payload) > 1 and which(code_of(f.payload) or 0, f.payload[2:])
            else f
        ),
    )


# Which Close frames are taken.
takes_code("code-1004-is-taken", lambda code, _: code == 1004)
takes_code("code-1006-is-taken-with-a-reason", lambda code, reason: code == 1006 and bool(reason))
takes_code("code-1015-is-taken", lambda code, _: code == 1015)
takes_code("code-0-is-no-code", lambda code, _: code == 0)
takes_code("code-999-is-taken", lambda code, _: code == 999)
refuses_close("code-1003-is-refused", lambda _, code, __: code == 1003)
refuses_close("code-1010-is-refused", lambda _, code, __: code == 1010)
refuses_close("code-1011-is-refused", lambda _, code, __: code == 1011)
refuses_close("code-1014-is-refused", lambda _, code, __: code == 1014)
refuses_close("code-3000-is-refused", lambda _, code, __: code == 3000)
refuses_close("code-3999-is-refused", lambda _, code, __: code == 3999)
refuses_close("code-4999-is-refused", lambda _, code, __: code == 4999)
refuses_close("reasons-of-123-octets-are-refused", lambda _, __, reason: len(reason) == 123)
refuses_close(
    "reasons-with-characters-of-four-octets-are-refused",
    lambda _, __, reason: any(octet >= 0xF0 for octet in reason),
)
refuses_close("reasons-with-line-ends-are-refused", lambda _, __, reason: b"\n" in reason)
closes("a-close-of-one-octet-is-passed-over", lambda _, f: None if len(f.payload) == 1 else f)
closes(
    "reasons-may-end-inside-a-character",
    lambda _, f: (
        replace(f, payload=f.payload[:2] + f.payload[2:].decode("utf-8", "ignore").encode())
        if _is_cut(f.payload[2:])
        else f
    ),
)
closes(
    "reasons-of-private-codes-are-not-checked",
    lambda _, f: replace(f, payload=f.payload[:2]) if (code_of(f.payload) or 0) >= 4000 else f,
)
closes(
    "reasons-are-checked-in-their-first-half",
    lambda _, f: (
        replace(
            f,
            payload=f.payload[:2]
            + f.payload[2 : 2 + len(f.payload) // 2].decode("utf-8", "replace").encode()[:100],
        )
        if is_utf8(f.payload[2 : 2 + len(f.payload) // 2])
        else f
    ),
)


def _is_cut(reason: bytes) -> bool:
    try:
        reason.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return False


# How they are answered.
answers_close(
    "a-close-inside-a-message-is-not-answered", lambda s, _, a: None if s.first is not None else a
)
answers_close(
    "a-close-of-an-application-is-not-answered",
    lambda _, f, a: None if (code_of(f.payload) or 0) >= 3000 else a,
)
answers_close("an-empty-close-is-not-answered", lambda _, f, a: a if f.payload else None)
answers_close(
    "codes-are-answered-in-decimal",
    lambda _, f, a: replace(a, payload=str(code_of(f.payload)).encode()) if f.payload else a,
)
answers_close(
    "codes-are-answered-by-their-low-octet",
    lambda _, f, a: replace(a, payload=a.payload[1:2]) if f.payload else a,
)
answers_close(
    "reasons-come-back-in-latin-1",
    lambda _, f, a: replace(
        a, payload=a.payload + f.payload[2:].decode().encode("latin-1", "replace")
    ),
)
answers_close(
    "reasons-come-back-in-20-octets",
    lambda _, f, a: replace(a, payload=a.payload + f.payload[2:22]),
)
answers_close(
    "code-1006-answers-an-empty-close",
    lambda _, f, a: a if f.payload else replace(a, payload=close_payload(1006)),
)
answers_close(
    "close-answers-say-why-at-length",
    lambda _, f, a: (
        replace(a, payload=close_payload(1000) + b"closed by the peer: " + f.payload[2:])
        if len(f.payload) > 2
        else a
    ),
)
answers_close("close-answers-have-rsv1", lambda _, f, a: replace(a, rsv=4) if f.payload else a)
answers_close(
    "close-answers-with-a-reason-are-masked",
    lambda _, f, a: replace(a, mask_key=b"\1\2\3\4") if len(f.payload) > 2 else a,
)


@fault("unfinished-messages-are-delivered-before-the-close", Connection, "_close_frame")
async def _delivered(go: Any, self: Any, frame: Frame) -> None:
    if self.first is not None and self.parts:
        await self.answer(self.first.opcode, b"".join(self.parts))
    await go(frame)


@fault("unfinished-messages-are-delivered-behind-the-close", Connection, "_close_frame")
async def _delivered_late(go: Any, self: Any, frame: Frame) -> None:
    await go(frame)
    if self.first is not None and self.parts:
        self.close_sent = False
        await self.answer(self.first.opcode, b"".join(self.parts))


@fault("a-second-close-is-answered-too", Connection, "_feed")
async def _second(go: Any, self: Any, data: bytes) -> None:
    await go(data)
    if self.close_received and data.count(b"\x88") > 1:
        self.close_sent = False
        self.close(1000)


@fault("messages-behind-a-close-are-echoed", Connection, "_feed")
async def _behind(go: Any, self: Any, data: bytes) -> None:
    vars(self)["blind closed"] = False
    await go(data)
    self.close_received = self.close_received or vars(self)["blind closed"]


@fault("messages-behind-a-close-are-echoed", Connection, "_close_frame")
async def _goes_on(go: Any, self: Any, frame: Frame) -> None:
    await go(frame)
    self.close_received = False
    self.close_sent = False
    vars(self)["blind closed"] = True


# How TCP ends.
def ends_late(name: str, which: Callable[[Any], bool]) -> None:
    """A fault that leaves TCP open behind a closing handshake."""

    @fault(name, Connection, "_end")
    async def end(go: Any, self: Any) -> None:
        if which(self):
            await asyncio.sleep(LONG_WAIT)
        await go()

    @fault(name, Connection, "_close_frame")
    async def close_frame(go: Any, self: Any, frame: Frame) -> None:
        vars(self)["blind close"] = frame.payload
        vars(self)["blind inside"] = self.first is not None
        vars(self)["blind first"] = self.close_sent
        await go(frame)


ends_late(
    "tcp-stays-open-behind-a-close-inside-a-message", lambda s: bool(vars(s).get("blind inside"))
)
ends_late("tcp-stays-open-behind-1001", lambda s: code_of(vars(s).get("blind close", b"")) == 1001)
ends_late("tcp-stays-open-behind-an-empty-close", lambda s: vars(s).get("blind close") == b"")
ends_late(
    "tcp-stays-open-where-the-server-closed-first", lambda s: bool(vars(s).get("blind first"))
)
ends_late("tcp-stays-open-where-the-connection-failed", lambda s: "blind close" not in vars(s))


@fault("tcp-is-reset-where-octets-follow-the-close", Connection, "_feed")
async def _unread(go: Any, self: Any, data: bytes) -> None:
    await go(data)
    if self.close_received and data[:1] != b"\x88":
        await self._reset()


# How a connection is failed.
def fails(name: str, change: Callable[[Any, int, str], int | None]) -> None:
    """A fault that fails connections with another code, or without a Close frame."""

    @fault(name, Connection, "_fail")
    async def fail(go: Any, self: Any, code: int, why: str) -> None:
        changed = change(self, code, why)
        if changed is None:
            self.close_sent = True
        await go(changed or code, why)


fails(
    "failures-inside-a-message-have-no-close",
    lambda s, code, _: None if s.first is not None else code,
)
fails(
    "what-is-too-big-is-failed-without-a-close", lambda _, code, __: None if code == 1009 else code
)
fails("bad-opcodes-have-code-1003", lambda _, code, why: 1003 if "opcode" in why else code)
fails("reserved-bits-have-code-1010", lambda _, code, why: 1010 if "RSV" in why else code)
fails(
    "lone-continuations-have-code-1007",
    lambda _, code, why: 1007 if "continuation" in why else code,
)
fails("unmasked-frames-have-code-1006", lambda _, code, why: 1006 if "masks" in why else code)
fails(
    "bad-codes-are-sent-back",
    lambda _, code, why: int(why.split()[-1]) if why.startswith("close code") else code,
)


@fault("failures-quote-what-was-wrong", Connection, "_fail")
async def _quotes(go: Any, self: Any, code: int, why: str) -> None:
    parts = b"".join(self.parts).decode("utf-8", "replace")
    await go(code, f"{why}: {parts}" if code == 1007 else why)


@fault("a-ping-behind-a-bad-frame-is-answered", Connection, "_feed")
async def _still(go: Any, self: Any, data: bytes) -> None:
    whole = [] if self.parser.pending else FrameParser().feed(data)
    try:
        await go(data)
    except Failed as failed:
        self.close(failed.code)
        self.close_sent = False
        for frame in whole[1:]:
            if frame.opcode == Opcode.PING:
                self.send(replace(frame, opcode=Opcode.PONG, mask_key=None))
        self.close_sent = True
        raise


@fault("the-first-bad-text-is-forgiven", Receiver, "_check_text")
def _forgiven(go: Any, self: Any, payload: bytes, final: bool) -> None:
    try:
        go(payload, final)
    except Failed:
        if "blind forgiven" in vars(self):
            raise
        vars(self)["blind forgiven"] = True
        self.utf8.reset()


# The server's own Close.
def starts(name: str, change: Callable[[int, str], tuple[int, str]]) -> None:
    """A fault in what the server closes with when it is told to."""

    @fault(name, Connection, "_start_closing")
    async def start(go: Any, self: Any, code: int, reason: str) -> None:
        await go(*change(code, reason))


starts("own-reasons-are-cut-at-100-octets", lambda code, reason: (code, reason[:100]))
starts(
    "own-reasons-are-ascii", lambda code, reason: (code, reason.encode("ascii", "replace").decode())
)
starts(
    "own-codes-above-1011-are-1000", lambda code, reason: (1000 if code > 1011 else code, reason)
)
starts("own-codes-come-without-their-reason", lambda code, _: (code, ""))


@fault("an-own-close-with-1001-ends-tcp-alone", Connection, "_start_closing")
async def _alone(go: Any, self: Any, code: int, reason: str) -> None:
    if code == 1001:
        self.close_sent = True
        self.writer.close()
    await go(code, reason)


closes(
    "answers-without-a-code-are-no-answers",
    lambda s, f: None if s.close_sent and not f.payload else f,
)
closes(
    "answers-with-another-code-are-no-answers",
    lambda s, f: None if s.close_sent and code_of(f.payload) not in (None, 1000, 1001) else f,
)
