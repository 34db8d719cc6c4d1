"""What comes in on a Socket.IO connection.

The rules that hold here:

* A packet is looked at no further than is needed: an event that nobody listens to is not parsed,
  an acknowledgement is found by its number, and its JSON goes to who waits for it as it came.
* `on_message` sees messages first, raw, so that a stamp in them is found without parsing; of
  acknowledgements only those that `emit_stamped` did not ask for. It sees none that a real client
  would not hand over: see `packets`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec import DecodeError

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.net.stream import OPEN, SHAKING
from sockproof.load.net.websocket import no_message
from sockproof.load.socketio.acks import Key, Reply, Waiting, answer, key_in, key_of
from sockproof.load.socketio.packets import (
    BINARY_ACK,
    Attached,
    apart,
    encoded,
    name_in,
    payload_of,
    prefix_of,
    see_event,
    see_json,
    sound,
    usual,
)
from sockproof.load.socketio.recovery import Recovery, ids_in
from sockproof.load.socketio.session import Session, parsed
from sockproof.load.traffic import callback_failed
from sockproof.runs.load_records import Reason, Stray
from sockproof.wire import WireError
from sockproof.wire.socketio import Packet, PacketType

MAX_EARLY: Final = 1000  # events before the answer to CONNECT
NOWHERE: Final[frozenset[bytes]] = frozenset()
NOTHING: tuple[bytes, ...] = ()  # which begins no text

Handler = Callable[..., Any]


class Receiver(Session):
    """A Socket.IO connection as far as it hears; `SocketIOConnection` has the callbacks."""

    __slots__ = (
        "_attached",
        "_bracket",
        "_early",
        "_handlers",
        "_head",
        "_joined",
        "_plain",
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
        self._bracket = len(self._head)  # where the list of an event begins

    def _reset(self) -> None:
        super()._reset()
        self.sid: str | None = None  # of the first namespace
        self._plain = NOTHING  # how events begin whose names need no look
        self._joined = NOWHERE  # prefixes of further namespaces
        self._early: tuple[bytes | Attached, ...] = ()  # events before CONNECT, which keeps them
        self._attached: Attached | None = None  # a packet with attachments that are to come

    # Packets.

    def _message(self, data: bytes, is_binary: bool) -> None:
        """One Engine.IO packet."""
        try:
            if is_binary:
                self._attachment(data)
            elif data.startswith(self._plain):
                try:  # what `see_event` does is written out here
                    sound(data[self._bracket :])
                except (DecodeError, RecursionError):
                    parsed(data[self._bracket :], "an event")
                if self.recovery is not None:
                    self.recovery.heard(data)
                self.on_message(data, False)
                if self._handlers is not None or self.on_event is not None:
                    self._dispatch(data, self._prefix, self._bracket, b"")
            elif data.startswith(b"43") and self._attached is None:
                bracket = data.find(b"[", 2)
                at = self._bracket
                number = data[at:bracket] if at < bracket <= at + 20 else b""
                own = number.isdigit() and data[2:at] == self._prefix
                key = int(number) if own else key_in(data, bracket, self._prefix)
                waiting = self._acks.pop(key, None)
                try:
                    if waiting is not None and waiting[2] is not None:
                        waiting[1](data[bracket:], waiting[2])  # who waits looks whether it is JSON
                        return
                    see_json(data[bracket:], "an acknowledgement")
                except WireError:
                    if waiting is not None:
                        self._acks[key] = waiting  # as if it had not come
                    raise
                self._answered(key, waiting, ((data, False),), data[bracket:])
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
        elif self._attached is not None:
            raise WireError("a text packet while attachments are missing")
        elif data[1:2] == b"2":
            self._event(data)
        elif data[1:2] in (b"5", BINARY_ACK):
            self._attached = Attached(data)
            self._plain = NOTHING
            self._see_whole()
        else:
            self._socketio(data)

    def _answered(
        self, key: Key, waiting: Waiting | None, pieces: Iterable[tuple[bytes, bool]], reply: Reply
    ) -> None:
        """An acknowledgement came that `emit_stamped` did not ask for."""
        if waiting is None and self.strays.strayed(key, self._number, self._acks) != Stray.LATE:
            return  # no client hands it to anybody
        for piece in pieces:
            self.on_message(*piece)
        if waiting is not None:
            answer(waiting, reply)

    def _begin(self) -> None:
        auth = self.auth if self.recovery is None else self.recovery.payload(self.auth)
        self._send_text(b"40" + self._prefix + payload_of(auth))

    def _leave(self) -> None:
        self._send_text(b"41" + self._prefix)

    def _socketio(self, data: bytes) -> None:
        """Packets other than events and acknowledgements."""
        kind = data[1:2]
        if kind not in (b"0", b"1", b"4"):
            raise WireError(f"not a Socket.IO packet: {data[:40]!r}")
        namespace, rest = "/", data[2:]
        if rest[:1] == b"/":
            name, _, rest = rest.partition(b",")
            namespace = name.partition(b"?")[0].decode("utf-8")
        if kind == b"0":
            self._namespace_open(namespace, *ids_in(rest))
            return
        said = parsed(rest, "CONNECT_ERROR") if kind == b"4" and rest else {}
        if not isinstance(said, dict | str) or (kind == b"1" and rest):
            raise WireError(f"a Socket.IO packet with data that it cannot have: {data[:60]!r}")
        if namespace != self.namespace:
            self._joined -= {prefix_of(namespace)}
            if self.on_namespace is not None:
                self.on_namespace(namespace, None)
        elif kind == b"4":
            if self.state == OPEN:
                raise WireError(f"CONNECT_ERROR for {namespace}, which is connected")
            shown = " ".join(rest[:200].decode("utf-8", "replace").split())
            self._fail(Reason.NAMESPACE_REFUSED, f"the server refused {namespace}: {shown}")
        else:
            text = f"the server disconnected {namespace}"
            self._fail(Reason.SERVER_DISCONNECTED, text)

    def _namespace_open(self, namespace: str, sid: str, pid: str | None) -> None:
        if namespace != self.namespace or self.state != SHAKING:
            if self.on_namespace is not None and prefix_of(namespace) in self._joined:
                self.on_namespace(namespace, sid)
            return
        self.sid = sid
        if self.recovery is not None:
            self.recovered = self.recovery.answered(pid)
        elif pid is not None:
            self.recovery = Recovery(pid, self._prefix)
        self.state = OPEN
        self.deadline = 0
        self._plain = usual(self._head)
        self._visit_by(self._ping_by)
        if self.on_open is not None:
            self.on_open()
        early, self._early = self._early, ()
        for each in early:
            if isinstance(each, bytes):
                self._event(each)
            else:
                self._assembled(each)

    # Events that need another look, or have somebody who listens.

    def _event(self, data: bytes) -> None:
        prefix, asked, bracket = apart(data, 2, "an event")
        see_event(data, bracket)
        if not self._is_for_us(prefix, data):
            return
        if not asked and prefix == self._prefix:
            self._plain = usual(self._head, data)
        if self.recovery is not None:
            self.recovery.heard(data)
        self.on_message(data, False)
        self._dispatch(data, prefix, bracket, asked)

    def _is_for_us(self, prefix: bytes, packet: bytes | Attached) -> bool:
        """Whether a client in this namespace hands an event over now."""
        if prefix != self._prefix:
            return prefix in self._joined
        if self.state != SHAKING:
            return True
        self._early += (packet,)
        if len(self._early) > MAX_EARLY:
            raise WireError(f"more than {MAX_EARLY} events before the answer to CONNECT")
        return False

    def _dispatch(self, data: bytes, prefix: bytes, bracket: int, asked: bytes) -> None:
        """Parse an event when somebody listens to it."""
        handler, named = None, self.on_event is not None
        if self._handlers is not None and not named:
            name = name_in(data, bracket + 2)
            handler = self._handlers.get(prefix + name)
            # Another way to write the name, or the list, may stand for one that is listened to.
            named = handler is not None or b"\\" in name or data[bracket + 1 : bracket + 2] != b'"'
        if named:
            self._call(parsed(data[bracket:], "an event"), prefix, asked)
        elif asked:
            self._acknowledge(prefix, asked, [])

    def _call(self, args: list[Any], prefix: bytes, asked: bytes) -> None:
        answer: Any = None
        key = prefix + encoded(str(args[0]))[1:-1].encode("utf-8", "surrogatepass")
        handler = None if self._handlers is None else self._handlers.get(key)
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

    def _attachment(self, data: bytes) -> None:
        if self._attached is None:
            raise WireError("a binary message that no packet announced")
        self._attached.add(data)
        if self._attached.octets > self.endpoint.max_message:
            raise WireError(f"the attachments are longer than {self.endpoint.max_message} octets")
        self._see_whole()

    def _see_whole(self) -> None:
        attached = self._attached
        assert attached is not None
        if attached.is_whole:
            self._hold(0)
            self._attached = None
            self._plain = NOTHING if self.state < OPEN else usual(self._head)
            self._assembled(attached)
        elif not self._hold(attached.octets):
            raise WireError("all connections together hold too many attachments")

    def _assembled(self, attached: Attached) -> None:
        if attached.is_ack:
            key = key_of(int(attached.asked), attached.prefix, self._prefix)
            waiting = self._acks.pop(key, None)
            reply = None if waiting is None else attached.arguments()
            self._answered(key, waiting, attached.pieces(), reply)
        elif self._is_for_us(attached.prefix, attached):
            if self.recovery is not None:
                self.recovery.heard(attached.text, attached.at)
            for piece in attached.pieces():
                self.on_message(*piece)
            if self._handlers is not None or self.on_event is not None:
                self._call(attached.arguments(), attached.prefix, attached.asked)
            elif attached.asked:
                self._acknowledge(attached.prefix, attached.asked, [])
