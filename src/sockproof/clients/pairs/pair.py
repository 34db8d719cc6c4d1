"""A client and a server of WebSocket, with us between them.

The rules that hold here:

* What one side sends reaches the other octet for octet. What we say of our own is the first
  message and the first Close frame, both to the client as if the server said them: both sides send
  back what they hear, so the rest is theirs. An uncompressed message changes no context of
  permessage-deflate.
* Both directions are read frame by frame, inflated by what the two have agreed on. Whoever sends
  what that side may not send, or another message than it heard, or goes away, is at fault; what has
  come first counts.
* A server's last messages are not passed on, so that at the end nothing is on its way. Nor is the
  end of TCP by a client while the server has sent no Close frame: that which it answered was ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sockproof.clients.pairs.leg import CLIENT, SERVER, Leg
from sockproof.clients.pairs.opening import (
    OPENS,
    accused,
    check_response,
    for_server,
    read_response,
)
from sockproof.clients.pairs.server import PairServer
from sockproof.clients.peers.message import ClientAssembler
from sockproof.clients.peers.websocket import WebSocketVisitor
from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import Failure, StreamClosed
from sockproof.conformance.context.wirelog import RECEIVED, SENT
from sockproof.conformance.peers.message import Assembler
from sockproof.conformance.peers.stream import Stream
from sockproof.conformance.peers.websocket_connection import WebSocketConnection
from sockproof.vocabulary import Seen
from sockproof.wire.deflate import Decompressor, Parameters, format_extensions, parse_extensions
from sockproof.wire.http import Response
from sockproof.wire.websocket import Frame, Opcode, close_payload

PATIENCE = 5.0  # seconds in which a side does the next thing
ROUNDS = 3  # that a message makes
AWAITS_THE_ANSWER = "rfc6455-7.1.2-start-completed"  # what a server breaks that does not


class Pair:
    """Two sides, and what goes from one to the other; `open` makes one."""

    def __init__(self, client: Leg, server: Leg, response: Response) -> None:
        self.client = client
        self.server = server
        self.response = response
        self._context = client.connection.context
        self._again = 0  # messages of the server's that are still passed on
        self._unasked = 0  # those that it is to send of its own accord
        self._closing = False  # whether the server may begin to close
        self._passing = False  # whether the server's message that is on its way is passed on
        self._faults: list[Exception] = []
        self._moved = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, client: WebSocketVisitor, server: PairServer, path: str | None = None
    ) -> AsyncIterator[Pair]:
        """Have the two open a connection with each other; it is theirs inside."""
        context = beside(client.context)
        stream = await _connected(context, server)
        number = context.log.new_connection()
        request = for_server(client.head, server, server.path if path is None else path)
        told = request.partition(b"\r\n")[0].decode("latin-1")
        context.log.add(number, SENT, request, f"the request, as {told}", head=True)
        stream.write(request)
        try:
            async with asyncio.timeout(PATIENCE):
                head, response, rest = await read_response(stream)
        except TimeoutError as late:
            wanted = "from the server: an answer to the opening handshake"
            failure = Failure(wanted, f"timed out after {PATIENCE:g} s", seen=Seen.TIMED_OUT)
            raise accused(failure, OPENS) from late
        context.log.add(number, RECEIVED, head, str(response), head=True)
        await client.answer(head, f"the response: {response}")
        client.response = response
        deflate = check_response(client, response)
        _note(client, response, deflate)
        theirs = WebSocketConnection(context, stream, number, response, rest, deflate)
        client.agree(deflate)
        most = context.max_octets
        pair = cls(
            Leg(CLIENT, client, ClientAssembler(_inflater(client, deflate), most)),
            Leg(SERVER, theirs, Assembler(_inflater(theirs, deflate), most)),
            response,
        )
        pumps = [
            asyncio.ensure_future(pair._pump(pair.client, pair.server)),
            asyncio.ensure_future(pair._pump(pair.server, pair.client)),
        ]
        try:
            yield pair
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    # What cases ask for.

    async def round(self, *messages: str | bytes, rounds: int = ROUNDS) -> None:
        """Say messages to the client, have them go round, and end with nothing on its way."""
        self._again += len(messages) * (rounds - 1)
        for message in messages:
            payload = message.encode() if isinstance(message, str) else message
            opcode = Opcode.TEXT if isinstance(message, str) else Opcode.BINARY
            self.client.give(Frame(opcode, payload))
            self.client.owes.append((opcode, payload))
        await self._until_quiet()

    async def unasked(self, count: int) -> None:
        """The server says so many messages of its own accord; each goes to the client and back."""
        self._unasked += count
        await self._until_quiet()

    async def close(self, code: int | None = 1000, reason: str = "") -> None:
        """Say Close to the client, as the server, and have both sides end the connection."""
        payload = b"" if code is None else close_payload(code, reason)
        self.client.give(Frame(Opcode.CLOSE, payload))
        await self.ends()

    async def ends(self) -> None:
        """The connection ends: a Close frame from both sides, and TCP by both, the server first."""
        self._closing = True
        await self._until(lambda: self.server.ended and self.client.ended)

    # What goes between them.

    async def _pump(self, leg: Leg, to: Leg) -> None:
        try:
            while True:
                await self._step(leg, to)
                self._moved.set()
        except StreamClosed as closed:
            self._ended(leg, to, closed)
        except Failure as failure:
            self._faults.append(failure)
        finally:
            self._moved.set()

    async def _step(self, leg: Leg, to: Leg) -> None:
        frame, whole = await leg.receive()
        if Leg.is_first(frame):
            self._passing = leg is self.client or self._again + self._unasked > 0
        if frame.opcode == Opcode.CLOSE:
            if not to.was_closed:
                to.give(frame)
            self._closed(leg, to, frame)
            return
        if frame.opcode in (Opcode.PING, Opcode.PONG):
            to.give(frame)
            return
        passing = leg is self.client or self._passing
        if passing and leg.close is None:
            to.give(frame)
        if whole is None:
            return
        if leg is self.server and self._unasked:
            self._unasked -= 1
        else:
            leg.settles(whole)
            if leg is self.server and passing:
                self._again -= 1
        if passing:
            to.owes.append((whole.opcode, whole.payload))

    def _closed(self, leg: Leg, to: Leg, close: Frame) -> None:
        if leg.close is not None:
            raise leg.failure("closes", "one Close frame", close, close)
        leg.close = close
        if to.ended:
            leg.connection.stream.end_writing()
        expected = leg.was_closed or (self._closing and leg is self.server)
        if not expected or leg.owes:
            wanted = "it goes on, since nothing came that it may not take"
            if leg.owes:
                wanted = f"the message back that reached it: {Frame(*leg.owes[0])}"
            raise leg.failure("messages", wanted, close, close)

    def _ended(self, leg: Leg, to: Leg, closed: StreamClosed) -> None:
        leg.ended = True
        if leg.close is not None and not leg.was_closed:
            wanted = f"from the {leg.side}: TCP open until its Close frame is answered"
            self._context.non_strict(wanted, closed.how, AWAITS_THE_ANSWER, came=closed)
        elif leg.close is None:
            what, wanted = "messages", "it goes on, since nothing came that it may not take"
            if leg is self.client and not leg.has_spoken and not leg.was_closed:
                what, wanted = "opens", "it goes on, since the server's response is right"
            elif leg.was_closed or self._closing:
                what, wanted = "closes", "a Close frame before the end of TCP"
            self._faults.append(leg.failure(what, wanted, closed.how, closed))
        if to.close is not None or leg is self.server:
            to.connection.stream.end_writing()

    # Waiting, and whose turn it is.

    async def _until_quiet(self) -> None:
        await self._until(
            lambda: not (self.client.owes or self.server.owes or self._again or self._unasked)
        )

    async def _until(self, holds: Callable[[], bool]) -> None:
        while True:
            if self._faults:
                raise self._faults[0]
            if holds():
                return
            self._moved.clear()
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._moved.wait()
            except TimeoutError as late:
                raise self._late() from late

    def _late(self) -> Failure:
        """Who had to do something and has not."""
        got = f"timed out after {PATIENCE:g} s"
        for leg in (self.client, self.server):
            if leg.owes:
                wanted = f"the message back that reached it: {Frame(*leg.owes[0])}"
                return leg.failure("messages", wanted, got, seen=Seen.TIMED_OUT)
        if self._unasked:
            wanted = "messages that it was asked for"
            return self.server.failure("messages", wanted, got, seen=Seen.TIMED_OUT)
        for leg in (self.client, self.server):
            if leg.close is None and (leg.was_closed or leg is self.server):
                wanted = "a Close frame, in answer to that which reached it"
                return leg.failure("closes", wanted, got, seen=Seen.TIMED_OUT)
        leg = self.client if self.server.ended else self.server
        return leg.failure("closes", "the end of TCP", got, seen=Seen.TIMED_OUT)


def beside(context: CaseContext) -> CaseContext:
    """A context of the same case and log, whose other end is the server."""
    beside = CaseContext(context.log, context.max_octets, context.company, context.case)
    context.owns(_Context(beside))
    return beside


class _Context:
    """Lets go of what is owned beside the case, when the case does."""

    def __init__(self, context: CaseContext) -> None:
        self._context = context

    def reset(self) -> None:
        self._context.close()

    async def gone(self) -> None:
        await self._context.gone()


async def _connected(context: CaseContext, server: PairServer) -> Stream:
    try:
        async with asyncio.timeout(PATIENCE):
            stream = await Stream.open(server.host, server.port)
    except (OSError, TimeoutError) as error:
        got = str(error) or f"timed out after {PATIENCE:g} s"
        failure = Failure("from the server: a TCP connection", got, seen=Seen.REFUSED)
        raise accused(failure, OPENS) from error
    context.owns(stream)
    return stream


def _inflater(connection: WebSocketConnection, deflate: Parameters | None) -> Decompressor | None:
    if deflate is None:
        return None
    return Decompressor(*connection.halves(deflate)[0], max_size=connection.context.max_octets)


def _note(client: WebSocketVisitor, response: Response, deflate: Parameters | None) -> None:
    """Note what the two have agreed on."""
    agreed = response.get("Sec-WebSocket-Extensions") or ""
    told = "none" if deflate is None else format_extensions(parse_extensions(agreed))
    client.context.notes.append(("extension", told))
