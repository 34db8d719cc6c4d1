"""Blind faults in closing and failing: RFC 6455, 5.5.1, 7.1 and 7.4."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sockproof.wire.websocket import Frame
from tests.servers.blind_weaving import fault
from tests.servers.utf8_faults import is_utf8
from tests.servers.websocket_connection import Connection
from tests.servers.websocket_receiver import Failed

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
