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
from sockproof.load.connected_user import ConnectedUser
from sockproof.load.message import BODY, Message
from sockproof.load.recorder import ITSELF, NOBODY, EmitFlag
from sockproof.load.reference import ReferenceSocketIO
from sockproof.load.schedule import SECOND
from sockproof.load.socketio import SocketIOConnection

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
        flags = 0
        if ack:
            flags |= EmitFlag.ACKNOWLEDGED
        if skips_sender:
            flags |= EmitFlag.SKIPS_SENDER
        if message.binary and isinstance(body, str):
            body = body.encode("utf-8")
        sequence, intended, actual, stamp = self._take(body, to, flags)
        on_ack = partial(self._acknowledged, sequence, intended, actual) if ack else None
        if isinstance(body, bytes):
            args = message.arguments(stamp.encode("ascii") + body)
            taken = connection.emit(message.event, *args, ack=on_ack, limit=self._ack_limit)
        else:
            taken = connection.emit_json(message.text(stamp + body), on_ack, self._ack_limit)
        if not taken and ack:
            self._acknowledged(sequence, intended, actual, None)
        return bool(taken)

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

    # Waiting, in Locust's tasks only.

    def call(self, event: str, *args: Any, timeout: float = 30.0) -> list[Any]:
        """Emit an event and wait for its acknowledgement's arguments; its latency is counted.

        Raises TimeoutError when none comes, ConnectionError when the connection is not open.
        """
        result: AsyncResult[Reply] = AsyncResult()
        flags = EmitFlag.ACKNOWLEDGED
        if not self.connection.is_open:
            raise ConnectionError(f"{event}: the connection is not open")
        sequence, intended, actual, _ = self._take("", NOBODY, flags)
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
        number = self.recorder.room(room)
        self.recorder.joining(self.client, number, time.monotonic_ns())
        self._operate("join", room, partial(self.recorder.joined, self.client, number), then)

    def leave_room(self, room: str, then: Callable[[], None] | None = None) -> None:
        """Ask to be let out of a room."""
        number = self.recorder.room(room)
        self.recorder.leaving(self.client, number, time.monotonic_ns())
        self._operate("leave", room, partial(self.recorder.left, self.client, number), then)

    def say(self, body: str | bytes | None = None) -> bool:
        """Say something to the room; everyone in it hears it, the sender too."""
        return self.tell(self._say, body, to=self.room)

    def _operate(
        self, op: str, room: str, done: Callable[[int], None], then: Callable[[], None] | None
    ) -> None:
        request = {"op": op, "rooms": [room]}
        token = os.environ.get("SOCKPROOF_TOKEN")
        if token is not None:
            request["token"] = token

        def answered(reply: Reply) -> None:
            if reply is None:
                self.sockproof.complain(f"no answer to {op} of {room}")
                return
            answer = arguments(reply)[:1]
            if not (answer and isinstance(answer[0], dict) and answer[0].get("ok") is True):
                self.sockproof.complain(f"the server refuses to {op} a room: {answer!r:.200}")
                return
            done(self.connection.last_received)
            if then is not None:
                then()

        self.connection.emit(CONTROL, request, ack=answered, limit=self._ack_limit)
