"""Users of Socket.IO, and users in rooms."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from time import monotonic_ns
from typing import Any

import gevent
from gevent.event import AsyncResult

from sockproof.load.locust.schedule import SECOND
from sockproof.load.messages.answers import Answers, answers_by
from sockproof.load.messages.ephemeral import Ephemeral
from sockproof.load.messages.matching import matches
from sockproof.load.messages.message import BODY, Message, Said, prepared
from sockproof.load.messages.naming import called
from sockproof.load.record.names import Acks
from sockproof.load.record.recorder import ITSELF, NOBODY
from sockproof.load.socketio.acks import Reply, arguments, new_range
from sockproof.load.socketio.connection import SocketIOConnection
from sockproof.load.socketio.packets import see_json
from sockproof.load.socketio.session import parsed
from sockproof.load.traffic import traffic
from sockproof.load.users.namespaces import Namespaces
from sockproof.load.users.sending import ACKNOWLEDGED, SKIPS_SENDER, judge
from sockproof.runs.load_records import Stray
from sockproof.vocabulary import Step
from sockproof.wire import WireError
from sockproof.wire.redaction import secrets_of_value
from sockproof.wire.stamp import LENGTH, MARK

# Sequence, intended and actual time, where it is counted, what comes back.
Token = tuple[int, int, int, Acks, bytes]
_ROUND_TRIP = Message("message-with-ack", BODY)


class SocketIOUser(Namespaces):
    """A user with one Socket.IO connection.

    `transport` is `websocket`, `polling` or `upgrade`; None means that of `--transport`. `auth` is
    the payload of CONNECT; None means that of `--auth`. `namespace` is the one it connects to; None
    means that of `--namespace`, which is `/` by default. `namespaces` are further ones on the same
    connection, which methods are told by `namespace=`.
    """

    abstract = True
    namespace: str | None = None
    transport: str | None = None
    _said: Said | None = None  # last

    @classmethod
    def connections_of(cls, client: str) -> Any:
        """Their class; the reference client's is imported where it is asked for."""
        if client == "lean":
            return SocketIOConnection
        from sockproof.load.reference.socketio import ReferenceSocketIO

        return ReferenceSocketIO

    def new_connection(self) -> Any:
        """Return a lean connection, or one of the reference client."""
        options = self.sockproof.options
        return self.connections_of(options.client)(
            self.own_endpoint(),
            transport=self.transport or options.transport,
            namespace=self.namespace or options.namespace or "/",
            auth=options.auth if self.auth is None else self.auth,
            headers=self.own_headers(),
            numbers_from=new_range(),
        )

    def own_secrets(self) -> list[str]:
        """Also what its CONNECT carries."""
        return super().own_secrets() + secrets_of_value(self.auth)

    def connect(self) -> None:
        """Open the connection; `ready` becomes true when the user is settled."""
        super().connect()
        self.connection.strays.on_stray = self._strayed

    def _strayed(self, number: int, what: Stray) -> None:
        self.recorder.stray(self.client, number, what)

    def _opened(self) -> None:
        if self.connection.recovery is not None:
            self._misses_nothing = True
        super()._opened()

    @property
    def recovered(self) -> bool:
        """Whether the server has recovered the state of the connection before, with its rooms."""
        return bool(self.connection.recovered)

    def _listener(self, client: int) -> Callable[[bytes, bool], None]:
        heard, histories = self.recorder.heard, self._histories
        histories.clear()

        def on_message(data: bytes, _is_binary: bool) -> None:
            if histories and self._hears_history(client, data):
                return
            if heard(client, data, traffic.read_at) is None:
                if data[:2] == b"42" and not (self.ephemeral and self._notice(client, data)):
                    self.sockproof.steps[Step.UNSTAMPED] += 1
            elif len(data) - self.recorder.heard_to > LENGTH and data.count(MARK) > 1:
                self.recorder.heard_others(client, data, traffic.read_at)

        return on_message

    def _notice(self, client: int, data: bytes) -> bool:
        with contextlib.suppress(WireError):  # the connection tells it
            return self._notices(client, parsed(data[data.find(b"[") :], "an event"))
        return False

    def notify(
        self,
        message: Ephemeral,
        *,
        to: int | str,
        by: Any = None,
        skips_sender: bool = True,
        namespace: str | None = None,
    ) -> bool:
        """Send a message that is only counted; returns false when the connection does not take it.

        `to` is a room or `EVERYONE`, of the `namespace` where that is named; `by` the value by
        which those who hear it know it.
        """
        namespace = self.further(namespace)
        to = to if namespace is None else self.room_in(namespace, to)
        return self._notify(message, namespace, to, by, skips_sender)

    def _send_unstamped(self, message: Ephemeral, namespace: str | None) -> bool:
        if message.event is None:
            raise ValueError(f"{message.name} is no event of Socket.IO")
        return bool(self.connection.emit(message.event, *message.args, namespace=namespace))

    def _hears_history(self, client: int, data: bytes) -> bool:
        """Whether this is of a history, by the matches that `enter` was given."""
        is_answer = data[:2] in (b"43", b"46")
        said = None
        if not is_answer and MARK in data:
            with contextlib.suppress(WireError):  # the connection tells it
                said = parsed(data[data.find(b"[") :], "an event")
        for match in self._histories:
            if isinstance(match, bool):
                is_history = is_answer
            else:
                is_history = said is not None and matches(match, said)
            if is_history:
                self.recorder.heard_history(client, data, traffic.read_at)
                return True
        return False

    # Sending, in paced methods too.

    def tell(
        self,
        message: Message,
        body: str | bytes | None = None,
        *,
        to: int | str = ITSELF,
        ack: bool = True,
        skips_sender: bool = False,
        check: Callable[[Any], Any] | None = None,
        namespace: str | None = None,
    ) -> bool:
        """Send a counted message; returns false when the connection does not accept it.

        `to` says who must receive it: the name of a room, `EVERYONE`, `ITSELF` (it is returned in
        an event or in the acknowledgement) or `NOBODY`. With `skips_sender`, the sender of a
        message to a room does not receive it. `check(answer)` is what the acknowledgement has to
        say, in place of the message's own `ack`: it returns True where the application accepts
        the message, False or a reason where it refuses.
        """
        said = self._said
        if body is None:
            body = self.body
        if namespace is not None:
            namespace = self.further(namespace)
            to = to if namespace is None else self.room_in(namespace, to)
        if said is None or said.message is not message or said.body is not body:
            said = self._said = prepared(message, body)
            self._places, self._acks = self._name(message, said)
        # What `_take` does is written out here, and what `_answered` does below: a call for each
        # message costs as much as the work.
        actual = monotonic_ns()
        intended = self.at or actual
        sequence = self.sequence = self.sequence + 1
        flags = 1 if ack else 0
        if skips_sender:
            flags |= SKIPS_SENDER
        stamp = self.recorder.sending(
            self.client, sequence, self._places[to], intended, actual, flags, said.checksum
        )
        # What comes back as it was sent is known without looking into it.
        echo = b'["' + stamp + said.behind if to == ITSELF else b""
        token = sequence, intended, actual, self._acks, echo
        self.outstanding += flags & 1
        if message.has_attachment:
            answers = message.answers if check is None else answers_by(check)
            taken = self._tell_binary(said, stamp, token if ack else None, answers, namespace)
        elif ack:
            parts = said.before, stamp, said.behind
            until = actual + self.sockproof.ack_limit
            answers = message.answers if check is None else answers_by(check)
            on_ack = self._acknowledged if answers is None else partial(self._looked_at, answers)
            if namespace is None:
                taken = self.connection.emit_stamped(parts, on_ack, token, until)
            else:
                taken = self.connection.emit_stamped_within(namespace, parts, on_ack, token, until)
        elif namespace is not None:
            parts = said.before, stamp, said.behind
            taken = self.connection.emit_stamped_within(namespace, parts)
        else:
            taken = self.connection.emit_stamped((said.before, stamp, said.behind))
        if not taken:
            self._withdraw(sequence, intended, actual, flags)
        return bool(taken)

    def _tell_binary(
        self,
        said: Said,
        stamp: bytes,
        token: Token | None,
        answers: Answers | None,
        namespace: str | None,
    ) -> bool:
        on_ack = None if token is None else partial(self._acknowledged_and_heard, token, answers)
        args = said.message.arguments(stamp + said.octets)
        event, limit = said.message.event, self.sockproof.ack_limit
        send = self.connection.emit
        return bool(send(event, *args, ack=on_ack, limit=limit, namespace=namespace))

    def _acknowledged_and_heard(self, token: Token, answers: Answers | None, reply: Reply) -> None:
        """The connection has shown the reply to `on_message`: it must not be heard twice."""
        self._acknowledged(None if reply is None else [], token)
        if answers is not None and reply is not None:
            self._judge(answers, reply, token)

    def _looked_at(self, answers: Answers, reply: Reply, token: Token) -> None:
        self._acknowledged(reply, token)
        if reply is not None:
            self._judge(answers, reply, token)

    def _judge(self, answers: Answers, reply: Reply, token: Token) -> None:
        try:
            args = arguments(reply)
        except ValueError:  # the connection tells it
            args = []
        of = self.client, token[0], token[3].message or "a message"
        judge(self.sockproof, answers, of, args[0] if len(args) == 1 else args)

    def _acknowledged(self, reply: Reply, token: Token) -> None:
        sequence, intended, actual, acks, echo = token
        if reply is None:
            self._answered(sequence, intended, actual, acks, is_there=False)
            return
        is_echo = reply == echo
        if not is_echo and isinstance(reply, bytes):
            see_json(reply, "an acknowledgement")  # else the connection ends, as if none had come
        self.outstanding -= 1
        recorder, now = self.recorder, traffic.read_at
        if is_echo:
            recorder.echoed(self.client, sequence, intended, actual, now, acks)
        else:
            if isinstance(reply, bytes):  # else it was looked at in pieces
                recorder.heard(self.client, reply, now)
            recorder.ack_received(self.client, sequence, intended, actual, now, acks)
        for turn in self._closed_loops:
            self.sockproof.schedule.again(turn)

    def round_trip(self) -> bool:
        """Send the body; the acknowledgement has to return it."""
        return self.tell(_ROUND_TRIP)

    def emit(
        self,
        event: str,
        *args: Any,
        ack: Callable[[Reply], None] | None = None,
        namespace: str | None = None,
    ) -> bool:
        """Emit an uncounted event; returns false when the connection does not accept it."""
        limit, namespace = self.sockproof.ack_limit, self.further(namespace)
        return bool(self.connection.emit(event, *args, ack=ack, limit=limit, namespace=namespace))

    def on(
        self, event: str, handler: Callable[..., Any] | None, *, namespace: str | None = None
    ) -> None:
        """Call `handler(*args)` for each event of this name; it must not block."""
        self.connection.on(event, handler, self.further(namespace))

    # Blocking calls, for Locust's tasks only.

    def call(
        self, event: str, *args: Any, timeout: float = 30.0, namespace: str | None = None
    ) -> list[Any]:
        """Emit an event, wait for its acknowledgement and return the arguments; latency is counted.

        Raises TimeoutError without an acknowledgement, ConnectionError without a connection.
        """
        result: AsyncResult[Reply] = AsyncResult()
        flags = ACKNOWLEDGED
        if not self.connection.is_open:
            raise ConnectionError(f"{event}: the connection is not open")
        names = self.recorder.names
        places = names.places(called(None, event))
        acks = names.acks(places, self._class)
        sequence, intended, actual, _ = self._take(0, places[NOBODY], flags)
        limit = int(timeout * SECOND)

        def on_ack(reply: Reply) -> None:
            self._acknowledged_and_heard((sequence, intended, actual, acks, b""), None, reply)
            result.set(reply)

        where = self.further(namespace)
        if not self.connection.emit(event, *args, ack=on_ack, limit=limit, namespace=where):
            on_ack(None)
        reply = result.get()
        if reply is None and self.connection.is_open:
            raise TimeoutError(f"{event}: no acknowledgement within {timeout:g} s")
        if reply is None:
            raise ConnectionError(f"{event}: the connection ended before the acknowledgement")
        return arguments(reply)

    def wait_for(self, event: str, timeout: float = 30.0) -> tuple[Any, ...]:
        """Wait for the next event of this name and return its arguments; raises TimeoutError."""
        result: AsyncResult[tuple[Any, ...]] = AsyncResult()
        self.connection.on(event, lambda *args: result.ready() or result.set(args))
        try:
            return tuple(result.get(timeout=timeout))
        except gevent.Timeout:
            raise TimeoutError(f"{event}: no such event within {timeout:g} s") from None
        finally:
            self.connection.on(event, None)
