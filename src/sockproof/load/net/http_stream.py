"""HTTP requests over a stream that is kept alive, one after the other, for long-polling."""

from __future__ import annotations

from collections.abc import Callable

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.net.stream import CLOSED, IDLE, OPEN, Stream
from sockproof.load.traffic import traffic
from sockproof.runs.load_records import Reason
from sockproof.wire import TooBig, WireError
from sockproof.wire.http import BodyReader, HeadReader, Response, parse_response_head

MAX_HEAD = 64 * 1024
MAX_INTERIM = 100  # interim responses before an answer
BODY_ROOM = 64 * 1024  # what a body may be longer than a message, by packets behind each other


class HttpStream(Stream):
    """A connection for one request at a time; it connects when there is one, and again.

    `on_response(response, body)` or `on_failure(reason, text)` answers each request once.
    """

    __slots__ = (
        "_body",
        "_head",
        "_interim",
        "_limited",
        "_request",
        "_response",
        "_reused",
        "_silent",
        "on_failure",
        "on_response",
    )

    def __init__(
        self,
        endpoint: Endpoint,
        on_response: Callable[[Response, bytes], None],
        on_failure: Callable[[Reason, str], None],
    ) -> None:
        super().__init__(endpoint)
        self.on_response = on_response
        self.on_failure = on_failure
        self._request: bytes | None = None  # the one that waits for its answer
        self._limited = True  # whether it has to be answered within the connect limit
        self._reused = False  # whether the stream has answered a request before
        self._silent = True  # whether nothing of the answer has come
        self._interim = 0  # responses before it
        self._head: HeadReader | None = None
        self._response: Response | None = None
        self._body: BodyReader | None = None

    @property
    def busy(self) -> bool:
        """Whether a request waits for its answer."""
        return self._request is not None

    def request(self, octets: bytes, limited: bool = True) -> None:
        """Send a request; with `limited` it must be answered within the connect limit."""
        self._request = octets
        self._limited = limited
        if self.state in (IDLE, CLOSED):
            self._reused = False
            self._open()
        else:
            self._ask()

    def drop(self) -> None:
        """Close the stream, whatever it waits for; nobody is told."""
        self._request = None
        self._fail(Reason.CLIENT, "closed by us")

    def _connected(self) -> None:
        self.state = OPEN
        self._ask()

    def _ask(self) -> None:
        self._silent = True
        self._interim = 0
        self._head = HeadReader(MAX_HEAD)
        self._response = self._body = None
        if self._limited:
            self._limit(self.endpoint.connect_limit)
        else:
            self.deadline = 0
        if self._request is not None:
            self._write(self._request)

    def _received(self, data: bytes) -> None:
        if self._request is None:
            self._fail(Reason.PROTOCOL, "HTTP: unrequested data")
            return
        self._silent = False
        try:
            while self._body is None:
                assert self._head is not None
                read = self._head.feed(data)
                if read is None:
                    return
                lines, wrong, data = read
                response = parse_response_head(lines, wrong)
                if traffic.server is None:
                    traffic.server = response.get("Server") or ""
                if response.status < 200:  # an interim response (RFC 9110, 15.2)
                    self._interim += 1
                    if self._interim > MAX_INTERIM:
                        raise WireError(f"more than {MAX_INTERIM} interim responses")
                    self._head = HeadReader(MAX_HEAD)
                else:
                    self._response = response
                    room = self.endpoint.max_message * 4 // 3 + BODY_ROOM
                    self._body = BodyReader(response, room)
            self._body.feed(data)
        except WireError as error:
            too_big = isinstance(error, TooBig)
            self._fail(Reason.TOO_BIG if too_big else Reason.PROTOCOL, f"HTTP: {error}")
            return
        if self._body.complete:
            self._answered(self._body)
        elif not self._hold(len(self._body.body)):
            text = "incomplete messages of all connections together are too big"
            self._fail(Reason.TOO_BIG, f"HTTP: {text}")

    def _answered(self, body: BodyReader) -> None:
        response, self._response = self._response, None
        assert response is not None
        self._request = self._head = self._body = None
        self.deadline = 0
        self._reused = True
        ends = "close" in response.tokens("Connection") or response.version == "HTTP/1.0"
        if ends or body.rest or body.until_close:
            self._fail(Reason.CLIENT, "this stream serves no further request")
        self._hold(0)
        octets = bytes(body.body)
        body.body.clear()  # it may be large
        self.on_response(response, octets)

    def _ended(self) -> None:
        if self._body is not None and self._body.until_close:
            self._body.feed_eof()
            self._answered(self._body)
        else:
            text = "the server ended the stream"
            if self._request is not None:
                text += " instead of answering a request"
            self._fail(Reason.SERVER_DROPPED, text)

    def _late(self) -> None:
        if self.state != OPEN:
            super()._late()
        elif self._request is not None:
            seconds = self.endpoint.connect_limit / 1e9
            method = self._request.partition(b" ")[0].decode("ascii")
            self._fail(Reason.CONNECT_TIMEOUT, f"no answer to a {method} within {seconds:g} s")

    def _closed(self, reason: Reason, text: str) -> None:
        self._head = self._response = self._body = None  # whoever holds this stream, not that
        if self._request is None:
            return  # a stream that was not in use may end when it likes
        gone = reason in (Reason.SERVER_DROPPED, Reason.RESET)
        if gone and self._reused and self._silent:
            # The server ended an unused stream while the request was on its way (RFC 9112, 9.3.1).
            self._reused = False
            self.request(self._request, self._limited)
            return
        self._request = None
        self.on_failure(reason, text)
