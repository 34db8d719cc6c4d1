"""Sends invalid chunks, or trailers without end."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("head", "body")
OVER = {
    "sizes": (b"", b"F"),
    "trailers": (b"0\r\n", b"X: y\r\n"),
    "extensions": (b"1;", b"a=b;"),
    "empty-lines": (b"", b"\r\n"),
}


def misbehave(wire: Wire, what: Any) -> None:
    wire.answer(["HTTP/1.1 200 OK", "Transfer-Encoding: chunked"])
    wire.send(what[0])
    wire.forever(what[1])
