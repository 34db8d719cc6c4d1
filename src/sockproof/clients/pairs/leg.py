"""One side of a pair: what it sends is read frame by frame, and judged by what reached it."""

from __future__ import annotations

from collections import deque

from sockproof.conformance.context.outcome import Failure, IllegalFrame
from sockproof.conformance.context.wirelog import SENT
from sockproof.conformance.peers.message import Assembler, Forbidden, difference
from sockproof.conformance.peers.websocket_connection import WebSocketConnection
from sockproof.vocabulary import Seen
from sockproof.wire import WireError
from sockproof.wire.websocket import Frame, Opcode, is_control, parse_close

Message = tuple[int, bytes]  # opcode and content
CLIENT, SERVER = "client", "server"


class Leg:
    """The client of a pair, or its server, and what it still has to send.

    `owes` are the messages that reached it and have not come back, oldest first.
    """

    def __init__(self, side: str, connection: WebSocketConnection, assembler: Assembler) -> None:
        self.side = side
        self.connection = connection
        self.owes: deque[Message] = deque()
        self.close: Frame | None = None  # that it has sent
        self.was_closed = False  # a Close frame has reached it
        self.ended = False  # it has ended TCP
        self.has_spoken = False  # a frame of it has come
        self._assembler = assembler

    async def receive(self) -> tuple[Frame, Frame | None]:
        """The next frame as it came, and the control frame or whole message that it ends.

        Raises `IllegalFrame` for what this side may not send, and `StreamClosed` at the end of TCP.
        """
        frame = await self.connection.receive_frame()
        self.has_spoken = True
        try:
            return frame, self._assembler.feed(frame)
        except WireError as error:
            broken = self.broken("deflate")
            if isinstance(error, Forbidden):
                broken = self.connection.role + error.requirement
            wanted = f"frames that a {self.side} may send"
            raise IllegalFrame(wanted, f"{frame}: {error}", broken, came=frame) from error

    def give(self, frame: Frame) -> None:
        """Pass a frame on to this side, octet for octet."""
        connection = self.connection
        connection.context.log.frame(connection.number, SENT, frame)
        connection.stream.write(frame.encode())
        if frame.opcode == Opcode.CLOSE:
            self.was_closed = connection.said.closing = True
            try:
                code = parse_close(frame.payload)[0]
            except WireError:  # whoever sent it is accused
                code = None
            self._assembler.codes_sent |= set() if code is None else {code}

    def settles(self, message: Frame) -> None:
        """The message has come from this side: it has to be the oldest that it owes."""
        wanted = "no message that nobody has sent"
        if not self.owes:
            raise self.failure("messages", wanted, message, message)
        opcode, payload = self.owes.popleft()
        if (message.opcode, message.payload) != (opcode, payload):
            wanted = f"the message back that reached it: {Frame(opcode, payload)}"
            raise self.failure("messages", wanted, difference(message, opcode, payload), message)

    def failure(
        self, what: str, wanted: str, got: object, came: object = None, seen: Seen | None = None
    ) -> Failure:
        """The accusation of this side in words, and by the requirement that it breaks."""
        found = Failure(f"from the {self.side}: {wanted}", got, came=came, seen=seen)
        found.broken = self.broken(what)
        return found

    def broken(self, what: str) -> str:
        """The requirement of pairs that this side breaks."""
        return f"pair-{self.side}-{what}"

    @staticmethod
    def is_first(frame: Frame) -> bool:
        """Whether a message begins with the frame."""
        return not is_control(frame.opcode) and frame.opcode != Opcode.CONT
