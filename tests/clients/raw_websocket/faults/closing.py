"""How a client must not end a connection: RFC 6455, 5.5.1 and 7."""

from __future__ import annotations

import asyncio
import contextlib

from sockproof.wire.websocket import Frame
from tests.clients.raw_websocket.compression import FailedError
from tests.clients.raw_websocket.receiving import CLOSE, TEXT
from tests.clients.raw_websocket.switching import HANG, Mixin, skips


def excuses(name: str, excuse) -> Mixin:
    """Leaves a check of a Close frame out where the excuse holds."""

    def check(self, what):
        if not excuse(what):
            getattr(super(made, self), name)(what)

    made = type("Excuses", (), {name: check})
    return made


class HalfACodeIsNone:
    """A Close frame of one octet is taken for one without a code."""

    def read_close(self, payload):
        return super().read_close(payload if len(payload) > 1 else b"")


def answers(make) -> Mixin:
    """Another payload of the Close frame that answers one; it is given the code."""

    class Answers:
        def answer_close(self, code, reason):
            if not self.close_sent:
                self.write(Frame(CLOSE, make(code, reason)))
                self.close_sent = True

    return Answers


def fails_with(payload) -> Mixin:
    """Another payload of the Close frame of a failure."""

    class Fails:
        async def fail(self, failed):
            if not self.close_sent:
                self.write(Frame(CLOSE, payload(failed)))
                self.close_sent = True
            await self.await_end()

    return Fails


def _code(number: int, reason: bytes = b"") -> bytes:
    return number.to_bytes(2, "big") + reason


class NoAnswer:
    """A Close frame is not answered; TCP ends."""

    def answer_close(self, code, reason):
        pass

    async def await_end(self):
        pass


class NoAnswerAndWaits:
    """A Close frame is not answered, and TCP stays open."""

    patience = HANG

    def answer_close(self, code, reason):
        pass


class AnswersTwice:
    def answer_close(self, code, reason):
        super().answer_close(code, reason)
        self.close_sent = False
        super().answer_close(code, reason)


class PassesOverClose:
    """A Close frame is taken for nothing."""

    async def closed(self, code, reason):
        pass


class AnswersAndReadsOn:
    """Answers a Close frame, and then messages too."""

    async def closed(self, code, reason):
        self.answer_close(code, reason)
        self.close_sent = False


class EchoesBehindClose:
    """What comes behind the server's Close is looked at, and answered before the Close is."""

    async def closed(self, code, reason):
        self.pending = code, reason
        if self.buffer:
            return
        await super().closed(code, reason)

    async def take(self, octets):
        await super().take(octets)
        if hasattr(self, "pending") and not self.close_received:
            await super().closed(*self.pending)


class NeverEnds:
    """Keeps TCP open as long as the server does: for longer than anybody waits."""

    patience = 20


class NeverEndsAfterClose:
    """Both Close frames have passed, and TCP stays open although the server ends it."""

    async def await_end(self):
        if self.close_received:
            await asyncio.sleep(HANG)
        await super().await_end()


class HalfOpenAfterEnd:
    """The server has ended TCP, and the client does not end it."""

    async def tcp_ended(self):
        await asyncio.sleep(HANG)


class SendsBehindClose:
    """A message is sent behind the Close frame."""

    def send_close(self, code, reason=b""):
        already = self.close_sent
        super().send_close(code, reason)
        if not already:
            self.write(Frame(TEXT, b"one thing more"))


class SendsBehindAnswer:
    """A message is sent behind the Close frame that answers one."""

    def answer_close(self, code, reason):
        super().answer_close(code, reason)
        self.write(Frame(TEXT, b"one thing more"))


class EndsFirst:
    """Ends TCP as soon as it has answered a Close frame, before the server does."""

    async def await_end(self):
        if not self.close_received:
            await super().await_end()


class ResetsFirst:
    """Ends TCP with a RST as soon as it has answered a Close frame."""

    async def await_end(self):
        if self.close_received:
            await self.writer.drain()
            self.reset()


class GoesOn:
    """A failure is noted, and the connection goes on."""

    async def converse(self):
        with contextlib.suppress(OSError):
            await super().converse()

    async def fail(self, failed):
        self.pass_over()
        await self._go_on()

    async def _go_on(self):
        try:
            await self.take(b"")
            await self.listen()
        except FailedError:
            await self._go_on()


class DiesByImpatience:
    """A frame of which nothing more comes within 0.2 s is given up, and TCP with it."""

    async def listen(self):
        while not self.close_received:
            began = self.header is not None or self.buffer
            async with asyncio.timeout(0.2 if began else None):
                octets = await self.reader.read(65536)
            if not octets:
                await self.tcp_ended()
                return
            await self.take(octets)
        await self.await_end()


class HangsAfterFailing:
    """A failure is noted; nothing is said and TCP stays open."""

    async def fail(self, failed):
        self.patience = HANG
        await self.await_end()


class FailsAndStays:
    """A Close frame says that the connection has failed, and TCP stays open whatever comes."""

    async def fail(self, failed):
        self.send_close(failed.code)
        await asyncio.sleep(HANG)


class FailsAndAnswers:
    """Behind its Close frame of a failure it answers Pings and messages."""

    async def fail(self, failed):
        self.send_close(failed.code)
        self.close_sent = False
        self.pass_over()
        self.opcode = None
        with contextlib.suppress(Exception):
            await self.take(b"")
            await self.listen()


class FailsAtTheEnd:
    """A failure is said only when the server closes."""

    async def fail(self, failed):
        while octets := await self.reader.read(65536):
            if octets[0] == 0x88:
                break
        await super().fail(failed)


def _reason_too_long(failed) -> bytes:
    return _code(failed.code, b"x" * 130)


FAULTS: dict[str, Mixin] = {
    "does-not-answer-close": NoAnswer,
    "does-not-answer-close-and-stays": NoAnswerAndWaits,
    "answers-close-twice": AnswersTwice,
    "passes-over-close": PassesOverClose,
    "reads-on-after-close": AnswersAndReadsOn,
    "echoes-what-is-behind-close": EchoesBehindClose,
    "never-ends-tcp": NeverEnds,
    "never-ends-tcp-after-close": NeverEndsAfterClose,
    "never-ends-tcp-after-its-end": HalfOpenAfterEnd,
    "message-behind-its-close": SendsBehindClose,
    "message-behind-its-answer": SendsBehindAnswer,
    "ends-tcp-before-the-server": EndsFirst,
    "resets-tcp-behind-close": ResetsFirst,
    "goes-on-after-failures": GoesOn,
    "gives-up-frames-that-stall": DiesByImpatience,
    "hangs-after-failures": HangsAfterFailing,
    "says-failure-and-stays": FailsAndStays,
    "says-failure-and-answers": FailsAndAnswers,
    "says-failure-at-the-end": FailsAtTheEnd,
    "answers-empty-close-with-1005": answers(lambda code, reason: _code(code or 1005)),
    "answers-empty-close-with-0": answers(lambda code, reason: _code(code or 0)),
    "answers-empty-close-with-1006": answers(lambda code, reason: _code(code or 1006)),
    "answers-close-with-1006": answers(lambda code, reason: _code(1006)),
    "answers-close-with-999": answers(lambda code, reason: _code(999)),
    "answers-close-with-5000": answers(lambda code, reason: _code(5000)),
    "answers-close-with-one-octet": answers(lambda code, reason: b"\x03"),
    "answers-close-with-code-turned-round": answers(
        lambda code, reason: (code or 1000).to_bytes(2, "little")
    ),
    "answers-close-with-invalid-reason": answers(lambda c, r: _code(c or 1000, b"\xff\xfe")),
    "answers-close-with-long-reason": answers(lambda c, r: _code(c or 1000, b"x" * 124)),
    "answers-close-with-text": answers(lambda code, reason: b"1000"),
    "answers-close-with-server-reason-cut": answers(
        lambda code, reason: _code(code or 1000, reason[: len(reason) // 2 + 1])
    ),
    "fails-with-1006": fails_with(lambda failed: _code(1006)),
    "fails-with-1005": fails_with(lambda failed: _code(1005)),
    "fails-with-1015": fails_with(lambda failed: _code(1015)),
    "fails-with-1": fails_with(lambda failed: _code(1)),
    "fails-with-one-octet": fails_with(lambda failed: b"\x03"),
    "fails-with-long-reason": fails_with(_reason_too_long),
    "fails-with-invalid-reason": fails_with(lambda failed: _code(failed.code, b"\xff")),
    "takes-close-of-one-octet": HalfACodeIsNone,
    "takes-any-close-code": skips("check_close_code"),
    "takes-close-0-to-999": excuses("check_close_code", lambda code: code < 1000),
    "takes-close-1004": excuses("check_close_code", lambda code: code == 1004),
    "takes-close-1005": excuses("check_close_code", lambda code: code == 1005),
    "takes-close-1006": excuses("check_close_code", lambda code: code == 1006),
    "takes-close-1015": excuses("check_close_code", lambda code: code == 1015),
    "takes-close-reason-that-is-no-text": skips("check_close_reason"),
}


def refuses_close(wrong) -> Mixin:
    """Refuses a Close frame that is right."""

    class Refuses:
        async def closed(self, code, reason):
            if wrong(code, reason):
                raise FailedError(1002, "refused without cause")
            await super().closed(code, reason)

    return Refuses


FAULTS |= {
    "refuses-close-3000-to-4999": refuses_close(lambda code, reason: code and code >= 3000),
    "refuses-close-without-code": refuses_close(lambda code, reason: code is None),
    "refuses-close-with-reason": refuses_close(lambda code, reason: bool(reason)),
    "refuses-close-1007-to-1011": refuses_close(lambda code, reason: code in range(1007, 1012)),
    "refuses-close-1012-to-1014": refuses_close(lambda code, reason: code in range(1012, 1015)),
    "refuses-close-reason-of-123": refuses_close(lambda code, reason: len(reason) == 123),
    "refuses-close-reason-not-ascii": refuses_close(lambda code, reason: not reason.isascii()),
}
