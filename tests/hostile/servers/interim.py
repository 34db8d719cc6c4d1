"""Answers with interim responses without end."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("head",)
OVER = {"100": "100 Continue", "102": "102 Processing", "103": "103 Early Hints"}


def misbehave(wire: Wire, what: Any) -> None:
    wire.forever(f"HTTP/1.1 {what}\r\n\r\n".encode())
