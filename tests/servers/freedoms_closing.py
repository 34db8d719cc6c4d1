"""How a right server or its application ends a connection: RFC 6455, 5.5.1 and 7."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import replace
from urllib.parse import urlsplit

from sockproof.wire.websocket import Frame, Opcode, close_payload, parse_close
from tests.servers import tasks
from tests.servers.freedom import Freedom, Message

REASONS = (
    "Auf Wiedersehen, schöne Grüße",
    "さようなら",
    "до свидания",
    "مع السلامة",
    "👋🏽",
    "再見" * 20,
)
LONG = "r" * 123


class AnswersClose(Freedom):
    """Answers the client's Close frame with a code and a reason of its own."""

    def __init__(self, *reasons: str, code: int | None = -1) -> None:
        self.code = code
        self.reasons = itertools.cycle(reasons or ("",))

    async def closing(self, connection, answer: Frame) -> Frame:
        code = parse_close(answer.payload)[0] if self.code == -1 else self.code
        if code is None:
            return replace(answer, payload=b"")
        return replace(answer, payload=close_payload(code, next(self.reasons)))


class AnswersCloseLate(Freedom):
    """As soon as is practical for it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def closing(self, connection, answer: Frame) -> Frame:
        await asyncio.sleep(self.seconds)
        return answer


class FailsWith(Freedom):
    """The Close frame of a failure has this code, or these reasons, or is not sent at all."""

    def __init__(self, *reasons: str, code: int | None = None, cuts: bool = False) -> None:
        self.code = code
        self.reasons = itertools.cycle(reasons or (None,))
        self.cuts = cuts

    async def failing(self, connection, code: int, why: str) -> tuple[int, str]:
        if self.cuts:
            connection.close_sent = True  # so that none is sent
        reason = next(self.reasons)
        return self.code or code, why if reason is None else reason


class EndsTcpLate(Freedom):
    """TCP ends some time after the Close frames."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def ends(self, connection) -> bool:
        await asyncio.sleep(self.seconds)
        return False


class EndsTcpAtOnce(Freedom):
    """Both directions of TCP at once, without reading on."""

    async def ends(self, connection) -> bool:
        connection.writer.close()
        return True


class FailsAndWaits(Freedom):
    """Having failed a connection it waits for the client's Close frame, and then ends TCP."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.failed: set[object] = set()

    async def failing(self, connection, code: int, why: str) -> tuple[int, str]:
        self.failed.add(connection)
        return code, why

    async def ends(self, connection) -> bool:
        if connection in self.failed:
            self.failed.remove(connection)
            with_close = bytes([0x80 | Opcode.CLOSE])
            try:
                async with asyncio.timeout(self.seconds):
                    while data := await connection.reader.read(65536):
                        if with_close in data:
                            break
            except TimeoutError:
                pass
        return False


class ClosesIdle(Freedom):
    """A connection from which nothing has come for a while is closed."""

    def __init__(self, seconds: float, code: int | None, reason: str = "") -> None:
        self.seconds = seconds
        self.code = code
        self.reason = reason
        self.heard: dict[object, float] = {}

    async def opened(self, connection) -> None:
        self.heard[connection] = time.monotonic()
        connection.spawn(self._watch(connection))

    def left(self, connection) -> None:
        self.heard.pop(connection, None)

    def _is_heard(self, connection) -> None:
        self.heard[connection] = time.monotonic()

    async def hears(self, connection, message: Message) -> Message | None:
        self._is_heard(connection)
        return message

    async def pings(self, connection, payload: bytes) -> bool:
        self._is_heard(connection)
        return False

    async def _watch(self, connection) -> None:
        left, pending = self.seconds, 0
        while left > 0:
            await asyncio.sleep(left)
            if pending != connection.parser.pending:  # octets of a frame have come
                pending = connection.parser.pending
                self._is_heard(connection)
            left = self.heard[connection] + self.seconds - time.monotonic()
        connection.close(self.code, self.reason)


class ClosesOld(Freedom):
    """No connection lasts longer than this."""

    def __init__(self, seconds: float, code: int, reason: str = "") -> None:
        self.seconds = seconds
        self.code = code
        self.reason = reason

    async def opened(self, connection) -> None:
        connection.spawn(self._end(connection))

    async def _end(self, connection) -> None:
        await asyncio.sleep(self.seconds)
        connection.close(self.code, self.reason)


class ClosesUnknownPaths(Freedom):
    """Any path is upgraded, and but for one closed at once with a code of its own."""

    contract = False

    def __init__(self, code: int, *paths: str) -> None:
        self.code = code
        self.paths = paths

    async def opened(self, connection) -> None:
        if urlsplit(connection.request.target).path not in self.paths:
            connection.close(self.code, "no such resource")


class ClosesStrangers(Freedom):
    """Who does not bring the token is let in and closed at once."""

    def __init__(self, code: int, token: str) -> None:
        self.code = code
        self.token = token

    async def opened(self, connection) -> None:
        if f"token={self.token}" not in connection.request.target:
            connection.close(self.code, "Unauthorized")


class RefusesCodes(Freedom):
    """Codes that nobody has defined are a protocol error to it, or all the same to it."""

    async def closing(self, connection, answer: Frame) -> Frame:
        code, _ = parse_close(answer.payload)
        if code is not None and 1015 < code < 3000:
            return replace(answer, payload=close_payload(1002, "no such code"))
        return answer


class ResetsSlowReaders(Freedom):
    """Who takes nothing for a while is cut off, in the middle of whatever is under way."""

    async def opened(self, connection) -> None:
        connection.spawn(self._watch(connection))

    async def _watch(self, connection) -> None:
        transport, left, still = connection.writer.transport, 0, 0
        while still < 8:
            await asyncio.sleep(0.03)
            before, left = left, transport.get_write_buffer_size()
            still = still + 1 if left and left == before else 0
        tasks.reset(connection.writer)


class ResetsAtAClose(Freedom):
    """Who is sent messages and closes is cut off by a reset, as by a server that reads no more."""

    async def closing(self, connection, answer: Frame) -> Frame:
        if connection.request.target.startswith("/push"):
            tasks.reset(connection.writer)
        return answer


SWITCHES = {
    "resets-slow-readers": ResetsSlowReaders,
    "resets-who-closes-amid-messages": ResetsAtAClose,
    "answers-close-with-1000": lambda: AnswersClose(code=1000),
    "answers-close-with-1001": lambda: AnswersClose(code=1001),
    "answers-close-without-a-body": lambda: AnswersClose(code=None),
    "answers-close-with-a-reason": lambda: AnswersClose("bye"),
    "answers-close-in-many-languages": lambda: AnswersClose(*REASONS),
    "answers-close-at-length": lambda: AnswersClose(LONG, code=1000),
    "answers-close-30-ms-late": lambda: AnswersCloseLate(0.03),
    "answers-close-300-ms-late": lambda: AnswersCloseLate(0.3),
    "fails-without-a-reason": lambda: FailsWith(""),
    "fails-in-many-languages": lambda: FailsWith(*REASONS),
    "fails-at-length": lambda: FailsWith(LONG),
    "fails-with-1002-alone": lambda: FailsWith(code=1002),
    "fails-without-a-close-frame": lambda: FailsWith(cuts=True),
    "fails-and-waits-for-the-answer": lambda: FailsAndWaits(2.0),
    "ends-tcp-200-ms-late": lambda: EndsTcpLate(0.2),
    "ends-tcp-both-ways-at-once": EndsTcpAtOnce,
    "closes-idle-connections-with-1001": lambda: ClosesIdle(2.5, 1001, "idle"),
    "closes-idle-connections-with-1000": lambda: ClosesIdle(2.5, 1000),
    "closes-idle-connections-without-a-code": lambda: ClosesIdle(2.5, None),
    "closes-old-connections": lambda: ClosesOld(3.0, 1001, "going away"),
    "closes-unknown-paths-with-4404": lambda: ClosesUnknownPaths(4404, "/"),
    "closes-unknown-paths-with-1008": lambda: ClosesUnknownPaths(1008, "/chat"),
    "closes-strangers-with-4401": lambda: ClosesStrangers(4401, "0f3a"),
    "refuses-undefined-codes": RefusesCodes,
}
