"""Users of plain WebSockets: an echo, or an application with messages of its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import monotonic_ns
from typing import Any

import gevent
from gevent.event import AsyncResult

from sockproof.load.locust.schedule import SECOND
from sockproof.load.messages.answers import answers_by, reason_in
from sockproof.load.messages.ephemeral import Ephemeral
from sockproof.load.messages.matching import Acknowledgements, Heartbeat, Match, matches
from sockproof.load.messages.payload import Payload, Said, encoded
from sockproof.load.messages.placeholders import BINARY_BODY, BODY
from sockproof.load.net.websocket import WebSocketConnection
from sockproof.load.record.recorder import ITSELF
from sockproof.load.socketio.acks import RANGE, Strays, new_range
from sockproof.load.socketio.session import parsed
from sockproof.load.traffic import traffic
from sockproof.load.users.conversation import Conversation, Expected, Sent
from sockproof.load.users.sending import ACKNOWLEDGED, SKIPS_SENDER, judge
from sockproof.load.users.websocket_rooms import WebSocketRooms
from sockproof.runs.load_records import EmitFlag, Reason, Stray
from sockproof.vocabulary import Step
from sockproof.wire import WireError
from sockproof.wire.stamp import LENGTH, MARK
from sockproof.wire.url import is_secret

MATCHED = int(EmitFlag.MATCHED)
_TEXT, _OCTETS = Payload.text(BODY), Payload.binary(BINARY_BODY)
_SMALL = 1_000_000  # up to here numbers are what applications count with, too


class WebSocketUser(WebSocketRooms):
    """A user with one WebSocket connection.

    `path` and `query` are those of its request, beside the URL's; `subprotocols` are offered. Any
    of them, `headers` and `cookies` too, may be set for each user before its connection is made,
    in `new_connection`. `acknowledgements` says which messages acknowledge one of ours; None: a
    message that comes back to its sender does. `replies` are pairs: what matches the first is
    answered with the second, a message or a function of what was heard that returns one.
    """

    abstract = True
    path: str | None = None
    query: Mapping[str, str] = {}
    subprotocols: Sequence[str] = ()
    acknowledgements: Acknowledgements | None = None
    heartbeat: Heartbeat | None = None
    replies: Sequence[tuple[Match, Any]] = ()
    _said: Said | None = None  # last

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._handlers: list[tuple[Match, Callable[[Any], None]]] = []
        self._conversation = Conversation(self._expired)
        first = new_range()
        while first < _SMALL:
            first = new_range()
        self._base = first  # of the numbers that messages carry
        self._strays = Strays(first)

    def own_secrets(self) -> list[str]:
        """Also the values in `query` whose names say that they are."""
        found = [str(value) for name, value in self.query.items() if is_secret(name)]
        return super().own_secrets() + found

    @classmethod
    def connections_of(cls, client: str) -> Any:
        """Their class; the reference client's is imported where it is asked for."""
        if client == "lean":
            return WebSocketConnection
        from sockproof.load.reference.websocket import ReferenceWebSocket

        return ReferenceWebSocket

    def new_connection(self) -> Any:
        """A lean connection, or websocket-client's."""
        endpoint = self.own_endpoint().offering(self.subprotocols)
        target = endpoint.target_of(self.path, self.query)
        kind = self.connections_of(self.sockproof.options.client)
        return kind(endpoint, target=target, headers=self.own_headers())

    # What may be overridden.

    def decode(self, data: bytes, is_binary: bool) -> Any:
        """What a message says, for matchers; text is UTF-8. Here: JSON, or None for anything else.

        An exception of `ValueError` counts as None.
        """
        return None if is_binary else parsed(data, "a message")

    # A connection's life.

    def connect(self) -> None:
        """Open the connection; `ready` tells when that is done."""
        self._base += self.sequence
        self._conversation = Conversation(self._expired)
        super().connect()
        self._strays.on_stray = partial(self._strayed, self.client)
        self._strays.begin(self._base)

    def _opened(self) -> None:
        heartbeat = self.heartbeat
        if heartbeat is not None:
            first = monotonic_ns() + int(random.random() * heartbeat.every * SECOND)
            send = partial(self.send, heartbeat.message)
            self._conversation.beat(heartbeat, first, send, self._silent)
        super()._opened()

    def _silent(self) -> None:
        """The application does not answer its heartbeat: it is gone, whatever TCP says."""
        self.connection.abort((Reason.PING_TIMEOUT, "the heartbeat was not answered in time"))

    def _ended(self, *ending: Any) -> None:
        waiting = self._conversation.end()
        self._strays.end(self._base + self.sequence)
        self.outstanding -= len(waiting)
        self.recorder.outstanding -= len(waiting)
        super()._ended(*ending)

    # Hearing.

    def _listener(self, client: int) -> Callable[[bytes, bool], None]:
        recorder, heard = self.recorder, self.recorder.heard
        sender = recorder.identity(client)
        conversation, by_itself = self._conversation, self.acknowledgements is None
        handlers, steps, histories = self._handlers, self.sockproof.steps, self._histories
        histories.clear()

        def on_message(data: bytes, is_binary: bool) -> None:
            if histories and MARK in data and self._is_history(data, is_binary):
                self.recorder.heard_history(client, data, traffic.read_at)
                self._look(data, is_binary)
                return
            found = heard(client, data, traffic.read_at)
            if found is None:
                known = self._look(data, is_binary)
                if self.ephemeral and self._notices(client, self._decoded(data, is_binary)):
                    known = True
                steps[Step.UNSTAMPED] += not known
                return
            if len(data) - recorder.heard_to > LENGTH and data.count(MARK) > 1:
                recorder.heard_others(client, data, traffic.read_at)
            if found[0] == sender:
                self._answered_by_itself(found[1])
                if not by_itself:
                    self._look(data, is_binary)
                    return
            elif conversation.presumed:
                conversation.heard_another(traffic.read_at)
            if conversation.expected or handlers:
                self._look(data, is_binary)

        return on_message

    def _answered_by_itself(self, sequence: int) -> None:
        conversation = self._conversation
        if conversation.presumed and sequence in conversation.spoken:
            conversation.proved(*conversation.spoken[sequence], traffic.read_at)
        if self.acknowledgements is None:
            sent = conversation.waiting.pop(self._base + sequence, None)
            if sent is not None:
                self._answered(*sent[1:4], sent.acks, is_there=True)

    def _send_unstamped(self, message: Ephemeral, _namespace: str | None) -> bool:
        return self.send(message.args[0])

    def _is_history(self, data: bytes, is_binary: bool) -> bool:
        message = self._decoded(data, is_binary)
        return any(matches(each, message) for each in self._histories if not isinstance(each, bool))

    def _decoded(self, data: bytes, is_binary: bool) -> Any:
        try:
            return self.decode(data, is_binary)
        except (ValueError, RecursionError):
            return None

    def _look(self, data: bytes, is_binary: bool) -> bool:
        """See what a message says, and whether the scenario knows what it is for."""
        message = self._decoded(data, is_binary)
        if message is None:
            return False
        conversation = self._conversation
        if conversation.answered(message) or conversation.beat_answered(message):
            return True
        known = self.acknowledgements
        if known is not None:
            refuses = known.refused is not None and matches(known.refused, message)
            if refuses or matches(known.match, message):
                return self._acknowledge(known, message, refuses)
        is_known = False
        for match, handler in list(self._handlers):
            if matches(match, message):
                is_known = True
                handler(message)
        for match, reply in self.replies:
            if matches(match, message):
                is_known = True
                traffic.pings_answered += 1
                self.send(reply(message) if callable(reply) else reply)
        return is_known

    def _acknowledge(self, known: Acknowledgements, message: Any, refuses: bool) -> bool:
        conversation = self._conversation
        number = conversation.take_oldest() if known.id is None else known.number(message)
        sent = None if number is None else conversation.waiting.pop(number, None)
        if sent is not None:
            self._answered(*sent[1:4], sent.acks, is_there=True)
            of = self.client, sent.sequence, sent.acks.message or "a message"
            if refuses:
                self.sockproof.refused(of[0], of[2], reason_in(message, known.reason), of[1])
            elif sent.answers is None or judge(self.sockproof, sent.answers, of, message):
                conversation.proved(sent.room, sent.actual, traffic.read_at)
        elif number is not None:
            try:
                self._strays.strayed(number, self._base + self.sequence)
            except WireError as error:
                self.connection.abort((Reason.BAD_PACKET, str(error)))
        return number is not None

    def _strayed(self, client: int, number: int, what: Stray) -> None:
        # An application may count what it has of its own with the same field.
        if what != Stray.UNASKED or number // RANGE == self._base // RANGE:
            self.recorder.stray(client, number, what)

    def _expired(self, number: int, sent: Sent) -> None:
        self._strays.expired(number)
        self._answered(*sent[1:4], sent.acks, is_there=False)

    # Sending, in paced methods too.

    def tell(
        self,
        message: Payload | str | bytes | None = None,
        body: str | bytes | None = None,
        *,
        to: int | str = ITSELF,
        ack: bool | None = None,
        skips_sender: bool = False,
        check: Callable[[Any], Any] | None = None,
    ) -> bool:
        """Send a counted message; false when the connection does not take it.

        `message` is one that `Message.json`, `text`, `binary` or `coded` has made; a string or
        octets are sent as they are, as text or binary. `to` is who hears it: the name of a room,
        `EVERYONE`, `ITSELF` (it comes back) or `NOBODY`; `skips_sender`: not its sender. `ack`
        says whether an acknowledgement is waited for; None: where `acknowledgements` can tell
        whose it is, or where it comes back. `check(answer)` is what the acknowledgement has to
        say, in place of the message's own `ack`: it returns True where the application accepts
        the message, False or a reason where it refuses.
        """
        if not isinstance(message, Payload):
            body = message if message is not None else body
            message = _OCTETS if isinstance(body, bytes) else _TEXT
        if body is None:
            body = self.body
        said = self._said
        if said is None or said.payload is not message or said.body is not body:
            said = self._said = message.said(body)
            self._places, self._acks = self._name(message, said)
        known = self.acknowledgements
        if ack is None:
            ack = to == ITSELF if known is None else message.numbered or known.id is None
        flags = ACKNOWLEDGED if ack else 0
        if ack and known is not None:
            flags |= MATCHED
        if skips_sender:
            flags |= SKIPS_SENDER
        places, room = self._places, to if isinstance(to, int) else self.recorder.room(to)
        sequence, intended, actual, stamp = self._take(said.checksum, places[room], flags)
        number = self._base + sequence
        octets, is_binary = said.octets(stamp, number)
        send = self.connection.send_binary if is_binary else self.connection.send_text
        conversation = self._conversation
        if ack:  # before it leaves: an answer may be there before `send` returns
            until = actual + self.sockproof.ack_limit
            answers = message.answers if check is None else answers_by(check)
            if answers is not None and known is None:
                raise ValueError("only what `acknowledgements` matches can be looked at")
            acks = self._acks
            sent = Sent(until, sequence, intended, actual, room, acks, answers)
            conversation.wait(number, sent)
        elif message.numbered and known is not None:
            self._strays.expired(number)  # which may be acknowledged, and need not be
        if conversation.presumed:
            conversation.spoken[sequence] = room, actual
        if not send(octets):
            conversation.waiting.pop(number, None)
            self._withdraw(sequence, intended, actual, flags)
            return False
        return True

    def send(self, message: Any) -> bool:
        """Send what nobody counts: a string or octets as they are, anything else as JSON.

        False when the connection does not take it.
        """
        octets, is_binary = encoded(message)
        connection = self.connection
        return bool((connection.send_binary if is_binary else connection.send_text)(octets))

    def on(self, match: Match, handler: Callable[[Any], None]) -> None:
        """Call `handler(message)` for each message that matches, decoded; it must not wait.

        Answers and acknowledgements that were waited for are not among them.
        """
        self._handlers.append((match, handler))

    # Waiting, in Locust's tasks only.

    def wait_for(self, match: Match, timeout: float = 30.0) -> Any:
        """Wait for the next message that matches; returns it decoded, raises TimeoutError."""
        result: AsyncResult[Any] = AsyncResult()
        until = monotonic_ns() + int(timeout * SECOND)
        self._conversation.expect(Expected(until, match, result.set, lambda: None))
        try:
            return result.get(timeout=timeout)
        except gevent.Timeout:
            raise TimeoutError(f"no message that matches within {timeout:g} s") from None
