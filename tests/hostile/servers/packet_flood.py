"""Sends one kind of packet without end."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("engineio", "socketio", "messages")
OVER = {
    "ping": "2",
    "pong": "3",
    "noop": "6",
    "upgrade": "5",
    "open": '0{"sid":"x"}',
    "empty": "",
    "unknown": "9",
    "text": "4",
    "event": '42["x"]',
    "ack": "431[]",
    "stray-ack": "43999999[1]",
    "connect": '40{"sid":"y"}',
    "error": '44{"message":"no"}',
    "disconnect": "41",
}
PLAIN = False
BREAKS = ("misacknowledged",)
# What a client may pass over, as long as it gets to the rest.
HARMLESS = tuple(
    f"packet_flood[{stage},{each}]"
    for stage in STAGES
    for each in ("ping", "pong", "noop", "upgrade", "open", "event", "connect")
)


def misbehave(wire: Wire, what: Any) -> None:
    wire.packets_forever(what)
