"""Sends an OPEN packet with nonsense in it."""

from __future__ import annotations

import json
from typing import Any

from tests.hostile.wire import Wire
from tests.load.peers import open_packet

STAGES = ("frames", "body")
OVER = {
    "no-json": "0{",
    "list": "0[]",
    "nested": "0" + "[" * 100_000,
    "no-sid": '{"sid": null}',
    "long-sid": json.dumps({"sid": "x" * 1_000_000}),
    "surrogate-sid": '{"sid": "\\ud800"}',
    "control-sid": json.dumps({"sid": "\r\nX: y\r\n\r\n"}),
    "zero-interval": '{"pingInterval": 0}',
    "negative-interval": '{"pingInterval": -5}',
    "endless-interval": '{"pingInterval": 1e300}',
    "text-interval": '{"pingInterval": "often"}',
    "many-upgrades": json.dumps({"upgrades": ["websocket"] * 100_000}),
    "no-payload": '{"maxPayload": 0}',
    "negative-payload": '{"maxPayload": -1}',
}
PLAIN = False
HARMLESS = tuple(f"open_packet[{stage},{each}]" for stage in STAGES for each in OVER)


def misbehave(wire: Wire, what: Any) -> None:
    text = what if what.startswith("0") else open_packet(**json.loads(what))
    wire.packets(text)
    wire.wait()
