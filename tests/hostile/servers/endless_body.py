"""Sends a body without end."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("head", "body")
OVER = {
    "until-close": "X: y",
    "chunked": "Transfer-Encoding: chunked",
    "length": "Content-Length: 99999999999",
}


def misbehave(wire: Wire, what: Any) -> None:
    wire.answer(["HTTP/1.1 200 OK", what])
    wire.forever(b"4x" * 1000 if "chunked" not in what else b"7d0\r\n" + b"4x" * 1000 + b"\r\n")
