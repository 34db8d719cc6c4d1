"""Scripted servers for one connection at a time, and what that connection told.

The servers are plain sockets in threads; the connections run on gevent's hub in the test's own
thread, which is driven by `until`.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, ClassVar, Self

import gevent

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.net.websocket import WebSocketConnection
from sockproof.runs.load_records import Reason
from sockproof.wire.http import BodyReader, HeadReader, Request, accept_value, parse_request_head
from sockproof.wire.websocket import Frame, FrameParser, Opcode, close_payload
from tests.waiting import SOON

DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"


def until(condition: Callable[[], object], seconds: float = SOON) -> None:
    """Let the hub run until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        gevent.sleep(0.002)


def descriptors() -> int:
    """How many files this process has open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


class Gone(AssertionError):
    """The client has ended the stream."""


class Link:
    """The server's end of one connection; blocking, in a thread of its own."""

    def __init__(self, connected: socket.socket, number: int, address: str) -> None:
        self.socket = connected
        self.number = number  # 0 for the server's first connection
        self.address = address  # the client's
        self.rest = b""  # read, and not looked at
        self._parser = FrameParser()
        self._frames: deque[Frame] = deque()

    def receive(self) -> bytes:
        """Some octets; empty at the end of the stream."""
        if self.rest:
            data, self.rest = self.rest, b""
            return data
        return self.socket.recv(65536)

    def send(self, data: bytes, chop: bool = False) -> None:
        """Send octets whole, or one at a time."""
        if not chop:
            self.socket.sendall(data)
            return
        for octet in data:
            self.socket.sendall(bytes((octet,)))

    def request(self) -> Request | None:
        """The next HTTP request with its body; None at the end of the stream."""
        reader = HeadReader()
        found = None
        while found is None:
            data = self.receive()
            if not data:
                return None
            found = reader.feed(data)
        lines, wrong, rest = found
        assert not wrong
        request = parse_request_head(lines)
        assert not request.violations
        body = BodyReader(request, 1 << 24)
        body.feed(rest)
        while not body.complete:
            body.feed(self.receive())
        self.rest = body.rest
        return Request(request.target, request.headers, request.method, body=bytes(body.body))

    def respond(self, body: bytes = b"", status: str = "200 OK", *lines: str) -> None:
        """Answer an HTTP request."""
        head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines, "", ""]
        self.send("\r\n".join(head).encode() + body)

    def shake(self, *lines: str, behind: bytes = b"", request: Request | None = None) -> Request:
        """Answer the opening handshake with yes, these header lines, and octets behind it."""
        request = request or self.request()
        assert request is not None
        key = request.get("Sec-WebSocket-Key")
        assert key is not None
        head = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept_value(key)}",
            *lines,
        ]
        self.send("\r\n".join([*head, "", ""]).encode() + behind)
        return request

    def frame(self) -> Frame:
        """The client's next frame, which has to be a right one."""
        while not self._frames:
            data = self.receive()
            if not data:
                raise Gone("the client ended the stream")
            self._frames.extend(self._parser.feed(data))
        frame = self._frames.popleft()
        assert frame.masked
        assert not frame.violations
        return frame

    def text(self) -> str:
        """The client's next message, which has to be text."""
        frame = self.frame()
        assert frame.opcode == Opcode.TEXT, frame
        return frame.payload.decode()

    def say(self, *messages: str | bytes) -> None:
        """Send messages."""
        self.send(b"".join(message(each) for each in messages))

    def expect_close(self) -> int:
        """The code of the client's Close frame, whatever comes before it."""
        while (frame := self.frame()).opcode != Opcode.CLOSE:
            pass
        return int.from_bytes(frame.payload[:2], "big")

    def close(self, code: int = 1000) -> None:
        """A whole closing handshake."""
        self.send(Frame(Opcode.CLOSE, close_payload(code)).encode())
        assert self.expect_close() == code
        self.socket.close()

    def until_gone(self) -> None:
        """Read until the client has ended the stream."""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while self.receive():
                pass

    def reset(self) -> None:
        """End the stream with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    # Engine.IO and Socket.IO over a WebSocket.

    def greet(self, **fields: object) -> Request:
        """The opening handshake, and the OPEN packet."""
        request = self.shake()
        self.say(open_packet(**fields))
        return request

    def admit(self, **fields: object) -> str:
        """All up to the first namespace, which is `/`; returns the client's CONNECT."""
        self.greet(**fields)
        text = self.text()
        self.say('40{"sid":"first"}')
        return text


def message(data: str | bytes) -> bytes:
    """An unmasked frame with a whole message."""
    if isinstance(data, str):
        return Frame(Opcode.TEXT, data.encode()).encode()
    return Frame(Opcode.BINARY, data).encode()


def open_packet(**fields: object) -> str:
    """An Engine.IO OPEN packet."""
    values = {"sid": "sid", "upgrades": [], "pingInterval": 25000, "pingTimeout": 20000}
    return "0" + json.dumps({**values, "maxPayload": 100000, **fields})


def echo(link: Link) -> None:
    """Send messages back until the client closes or is gone."""
    link.shake()
    with contextlib.suppress(Gone, ConnectionError, ssl.SSLError):
        while (frame := link.frame()).opcode != Opcode.CLOSE:
            link.send(Frame(frame.opcode, frame.payload).encode())
        link.send(Frame(Opcode.CLOSE, frame.payload).encode())


def relay(port: int) -> Callable[[Link], None]:
    """A script that passes all on to another server and back, so that TLS can stand before it."""

    def script(link: Link) -> None:
        near = link.socket
        with socket.create_connection(("127.0.0.1", port)) as far:
            other = {near: far, far: near}
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                while True:
                    waiting = isinstance(near, ssl.SSLSocket) and near.pending()
                    for each in [near] if waiting else select.select([near, far], [], [])[0]:
                        data = each.recv(65536)
                        if not data:
                            return
                        other[each].sendall(data)

    return script


class Server:
    """Runs `script(link)` for every connection; what a script asserts is raised at the end."""

    def __init__(
        self,
        script: Callable[[Link], None],
        *,
        context: ssl.SSLContext | None = None,
        receive_buffer: int = 0,
    ) -> None:
        self._script = script
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        if receive_buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.port: int = self._listener.getsockname()[1]
        self.links: list[Link] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._failures: list[BaseException] = []
        self._over = False

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'ws' if self._context is None else 'wss'}://127.0.0.1:{self.port}/"

    def _accept(self) -> None:
        while True:
            try:
                accepted, (address, _) = self._listener.accept()
            except OSError:
                return
            number = len(self._threads) - 1
            accepted.settimeout(SOON)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(
                target=self._serve, args=(accepted, number, address), daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _serve(self, accepted: socket.socket, number: int, address: str) -> None:
        if self._context is not None:
            try:
                accepted = self._context.wrap_socket(accepted, server_side=True)
            except OSError:  # the client does not like the certificate
                accepted.close()
                return
        link = Link(accepted, number, address)
        self.links.append(link)
        try:
            self._script(link)
        except BaseException as failure:
            if not self._over:
                self._failures.append(failure)
        finally:
            link.socket.close()

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:  # scripts end by themselves once their connections have
            until(lambda: self._failures or not any(each.is_alive() for each in self._threads[1:]))
        self._over = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for link in self.links:
            with contextlib.suppress(OSError):
                link.socket.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(SOON)
            assert not thread.is_alive(), "a script did not end"
        if self._failures:
            raise self._failures[0]


class Heard:
    """What a connection told through its callbacks; `open` begins."""

    all: ClassVar[list[Heard]] = []

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.begun = 0
        self.opened = 0
        self.messages: list[tuple[bytes, bool]] = []
        self.closed: list[tuple[Reason, str]] = []
        connection.on_open = self._on_open
        connection.on_message = self._on_message
        connection.on_close = self._on_close
        Heard.all.append(self)

    def _on_open(self) -> None:
        self.opened += 1

    def _on_message(self, data: bytes, is_binary: bool) -> None:
        self.messages.append((data, is_binary))

    def _on_close(self, reason: Reason, text: str) -> None:
        self.closed.append((reason, text))

    def open(self) -> Self:
        """Begin to connect."""
        self.begun += 1
        self.connection.open()
        return self

    def until_open(self) -> Self:
        """Open, and wait for it."""
        before = self.opened
        self.open()
        until(lambda: self.opened > before or len(self.closed) >= self.begun)
        assert self.opened > before, self.closed
        return self

    def until_messages(self, number: int) -> list[tuple[bytes, bool]]:
        """The messages, as soon as there are so many."""
        until(lambda: len(self.messages) >= number or len(self.closed) >= self.begun)
        assert len(self.messages) == number, self.closed
        return self.messages

    def until_closed(self) -> tuple[Reason, str]:
        """Why it closed, as soon as it has."""
        until(lambda: len(self.closed) >= self.begun)
        return self.closed[-1]


def connected(server: Server, **options: object) -> Heard:
    """An open connection."""
    endpoint = Endpoint(server.url, **options)  # type: ignore[arg-type]
    return Heard(WebSocketConnection(endpoint)).until_open()


def leave(heard: Heard) -> None:
    """Close as a client does."""
    heard.connection.close()
    assert heard.until_closed()[0] == Reason.CLIENT


class Hub:
    """What the hub was told of, while a test runs."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []

    def handle_error(self, *told: Any) -> None:
        """Stands in for the hub's own, which prints; told context, type, value, traceback."""
        self.errors.append(told[2])


@contextlib.contextmanager
def watched_hub() -> Iterator[Hub]:
    """See that no error reaches the hub, no descriptor stays, and each close is told once."""
    hub = gevent.get_hub()
    Heard.all.clear()
    gevent.sleep(0)
    before = descriptors()
    told = Hub()
    hub.handle_error = told.handle_error
    try:
        yield told
        until(lambda: descriptors() <= before)
        until(lambda: all(len(each.closed) >= each.begun for each in Heard.all))
        gevent.sleep(0.01)
        assert [len(each.closed) for each in Heard.all] == [each.begun for each in Heard.all]
        assert told.errors == []
    finally:
        del hub.handle_error
