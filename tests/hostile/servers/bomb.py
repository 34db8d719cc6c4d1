"""Sends a body that is a thousand times as long unpacked."""

from __future__ import annotations

import zlib
from typing import Any

from tests.hostile.wire import Wire

STAGES = ("head", "body")
OVER = {"100-mib": 100, "2-gib": 2000}


def misbehave(wire: Wire, what: Any) -> None:
    packer = zlib.compressobj(9, wbits=31)
    body = b"".join(packer.compress(bytes(1 << 20)) for _ in range(what)) + packer.flush()
    head = ["HTTP/1.1 200 OK", "Content-Encoding: gzip", f"Content-Length: {len(body)}"]
    wire.answer(head, body)
    wire.wait()
