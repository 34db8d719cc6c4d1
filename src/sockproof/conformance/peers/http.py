"""The client's side of one HTTP/1.1 connection: opening handshakes and long-polling requests.

Requests are written as they are given, wrong or not. The answer is read with bounds, and an
upgrade hands the stream and the octets behind the answer over to a `WebSocketPeer`.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import UNANSWERED, Failure, StreamClosed
from sockproof.conformance.context.wirelog import RECEIVED, SENT
from sockproof.conformance.peers.stream import Stream
from sockproof.conformance.peers.websocket import WebSocketPeer
from sockproof.wire import WireError
from sockproof.wire.deflate import Parameters
from sockproof.wire.http import BodyReader, HeadReader, Request, Response, parse_response_head


class HttpPeer:
    """Our end of one HTTP connection."""

    def __init__(self, context: CaseContext, stream: Stream, number: int) -> None:
        self.context = context
        self.stream = stream
        self.number = number
        self._rest = b""

    def send(self, request: Request) -> None:
        """Send a request, together with everything else sent before the next await."""
        self.context.log.add(self.number, SENT, request.encode(), str(request), head=True)
        self.context.spoken.body(request.body)
        self.stream.write(request.encode())

    def send_octets(self, octets: bytes, meaning: str) -> None:
        """Send octets that are no whole request; `meaning` says in the wire log what they are."""
        self.context.log.add(self.number, SENT, octets, meaning, head=True)
        self.context.spoken.body(octets.rpartition(b"\r\n\r\n")[2])
        self.stream.write(octets)

    async def send_pieces(self, request: Request, size: int = 1) -> None:
        """Send a request in pieces of `size` octets, each in a TCP segment of its own."""
        octets = request.encode()
        meaning = f"{request}  in pieces of {size}"
        self.context.log.add(self.number, SENT, octets, meaning, head=True)
        self.context.spoken.body(request.body)
        await self.stream.write_pieces(octets, size)

    async def response(self, expected: str = "an HTTP response", *, body: bool = True) -> Response:
        """The next response, interim ones (1xx other than 101) skipped; its body too if `body`.

        Raises `Failure` when what came is no HTTP, `StreamClosed` when the stream ended first.
        """
        with self.context.awaits(expected):
            while True:
                try:
                    response = await self._one(body)
                except WireError as error:
                    raise Failure(expected, error) from error
                if response.status == 101 or response.status >= 200:
                    return response

    async def _one(self, with_body: bool) -> Response:
        reader = HeadReader()
        data, self._rest = self._rest, b""
        while (parts := reader.feed(data)) is None:
            try:
                data = await self.stream.read()
            except StreamClosed as closed:
                self._log_end(closed, reader.octets)
                raise
        lines, wrong, rest = parts
        try:
            response = parse_response_head(lines, wrong)
        except WireError:
            self.context.log.add(self.number, RECEIVED, reader.octets, "no HTTP", head=True)
            raise
        if response.status < 200 or not with_body:
            head = reader.octets[: len(reader.octets) - len(rest)]
            self.context.log.add(self.number, RECEIVED, head, str(response), head=True)
            self._rest = rest
            return response
        return await self._with_body(response, rest)

    async def _with_body(self, response: Response, rest: bytes) -> Response:
        body = BodyReader(response, self.context.max_octets)
        body.feed(rest)
        ended = None
        while not body.complete and ended is None:
            try:
                body.feed(await self.stream.read())
            except StreamClosed as closed:
                ended = closed
        whole = replace(response, body=bytes(body.body), violations=response.violations)
        meaning = f"{whole}, body of {len(whole.body)} octets"
        self.context.log.add(self.number, RECEIVED, whole.encode(), meaning, head=True)
        self.context.saw_body(whole.body)
        if ended is not None:
            self._log_end(ended, b"")
            body.feed_eof()
        self._rest = body.rest
        return whole

    def _log_end(self, closed: StreamClosed, octets: bytes) -> None:
        if octets:
            self.context.log.add(self.number, RECEIVED, octets, "incomplete head", head=True)
        self.context.log.note(self.number, RECEIVED, closed.how)

    async def ask(
        self, request: Request, expected: str = "an HTTP response", *, body: bool = True
    ) -> Response:
        """Send a request and give its `answer`."""
        self.send(request)
        return await self.answer(expected, body=body)

    async def answer(self, expected: str, *, body: bool = True) -> Response:
        """The `response`; the connection is closed where that says so.

        RFC 9112, 9.6 demands it of a client. A server may wait for that, and serve nobody else.
        """
        response = await self.response(expected, body=body)
        if body and response.status != 101 and "close" in response.tokens("Connection"):
            self.stream.close()
        return response

    async def beginning(self, response: Response, octets: int, seconds: float) -> Response:
        """The response with what comes of its body, at most so much and for so long."""
        body = BodyReader(response, self.context.max_octets)
        with contextlib.suppress(StreamClosed, TimeoutError, WireError):
            async with asyncio.timeout(seconds):
                body.feed(self._rest)
                while not body.complete and len(body.body) < octets:
                    body.feed(await self.stream.read())
        return replace(response, body=bytes(body.body[:octets]))

    def upgraded(self, response: Response, deflate: Parameters | None = None) -> WebSocketPeer:
        """The WebSocket that a 101 response has made of this connection."""
        rest, self._rest = self._rest, b""
        return WebSocketPeer(self.context, self.stream, self.number, response, rest, deflate)

    async def octets(self, expected: str) -> bytes:
        """What comes next, just as it came; nothing when the server ends TCP."""
        data, self._rest = self._rest, b""
        with self.context.awaits(expected):
            try:
                data = data or await self.stream.read()
            except StreamClosed as closed:
                self.context.log.note(self.number, RECEIVED, closed.how)
                return b""
        self.context.log.add(self.number, RECEIVED, data, "octets", head=True)
        return data

    def expect_nothing_yet(self, expected: str) -> None:
        """Nothing has come that was not read. The caller has seen by a fence that it would have."""
        if self._rest or self.stream.unread:
            raise Failure(expected, "an answer before that")

    async def expect_end(self) -> None:
        """The server ends TCP and sends nothing before."""
        wanted = "the end of the TCP connection"
        if data := await self.octets(wanted):
            raise Failure(wanted, f"{len(data)} octets: {data[:60]!r}")

    async def response_or_end(self, expected: str, *, body: bool = False) -> Response | None:
        """The next response, its head alone unless `body`; None when TCP ends before it."""
        try:
            return await self.response(expected, body=body)
        except Failure as failure:
            if isinstance(failure.__cause__, StreamClosed):
                return None
            raise

    async def not_upgraded(self, request: Request) -> Response | None:
        """The server does not answer 101; any other answer is right: Upgrade may be ignored.

        None when it closed the connection without an answer, which is NON_STRICT.
        """
        wanted = "any answer but 101"
        self.send(request)
        response = await self.response_or_end(wanted)
        if response is None:
            self.context.non_strict(wanted, UNANSWERED)
        elif response.status == 101:
            raise Failure(wanted, response)
        return response

    async def refused(self, request: Request, *statuses: int) -> Response | None:
        """Send a request; the server does not upgrade: see `expect_refused`."""
        self.send(request)
        return await self.expect_refused(*statuses)

    async def expect_refused(self, *statuses: int) -> Response | None:
        """What has been sent is refused; one of `statuses` is best, another refusal NON_STRICT.

        None when the server closed the connection without an answer, which is NON_STRICT too.
        """
        best = " or ".join(map(str, statuses))
        wanted = f"the handshake refused with {best}"
        response = await self.response_or_end(wanted)
        if response is None:
            self.context.non_strict(wanted, UNANSWERED)
            return None
        if response.status < 300:
            raise Failure(wanted, response)
        if response.status not in statuses:
            self.context.non_strict(wanted, response)
        return response
