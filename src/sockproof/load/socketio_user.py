"""Users that speak Socket.IO, and users that sit in rooms."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import gevent
from gevent.event import AsyncResult

from sockproof.load.acks import Reply, arguments
from sockproof.load.connected_user import ACKNOWLEDGED, SKIPS_SENDER, ConnectedUser
from sockproof.load.message import BODY, Message, escaped
from sockproof.load.recorder import ITSELF, NOBODY
from sockproof.load.reference import ReferenceSocketIO
from sockproof.load.schedule import SECOND
from sockproof.load.socketio import SocketIOConnection
from sockproof.wire.stamp import checksum_of

CONTROL = "sockproof"  # the event of the target contract that moves clients
_ROUND_TRIP = Message("message-with-ack", BODY)


class SocketIOUser(ConnectedUser):
    """A user with one Socket.IO connection.

    `transport` is `websocket`, `polling` or `upgrade`; None: as `--transport` says. `auth` is the
    payload of CONNECT; None: as `--auth` says.
    """

    abstract = True
    namespace = "/"
    transport: str | None = None
    auth: Any = None
    _body: str | bytes | None = None  # what was said last, and what is made of it

    def new_connection(self) -> Any:
        """A lean connection, or the reference client's."""
        options = self.sockproof.options
        kind = SocketIOConnection if options.client == "lean" else ReferenceSocketIO
        return kind(
            self.sockproof.endpoint,
            transport=self.transport or options.transport,
            namespace=self.namespace,
            auth=options.auth if self.auth is None else self.auth,
        )

    # Sending, in paced methods too.

    def tell(
        self,
        message: Message,
        body: str | bytes | None = None,
        *,
        to: int | str = ITSELF,
        ack: bool = True,
        skips_sender: bool = False,
    ) -> bool:
        """Send a counted message; false when the connection does not take it.

        `to` is who hears it: the name of a room, `EVERYONE`, `ITSELF` (it comes back, by an event
        or in the acknowledgement) or `NOBODY`. `skips_sender`: its sender does not hear it.
        """
        connection = self.connection
        if not connection.is_open or connection.congested:
            self.recorder.withheld += 1
            return False
        if body is None:
            body = self.body
        if body is not self._body:  # what is said again and again is prepared once
            self._prepare(body)
        flags = (ACKNOWLEDGED if ack else 0) | (SKIPS_SENDER if skips_sender else 0)
        sequence, intended, actual, stamp = self._take(self._checksum, to, flags)
        on_ack = partial(self._acknowledged, sequence, intended, actual) if ack else None
        if message.binary:
            args = message.arguments(stamp + self._octets)
            taken = connection.emit(message.event, *args, ack=on_ack, limit=self._ack_limit)
        else:
            data = message.text(stamp, self._escaped)
            taken = connection.emit_json(data, on_ack, self._ack_limit)
        if not taken and ack:
            self._acknowledged(sequence, intended, actual, None)
        return bool(taken)

    def _prepare(self, body: str | bytes) -> None:
        self._body = body
        self._octets = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        self._checksum = checksum_of(self._octets)
        self._escaped = escaped(body) if isinstance(body, str) else body

    def _acknowledged(self, sequence: int, intended: int, actual: int, reply: Reply) -> None:
        self._answered(sequence, intended, actual, reply is not None)

    def round_trip(self) -> bool:
        """Send the body and have it acknowledged with itself."""
        return self.tell(_ROUND_TRIP)

    def emit(self, event: str, *args: Any, ack: Callable[[Reply], None] | None = None) -> bool:
        """Emit an event that nobody counts; false when the connection does not take it."""
        return bool(self.connection.emit(event, *args, ack=ack, limit=self._ack_limit))

    def on(self, event: str, handler: Callable[..., Any] | None) -> None:
        """Call `handler(*args)` for each event of this name; it must not wait."""
        self.connection.on(event, handler)

    # Rooms of the application's own: whoever is in one is owed what is said to it.

    def enter(
        self, room: str, event: str, *args: Any, then: Callable[[], None] | None = None
    ) -> None:
        """Emit the application's event that lets this user into a room.

        It is a member when the server acknowledges; then `then` is called.
        """
        number = self.recorder.room(room)
        self.recorder.joining(self.client, number, time.monotonic_ns())
        self._move(partial(self.recorder.joined, self.client, number), event, args, then)

    def exit(
        self, room: str, event: str, *args: Any, then: Callable[[], None] | None = None
    ) -> None:
        """Emit the application's event that lets this user out of a room."""
        number = self.recorder.room(room)
        self.recorder.leaving(self.client, number, time.monotonic_ns())
        self._move(partial(self.recorder.left, self.client, number), event, args, then)

    def _move(
        self,
        done: Callable[[int], None],
        event: str,
        args: tuple[Any, ...],
        then: Callable[[], None] | None,
    ) -> None:
        def answered(reply: Reply) -> None:
            if reply is None:
                self.sockproof.complain(f"no acknowledgement of {event}")
                return
            refusal = self.refusal(arguments(reply))
            if refusal is not None:
                self.sockproof.complain(f"the server refuses {event}: {refusal}")
                return
            done(self.connection.last_received)
            if then is not None:
                then()

        self.connection.emit(event, *args, ack=answered, limit=self._ack_limit)

    def refusal(self, answer: list[Any]) -> str | None:
        """What is wrong with the answer to `enter` or `exit`; None: nothing. May be overridden."""
        del answer
        return None

    # Waiting, in Locust's tasks only.

    def call(self, event: str, *args: Any, timeout: float = 30.0) -> list[Any]:
        """Emit an event and wait for its acknowledgement's arguments; its latency is counted.

        Raises TimeoutError when none comes, ConnectionError when the connection is not open.
        """
        result: AsyncResult[Reply] = AsyncResult()
        flags = ACKNOWLEDGED
        if not self.connection.is_open:
            raise ConnectionError(f"{event}: the connection is not open")
        sequence, intended, actual, _ = self._take(0, NOBODY, flags)
        limit = int(timeout * SECOND)

        def on_ack(reply: Reply) -> None:
            self._acknowledged(sequence, intended, actual, reply)
            result.set(reply)

        if not self.connection.emit(event, *args, ack=on_ack, limit=limit):
            on_ack(None)
        reply = result.get()
        if reply is None and self.connection.is_open:
            raise TimeoutError(f"{event}: no acknowledgement within {timeout:g} s")
        if reply is None:
            raise ConnectionError(f"{event}: the connection ended before the acknowledgement")
        return arguments(reply)

    def wait_for(self, event: str, timeout: float = 30.0) -> tuple[Any, ...]:
        """Wait for the next event of this name; gives its arguments, raises TimeoutError."""
        result: AsyncResult[tuple[Any, ...]] = AsyncResult()
        self.connection.on(event, lambda *args: result.ready() or result.set(args))
        try:
            return tuple(result.get(timeout=timeout))
        except gevent.Timeout:
            raise TimeoutError(f"{event}: no such event within {timeout:g} s") from None
        finally:
            self.connection.on(event, None)


class RoomUser(SocketIOUser):
    """A user that sits in a room with `room_size` others, joins it first, and speaks to it.

    It needs the target contract's `sockproof` and `say` events. `room` may be overridden.
    """

    abstract = True
    room_size = 50

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        size = self.sockproof.options.room_size or self.room_size
        self.room = f"room-{self.sockproof.recorder.run:08x}-{self.number // size}"
        self._say = Message("say", self.room, BODY)

    def connected(self) -> None:
        """Join the room; the user is settled when the server has said so."""
        self.join(self.room, self.settled)

    def join(self, room: str, then: Callable[[], None] | None = None) -> None:
        """Ask to be let into a room."""
        self.enter(room, CONTROL, _operation("join", room), then=then)

    def leave_room(self, room: str, then: Callable[[], None] | None = None) -> None:
        """Ask to be let out of a room."""
        self.exit(room, CONTROL, _operation("leave", room), then=then)

    def refusal(self, answer: list[Any]) -> str | None:
        """The contract's answers say whether the operation was done."""
        told = answer[0] if answer else None
        done = isinstance(told, dict) and told.get("ok") is True
        return None if done else f"{told!r:.200}"

    def say(self, body: str | bytes | None = None) -> bool:
        """Say something to the room; everyone in it hears it, the sender too."""
        return self.tell(self._say, body, to=self.room)


def _operation(op: str, room: str) -> dict[str, Any]:
    request: dict[str, Any] = {"op": op, "rooms": [room]}
    token = os.environ.get("SOCKPROOF_TOKEN")
    return request if token is None else {**request, "token": token}
