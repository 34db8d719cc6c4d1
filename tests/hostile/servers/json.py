"""Sends an event whose JSON is hard to bear."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("socketio", "messages")
OVER = {
    "broken": '42["x",',
    "nested": "42" + "[" * 200_000,
    "digits": '42["x",' + "9" * 100_000 + "]",
    "exponent": '42["x",1e999999]',
    "wide": '42["x"' + ",[]" * 1_000_000 + "]",
    "engineio-wide": '4["x"' + ",[]" * 1_000_000 + "]",
    "wide-letters": '42["x","\U0001f600' + "x" * 15_000_000 + '"]',
    "keys": '42["x",{' + ",".join(f'"{n}":1' for n in range(100_000)) + "}]",
    "no-name": "42[]",
    "object-name": '42[{"a":1}]',
    "control-name": '42["\\u001b[31mred\\u0007"]',
    "surrogate": '42["\\ud800","\\udfff"]',
    "namespace": "42/" + "n" * 1_000_000 + ',["x"]',
    "number": "42" + "7" * 100_000 + '["x"]',
}
PLAIN = False
HARMLESS = tuple(f"json[{stage},{each}]" for stage in STAGES for each in OVER)


def misbehave(wire: Wire, what: Any) -> None:
    wire.packets(what)
    if not wire.polling:
        wire.wait()
