"""Messages without room for a stamp, such as that somebody is typing: counted, and timed in order.

    TYPING = Ephemeral("typing", {"room": "lobby"}, by="1.name")  # of Socket.IO
    TYPING = Ephemeral.json({"type": "typing"}, heard={"type": "typing"}, by="name")
    user.notify(TYPING, to="lobby", by=user.name)

`by` is the field of what is heard, or a function of it, that `notify` is told too: whose message it
was, for instance. Of those with the same value the n-th that is heard is taken for the n-th that
was sent.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from sockproof.load.messages.matching import Match, field, matches
from sockproof.load.messages.naming import called, event_of


class Ephemeral:
    """A message of a fixed content. `heard` matches it where it is heard, decoded; in Socket.IO as
    a list of event and arguments, and by default by its event. `name` is what reports call it."""

    def __init__(
        self,
        event: str | None,
        *args: Any,
        heard: Match | None = None,
        by: str | Callable[[Any], Any] | None = None,
        name: str | None = None,
    ) -> None:
        if heard is None and event is None:
            raise ValueError("`heard` has to say which messages are these")
        self.event = event
        self.args = args
        self.name = called(name, event or (event_of(args[0]) if args else "")).name
        self._match: Match = {"0": event} if heard is None else heard
        self._by = by

    @classmethod
    def json(
        cls,
        value: Any,
        *,
        heard: Match,
        by: str | Callable[[Any], Any] | None = None,
        name: str | None = None,
    ) -> Ephemeral:
        """One of a `WebSocketUser`: JSON."""
        return cls(None, value, heard=heard, by=by, name=name)

    def mark(self, by: Any = None) -> int:
        """What stands for all of this name and value, in 64 bits."""
        return _mark(self.name, json.dumps(by, sort_keys=True, default=repr))

    def heard(self, message: Any) -> int | None:
        """The mark of a message that was heard; None where it is another."""
        if not matches(self._match, message):
            return None
        if self._by is None:
            return self.mark()
        return self.mark(self._by(message) if callable(self._by) else field(message, self._by))


@functools.lru_cache(maxsize=4096)
def _mark(name: str, by: str) -> int:
    octets = f"{name}\n{by}".encode("utf-8", "backslashreplace")
    return int.from_bytes(blake2b(octets, digest_size=8).digest(), "little")
