"""Acknowledgements that are still to come, with their time limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

# JSON of the list of arguments as it came, or the list itself where it had attachments; None when
# the time limit passed or the connection ended before.
Reply = bytes | list[Any] | None
OnAck = Callable[[Reply], None]
OnTokenAck = Callable[[Reply, Any], None]
# Until when it is waited for, who waits (an `OnAck`), and what that one wants to be told besides;
# not None: then it is an `OnTokenAck`.
Waiting = tuple[int, Callable[..., None], Any]

NEVER = 1 << 62


def arguments(reply: Reply) -> list[Any]:
    """The arguments of an acknowledgement; raises ValueError when they are no JSON list."""
    if isinstance(reply, bytes):
        reply = json.loads(reply)
    if not isinstance(reply, list):
        raise ValueError(f"an acknowledgement holds a list, not {reply!r:.60}")
    return reply


def answer(waiting: Waiting, reply: Reply) -> None:
    """Tell who waits."""
    if waiting[2] is None:
        waiting[1](reply)
    else:
        waiting[1](reply, waiting[2])


def take_expired(acks: dict[int, Waiting], now: int) -> tuple[list[Waiting], int]:
    """Take out those whose time has passed; also when the next one's will have."""
    expired = []
    following = NEVER
    for number, waiting in list(acks.items()):
        if waiting[0] <= now:
            expired.append(acks.pop(number))
        elif waiting[0] < following:
            following = waiting[0]
    return expired, following
