"""The same WebSocket connection on websocket-client; see `reference`."""

from __future__ import annotations

import ssl
from typing import Any

import gevent
import gevent.queue
import websocket

from sockproof.load.net.endpoint import Endpoint, together
from sockproof.load.net.frames import is_utf8
from sockproof.load.net.stream import CLOSING, DIALLING, OPEN
from sockproof.load.reference.guard import TooMuch, web_socket
from sockproof.load.reference.socketio import Reference
from sockproof.load.reference.way import Way, WayFailed
from sockproof.load.traffic import traffic
from sockproof.runs.load_records import Reason


class ReferenceWebSocket(Reference):
    """`WebSocketConnection` on websocket-client; permessage-deflate is not in that library."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        target: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(endpoint, headers)
        self.protocol: str | None = None
        self._target = target
        self._socket: Any = None
        self._queue: Any = gevent.queue.Queue()

    def _run(self) -> None:
        endpoint = self.endpoint
        scheme = "wss" if endpoint.tls else "ws"
        options: dict[str, Any] = {}
        if endpoint.verify is False:
            options = {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}
        elif isinstance(endpoint.verify, str):
            options = {"ca_certs": endpoint.verify}
        if isinstance(endpoint.cert, tuple):
            options["certfile"], options["keyfile"] = endpoint.cert
        elif endpoint.cert is not None:
            options["certfile"] = endpoint.cert
        self._socket = web_socket(endpoint, Way(endpoint))(sslopt=options, enable_multithread=True)
        self._socket.settimeout(endpoint.connect_limit / 1e9)
        self._queue = gevent.queue.Queue()
        sender = None
        headers = together(endpoint.headers, self.headers)
        try:
            self._socket.connect(
                f"{scheme}://{endpoint.host_header}{self._target or endpoint.target()}",
                header=[f"{name}: {value}" for name, value in headers],
                subprotocols=list(endpoint.protocols) or None,
                redirect_limit=0,
            )
            self._socket.settimeout(None)
            self.protocol = self._socket.subprotocol
            sender = gevent.spawn(self._send_queued)
            self._opened()
            self._read()
        except (websocket.WebSocketException, OSError, ValueError) as error:
            self._ended(_why_websocket(error), str(error))
        finally:
            if sender is not None:
                sender.kill(block=False)
            self._socket.shutdown()
            self._ended(Reason.SERVER_DROPPED, "the connection ended")

    def _read(self) -> None:
        if self._ending is not None:
            self._queue.put(None)
        while True:
            opcode, data = self._socket.recv_data(control_frame=True)
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                code = int.from_bytes(data[:2], "big") if len(data) >= 2 else "no code"
                self._ended(Reason.SERVER_CLOSED, f"the server closed with {code}")
                return
            if opcode == websocket.ABNF.OPCODE_TEXT and not is_utf8(data):
                self._ended(Reason.PROTOCOL, "a text message is not UTF-8")
                return
            if opcode in (websocket.ABNF.OPCODE_TEXT, websocket.ABNF.OPCODE_BINARY):
                self._heard(data, opcode == websocket.ABNF.OPCODE_BINARY)
            elif opcode == websocket.ABNF.OPCODE_PING:
                traffic.pings_answered += 1

    def _send_queued(self) -> None:
        # Sends may be asked for in the hub, where this library's locks must not be waited for.
        for item in self._queue:
            try:
                if item is None:
                    self._socket.send_close()
                else:
                    self._socket.send(*item)
            except (websocket.WebSocketException, OSError):
                return  # the reader finds out why

    def _put(self, data: bytes, opcode: int) -> bool:
        if self.state != OPEN:
            return False
        traffic.bytes_sent += len(data)
        self._queue.put((data, opcode))
        return True

    def send_text(self, data: bytes) -> bool:
        """Send a text message given as UTF-8; false when the connection is not open."""
        return self._put(data, websocket.ABNF.OPCODE_TEXT)

    def send_binary(self, data: bytes) -> bool:
        """Send a binary message; false when the connection is not open."""
        return self._put(data, websocket.ABNF.OPCODE_BINARY)

    def ping(self, data: bytes = b"") -> None:
        """Send a Ping frame."""
        self._put(data, websocket.ABNF.OPCODE_PING)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake; `on_close` follows. The code is always 1000."""
        del code, reason
        if self.state in (DIALLING, OPEN):
            self._ending = Reason.CLIENT, "closed by us"
            if self.state == OPEN:
                self.state = CLOSING
                self._queue.put(None)
                gevent.spawn_later(self.endpoint.close_limit / 1e9, self._socket.shutdown)

    def abort(self, why: tuple[Reason, str] = (Reason.CLIENT, "cut off by us")) -> None:
        """End the stream at once; `on_close` follows."""
        if self.state in (OPEN, CLOSING) and self._socket is not None:
            self._ending = self._ending or why
            self.state = CLOSING
            gevent.spawn(self._socket.shutdown)


def _why_websocket(error: Exception) -> Reason:
    if isinstance(error, WayFailed):
        return error.reason
    kinds: tuple[tuple[type[Exception], Reason], ...] = (
        (websocket.WebSocketBadStatusException, Reason.HTTP_STATUS),
        (websocket.WebSocketTimeoutException, Reason.CONNECT_TIMEOUT),
        (TimeoutError, Reason.CONNECT_TIMEOUT),
        (websocket.WebSocketConnectionClosedException, Reason.SERVER_DROPPED),
        (websocket.WebSocketProtocolException, Reason.PROTOCOL),
        (websocket.WebSocketPayloadException, Reason.PROTOCOL),
        (websocket.WebSocketException, Reason.BAD_HANDSHAKE),
        (TooMuch, Reason.TOO_BIG),
        (ConnectionRefusedError, Reason.REFUSED),
        (ConnectionResetError, Reason.RESET),
        (ssl.SSLError, Reason.TLS),
    )
    return next((reason for kind, reason in kinds if isinstance(error, kind)), Reason.UNREACHABLE)
