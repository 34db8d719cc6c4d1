"""What messages are called in counts, latencies and rules."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

LONGEST = 100  # characters of a name
PLAIN = "message"  # what nothing names
# Fields of a JSON message that say what it is, the first that it has a constant string in.
_FIELDS = ("type", "event", "action", "op", "do", "cmd", "command", "method", "kind")


class Called(NamedTuple):
    """A message's name, and the event that an application knows it by; "" where it has none."""

    name: str
    event: str


@functools.lru_cache(maxsize=256)
def called(name: str | None, event: str = "") -> Called:
    """A message by the name that the scenario gives it, else by its event.

    Raises ValueError for a name that is empty or longer than 100 characters.
    """
    event = _clean(event)
    if name is None:
        return Called(event or PLAIN, event)
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST:
        raise ValueError(
            f"the name of a message has 1 to {LONGEST} characters, unlike {name!r:.50}"
        )
    return Called(_clean(name), event)


def event_of(value: Any) -> str:
    """What a JSON message says that it is; "" where it does not."""
    if isinstance(value, Mapping):
        for field in _FIELDS:
            found = value.get(field)
            if isinstance(found, str) and found:
                return found
    return ""


def _clean(text: str) -> str:
    """Text that any file can hold."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
