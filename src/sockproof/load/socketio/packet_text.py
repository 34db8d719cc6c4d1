"""Pieces of Socket.IO packets as octets: what stands before an event, and its name within it."""

from __future__ import annotations

import json
from typing import Any

encoded = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def prefix_of(namespace: str) -> bytes:
    """What names a namespace in a packet; nothing names the first one, `/`."""
    return b"" if namespace == "/" else namespace.encode("utf-8") + b","


def payload_of(auth: Any) -> bytes:
    """The payload of CONNECT."""
    return b"" if auth is None else encoded(auth).encode("utf-8")


def name_in(data: bytes, start: int) -> bytes:
    """The JSON string that begins behind the quote before `start`, as it is written."""
    end = data.find(b'"', start)
    while end > 0 and data[end - 1] == 0x5C:  # an escaped quote, or an escaped backslash before it
        before = data[start:end]
        if (len(before) - len(before.rstrip(b"\\"))) % 2 == 0:
            break
        end = data.find(b'"', end + 1)
    return data[start:end]
