"""An application that speaks unasked: RFC 6455, 4.2.2 (end) and 5.5.1 set it no bounds.

Nothing that it says answers anything: the echo of each message comes too.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import TYPE_CHECKING

from sockproof.wire.websocket import Frame, Opcode
from tests.servers.freedom import Freedom, Message

if TYPE_CHECKING:
    from tests.servers.websocket_connection import Connection


TEXT, BINARY = Opcode.TEXT, Opcode.BINARY
PUZZLING = ("sockproof", "hello", "Hello", "echo", "", "ping", "pong", "close", "after", "before")


def said(words: str) -> Message:
    return TEXT, words.encode()


class Greets(Freedom):
    """The first words are the application's."""

    def __init__(self, *messages: Message, after: float = 0.0) -> None:
        self.messages = messages
        self.after = after

    async def opened(self, connection) -> None:
        if self.after:
            connection.spawn(self._greet(connection))
        else:
            await self._greet(connection)

    async def _greet(self, connection) -> None:
        await asyncio.sleep(self.after)
        for message in self.messages:
            await connection.message(*message)


class GreetsInFragments(Freedom):
    """The greeting comes in three frames, with a Ping between them."""

    async def opened(self, connection) -> None:
        connection.send(Frame(TEXT, b"wel", fin=False))
        connection.send(Frame(Opcode.PING, b"are you there?"))
        connection.send(Frame(Opcode.CONT, b"", fin=False))
        connection.send(Frame(Opcode.CONT, b"come"))


class Ticks(Freedom):
    """Says something again and again, whatever else goes on."""

    def __init__(self, seconds: float, binary: bool = False) -> None:
        self.seconds = seconds
        self.binary = binary

    async def opened(self, connection) -> None:
        connection.spawn(self._tick(connection))

    async def _tick(self, connection) -> None:
        for number in itertools.count():
            await asyncio.sleep(self.seconds)
            tick = json.dumps({"type": "tick", "number": number}).encode()
            await connection.message(BINARY if self.binary else TEXT, tick)


class Gathers(Freedom):
    """Knows who is there; what it tells them is for those who come after it."""

    def __init__(self) -> None:
        self.present: list[Connection] = []
        self.numbers = itertools.count(1)

    async def opened(self, connection) -> None:
        connection.guest = next(self.numbers)
        self.present.append(connection)

    def left(self, connection) -> None:
        self.present.remove(connection)

    def tell(self, words: str, *but: object) -> None:
        """Without waiting for anybody who does not read."""
        for each in list(self.present):
            if each not in but and not each.writer.transport.is_closing():
                each.spawn(each.message(*said(words)))


class TellsOfOthers(Gathers):
    """All who are there hear of each who comes and of each who goes."""

    async def opened(self, connection) -> None:
        await super().opened(connection)
        self.tell(f"guest {connection.guest} has arrived", connection)

    def left(self, connection) -> None:
        super().left(connection)
        self.tell(f"guest {connection.guest} has left")


class TellsHowMany(Gathers):
    """Everybody hears how many there are, whenever that changes; who comes hears it first."""

    async def opened(self, connection) -> None:
        await super().opened(connection)
        self._tell()

    def left(self, connection) -> None:
        super().left(connection)
        self._tell()

    def _tell(self) -> None:
        self.tell(json.dumps({"event": "count", "data": len(self.present)}))


class Broadcasts(Gathers):
    """A chat room: what one says, all hear."""

    async def hears(self, connection, message: Message) -> Message | None:
        for each in list(self.present):
            if each is not connection and not each.writer.transport.is_closing():
                each.spawn(each.message(*message))
        return message


class Acknowledges(Freedom):
    """Each message is acknowledged by another, beside its echo."""

    def __init__(self, before: bool, binary: bool = False) -> None:
        self.before = before
        self.binary = binary

    async def hears(self, connection, message: Message) -> Message | None:
        if self.before:
            await self._acknowledge(connection, message)
        return message

    async def answered(self, connection, message: Message) -> None:
        if not self.before:
            await self._acknowledge(connection, message)

    async def _acknowledge(self, connection, message: Message) -> None:
        words = json.dumps({"ack": connection.message_count, "octets": len(message[1])}).encode()
        await connection.message(BINARY if self.binary else TEXT, words)


class SaysGoodbye(Freedom):
    """One more message comes before the Close frame that answers the client's."""

    async def closing(self, connection, answer: Frame) -> Frame:
        await connection.message(*said("goodbye"))
        return answer


class ExplainsFailures(Freedom):
    """A message says what was wrong before the Close frame that fails the connection."""

    async def failing(self, connection, code: int, why: str) -> tuple[int, str]:
        words = {"error": {"code": code, "message": why}}
        await connection.message(*said(json.dumps(words)))
        return code, why


SWITCHES = {
    "greets-once": lambda: Greets(said("welcome")),
    "greets-three-times": lambda: Greets(
        said("welcome"), (BINARY, b"\0\1\2 welcome"), said("you are number 7")
    ),
    "greets-in-json": lambda: Greets(said('{"type":"hello","session":"d41d8cd9","retry":3000}')),
    "greets-in-binary": lambda: Greets((BINARY, bytes(range(256)) * 2 + b"welcome")),
    "greets-without-a-word": lambda: Greets((TEXT, b""), (BINARY, b"")),
    "greets-at-length": lambda: Greets(said("welcome, " * 12_000)),
    "greets-with-what-others-say": lambda: Greets(*map(said, PUZZLING)),
    "greets-late": lambda: Greets(said("welcome at last"), after=0.05),
    "greets-very-late": lambda: Greets(said("welcome at last"), after=0.4),
    "greets-in-fragments": GreetsInFragments,
    "ticks": lambda: Ticks(0.02),
    "ticks-slowly": lambda: Ticks(0.3),
    "ticks-in-binary": lambda: Ticks(0.05, binary=True),
    "tells-of-arrivals-and-departures": TellsOfOthers,
    "tells-how-many-there-are": TellsHowMany,
    "broadcasts-what-it-hears": Broadcasts,
    "acknowledges-before-the-echo": lambda: Acknowledges(before=True),
    "acknowledges-behind-the-echo": lambda: Acknowledges(before=False),
    "acknowledges-in-binary": lambda: Acknowledges(before=False, binary=True),
    "says-goodbye": SaysGoodbye,
    "explains-failures": ExplainsFailures,
}
