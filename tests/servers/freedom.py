"""What the documents let a server or an application do: the places where a freedom takes part.

A fault is a deviation, a freedom is none. Each is an object with the methods below, one for a
server; what it leaves out is done as the plain correct server does it. Several together are
asked one after the other. `tests/freedoms/` says what each is and where it is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from sockproof.wire.http import Request, Response
from sockproof.wire.websocket import Frame

if TYPE_CHECKING:
    from asyncio import StreamWriter

    from sockproof.wire.deflate import Compressor, Parameters
    from tests.servers.websocket_connection import Connection

Message = tuple[int, bytes]  # opcode and content
Answer = list[tuple[str, str | None]]  # the parameters of a response for permessage-deflate


class Freedom:
    """Does nothing else than the plain correct server."""

    contract = True  # whether there are /push, /close and /headers

    # The handshake.

    def understands(self, request: Request) -> Request:
        """The request as this server reads it; its `violations` are what it does not excuse."""
        return request

    def admits(self, request: Request) -> Response | None:
        """A refusal by policy, or None."""
        return None

    def answer(self, request: Request, response: Response) -> Response:
        """The response that is sent, a 101 or a refusal."""
        return response

    def head(self, octets: bytes) -> bytes:
        """The octets of a response, as this server writes them."""
        return octets

    def deflate(self, asked: dict[str, str | None], answer: Answer) -> Answer | None:
        """The answer to an offer that could be agreed to as it is; None declines it."""
        return answer

    # Compression.

    def compressor(self, parameters: Parameters) -> Compressor | None:
        """What compresses the server's messages, or None for the usual one."""
        return None

    def compresses(self, payload: bytes) -> bool:
        """Whether this message is compressed, once it was agreed that it may be."""
        return True

    def bound(self) -> int | None:
        """Octets of the longest message, or None for the usual bound."""
        return None

    # The connection.

    def line(self, writer: StreamWriter) -> StreamWriter:
        """What octets leave through."""
        return writer

    async def opened(self, connection: Connection) -> None:
        """The 101 has been sent."""

    def left(self, connection: Connection) -> None:
        """The connection is over."""

    async def hears(self, connection: Connection, message: Message) -> Message | None:
        """What is answered to a message; None when there is no answer now."""
        return message

    async def answered(self, connection: Connection, message: Message) -> None:
        """A message has had its answer."""

    def batch(self, frames: list[Frame]) -> list[Frame]:
        """The frames that came with one read, in the order in which they are looked at."""
        return frames

    def frames(self, connection: Connection, frame: Frame) -> list[Frame]:
        """The frames in which one that was to be sent is sent."""
        return [frame]

    async def pings(self, connection: Connection, payload: bytes) -> bool:
        """Whether it has seen to the Ping by itself."""
        return False

    # The end.

    async def failing(self, connection: Connection, code: int, why: str) -> tuple[int, str]:
        """The code and the reason with which a connection is failed."""
        return code, why

    async def closing(self, connection: Connection, answer: Frame) -> Frame:
        """The Close frame that answers the client's."""
        return answer

    async def ends(self, connection: Connection) -> bool:
        """Whether it has ended TCP in a way of its own."""
        return False


class Freedoms(Freedom):
    """Several together, each taking over from the one before."""

    def __init__(self, several: Iterable[Freedom] = ()) -> None:
        self.several = list(several)
        self.contract = all(each.contract for each in self.several)

    def understands(self, request: Request) -> Request:
        for each in self.several:
            request = each.understands(request)
        return request

    def admits(self, request: Request) -> Response | None:
        refusals = (each.admits(request) for each in self.several)
        return next((each for each in refusals if each is not None), None)

    def answer(self, request: Request, response: Response) -> Response:
        for each in self.several:
            response = each.answer(request, response)
        return response

    def head(self, octets: bytes) -> bytes:
        for each in self.several:
            octets = each.head(octets)
        return octets

    def deflate(self, asked: dict[str, str | None], answer: Answer) -> Answer | None:
        for each in self.several:
            changed = each.deflate(asked, answer)
            if changed is None:
                return None
            answer = changed
        return answer

    def compressor(self, parameters: Parameters) -> Compressor | None:
        found = (each.compressor(parameters) for each in self.several)
        return next((each for each in found if each is not None), None)

    def compresses(self, payload: bytes) -> bool:
        return all(each.compresses(payload) for each in self.several)

    def bound(self) -> int | None:
        return min((bound for each in self.several if (bound := each.bound())), default=None)

    def line(self, writer: StreamWriter) -> StreamWriter:
        for each in self.several:
            writer = each.line(writer)
        return writer

    async def opened(self, connection: Connection) -> None:
        for each in self.several:
            await each.opened(connection)

    def left(self, connection: Connection) -> None:
        for each in self.several:
            each.left(connection)

    async def hears(self, connection: Connection, message: Message) -> Message | None:
        for each in self.several:
            heard = await each.hears(connection, message)
            if heard is None:
                return None
            message = heard
        return message

    async def answered(self, connection: Connection, message: Message) -> None:
        for each in self.several:
            await each.answered(connection, message)

    def batch(self, frames: list[Frame]) -> list[Frame]:
        for each in self.several:
            frames = each.batch(frames)
        return frames

    def frames(self, connection: Connection, frame: Frame) -> list[Frame]:
        frames = [frame]
        for each in self.several:
            frames = [made for one in frames for made in each.frames(connection, one)]
        return frames

    async def pings(self, connection: Connection, payload: bytes) -> bool:
        for each in self.several:
            if await each.pings(connection, payload):
                return True
        return False

    async def failing(self, connection: Connection, code: int, why: str) -> tuple[int, str]:
        for each in self.several:
            code, why = await each.failing(connection, code, why)
        return code, why

    async def closing(self, connection: Connection, answer: Frame) -> Frame:
        for each in self.several:
            answer = await each.closing(connection, answer)
        return answer

    async def ends(self, connection: Connection) -> bool:
        for each in self.several:
            if await each.ends(connection):
                return True
        return False


NONE = Freedoms()


def refused(status: int, reason: str, *headers: tuple[str, str], body: bytes = b"") -> Response:
    """A refusal by policy, after which TCP is ended."""
    fields = (("Content-Length", str(len(body))), ("Connection", "close"))
    return Response(status, reason, (*headers, *fields), body)


def without(response: Response, *names: str) -> Response:
    """The response without these fields."""
    low = [name.lower() for name in names]
    kept = tuple(pair for pair in response.headers if pair[0].lower() not in low)
    return replace(response, headers=kept)
