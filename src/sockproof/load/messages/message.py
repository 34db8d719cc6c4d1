"""Messages with a stamped body at a place that the scenario chooses.

    HELLO = Message("chat message", {"room": "lobby", "text": BODY})  # of Socket.IO
    HELLO = Message.json({"do": "say", "room": "lobby", "text": BODY})  # of a plain WebSocket
    user.tell(HELLO, "hello, lobby", to="lobby")

Everything around the body is encoded once.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any

from sockproof.load.messages.answers import Check, answers
from sockproof.load.messages.naming import called
from sockproof.load.messages.payload import Payload
from sockproof.load.messages.placeholders import BINARY_BODY, BODY, Body
from sockproof.wire.stamp import checksum_of

__all__ = ["BINARY_BODY", "BODY", "Message", "Said", "escaped", "prepared"]

_encoded = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_HOLE = "$sockproof-body$"


class Message:
    """An event and its arguments, which contain `BODY` or `BINARY_BODY` once, at any depth.

    Raises ValueError otherwise. `name` is what counts, latencies and rules call it; by default its
    event. `ack` is what its acknowledgement has to say (see `answers`), and decides whether the
    application accepted it. Messages of a `WebSocketUser` are made by `json`, `text`, `binary` and
    `coded`.
    """

    __slots__ = (
        *("_args", "_before", "_behind", "answers", "called", "event", "has_attachment"),
        "is_named",
    )

    def __init__(
        self,
        event: str,
        *args: Any,
        name: str | None = None,
        ack: Check | Sequence[Check] | None = None,
    ) -> None:
        self.event = event
        self.answers = answers(ack)
        self.called, self.is_named = called(name, event), name is not None
        self._args = args
        bodies: list[Body] = []
        text = _encoded(_with_hole([event, *args], bodies))
        if len(bodies) != 1:
            raise ValueError(f"the message {event!r} has {len(bodies)} bodies instead of one")
        self.has_attachment = bodies[0].binary
        before, _, behind = text.partition(_HOLE)
        if _HOLE in behind:
            raise ValueError(f"the message {event!r} holds the text {_HOLE}")
        self._before, self._behind = before.encode("utf-8"), behind.encode("utf-8")

    json = staticmethod(Payload.json)
    text = staticmethod(Payload.text)
    binary = staticmethod(Payload.binary)
    coded = staticmethod(Payload.coded)

    @property
    def before(self) -> bytes:
        """The JSON of the event, `["name",…]`, up to the stamp."""
        return self._before

    def behind(self, body: bytes) -> bytes:
        """The JSON after the stamp, with a body from `escaped`."""
        return body + self._behind

    def arguments(self, stamped: bytes) -> list[Any]:
        """The arguments with a stamped binary body."""
        return [_filled(each, stamped) for each in self._args]


class Said:
    """A message with one body, encoded once for all sends."""

    __slots__ = ("before", "behind", "body", "checksum", "message", "octets")

    def __init__(self, message: Message, body: str | bytes) -> None:
        self.message = message
        self.body = body
        self.octets = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        self.checksum = checksum_of(self.octets)
        self.before = message.before
        self.behind = message.behind(escaped(body) if isinstance(body, str) else body)


@functools.lru_cache(maxsize=64)
def prepared(message: Message, body: str | bytes) -> Said:
    """The encoded message, shared by all users who send it."""
    return Said(message, body)


def escaped(body: str) -> bytes:
    """A body as it stands between the quotes of a JSON string."""
    return _encoded(body)[1:-1].encode("utf-8", "surrogatepass")


def _filled(value: Any, stamped: bytes) -> Any:
    if isinstance(value, Body):
        return stamped
    if isinstance(value, dict):
        return {key: _filled(each, stamped) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(each, stamped) for each in value]
    return value


def _with_hole(value: Any, bodies: list[Body]) -> Any:
    if isinstance(value, Body):
        bodies.append(value)
        return _HOLE
    if isinstance(value, dict):
        return {key: _with_hole(each, bodies) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_hole(each, bodies) for each in value]
    return value
