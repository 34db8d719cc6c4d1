"""Refuses the namespace, or leaves it, with what is hard to bear."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("socketio",)
OVER = {
    "long": '44{"message":"' + "x" * 1_000_000 + '"}',
    "nested": '44{"message":' + "[" * 100_000,
    "text": "44no",
    "controls": '44{"message":"\\u001b]0;owned\\u0007"}',
    "leaves": "41",
    "closes": "1",
}
PLAIN = False


def misbehave(wire: Wire, what: Any) -> None:
    wire.packets(what)
    if not wire.polling:
        wire.wait()
