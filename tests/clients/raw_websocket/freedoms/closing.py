"""How a right client may end a connection: RFC 6455, 5.5.1, 7.1 and 7.4."""

from __future__ import annotations

import asyncio

from sockproof.wire.websocket import Frame
from tests.clients.raw_websocket.compression import FailedError
from tests.clients.raw_websocket.receiving import PING, PONG
from tests.clients.raw_websocket.switching import Mixin, has


def answers(code: int | None, reason: bytes = b"") -> Mixin:
    """Answers a Close frame with a code of its own."""

    class Answers:
        def answer_close(self, given, why):
            self.send_close(code, reason)

    return Answers


def fails(code: int | None, reason: bytes = b"") -> Mixin:
    """Fails connections with this code."""

    class Fails:
        async def fail(self, failed):
            self.send_close(code, reason)
            await self.await_end()

    return Fails


class AnswersWithReason:
    """Sends the server's reason back, too."""

    def answer_close(self, code, reason):
        self.send_close(code, reason)


class AnswersCloseLate:
    """As soon as is practical for it."""

    async def closed(self, code, reason):
        await asyncio.sleep(0.2)
        await super().closed(code, reason)


def behind_close(kind: int) -> Mixin:
    """A control frame is sent behind its Close frame: 5.5.1 forbids data frames alone."""

    class Behind:
        def send_close(self, code, reason=b""):
            already = self.close_sent
            super().send_close(code, reason)
            if not already:
                self.write(Frame(kind, b"still here"))

    return Behind


class FailsSilently:
    """Ends TCP without a Close frame."""

    async def fail(self, failed):
        pass


class FailsByReset:
    async def fail(self, failed):
        self.reset()


class FailsAtOnce:
    """Says why, and ends TCP at once."""

    async def fail(self, failed):
        self.send_close(failed.code)
        await self.writer.drain()


class FailsSayingAndResets:
    async def fail(self, failed):
        self.send_close(failed.code)
        await self.writer.drain()
        self.reset()


class FailsHalfClosed:
    """Says why, ends its direction of TCP and awaits the server's."""

    async def fail(self, failed):
        self.send_close(failed.code)
        self.writer.write_eof()
        await self.await_end()


class FailsLate:
    """Takes a moment until it fails."""

    async def fail(self, failed):
        await asyncio.sleep(0.2)
        await super().fail(failed)


class ProtocolErrorForAll:
    """Fails with 1002 whatever the reason is, but for text and bounds."""

    async def fail(self, failed):
        await super().fail(FailedError(1002 if failed.code < 1009 else failed.code, "no"))


class ReadsOnAfterEnd:
    """When the server ended TCP without a Close frame it says one, and ends TCP too."""

    async def tcp_ended(self):
        self.send_close(1001)


class HalfClosesAfterClose:
    """Ends its direction of TCP behind its Close frame, and reads until the server's end."""

    async def await_end(self):
        await self.writer.drain()
        if self.writer.can_write_eof() and not self.writer.is_closing():
            self.writer.write_eof()
        await super().await_end()


class AcceptsOtherCodes:
    """Takes codes that are for later (7.4.2: 1000 to 2999), or of which nothing is said."""

    def check_close_code(self, code):
        if code not in range(1016, 3000) and code < 5000:
            super().check_close_code(code)


class AnswersReservedCodes:
    """Answers a code that nobody may send as it answers one of 1000."""

    def check_close_code(self, code):
        pass

    def answer_close(self, code, reason):
        known = code is None or code in range(1000, 1004) or code in range(1007, 1015)
        super().answer_close(code if known or code in range(3000, 5000) else 1000, reason)


FREEDOMS: dict[str, Mixin] = {
    "answers-close-with-1000": answers(1000),
    "answers-close-with-nothing": answers(None),
    "answers-close-with-1001-and-reason": answers(1001, "Schöne Grüße".encode()),
    "answers-close-with-3000": answers(3000),
    "answers-close-with-4999": answers(4999, b"r" * 123),
    "answers-close-with-the-reason": AnswersWithReason,
    "answers-close-late": AnswersCloseLate,
    "ping-behind-its-close": behind_close(PING),
    "pong-behind-its-close": behind_close(PONG),
    "fails-without-close": FailsSilently,
    "fails-with-a-reset": FailsByReset,
    "fails-and-ends-tcp-at-once": FailsAtOnce,
    "fails-and-resets": FailsSayingAndResets,
    "fails-and-half-closes": FailsHalfClosed,
    "fails-late": FailsLate,
    "fails-with-1002-always": ProtocolErrorForAll,
    "fails-with-nothing-in-close": fails(None),
    "fails-with-1000": fails(1000),
    "fails-with-1008": fails(1008, b"policy"),
    "fails-with-4000-and-reason": fails(4000, "不行".encode() * 20),
    "fails-with-1011": fails(1011),
    "says-close-when-tcp-has-ended": ReadsOnAfterEnd,
    "half-closes-after-close": HalfClosesAfterClose,
    "waits-longer-for-the-server": has(patience=2.5),
    "takes-codes-that-are-not-registered": AcceptsOtherCodes,
}
