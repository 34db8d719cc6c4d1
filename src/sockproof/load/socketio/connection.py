"""A Socket.IO connection for load: protocol 5 over Engine.IO 4.

One number counts the acknowledgements asked for in all namespaces.
"""

from __future__ import annotations

from time import monotonic_ns
from typing import Any, Final

from sockproof.load.net.stream import OPEN
from sockproof.load.socketio.acks import Key, OnAck, OnTokenAck, key_of
from sockproof.load.socketio.packets import encoded, payload_of, prefix_of
from sockproof.load.socketio.receiving import Handler, Receiver
from sockproof.runs.load_records import Reason
from sockproof.wire.socketio import Packet, PacketType

ACK_LIMIT: Final = 30_000_000_000  # nanoseconds


class SocketIOConnection(Receiver):
    """One Engine.IO session with one or more Socket.IO namespaces.

    The user sets the callbacks, then calls `open`:

    * `on_open()` once, when the first namespace is connected;
    * `on_message(data, is_binary)` for each event and acknowledgement, raw: text with its leading
      digits, then the attachments as they are; `last_received` is the time at which it was read;
    * `on_event(name, args, namespace)` for each event: setting it has all events parsed. Cheaper:
      `on(name, handler)`, which has only those parsed;
    * `on_namespace(namespace, sid)` for each further namespace that is connected, with None
      for the sid when it was refused or is disconnected by the server;
    * `on_upgrade()` when long-polling has become a WebSocket;
    * `on_close(reason, text)` exactly once after each `open`. Before it, every acknowledgement
      that is still waited for is answered with None.
    """

    __slots__ = ()

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

    def emit_stamped_within(
        self,
        namespace: str,
        parts: tuple[bytes, bytes, bytes],
        ack: OnTokenAck | None = None,
        token: Any = None,
        until: int = 0,
    ) -> bool:
        """The same in a further namespace."""
        if self.state != OPEN:
            return False
        prefix = prefix_of(namespace)
        if ack is None:
            return self._send_text(b"".join((b"42", prefix, *parts)))
        number = self._number = self._number + 1
        key = key_of(number, prefix, self._prefix)
        self._acks[key] = (until, ack, token)
        self._visit_by(until)
        if self._send_text(b"".join((b"42", prefix, b"%d" % number, *parts))):
            return True
        self._acks.pop(key, None)
        return False

    def give_up(self, reason: Reason, text: str) -> None:
        """End the connection for a reason that its user has found."""
        self._fail(reason, text)

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
        self._joined |= {prefix_of(namespace)}
        self._send_text(b"40" + prefix_of(namespace) + payload_of(auth))

    def leave_namespace(self, namespace: str) -> None:
        """Disconnect from a further namespace; the server does not answer."""
        self._joined -= {prefix_of(namespace)}
        self._send_text(b"41" + prefix_of(namespace))
