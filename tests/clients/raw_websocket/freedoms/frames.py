"""How a right client may send what it sends, and take what it takes: RFC 6455, 5."""

from __future__ import annotations

import asyncio
import itertools
import os

from sockproof.wire.websocket import Frame
from tests.clients.raw_websocket.compression import FailedError
from tests.clients.raw_websocket.receiving import CONT, PING, PONG, TEXT
from tests.clients.raw_websocket.switching import Mixin, skips


def pieces(cut) -> Mixin:
    """A message leaves in several frames; `cut` makes the pieces of a payload."""

    class Pieces:
        def frames(self, opcode, payload):
            found = super().frames(opcode, payload)
            if len(found) > 1:
                return found
            first, *others = cut(found[0].payload) or [b""]
            if not others:
                return found
            return [
                Frame(opcode, first, fin=False, rsv=found[0].rsv),
                *(Frame(CONT, each, fin=False) for each in others[:-1]),
                Frame(CONT, others[-1]),
            ]

    return Pieces


def every(size: int):
    return lambda payload: [payload[n : n + size] for n in range(0, len(payload), size)]


class PingsAtFirst:
    async def started(self):
        await super().started()
        self.send_frame(PING, b"own ping")


class PingsBetween:
    """Each answer has a Ping before it."""

    async def answer(self, opcode, payload):
        self.send_frame(PING, os.urandom(8))
        await super().answer(opcode, payload)


class PongsBetween:
    """Unasked Pongs, around each answer."""

    async def answer(self, opcode, payload):
        self.send_frame(PONG, b"")
        await super().answer(opcode, payload)
        self.send_frame(PONG, b"still here")


class PingsByTheClock:
    """A Ping each 50 ms, whatever happens."""

    beating: asyncio.Task[None] | None = None

    async def started(self):
        await super().started()
        self.beating = asyncio.create_task(self.beat())

    async def beat(self):
        for number in itertools.count():
            await asyncio.sleep(0.05)
            self.send_frame(PING, b"beat %d" % number)

    async def disconnect(self):
        if self.beating:
            self.beating.cancel()
        await super().disconnect()


class PingInsideFragments:
    """A Ping between the fragments of each answer."""

    def frames(self, opcode, payload):
        found = super().frames(opcode, payload)
        if len(found) > 1 or len(found[0].payload) < 2:
            return found
        octets, half = found[0].payload, len(found[0].payload) // 2
        return [
            Frame(opcode, octets[:half], fin=False, rsv=found[0].rsv),
            Frame(PING, b"inside"),
            Frame(CONT, octets[half:]),
        ]


class AnswersLatestPingOnly:
    """Of several Pings that came together it answers the last (5.5.3)."""

    waiting: bytes | None = None

    async def take(self, octets):
        await super().take(octets)
        self.pong_now()

    async def ping(self, payload):
        self.waiting = payload

    def pong_now(self):
        if self.waiting is not None:
            self.send_frame(PONG, self.waiting)
        self.waiting = None

    async def message(self, opcode, payload):
        self.pong_now()
        await super().message(opcode, payload)

    async def closed(self, code, reason):
        self.pong_now()
        await super().closed(code, reason)

    async def fail(self, failed):
        self.pong_now()
        await super().fail(failed)


class EachFrameASegment:
    """Each frame leaves by itself, and its header before its payload."""

    def put(self, octets):
        self.writer.write(octets[:1])
        super().put(octets[1:])

    async def answer(self, opcode, payload):
        await super().answer(opcode, payload)
        await asyncio.sleep(0)


class OctetByOctet:
    """What is short leaves an octet at a time."""

    def put(self, octets):
        if len(octets) > 200:
            super().put(octets)
            return
        for number in octets:
            self.writer.write(bytes([number]))


class AnswersSlowly:
    """Each answer takes a while, and so does each Pong."""

    async def answer(self, opcode, payload):
        await asyncio.sleep(0.02)
        await super().answer(opcode, payload)

    async def ping(self, payload):
        await asyncio.sleep(0.02)
        await super().ping(payload)


class ReadsSlowly:
    """Takes a few octets at a time from TCP."""

    async def connect(self):
        return await asyncio.open_connection(self.place.host, self.place.port, limit=4096)

    async def take(self, octets):
        for start in range(0, len(octets), 1000):
            await super().take(octets[start : start + 1000])
            await asyncio.sleep(0)


class LateText:
    """Judges text when the whole message has come."""

    def check_text(self, piece, last=False):
        if last:
            super().check_text(bytes(self.parts), last=True)


class LateTextByFrame:
    """Judges text at the end of each frame."""

    def check_text(self, piece, last=False):
        self.unjudged = getattr(self, "unjudged", b"") + piece

    async def frame_ends(self, header):
        if not self.compressed:
            self.judge(last=header.fin)
        await super().frame_ends(header)
        self.unjudged = b""

    def judge(self, last):
        whole, self.unjudged = getattr(self, "unjudged", b""), b""
        if self.opcode == TEXT:
            super().check_text(whole, last)

    async def message(self, opcode, payload):
        if self.compressed and opcode == TEXT:
            self.opcode = opcode
            self.judge(last=True)
            self.opcode = None
        await super().message(opcode, payload)


class SmallBound:
    """Takes no message beyond 1 MiB, and says so by 1009."""

    def check_length(self, header):
        super().check_length(header)
        if header.length + len(self.parts) > 1 << 20:
            raise FailedError(1009, "too big")


FREEDOMS: dict[str, Mixin] = {
    "pings-at-first": PingsAtFirst,
    "pings-before-each-answer": PingsBetween,
    "unasked-pongs-around-answers": PongsBetween,
    "pings-by-the-clock": PingsByTheClock,
    "pings-inside-its-fragments": PingInsideFragments,
    "answers-the-latest-ping-only": AnswersLatestPingOnly,
    "answers-in-two-fragments": pieces(lambda p: [p[: len(p) // 2], p[len(p) // 2 :]]),
    "answers-with-empty-first-fragment": pieces(lambda p: [b"", p]),
    "answers-with-empty-last-fragment": pieces(lambda p: [p, b""]),
    "answers-with-empty-fragments-between": pieces(lambda p: [p[:1], b"", b"", p[1:]]),
    "answers-in-fragments-of-an-octet": pieces(lambda p: every(max(1, len(p) // 64))(p)),
    "answers-in-fragments-of-1000": pieces(every(1000)),
    "answers-in-fragments-of-16-kib": pieces(every(16384)),
    "frames-in-several-segments": EachFrameASegment,
    "octet-by-octet": OctetByOctet,
    "answers-slowly": AnswersSlowly,
    "reads-slowly": ReadsSlowly,
    "judges-text-at-the-end": LateText,
    "judges-text-at-the-end-of-frames": LateTextByFrame,
    "takes-long-forms-of-lengths": skips("check_shortest"),
    "takes-no-more-than-1-mib": SmallBound,
}
