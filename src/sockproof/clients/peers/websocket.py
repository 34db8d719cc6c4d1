"""The server's side of one WebSocket that a client opened, able to break every rule.

The rules that hold here:

* The request has been read and is not answered: the case does that, rightly or wrongly.
* The driver sends each message back and says nothing of its own, so every message counts. Pings
  are answered, and Pongs that answer nothing are passed over: they are the library's.
* Frames are sent unmasked; what a client may not send is a Failure in whichever case it comes.
* What a case has not ended is ended when it has been judged: with a Close frame, then TCP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from sockproof.clients.connection import Arrival, ClientStream, Connection
from sockproof.clients.history import History
from sockproof.clients.peers.message import ROLE, ClientAssembler
from sockproof.clients.peers.offers import agreed_by, as_extension
from sockproof.clients.run import Visitor
from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import Failure, IllegalFrame, StreamClosed, Unsupported
from sockproof.conformance.context.wirelog import RECEIVED, SENT
from sockproof.conformance.peers.matching import close_code, is_like
from sockproof.conformance.peers.message import TEXT_IS_UTF8
from sockproof.conformance.peers.websocket import CLOSE_GRACE, Message, WebSocketPeer
from sockproof.conformance.peers.websocket_connection import MANY
from sockproof.vocabulary import Seen
from sockproof.wire import WireError
from sockproof.wire.deflate import (
    NAME,
    Extension,
    Parameters,
    format_extensions,
    parse_extensions,
)
from sockproof.wire.http import Request, Response, accept_value
from sockproof.wire.websocket import Frame, Opcode, close_payload, is_control

PARTING = 1.0  # seconds in which a client may end its side after ours
NOT_YET = Response(0, "there is no response yet")


def server_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = None,
    length_octets: int | None = None,
    announced: int | None = None,
) -> Frame:
    """A frame as a server sends it: unmasked, unless `mask` is a key."""
    return Frame(opcode, payload, fin, rsv, mask, length_octets, announced)


def _is_unasked(frame: Frame) -> bool:
    """Whether a client may send just that of its own accord (5.5.3)."""
    return frame.opcode == Opcode.PONG and not frame.payload


class WebSocketVisitor(WebSocketPeer, Visitor):
    """Our end of one WebSocket that a client opened, as cases use it."""

    frame = staticmethod(server_frame)  # type: ignore[assignment]
    assembler = ClientAssembler
    may_send = "frames that a client may send"
    role = ROLE
    first_octets = b""  # of what came behind the request
    answered = False

    def __init__(
        self,
        context: CaseContext,
        connection: Connection,
        arrival: Arrival,
        history: History | None = None,
    ) -> None:
        self.arrival = arrival
        self.history = history or History()
        number = context.log.new_connection()
        context.owns(connection.stream)
        text = str(arrival.request)
        context.log.add(number, RECEIVED, arrival.head, text, head=True)
        super().__init__(context, connection.stream, number, NOT_YET, connection.rest)
        connection.rest = b""

    # The opening handshake.

    @property
    def request(self) -> Request:
        """The client's request as it came."""
        return self.arrival.request

    @property
    def head(self) -> bytes:
        """The octets of the request."""
        return self.arrival.head

    @property
    def dialled_port(self) -> int | None:
        """The port that the client dialled; None where it may have come by another way."""
        return self.stream.dialled_port if isinstance(self.stream, ClientStream) else None

    @property
    def key(self) -> str:
        """The Sec-WebSocket-Key; without one nothing can be answered, which is a Failure."""
        key = self.request.get("Sec-WebSocket-Key")
        if key is None:
            raise Failure("a request with Sec-WebSocket-Key", self.request)
        return key.strip()

    @property
    def offers(self) -> list[Extension]:
        """The offers of permessage-deflate, in the client's order."""
        offered = self.request.get("Sec-WebSocket-Extensions")
        try:
            return [each for each in parse_extensions(offered or "x") if each.name == NAME]
        except WireError as error:
            raise Failure("extensions as RFC 6455, 9.1 writes them", f"{offered!r}: {error}") from (
                error
            )

    @property
    def subprotocols(self) -> list[str]:
        """The subprotocols that the client offers, in its order."""
        values = self.request.all("Sec-WebSocket-Protocol")
        names = (name.strip() for value in values for name in value.split(","))
        return [name for name in names if name]

    def right_response(
        self,
        *,
        deflate: Parameters | None = None,
        protocol: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> Response:
        """The 101 that opens this connection; `headers` come last.

        `deflate` has to be `agreeable`.
        """
        lines = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", accept_value(self.key)),
        ]
        if protocol is not None:
            lines.append(("Sec-WebSocket-Protocol", protocol))
        if deflate is not None:
            lines.append(("Sec-WebSocket-Extensions", format_extensions([as_extension(deflate)])))
        return Response(101, "Switching Protocols", (*lines, *headers))

    def agreeable(self, wanted: Parameters | None = None) -> Parameters:
        """What can be agreed on by the first offer that allows `wanted`, with what it asks for.

        Raises `Unsupported` where there is no such offer.
        """
        wanted = wanted or Parameters()
        for offer in self.offers:
            agreed = agreed_by(offer, wanted)
            if agreed is not None:
                return agreed
        offered = self.request.get("Sec-WebSocket-Extensions") or "no extension"
        expected = f"a client that offers {format_extensions([as_extension(wanted)])}"
        raise Unsupported(expected, f"it offers {offered}", lacks=[NAME])

    async def accept(
        self,
        *,
        deflate: Parameters | None = None,
        protocol: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> Response:
        """Open the connection; with `deflate`, as far as one of the client's offers allows it."""
        agreed = None if deflate is None else self.agreeable(deflate)
        response = self.right_response(deflate=agreed, protocol=protocol, headers=headers)
        await self.answer(response, deflate=agreed)
        return response

    async def answer(
        self, response: Response | bytes, meaning: str = "", *, deflate: Parameters | None = None
    ) -> None:
        """Send a response of any kind; frames follow by these parameters of permessage-deflate.

        Octets are sent as they are, together with what is sent before the next await.
        """
        octets = response if isinstance(response, bytes) else response.encode()
        text = meaning or (
            f"{len(octets)} octets" if isinstance(response, bytes) else str(response)
        )
        self.context.log.add(self.number, SENT, octets, text, head=True)
        self.stream.write(octets)
        self.answered = True
        if isinstance(response, Response):
            self.response = response
            self.protocol = response.get("Sec-WebSocket-Protocol")
        if deflate is not None:
            self.agree(deflate)

    @staticmethod
    def halves(deflate: Parameters) -> tuple[tuple[int, bool], tuple[int, bool]]:
        """Window bits and whether the context is kept, of what comes and of what is sent."""
        ours, theirs = WebSocketPeer.halves(deflate)
        return theirs, ours

    # Messages. Each is an answer.

    def _parse(self, data: bytes) -> None:
        before = len(self._frames)
        self.first_octets = self.first_octets or bytes(data[:16])
        super()._parse(data)
        for frame in list(self._frames)[before:]:
            if frame.mask_key is not None:
                self.history.saw_mask(frame.mask_key)

    async def receive_answer(self) -> Frame:
        """The next control frame or message."""
        try:
            return await self.receive()
        except StreamClosed as closed:
            self._forgive(None, closed.how)
            raise

    async def _answer(
        self, wanted: str, opcode: int, payload: bytes | None, also: Iterable[Message] = ()
    ) -> Frame:
        del wanted, opcode, payload, also  # every message is one
        return await self.receive_answer()

    async def _failing(self, wanted: str, behind: Frame | None, after: str | None) -> Frame:
        del behind
        try:
            got = await self.receive_answer()
            while _is_unasked(got) or (
                after is not None and is_like(got, Opcode.TEXT, after.encode())
            ):
                got = await self.receive_answer()
        except IllegalFrame as wrong:
            if wrong.broken != ROLE + TEXT_IS_UTF8:
                raise
            raise Failure(
                wanted, f"the client went on: {wrong.got}", came=wrong, seen=Seen.NOT_CLOSED
            ) from None
        if got.opcode != Opcode.CLOSE:
            raise self._went_on(wanted, f": {got}", got)
        return got

    def _forgive(self, close: Frame | None, got: str) -> None:
        """Raise `Unsupported` where a limit of the client's explains that it ends here."""
        code = None if close is None else close_code(close)
        if self.context.policy.explains(code, self.said) is not None:
            wanted = f"a client that takes a message of {self.said.largest} octets"
            raise Unsupported(wanted, got, came=close)

    def _forgive_unanswered(self, close: Frame, opcode: int, payload: bytes | None) -> None:
        """Raise `Unsupported` where a limit explains it: a driver closes nothing of its own."""
        del opcode
        self.said.largest = max(self.said.largest, len(payload or b""))
        self._forgive(close, str(close))

    def send_text(self, text: str) -> None:
        """Send a text message in one frame."""
        self.send(self.frame(Opcode.TEXT, text.encode("utf-8")))

    async def expect_echo(self, message: str | bytes) -> Frame:
        """The message that was sent comes back, of the same type, as the next answer."""
        return await self.expect_message(message)

    async def echoed(self, message: str | bytes) -> Frame:
        """Send a message, compressed where that was agreed on, and have it back."""
        text = isinstance(message, str)
        payload = message.encode("utf-8") if isinstance(message, str) else message
        self.send_message(Opcode.TEXT if text else Opcode.BINARY, payload)
        return await self.expect_echo(message)

    def send_pieces_of_a_message(self, opcode: int, pieces: Sequence[bytes]) -> None:
        """Send a message whose fragments have these payloads."""
        for place, piece in enumerate(pieces):
            last = place == len(pieces) - 1
            self.send(self.frame(opcode if place == 0 else Opcode.CONT, piece, fin=last))

    def send_in_fragments(self, opcode: int, payload: bytes, size: int) -> None:
        """Send a message in fragments of `size` octets, compressed where `compresses` says so.

        A message that is a multiple of them, and in more than one, ends with an empty fragment.
        Where they are very many the wire log has one entry for all.
        """
        pieces = [payload[start : start + size] for start in range(0, len(payload), size)]
        if len(pieces) > 1 and len(payload) % size == 0:
            pieces.append(b"")
        if len(pieces) <= MANY:
            self.send_pieces_of_a_message(opcode, pieces)
            return
        frames = []
        for place, piece in enumerate(pieces):
            last = place == len(pieces) - 1
            frames.append(self.frame(opcode if place == 0 else Opcode.CONT, piece, fin=last))
        octets = b"".join(self._compressed(frame).encode() for frame in frames)
        self.said.largest = max(self.said.largest, len(payload))
        self.said.most_fragments = max(self.said.most_fragments, len(frames))
        text = f"{frames[0]} and {len(frames) - 1} fragments more"
        self.context.log.add(self.number, SENT, octets, text)
        self.stream.write(octets)

    # Ending.

    async def close_handshake(self, code: int | None = 1000, reason: str | bytes = b"") -> Frame:
        """Send a Close frame, have it answered, and end TCP; gives the client's Close frame.

        Messages that were on their way are passed over.
        """
        self.send(self.close_frame(code, reason))
        with self.context.awaits("CLOSE, in answer to ours"):
            while (got := await self.receive_answer()).opcode != Opcode.CLOSE:
                if is_control(got.opcode):
                    raise Failure("CLOSE, in answer to ours", got)
        close_code(got)
        self.stream.end_writing()
        return got

    async def expect_close_of(self, code: int) -> Frame:
        """A Close frame answers ours: by its code, by 1000 or by none; another is NON_STRICT.

        Pongs that come before it are right, whatever they are for.
        """
        wanted = f"CLOSE {code} in answer to it, or without a code of its own"
        with self.context.awaits(wanted):
            while (got := await self.receive_answer()).opcode == Opcode.PONG:
                pass
        if got.opcode != Opcode.CLOSE:
            raise Failure(wanted, got)
        if close_code(got) not in (None, 1000, code):
            self.context.non_strict(wanted, got, "client-rfc6455-5.5.1-code-echoed")
        return got

    async def expect_nothing_behind_close(self) -> None:
        """Behind its Close frame the client sends no data and no other Close, and ends TCP.

        One that is slow to end it is let be.
        """
        self.stream.end_writing()
        try:
            async with asyncio.timeout(CLOSE_GRACE):
                while (got := await self.receive()).opcode in (Opcode.PING, Opcode.PONG):
                    pass
        except (TimeoutError, StreamClosed):
            return
        raise Failure("nothing behind the Close frame", got)

    def close_frame(self, code: int | None = 1000, reason: str | bytes = b"") -> Frame:
        """A Close frame; without a code its payload is empty."""
        return self.frame(Opcode.CLOSE, b"" if code is None else close_payload(code, reason))

    @property
    def is_open(self) -> bool:
        """Whether the connection has been opened, and no Close frame been sent on it."""
        return self.response.status == 101 and not self.said.closing

    async def part(self) -> None:
        """End what is still open, as a server does that has said all; open it first if need be."""
        if self.response is NOT_YET and not self.answered and self.request.get("Sec-WebSocket-Key"):
            await self.accept()
        if self.is_open and self.stream.ended is None:
            self.send(self.close_frame(1000))
        self.stream.end_writing()
        try:
            async with asyncio.timeout(PARTING):
                while True:
                    await self.stream.read()
        except (StreamClosed, TimeoutError):
            pass
        self.stream.close()
