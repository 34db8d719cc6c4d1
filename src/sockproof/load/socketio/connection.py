"""A Socket.IO connection for load: protocol 5 over Engine.IO 4.

The rules that hold here:

* A packet is looked at no further than is needed: an event that nobody listens to is not parsed,
  an acknowledgement is found by its number, and its JSON goes to who waits for it as it came.
* `on_message` sees messages first, raw, so that a stamp in them is found without parsing; of
  acknowledgements only those that `emit_stamped` did not ask for.
* One number counts the acknowledgements asked for in all namespaces.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.net.stream import OPEN, SHAKING, callback_failed
from sockproof.load.net.websocket import no_message
from sockproof.load.socketio.acks import Key, OnAck, OnTokenAck, answer, key_in, key_of
from sockproof.load.socketio.packet_text import encoded, name_in, payload_of, prefix_of
from sockproof.load.socketio.recovery import Recovery, ids_in
from sockproof.load.socketio.session import MAX_SID, Session, parsed, see_values
from sockproof.runs.load_records import Reason
from sockproof.wire import WireError
from sockproof.wire.socketio import MAX_ATTACHMENTS, Decoder, Packet, PacketType

ACK_LIMIT = 30_000_000_000  # nanoseconds

Handler = Callable[..., Any]


class SocketIOConnection(Session):
    """One Engine.IO session with one or more Socket.IO namespaces.

    The user sets the callbacks, then calls `open`:

    * `on_open()` once, when the first namespace is connected;
    * `on_message(data, is_binary)` for each MESSAGE packet, raw: text with its leading digits,
      attachments as they are; `last_received` is the time at which it was read;
    * `on_event(name, args, namespace)` for each event: setting it has all events parsed. Cheaper:
      `on(name, handler)`, which has only those parsed;
    * `on_namespace(namespace, sid)` for each further namespace that is connected, with None
      for the sid when it was refused or is disconnected by the server;
    * `on_upgrade()` when long-polling has become a WebSocket;
    * `on_close(reason, text)` exactly once after each `open`. Before it, every acknowledgement
      that is still waited for is answered with None.
    """

    __slots__ = (
        "_decoder",
        "_handlers",
        "_head",
        "_pending",
        "_prefix",
        "auth",
        "namespace",
        "on_event",
        "on_message",
        "on_namespace",
        "on_open",
        "recovered",
        "recovery",
        "sid",
    )

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        transport: str = "websocket",
        namespace: str = "/",
        auth: Any = None,
        headers: tuple[tuple[str, str], ...] = (),
        numbers_from: int = 0,
    ) -> None:
        """`auth` is the payload of CONNECT; `headers` stand beside the endpoint's.

        Acknowledgements are numbered behind `numbers_from`; see `acks`.
        """
        super().__init__(endpoint, transport, headers, numbers_from)
        self.namespace = namespace
        self.auth = auth
        self.on_open: Callable[[], None] | None = None
        self.on_message: Callable[[bytes, bool], None] = no_message
        self.on_event: Callable[[str, list[Any], str], None] | None = None
        self.on_namespace: Callable[[str, str | None], None] | None = None
        self._handlers: dict[bytes, Handler] | None = None
        self._prefix = prefix_of(namespace)
        self._head = b"42" + self._prefix
        self.recovery: Recovery | None = None  # of the first namespace, where the server offers it
        self.recovered = False

    def _reset(self) -> None:
        super()._reset()
        self.sid: str | None = None  # of the first namespace
        self._pending = 0  # attachments that are still to come
        self._decoder: Decoder | None = None  # what puts them together, when anybody wants them

    # What users call.

    def emit(
        self,
        event: str,
        *args: Any,
        ack: OnAck | None = None,
        limit: int = ACK_LIMIT,
        namespace: str | None = None,
    ) -> bool:
        """Emit an event; octets anywhere in the arguments travel as attachments.

        False when it was not taken: the connection is not open, or congested. With `ack` the
        server is asked to acknowledge: `ack(reply)` is called once, with the JSON of the reply's
        list as it came, or the list itself when it has attachments, or None after `limit`
        nanoseconds or when the connection ends. Raises TypeError for what JSON has no word for.
        """
        try:
            data = encoded((event, *args)).encode("utf-8")
        except TypeError:
            return self._emit_attachments([event, *args], ack, limit, namespace or self.namespace)
        if self.state != OPEN:
            return False
        head = self._head if namespace is None else b"42" + prefix_of(namespace)
        if ack is None:
            return self._send_text(head + data)
        number = self._number = self._number + 1
        key = self._await(number, head[2:], ack, limit)
        if self._send_text(b"%b%d%b" % (head, number, data)):
            return True
        self._acks.pop(key, None)
        return False

    def emit_stamped(
        self,
        parts: tuple[bytes, bytes, bytes],
        ack: OnTokenAck | None = None,
        token: Any = None,
        until: int = 0,
    ) -> bool:
        """Emit an event given as its JSON, `["name",…]`, in three parts; for what is counted.

        `ack(reply, token)` is called when the acknowledgement is there, or is not there at
        `until`. `on_message` does not see this acknowledgement first.
        """
        if self.state != OPEN:
            return False
        if ack is None:
            return self._send_text(b"".join((self._head, *parts)))
        number = self._number = self._number + 1
        self._acks[number] = (until, ack, token)
        if until < self._visit or self._visit == 0:
            self._visit_by(until)
        before, stamp, behind = parts
        if self._send_text(b"".join((self._head, b"%d" % number, before, stamp, behind))):
            return True
        self._acks.pop(number, None)
        return False

    def _emit_attachments(
        self, data: list[Any], ack: OnAck | None, limit: int, namespace: str
    ) -> bool:
        if self.state != OPEN or self._transport is None:
            return False
        number = None if ack is None else self._number + 1
        text, attachments = Packet(PacketType.EVENT, namespace, data, number).encode()
        if ack is not None and number is not None:
            self._number = number
            key = self._await(number, prefix_of(namespace), ack, limit)
        if self._transport.send_packet(b"4" + text.encode("utf-8"), attachments):
            return True
        if ack is not None:
            self._acks.pop(key, None)
        return False

    def _await(self, number: int, prefix: bytes, ack: OnAck, limit: int) -> Key:
        deadline = monotonic_ns() + limit
        key = key_of(number, prefix, self._prefix)
        self._acks[key] = (deadline, ack, None)
        self._visit_by(deadline)
        return key

    def on(self, event: str, handler: Handler | None, namespace: str | None = None) -> None:
        """Call `handler(*args)` for each such event; None takes the handler away.

        Where the server asks for an acknowledgement, what the handler returns is its content: a
        tuple for several arguments, None for none.
        """
        prefix = self._prefix if namespace is None else prefix_of(namespace)
        key = prefix + encoded(event)[1:-1].encode("utf-8")
        handlers = {} if self._handlers is None else self._handlers
        if handler is None:
            handlers.pop(key, None)
        else:
            handlers[key] = handler
        self._handlers = handlers or None

    def join_namespace(self, namespace: str, auth: Any = None) -> None:
        """Connect to a further namespace; `on_namespace` tells what came of it."""
        self._send_text(b"40" + prefix_of(namespace) + payload_of(auth))

    def leave_namespace(self, namespace: str) -> None:
        """Disconnect from a further namespace; the server does not answer."""
        self._send_text(b"41" + prefix_of(namespace))

    # Packets.

    def _message(self, data: bytes, is_binary: bool) -> None:
        """One Engine.IO packet."""
        try:
            if is_binary:
                self._attachment(data)
                return
            if self._pending and data[:1] == b"4":
                raise WireError("a text packet while attachments are missing")
            if data[:2] == b"42":
                if self.recovery is not None:
                    self.recovery.heard(data)
                self.on_message(data, False)
                if self._handlers is not None or data[2:3] != b"[" or self.on_event is not None:
                    self._event(data)
            elif data[:2] == b"43":
                bracket = data.find(b"[", 2)
                at = len(self._head)
                number = data[at:bracket]
                own = 0 < bracket <= at + 20 and number.isdigit() and data[2:at] == self._prefix
                key = int(number) if own else key_in(data, bracket, self._prefix)
                waiting = self._acks.pop(key, None)
                if waiting is not None and waiting[2] is not None:
                    waiting[1](data[bracket:], waiting[2])
                    return
                self.on_message(data, False)
                if waiting is None:
                    self.strays.strayed(key, self._number, self._acks)
                else:
                    waiting[1](data[bracket:])
            else:
                self._rare(data)
        except WireError as error:
            self._fail(Reason.BAD_PACKET, str(error))
        except Exception:
            callback_failed(self)

    def _rare(self, data: bytes) -> None:
        """Packets that do not come with every message."""
        if data[:1] != b"4":
            self._engine(data)
            return
        self.on_message(data, False)
        self._socketio(data)

    def _begin(self) -> None:
        auth = self.auth if self.recovery is None else self.recovery.payload(self.auth)
        self._send_text(b"40" + self._prefix + payload_of(auth))

    def _leave(self) -> None:
        self._send_text(b"41" + self._prefix)

    def _socketio(self, data: bytes) -> None:
        """Packets other than plain events and acknowledgements."""
        kind = data[1:2]
        if kind in (b"5", b"6"):
            self._with_attachments(data)
            return
        if kind not in (b"0", b"1", b"4"):
            raise WireError(f"not a Socket.IO packet: {data[:40]!r}")
        namespace, rest = "/", data[2:]
        if rest[:1] == b"/":
            name, _, rest = rest.partition(b",")
            namespace = name.partition(b"?")[0].decode("utf-8")
        if kind == b"0":
            self._namespace_open(namespace, *ids_in(rest))
        elif namespace != self.namespace:
            if self.on_namespace is not None:
                self.on_namespace(namespace, None)
        elif kind == b"4":
            parsed(rest or b"null", "CONNECT_ERROR")
            if self.state == OPEN:
                raise WireError(f"CONNECT_ERROR for {namespace}, which is connected")
            said = " ".join(rest[:200].decode("utf-8", "replace").split())
            self._fail(Reason.NAMESPACE_REFUSED, f"the server refused {namespace}: {said}")
        else:
            text = f"the server disconnected {namespace}"
            self._fail(Reason.SERVER_DISCONNECTED, text)

    def _namespace_open(self, namespace: str, sid: str, pid: str | None) -> None:
        if namespace != self.namespace or self.state != SHAKING:
            if self.on_namespace is not None:
                self.on_namespace(namespace, sid)
            return
        self.sid = sid
        if self.recovery is not None:
            self.recovered = self.recovery.answered(pid)
        elif pid is not None:
            self.recovery = Recovery(pid, self._prefix)
        self.state = OPEN
        self.deadline = 0
        self._visit_by(self._ping_by)
        if self.on_open is not None:
            self.on_open()

    # Events with somebody who listens.

    def _event(self, data: bytes) -> None:
        prefix, at = b"", 2
        if data[2:3] == b"/":
            at = data.find(b",") + 1
            prefix = data[2:at]
            if at > MAX_SID:
                raise WireError(f"an event is for a namespace of {at} octets")
        bracket = data.find(b"[", at)
        if bracket < 0 or data[-1:] != b"]":
            raise WireError(f"an event is not a JSON list: {data[:60]!r}")
        asked = data[at:bracket]
        if asked and not (asked.isdigit() and len(asked) < 20):
            raise WireError(f"not the number of an acknowledgement: {asked[:40]!r}")
        handler = None
        if self._handlers is not None and data[bracket + 1 : bracket + 2] == b'"':
            handler = self._handlers.get(prefix + name_in(data, bracket + 2))
        if handler is None and self.on_event is None:
            if asked:
                self._send_text(b"43" + prefix + asked + b"[]")
            return
        args = parsed(data[bracket:], "an event")
        if not isinstance(args, list) or not args:
            raise WireError(f"an event must be a list that is not empty: {data[:60]!r}")
        self._call(handler, args, prefix, asked)

    def _call(self, handler: Handler | None, args: list[Any], prefix: bytes, asked: bytes) -> None:
        answer: Any = None
        try:
            if self.on_event is not None:
                namespace = prefix[:-1].decode("utf-8") if prefix else "/"
                self.on_event(str(args[0]), args[1:], namespace)
            if handler is not None:
                answer = handler(*args[1:])
        except Exception:
            callback_failed(self)
        if asked:
            content = list(answer) if isinstance(answer, tuple) else [answer]
            self._acknowledge(prefix, asked, [] if answer is None else content)

    def _acknowledge(self, prefix: bytes, number: bytes, content: list[Any]) -> None:
        namespace = prefix[:-1].decode("utf-8") if prefix else "/"
        text, attachments = Packet(PacketType.ACK, namespace, content, int(number)).encode()
        if self._transport is not None:
            self._transport.send_packet(b"4" + text.encode("utf-8"), attachments)

    def _with_attachments(self, data: bytes) -> None:
        """The head of a binary event or acknowledgement: `45N-…` or `46N-…`."""
        dash = data.find(b"-", 2, 24)
        number = data[2:dash] if dash > 0 else b""
        if not number.isdigit() or int(number) > MAX_ATTACHMENTS:
            raise WireError(f"not a number of attachments: {data[:40]!r}")
        if self._wanted(data, dash + 1):
            see_values(data, "a packet with attachments")
            self._decoder = Decoder(max_octets=self.endpoint.max_message)
            packet = self._decoder.feed(data[1:].decode("utf-8"))
            if packet is not None:
                self._assembled(packet)
                return
        self._pending = int(number)
        if self.recovery is not None:
            self.recovery.announced(data, dash + 1)

    def _wanted(self, data: bytes, at: int) -> bool:
        if data[1:2] == b"6" or self.on_event is not None:
            return True
        prefix = b""
        if data[at : at + 1] == b"/":
            end = data.find(b",", at) + 1
            prefix, at = data[at:end], end
        bracket = data.find(b"[", at)
        if bracket != at:
            return True  # an acknowledgement is asked for
        handlers = self._handlers
        return handlers is not None and prefix + name_in(data, bracket + 2) in handlers

    def _attachment(self, data: bytes) -> None:
        if not self._pending:
            raise WireError("a binary message that no packet announced")
        self._pending -= 1
        if not self._pending and self.recovery is not None:
            self.recovery.whole()
        self.on_message(data, True)
        if self._decoder is not None:
            packet = self._decoder.feed(data)
            if packet is not None:
                self._assembled(packet)
            elif not self._hold(self._decoder.octets):
                raise WireError("all connections together hold too many attachments")

    def _assembled(self, packet: Packet) -> None:
        self._hold(0)
        self._decoder = None
        self._pending = 0
        if packet.type == PacketType.BINARY_ACK:
            asked_as = key_of(packet.id or 0, prefix_of(packet.namespace), self._prefix)
            found = self._acks.pop(asked_as, None)
            if found is None:
                self.strays.strayed(asked_as, self._number, self._acks)
            else:
                answer(found, packet.data)
            return
        prefix = prefix_of(packet.namespace)
        handler = None
        if self._handlers is not None and isinstance(packet.data[0], str):
            key = prefix + encoded(packet.data[0])[1:-1].encode("utf-8")
            handler = self._handlers.get(key)
        asked = b"" if packet.id is None else b"%d" % packet.id
        self._call(handler, packet.data, prefix, asked)
