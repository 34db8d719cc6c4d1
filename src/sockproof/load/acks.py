"""Acknowledgements that are still to come, with their time limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

# JSON of the list of arguments as it came, or the list itself where it had attachments; None when
# the time limit passed or the connection ended before.
Reply = bytes | list[Any] | None
OnAck = Callable[[Reply], None]

NEVER = 1 << 62


def arguments(reply: Reply) -> list[Any]:
    """The arguments of an acknowledgement; raises ValueError when they are no JSON list."""
    if isinstance(reply, bytes):
        reply = json.loads(reply)
    if not isinstance(reply, list):
        raise ValueError(f"an acknowledgement holds a list, not {reply!r:.60}")
    return reply


def take_expired(waiting: dict[int, tuple[int, OnAck]], now: int) -> tuple[list[OnAck], int]:
    """Take out those whose time has passed; also when the next one's will have."""
    expired = []
    following = NEVER
    for number, (deadline, on_ack) in list(waiting.items()):
        if deadline <= now:
            del waiting[number]
            expired.append(on_ack)
        elif deadline < following:
            following = deadline
    return expired, following
