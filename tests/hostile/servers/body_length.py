"""Announces an invalid length of a body, or a body that never comes."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("head", "body")
OVER = {
    "huge": ["9" * 18],
    "negative": ["-1"],
    "two": ["5", "6"],
    "words": ["ten"],
    "long": ["9" * 5000],
}


def misbehave(wire: Wire, what: Any) -> None:
    wire.answer(["HTTP/1.1 200 OK", *(f"Content-Length: {each}" for each in what)], b"0" * 100)
    wire.wait()
