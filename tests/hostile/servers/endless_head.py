"""Sends a head that never ends."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("head",)
OVER = {
    "fields": b"X-Field: value\r\n",
    "one-line": b"X",
    "folded": b" more\r\n",
    "cookies": b"Set-Cookie: a=b\r\n",
}


def misbehave(wire: Wire, what: Any) -> None:
    wire.send(b"HTTP/1.1 101 Switching Protocols\r\n")
    wire.forever(what)
