"""Speaks another protocol."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("tcp",)
OVER = {
    "tls": bytes.fromhex("160303007a020000"),
    "tls-alert": bytes.fromhex("15030100020228"),
    "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http2-settings": bytes.fromhex("000000040000000000"),
    "ssh": b"SSH-2.0-OpenSSH_9\r\n",
    "smtp": b"220 mail ESMTP\r\n",
    "redis": b"-ERR wrong\r\n",
}


def misbehave(wire: Wire, what: Any) -> None:
    wire.send(what)
    wire.wait()
