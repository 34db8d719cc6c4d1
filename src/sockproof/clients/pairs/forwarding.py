"""Requests of a Socket.IO client, taken to the server of its pair, and the answers as they come.

Of a request only the target, Host and Origin are changed, of an answer nothing; a page of whatever
origin is let read it. A WebSocket's octets go both ways.
"""

from __future__ import annotations

import asyncio

from sockproof.clients.pairs.opening import for_server, read_head
from sockproof.clients.pairs.server import PairServer
from sockproof.clients.sessions.visit import Visit
from sockproof.clients.sessions.visitor import SocketIOVisitor
from sockproof.conformance.context.outcome import StreamClosed
from sockproof.conformance.context.wirelog import RECEIVED, SENT
from sockproof.conformance.peers.stream import Stream
from sockproof.wire import WireError
from sockproof.wire.http import BodyReader, Response

MOST_OCTETS = 8 * 1024 * 1024  # of the body of an answer
PATH = "/socket.io/"


class Forwarding:
    """Takes the requests of one case's client to the server."""

    def __init__(self, client: SocketIOVisitor, server: PairServer) -> None:
        self._client = client
        self._server = server

    async def serve(self, visit: Visit) -> None:
        """Return when the request has been answered, or either side has given it up."""
        try:
            stream = await Stream.open(self._server.host, self._server.port)
        except OSError:
            visit.end()
            return
        visit.context.owns(stream)
        number = visit.context.log.new_connection()
        path = PATH + visit.arrival.request.target.partition("?")[2].join(("?", ""))
        request = for_server(visit.arrival.head, self._server, path) + visit.body
        visit.context.log.add(number, SENT, request, "the request", head=True)
        stream.write(request)
        answered = asyncio.ensure_future(self._answer(visit, stream, number))
        gone = asyncio.ensure_future(visit.over())
        try:
            await asyncio.wait({answered, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (answered, gone):
                task.cancel()
            stream.close()
            await asyncio.gather(answered, gone, return_exceptions=True)

    async def _answer(self, visit: Visit, stream: Stream, number: int) -> None:
        try:
            octets, response, rest = await _answer_of(stream)
        except (StreamClosed, WireError):
            visit.end()
            return
        visit.context.log.add(number, RECEIVED, octets, str(response), head=True)
        if response.status != 101:
            visit.answer_octets(visit.readable(octets), str(response))
            return
        visit.answer_octets(octets + rest, str(response), more=True)
        client, visit.connection.rest = visit.connection, b""
        await asyncio.gather(
            self._pump(visit, client.stream, stream, number, SENT),
            self._pump(visit, stream, client.stream, number, RECEIVED),
        )
        visit.answered.set()

    async def _pump(
        self, visit: Visit, source: Stream, to: Stream, number: int, direction: str
    ) -> None:
        try:
            while True:
                data = await source.read()
                visit.context.log.add(number, direction, data, f"{len(data)} octets")
                to.write(data)
        except StreamClosed as closed:
            visit.context.log.note(number, direction, closed.how)
            to.end_writing()


async def _answer_of(stream: Stream) -> tuple[bytes, Response, bytes]:
    """An answer, whole, as it came; what it says; and what is behind a 101."""
    head, response, rest = await read_head(stream)
    if response.status == 101:
        return head, response, rest
    octets, body = head + rest, BodyReader(response, MOST_OCTETS)
    body.feed(rest)
    try:
        while not body.complete:
            data = await stream.read()
            octets += data
            body.feed(data)
    except StreamClosed:
        body.feed_eof()
    return octets, response, b""
