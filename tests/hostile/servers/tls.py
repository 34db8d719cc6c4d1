"""Speaks TLS wrongly, not at all, without end, or with a certificate of somebody else."""

from __future__ import annotations

import os
import ssl
from typing import Any

from tests.hostile.wire import Wire

STAGES = ("tls",)
PLAIN = True
RECORD = b"\x16\x03\x03"  # of the handshake
OVER = {
    name: name
    for name in (
        *("silence", "end", "reset", "http", "half", "half-silence", "half-reset", "drip"),
        *("garbage", "long-records", "hello-requests", "warnings", "empty-records"),
        *("other-host", "unknown-authority", "plain-behind", "end-behind", "old-version"),
    )
}


def misbehave(wire: Wire, what: Any) -> None:
    if what in ("other-host", "unknown-authority"):
        wire.secure(what)
        wire.clean = True
        wire.speak()
        return
    if what == "old-version":
        wire.secure(version=ssl.TLSVersion.TLSv1)
        return
    if what in ("plain-behind", "end-behind"):
        raw = wire.socket.dup()
        wire.secure()
        wire.request()
        raw.sendall(b"HTTP/1.1 200 OK\r\n\r\n" if what == "plain-behind" else b"")
        raw.shutdown(1)
        raw.close()
        return
    hello = wire.receive()
    if what == "http":
        wire.answer(["HTTP/1.1 400 Bad Request", "Content-Length: 0"])
    elif what == "reset":
        wire.reset()
    elif what.startswith("half"):
        flight = wire.flight(hello)
        wire.send(flight[: len(flight) // 2])
        if what == "half-silence":
            wire.wait()
        elif what == "half-reset":
            wire.reset()
    elif what == "drip":
        wire.drip(wire.flight(hello))
    elif what == "garbage":
        wire.forever(os.urandom(4096))
    elif what in ENDLESS:
        wire.send(wire.flight(hello)[:100] if what == "warnings" else b"")
        wire.forever(ENDLESS[what])
    elif what == "silence":
        wire.wait()


ENDLESS = {
    "long-records": RECORD + b"\x40\x00" + b"\x02\x00\xff\xff" + bytes(0x3FFC),
    "hello-requests": RECORD + b"\x00\x04" + bytes(4),
    "warnings": b"\x15\x03\x03\x00\x02\x01\x5a",
    "empty-records": RECORD + b"\x00\x00",
}
