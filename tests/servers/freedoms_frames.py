"""How a right server puts what it says into frames, and frames into TCP: RFC 6455, 5.

Pings and Pongs that nobody asked for, fragments, segments, and delays.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from dataclasses import replace
from typing import Any

from sockproof.wire.websocket import Frame, Opcode, is_control
from tests.servers.freedom import Freedom

PING, PONG, CONT = Opcode.PING, Opcode.PONG, Opcode.CONT
PUZZLING = (  # payloads of Pongs that others send in their Pings
    *(b"", b"ping", b"Hello", b"once", b"between", b"inside", b"fence", b"H", b"0", b"\xff\0"),
    bytes(range(125)),
)


class Beats(Freedom):
    """Sends this control frame at once, and again and again."""

    def __init__(self, frame: Frame, seconds: float | None = None) -> None:
        self.frame = frame
        self.seconds = seconds

    async def opened(self, connection) -> None:
        connection.send(self.frame)
        if self.seconds is not None:
            connection.spawn(self._beat(connection, self.seconds))

    async def _beat(self, connection, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            connection.send(self.frame)
            with contextlib.suppress(ConnectionError):
                await connection.writer.drain()


class BeatsBesideAll(Freedom):
    """A control frame of its own goes before each frame that it sends."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    def frames(self, connection, frame: Frame) -> list[Frame]:
        return [self.frame, frame]


class PongsBesideAll(Freedom):
    """Pongs that answer nothing go before each frame and behind it, the Close frame too (5.5.1)."""

    def __init__(self, *payloads: bytes) -> None:
        self.payloads = itertools.cycle(payloads)

    def frames(self, connection, frame: Frame) -> list[Frame]:
        return [Frame(PONG, next(self.payloads)), frame, Frame(PONG, next(self.payloads))]


class RepeatsPongs(Freedom):
    """What it sends again and again as a heartbeat is a Pong with what the last Ping held."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.beats: dict[object, Beats] = {}

    async def opened(self, connection) -> None:
        self.beats[connection] = Beats(Frame(PONG), self.seconds)
        await self.beats[connection].opened(connection)

    def left(self, connection) -> None:
        self.beats.pop(connection, None)

    async def pings(self, connection, payload: bytes) -> bool:
        self.beats[connection].frame = Frame(PONG, payload)
        return False


class AnswersTheLastPing(Freedom):
    """Of Pings that are there together only the last is answered (5.5.3)."""

    def batch(self, frames: list[Frame]) -> list[Frame]:
        last = max((i for i, frame in enumerate(frames) if frame.opcode == PING), default=-1)
        right = [i for i, frame in enumerate(frames) if frame.opcode == PING and _is_right(frame)]
        passed = {i for i in right if i < last and last in right}
        return [frame for i, frame in enumerate(frames) if i not in passed]


def _is_right(frame: Frame) -> bool:
    return frame.masked and not frame.rsv and not frame.violations


class AnswersPingsLate(Freedom):
    """A Pong comes some time after its Ping; what was sent since may have its answer before."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.queues: dict[object, asyncio.Queue[Any]] = {}

    async def opened(self, connection) -> None:
        self.queues[connection] = asyncio.Queue()
        connection.spawn(self._work(connection, self.queues[connection]))

    def left(self, connection) -> None:
        self.queues.pop(connection, None)

    async def pings(self, connection, payload: bytes) -> bool:
        due = asyncio.get_running_loop().time() + self.seconds
        self.queues[connection].put_nowait((due, payload))
        return True

    async def _work(self, connection, queue: asyncio.Queue[Any]) -> None:
        while True:
            due, payload = await queue.get()
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            connection.send(Frame(PONG, payload))
            queue.task_done()

    async def closing(self, connection, answer: Frame) -> Frame:
        await self.queues[connection].join()
        return answer

    async def failing(self, connection, code: int, why: str) -> tuple[int, str]:
        await self.queues[connection].join()
        return code, why


class Fragments(Freedom):
    """Each message leaves in pieces of so many octets; others may go between them."""

    def __init__(
        self,
        octets: int | None = None,
        parts: int = 1,
        empty: bool = False,
        between: Frame | None = None,
    ) -> None:
        self.octets = octets
        self.parts = parts
        self.empty = empty
        self.between = between

    def frames(self, connection, frame: Frame) -> list[Frame]:
        if is_control(frame.opcode) or not frame.fin or frame.opcode == CONT:
            return [frame]
        whole = frame.payload
        size = self.octets or max(1, -(-len(whole) // self.parts))
        size = max(size, len(whole) // 2000)  # a message of a megabyte in two thousand will do
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)] or [b""]
        if self.empty:
            pieces = [b"", *pieces, b""]
        made: list[Frame] = []
        for number, piece in enumerate(pieces):
            last = number == len(pieces) - 1
            opcode, rsv = (frame.opcode, frame.rsv) if number == 0 else (CONT, 0)
            made.append(replace(frame, opcode=opcode, payload=piece, fin=last, rsv=rsv))
            if not last and self.between is not None:
                made.append(self.between)
        return made


class PacedWriter:
    """Octets leave through it some time after they were written, whole or in pieces."""

    def __init__(self, writer, seconds: float, piece: int | None = None) -> None:
        self._writer = writer
        self._seconds = seconds
        self._piece = piece
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        self._pump = asyncio.create_task(self._work())

    def __getattr__(self, name: str):
        return getattr(self._writer, name)

    def write(self, octets: bytes) -> None:
        due = asyncio.get_running_loop().time() + self._seconds
        self._queue.put_nowait((due, bytes(octets)))

    def write_eof(self) -> None:
        self._queue.put_nowait((0.0, None))

    def close(self) -> None:
        self._queue.put_nowait((0.0, self._writer.close))

    async def drain(self) -> None:
        await self._writer.drain()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError, OSError):
            while True:
                due, what = await self._queue.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                if what is None:
                    self._writer.write_eof()
                elif isinstance(what, bytes):
                    await self._write(what)
                else:
                    break
        self._writer.close()

    async def _write(self, octets: bytes) -> None:
        if self._piece is None:
            self._writer.write(octets)
            return
        size = max(self._piece, len(octets) // 20)
        for at in range(0, len(octets), size):
            self._writer.write(octets[at : at + size])
            await self._writer.drain()
            await asyncio.sleep(0)


class Paced(Freedom):
    """Everything leaves late, or in many TCP segments."""

    def __init__(self, seconds: float, piece: int | None = None) -> None:
        self.seconds = seconds
        self.piece = piece

    def line(self, writer):
        return PacedWriter(writer, self.seconds, self.piece)


SWITCHES = {
    "pings-at-once": lambda: Beats(Frame(PING)),
    "pings-often": lambda: Beats(Frame(PING, b"beat"), 0.015),
    "pings-with-125-octets": lambda: Beats(Frame(PING, bytes(range(125))), 0.2),
    "pings-before-each-frame": lambda: BeatsBesideAll(Frame(PING, b"\xff\0")),
    "pongs-unasked": lambda: Beats(Frame(PONG), 0.015),
    "pongs-unasked-with-words": lambda: Beats(Frame(PONG, b"alive"), 0.05),
    "pongs-before-each-frame": lambda: BeatsBesideAll(Frame(PONG, b"alive")),
    "pongs-round-each-frame": lambda: PongsBesideAll(b""),
    "pongs-round-each-frame-with-any-payload": lambda: PongsBesideAll(*PUZZLING),
    "pongs-repeat-the-last-ping": lambda: RepeatsPongs(0.005),
    "answers-the-last-ping": AnswersTheLastPing,
    "answers-pings-30-ms-late": lambda: AnswersPingsLate(0.03),
    "answers-pings-300-ms-late": lambda: AnswersPingsLate(0.3),
    "sends-in-three-fragments": lambda: Fragments(parts=3),
    "sends-in-fragments-of-one-octet": lambda: Fragments(octets=1),
    "sends-empty-fragments": lambda: Fragments(parts=1, empty=True),
    "sends-pings-between-fragments": lambda: Fragments(parts=3, between=Frame(PING, b"still?")),
    "sends-pongs-between-fragments": lambda: Fragments(
        parts=2, empty=True, between=Frame(PONG, b"still here")
    ),
    "sends-in-segments-of-one-octet": lambda: Paced(0.0, 1),
    "sends-in-segments-of-nine-octets": lambda: Paced(0.0, 9),
    "sends-100-ms-late": lambda: Paced(0.1),
    "sends-300-ms-late": lambda: Paced(0.3),
}
