"""How a scenario says which messages of its application mean what.

A `Match` is a dict of fields and the values that they must have, or a function of the decoded
message that returns whether it is one. A field is named by its key, or by keys and indexes with
dots between them: `{"type": "ack", "data.ok": True}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Match = Mapping[str, Any] | Callable[[Any], bool]
_MISSING = object()


def field(message: Any, path: str) -> Any:
    """The value of a field of a decoded message; None where it has none."""
    found = _field(message, path)
    return None if found is _MISSING else found


def _field(message: Any, path: str) -> Any:
    if isinstance(message, dict) and path in message:
        return message[path]
    key, dot, rest = path.partition(".")
    if isinstance(message, dict):
        inner = message.get(key, _MISSING)
    elif isinstance(message, list | tuple) and key.isdecimal() and int(key) < len(message):
        inner = message[int(key)]
    else:
        return _MISSING
    return _field(inner, rest) if dot else inner


def matches(match: Match, message: Any) -> bool:
    """Whether a decoded message is one; a function that fails takes it for none."""
    if callable(match):
        try:
            return bool(match(message))
        except (TypeError, ValueError, LookupError, AttributeError):
            return False  # it was written for another kind of message
    for path, wanted in match.items():
        found = _field(message, path)
        # In Python True is 1; in JSON it is not.
        if (
            found is _MISSING
            or found != wanted
            or isinstance(found, bool) != isinstance(wanted, bool)
        ):
            return False
    return True


@dataclass(frozen=True, slots=True)
class Acknowledgements:
    """Which messages acknowledge one of ours: those of `match`, or, if it is refused, of `refused`.

    `id` is the field with the message's own number, as `NUMBER` or `ID` has put it in, or a
    function that returns it; None: they come in the order of the messages. `reason` is the field of
    a refusal that says why; None: the first of error, reason, message and code that there is.
    """

    match: Match
    id: str | Callable[[Any], Any] | None = "id"
    refused: Match | None = None
    reason: str | None = None

    def number(self, message: Any) -> int | None:
        """The number that an acknowledgement holds; None when it holds none of ours."""
        found = self.id(message) if callable(self.id) else field(message, str(self.id))
        if isinstance(found, str):
            return int(found) if found.isascii() and found.isdecimal() and len(found) < 20 else None
        return found if isinstance(found, int) and not isinstance(found, bool) else None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What an application wants to hear every `every` seconds; `message` is JSON, text or octets.

    With `answer` a connection that brings none within `within` seconds is cut off, and counts as
    broken. A server that asks itself is answered by `WebSocketUser.replies`.
    """

    message: Any
    every: float
    answer: Match | None = None
    within: float = 20.0
