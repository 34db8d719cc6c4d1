"""Users in rooms of servers with the events of the target contract."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from sockproof.load.messages.message import BODY, Message
from sockproof.load.users.socketio_user import SocketIOUser

CONTROL = "sockproof"  # the event that moves clients


class RoomUser(SocketIOUser):
    """A user that joins a room of `room_size` users and sends messages to it.

    The server needs the events `sockproof` and `say` of the target contract. `room` may be
    overridden.
    """

    abstract = True
    room_size = 10

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        size = self.sockproof.options.room_size or self.room_size
        self.room = f"room-{self.sockproof.recorder.run:08x}-{self.number // size}"
        self._say = Message("say", self.room, BODY)

    def connected(self) -> None:
        """Join the room; the user is settled when the server acknowledges that."""
        self.join(self.room, self.settled)

    def join(self, room: str, then: Callable[[], None] | None = None) -> None:
        """Join a room."""
        self.enter(room, CONTROL, _operation("join", room), then=then)

    def leave_room(self, room: str, then: Callable[[], None] | None = None) -> None:
        """Leave a room."""
        self.exit(room, CONTROL, _operation("leave", room), then=then)

    def refusal(self, answer: list[Any]) -> str | None:
        """Return why the server refused an operation of the contract, or None."""
        told = answer[0] if answer else None
        done = isinstance(told, dict) and told.get("ok") is True
        return None if done else f"{told!r:.200}"

    def say(self, body: str | bytes | None = None) -> bool:
        """Send a message to the room; every member must receive it, the sender included."""
        return self.tell(self._say, body, to=self.room)


def _operation(op: str, room: str) -> dict[str, Any]:
    request: dict[str, Any] = {"op": op, "rooms": [room]}
    token = os.environ.get("SOCKPROOF_TOKEN")
    return request if token is None else {**request, "token": token}
