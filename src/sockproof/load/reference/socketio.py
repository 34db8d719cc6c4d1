"""The same connections on libraries that applications use: python-socketio's client here.

They show that the lean connections count right: one scenario run with both must agree. What these
libraries cannot do is said where it is: no source addresses, no back-pressure, and octets are
counted without the headers of frames.

The libraries block, so they run in greenlets of their own and need the patched sockets that
`import locust` (or `gevent.monkey.patch_all()`) gives.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from time import monotonic_ns
from typing import Any

import gevent
import gevent.queue
import socketio
from socketio.packet import DISCONNECT

from sockproof.load.net.endpoint import Endpoint, together
from sockproof.load.net.stream import CLOSED, CLOSING, DIALLING, IDLE, OPEN
from sockproof.load.net.timer_wheel import wheel
from sockproof.load.net.websocket import no_message
from sockproof.load.reference.client import Client, StrictJson
from sockproof.load.reference.guard import QUIET, GuardedSession, allowance, web_socket
from sockproof.load.reference.way import Way
from sockproof.load.socketio.acks import (
    NEVER,
    Acks,
    OnAck,
    OnTokenAck,
    Reply,
    Strays,
    Waiting,
    answer,
    take_expired,
)
from sockproof.load.socketio.connection import ACK_LIMIT
from sockproof.load.traffic import callback_failed, traffic
from sockproof.runs.load_records import Reason
from sockproof.vocabulary import TRANSPORTS
from sockproof.wire import WireError

Handler = Callable[..., Any]
LISTENING = 1.0  # seconds for what a server has held back until a client leaves

_WEBSOCKET, _POLLING, _UPGRADE = TRANSPORTS
_ENDED = {
    "client disconnect": Reason.CLIENT,
    "server disconnect": Reason.SERVER_DISCONNECTED,
    "ping timeout": Reason.PING_TIMEOUT,
    "transport close": Reason.SERVER_CLOSED,
    "transport error": Reason.SERVER_DROPPED,
}


class Reference:
    """What both have in common: callbacks, and an end that is told once."""

    def __init__(self, endpoint: Endpoint, headers: tuple[tuple[str, str], ...]) -> None:
        self.endpoint = endpoint
        self.headers = headers
        self.state = IDLE
        self.last_received = 0
        self.congested = False
        self.buffered = 0
        self.on_open: Callable[[], None] | None = None
        self.on_message: Callable[[bytes, bool], None] = no_message
        self.on_close: Callable[[Reason, str], None] | None = None
        self._ending: tuple[Reason, str] | None = None

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self.state == OPEN

    def open(self) -> None:
        """Begin to connect; raises RuntimeError when it is open already."""
        if self.state not in (IDLE, CLOSED):
            raise RuntimeError("this connection is open already")
        self.state = DIALLING
        self._ending = None
        gevent.spawn(self._run)

    def _run(self) -> None:
        raise NotImplementedError

    def _opened(self) -> None:
        self.state = OPEN
        if self.on_open is not None:
            try:
                self.on_open()
            except Exception:
                callback_failed(self)

    def _heard(self, data: bytes, is_binary: bool) -> None:
        self.last_received = traffic.read_at = monotonic_ns()
        traffic.bytes_received += len(data)
        try:
            self.on_message(data, is_binary)
        except Exception:
            callback_failed(self)

    def _ended(self, reason: Reason, text: str) -> None:
        if self.state == CLOSED:
            return
        self.state = CLOSED
        if self._ending is not None:
            reason, text = self._ending
        if self.on_close is not None:
            try:
                self.on_close(reason, " ".join(text.split())[:300])
            except Exception:
                callback_failed(self)


class ReferenceSocketIO(Reference):
    """`SocketIOConnection` on python-socketio's client; further namespaces cannot be joined.

    The library does not recover the state of a connection.
    """

    recovery = None
    recovered = False

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
        super().__init__(endpoint, headers)
        if transport not in TRANSPORTS:
            raise ValueError(f"transport is one of {', '.join(TRANSPORTS)}, not {transport!r}")
        self.transport = transport
        self.namespace = namespace
        self.auth = auth
        self.on_event: Callable[[str, list[Any], str], None] | None = None
        self.on_upgrade: Callable[[], None] | None = None
        self._handlers: dict[tuple[str, str], Handler] = {}
        self._acks: Acks = {}
        self._number = numbers_from
        self.strays = Strays(numbers_from)
        self._visit = 0
        self._client: Client | None = None

    @property
    def sid(self) -> str | None:
        """The id that the server gave the first namespace."""
        return None if self._client is None else self._client.get_sid(self.namespace)

    @property
    def outstanding(self) -> int:
        """How many acknowledgements are waited for."""
        return len(self._acks)

    @property
    def transport_now(self) -> str:
        """`websocket` or `polling`."""
        client = self._client
        if client is None or client.eio.state != "connected":
            return _POLLING
        return str(client.transport)

    def on(self, event: str, handler: Handler | None, namespace: str | None = None) -> None:
        """Call `handler(*args)` for each such event; None takes the handler away."""
        key = (namespace or self.namespace, event)
        if handler is None:
            self._handlers.pop(key, None)
        else:
            self._handlers[key] = handler

    def _run(self) -> None:
        endpoint = self.endpoint
        way = Way(endpoint)
        session = GuardedSession(endpoint, way)
        limit = endpoint.connect_limit / 1e9
        client = Client(
            json=StrictJson,
            reconnection=False,
            handle_sigint=False,
            http_session=session,
            request_timeout=limit,
            logger=QUIET,
            engineio_logger=QUIET,
            websocket_extra_options={
                "class_": web_socket(endpoint, way),
                "skip_utf8_validation": True,
            },
        )
        client.endpoint, client.heard, client.broken = endpoint, self._heard, self._broken
        client.strayed, client.last = self.strays.strayed, self._number
        self.strays.begin(self._number)
        self._client = client
        client.on("*", self._event, namespace="*")
        client.on("disconnect", self._disconnected, namespace=self.namespace)
        transports = [_POLLING, _WEBSOCKET] if self.transport == _UPGRADE else [self.transport]
        url = endpoint.url.replace("ws", "http", 1) if endpoint.url[:2] == "ws" else endpoint.url
        try:
            with allowance(endpoint.max_message, 2 * limit, "the connection"):
                client.connect(
                    url,
                    headers=dict(together(endpoint.headers, self.headers)),
                    auth=self.auth,
                    transports=transports,
                    namespaces=[self.namespace],
                    socketio_path=endpoint.socketio_path.strip("/"),
                    wait_timeout=limit,
                )
        except Exception as error:  # of the library's, whatever the server has said
            if way.failed is not None:  # of which the library says nothing
                self._ended(way.failed.reason, str(way.failed))
            else:
                self._ended(_why_not(str(error)), str(error))
            self._let_go(client)
            return
        if self._ending is not None:
            self._let_go(client)
            self._ended(Reason.CLIENT, "closed by us")
            return
        self._opened()
        client.eio.wait()
        client.forget()
        self._ended(Reason.SERVER_DROPPED, "the connection ended")

    def _let_go(self, client: Client) -> None:
        """End what the library does in the background, without waiting for anybody."""
        client.forget()
        try:
            client.eio.disconnect(abort=True)
            if client.eio.ws is not None:
                client.eio.ws.shutdown()
        except Exception as error:  # it was not connected, or not any more
            del error

    def _broken(self, text: str) -> None:
        if self._client is not None:
            self._client.forget()
        if self._ending is None:
            self._ending = Reason.BAD_PACKET, text
        if self._client is not None and self.state != CLOSED:
            self._ended(*self._ending)
            gevent.spawn(self._let_go, self._client)

    def _event(self, event: str, namespace: str, *args: Any) -> Any:
        if self.on_event is not None:
            self.on_event(event, list(args), namespace)
        handler = self._handlers.get((namespace, event))
        return None if handler is None else handler(*args)

    def _disconnected(self, reason: str = "transport close") -> None:
        waiting, self._acks = self._acks, {}
        self.strays.end(self._number)
        self.state = CLOSING if self.state == OPEN else self.state
        for each in waiting.values():
            self._answer(each, None)
        self._ended(_ENDED.get(reason, Reason.SERVER_DROPPED), reason)

    def emit(
        self,
        event: str,
        *args: Any,
        ack: OnAck | None = None,
        limit: int = ACK_LIMIT,
        namespace: str | None = None,
    ) -> bool:
        """Emit an event; see `SocketIOConnection.emit`. Replies are lists."""
        if self.state != OPEN or self._client is None:
            return False
        callback = None
        if ack is not None:
            number = self._number = self._number + 1
            self._acks[number] = (monotonic_ns() + limit, ack, None)
            self._visit_by(monotonic_ns() + limit)

            def callback(*reply: Any) -> None:
                self._acknowledged(number, list(reply))

        try:
            self._client.emit(event, args, namespace or self.namespace, callback)
        except socketio.exceptions.SocketIOError:
            if ack is not None:
                self._acks.pop(number, None)
                self.strays.expired(number)
            return False
        traffic.bytes_sent += sum(len(each) for each in args if isinstance(each, str | bytes))
        return True

    def emit_stamped(
        self,
        parts: tuple[bytes, bytes, bytes],
        ack: OnTokenAck | None = None,
        token: Any = None,
        until: int = 0,
    ) -> bool:
        """Emit an event given as JSON; see `SocketIOConnection.emit_stamped`."""
        event, *args = json.loads(b"".join(parts))
        on_ack = None if ack is None else partial(_with_token, ack, token)
        return self.emit(event, *args, ack=on_ack, limit=until - monotonic_ns())

    def _acknowledged(self, number: int, reply: list[Any]) -> None:
        found = self._acks.pop(number, None)
        if found is None:  # the library does not know of time limits
            try:
                self.strays.strayed(number, self._number)
            except WireError as error:
                self._broken(str(error))
        else:
            self._answer(found, reply)

    def _answer(self, waiting: Waiting, reply: list[Any] | None) -> None:
        try:
            answer(waiting, reply)
        except Exception:
            callback_failed(self)

    def _visit_by(self, at: int) -> None:
        if self._visit == 0 or at < self._visit:
            self._visit = at
            wheel.add(self, at)

    def visited(self, now: int) -> None:
        """See which acknowledgements have not come in time."""
        if now < self._visit:
            return
        self._visit = 0
        expired, following = take_expired(self._acks, now, self.strays)
        for each in expired:
            self._answer(each, None)
        if following != NEVER:
            self._visit_by(following)

    def close(self) -> None:
        """Leave politely; `on_close` follows."""
        if self.state in (DIALLING, OPEN):
            self._ending = Reason.CLIENT, "closed by us"
            if self.state == OPEN and self._client is not None:
                self.state = CLOSING
                gevent.spawn(self._leave, self._client)
                gevent.spawn_later(self.endpoint.close_limit / 1e9, self._let_go, self._client)

    def _leave(self, client: Client) -> None:
        try:
            client._send_packet(client.packet_class(DISCONNECT, namespace=self.namespace))
            gevent.sleep(LISTENING)  # the library hears nothing any more once it closes
            client.eio.disconnect()
        except Exception as error:  # it is gone meanwhile
            self._ended(Reason.CLIENT, str(error))

    def abort(self) -> None:
        """Cut the connection off; the library has no ruder way than a quick goodbye."""
        self.close()


def _why_not(text: str) -> Reason:
    for part, reason in (
        ("namespaces failed", Reason.NAMESPACE_REFUSED),
        ("refused", Reason.REFUSED),
        ("status code", Reason.HTTP_STATUS),
        ("certificate", Reason.TLS),
        ("timed out", Reason.CONNECT_TIMEOUT),
        ("too big", Reason.TOO_BIG),
        ("too long", Reason.TOO_BIG),
    ):
        if part in text.lower():
            return reason
    return Reason.BAD_HANDSHAKE


def _with_token(ack: OnTokenAck, token: Any, reply: Reply) -> None:
    ack(reply, token)
