"""Announces attachments that never come, or come for ever."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("socketio", "messages")
OVER = {
    "none": ('451-["x",{"_placeholder":true,"num":0}]', b""),
    "many": ('45999999999-["x"]', b""),
    "thousand": ('451000-["x",{"_placeholder":true,"num":0}]', b"x" * 65536),
    "wrong-number": ('451-["x",{"_placeholder":true,"num":7}]', b"x"),
    "negative": ('451-["x",{"_placeholder":true,"num":-1}]', b"x"),
    "unannounced": ('42["x"]', b"x" * 1000),
}
PLAIN = False
HARMLESS = tuple(f"attachments[{stage},{each}]" for stage in STAGES for each in OVER)


def misbehave(wire: Wire, what: Any) -> None:
    wire.packets(what[0])
    if what[1] and not wire.polling:
        wire.forever(wire.frame_of(0x82, what[1]))
    elif not wire.polling:
        wire.wait()
