"""Agrees to extensions that nobody offered, or with nonsense in them."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("head",)
OVER = {
    "unknown": "x-unknown",
    "bits": "permessage-deflate; server_max_window_bits=99",
    "twice": "permessage-deflate, permessage-deflate",
    "many": "a, " * 10_000,
    "quotes": 'permessage-deflate; a="',
}


def misbehave(wire: Wire, what: Any) -> None:
    assert wire.request_now is not None
    if wire.request_now.get("Upgrade") is None:
        wire.respond(b"no", "400 Bad Request")
        return
    wire.shake(f"Sec-WebSocket-Extensions: {what}", request=wire.request_now)
    wire.wait()
