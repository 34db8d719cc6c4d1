"""A scripted Engine.IO server over long-polling, which can be upgraded."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.socketio.connection import SocketIOConnection
from sockproof.runs.load_records import Reason
from sockproof.wire.http import Request
from tests.load.peers import Heard, Link, Server, open_packet, until

SEPARATOR = b"\x1e"
Hook = Callable[[Link, Request], object]


class PollingServer(Server):
    """Admits the client to `/`; what it posts is collected, what is put in `outgoing` is polled.

    `on_get`, `on_post` and `on_websocket` may answer a request themselves, and say so with true.
    """

    def __init__(self, *, context: ssl.SSLContext | None = None, **fields: object) -> None:
        super().__init__(self._serve_requests, context=context)
        self._fields = fields
        self.requests: list[Request] = []
        self.posted: list[bytes] = []
        self.answered = 0  # of these
        self.outgoing: queue.Queue[bytes] = queue.Queue()
        self.headers: tuple[str, ...] = ()  # lines of every answer
        self.upgrading = False  # no GET is kept waiting then
        self.on_get: Hook = lambda *_: False
        self.on_post: Hook = lambda *_: False
        self.on_websocket: Hook = lambda *_: None

    @property
    def packets(self) -> list[bytes]:
        """All packets that were posted."""
        return [packet for body in self.posted for packet in body.split(SEPARATOR)]

    def connection(self, transport: str = "polling", **options: Any) -> Heard:
        """A connection to it that is not begun."""
        url = self.url.replace("ws", "http", 1)
        return Heard(SocketIOConnection(Endpoint(url, **options), transport=transport))

    def _serve_requests(self, link: Link) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while (request := link.request()) is not None:
                self.requests.append(request)
                if request.get("Upgrade") is not None:
                    self.on_websocket(link, request)
                    return
                if request.method == "POST":
                    self._post(link, request)
                elif not self.on_get(link, request):
                    self._get(link, request)
                if "Connection: close" in self.headers:
                    with contextlib.suppress(OSError):
                        if isinstance(link.socket, ssl.SSLSocket):
                            link.socket.unwrap()
                    return

    def _get(self, link: Link, request: Request) -> None:
        if "sid=" not in request.target:
            link.respond(open_packet(**self._fields).encode(), "200 OK", *self.headers)
            return
        while True:
            try:
                body = self.outgoing.get(timeout=0.02)
            except queue.Empty:
                if self._gone(link):
                    return
                if not self.upgrading:
                    continue
                body = b"6"
            link.respond(body, "200 OK", *self.headers)
            return

    def _gone(self, link: Link) -> bool:
        with socket.socket(fileno=os.dup(link.socket.fileno())) as plain:  # and not what TLS reads
            try:
                return not plain.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            except BlockingIOError:
                return False
            except OSError:
                return True

    def _post(self, link: Link, request: Request) -> None:
        if self.on_post(link, request):
            return
        self.posted.append(request.body)
        for packet in request.body.split(SEPARATOR):
            if packet == b"40":
                self.outgoing.put(b'40{"sid":"first"}')
            elif packet == b"1":
                self.outgoing.put(b"6")
        link.respond(b"ok", "200 OK", *self.headers)
        self.answered += 1


def until_answered(heard: Heard) -> None:
    """Wait until the client has read the answer to its POST: what it sends next leaves at once.

    The server lets it in before that, so an open connection may still wait for it.
    """
    until(lambda: not heard.connection._polling._post.busy)


def leave(heard: Heard) -> None:
    heard.connection.close()
    assert heard.until_closed() == (Reason.CLIENT, "closed by us")


def heard_text(heard: Heard) -> list[bytes]:
    return [data for data, _ in heard.messages]


def passed(moment: float) -> bool:
    return time.monotonic() > moment
