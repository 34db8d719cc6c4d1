"""Answers with an invalid status, or one of no use."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("head",)
OVER = {
    "none": "HTTP/1.1",
    "words": "HTTP/1.1 OK fine",
    "zero": "HTTP/1.1 000 Nothing",
    "999": "HTTP/1.1 999 Too Much",
    "204": "HTTP/1.1 204 No Content",
    "429": "HTTP/1.1 429 Too Many Requests",
    "503": "HTTP/1.1 503 Service Unavailable",
    "long": "HTTP/1.1 400 " + "x" * 60_000,
    "http2": "HTTP/2.0 200 OK",
    "http09": "<html>",
}


def misbehave(wire: Wire, what: Any) -> None:
    wire.answer([what, "Content-Length: 0"])
