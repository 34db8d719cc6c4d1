"""Messages, Pings and Pongs of which a client makes the wrong thing: RFC 6455, 5.4 to 5.6."""

from __future__ import annotations

from tests.clients.raw_websocket.compression import FailedError
from tests.clients.raw_websocket.receiving import BINARY, CONT, PING, PONG, TEXT
from tests.clients.raw_websocket.switching import Mixin


def refuses(excess, code: int = 1002) -> Mixin:
    """Refuses a header that is right."""

    class Refuses:
        def check_header(self, header):
            super().check_header(header)
            if excess(self, header):
                raise FailedError(code, "refused without cause")

    return Refuses


def messages(change) -> Mixin:
    """What comes of a whole message: opcode and payload, or None for nothing."""

    class Messages:
        async def message(self, opcode, payload):
            found = change(self, opcode, payload)
            if found is not None:
                await super().message(*found)

    return Messages


def pongs(change) -> Mixin:
    """The payload of the Pong; None for no Pong."""

    class Pongs:
        async def ping(self, payload):
            found = change(self, payload)
            if found is not None:
                self.send_frame(PONG, found)

    return Pongs


class ControlBreaksMessages:
    """A control frame inside a message makes an end of what had come of it."""

    async def control(self, header, payload):
        await super().control(header, payload)
        self.parts.clear()


class PingInsideEndsMessages:
    """A control frame inside a message takes its place."""

    async def control(self, header, payload):
        self.opcode = None
        await super().control(header, payload)


class ControlsWait:
    """A control frame inside a message is refused."""

    def check_header(self, header):
        super().check_header(header)
        if header.is_control and self.opcode is not None:
            raise FailedError(1002, "a control frame inside a message")


class OnlyFinalFragment:
    def frame_begins(self, header):
        super().frame_begins(header)
        self.parts.clear()


class FewFragments:
    """No more than 16 fragments."""

    count = 0

    def frame_begins(self, header):
        self.count = 0 if header.opcode != CONT else self.count + 1
        if self.count >= 16:
            raise FailedError(1008, "too many fragments")
        super().frame_begins(header)


class FragmentsAreForgotten:
    """What comes behind the thousandth fragment is lost."""

    count = 0

    def frame_begins(self, header):
        super().frame_begins(header)
        self.count = 0 if header.opcode != CONT else self.count + 1

    def take_piece(self, piece):
        if self.count < 1000:
            super().take_piece(piece)


class LosesWhatDoesNotFit:
    """A message is lost when the kernel takes no more for the first time."""

    full = False

    async def answer(self, opcode, payload):
        if self.full or self.writer.transport.get_write_buffer_size() == 0:
            await super().answer(opcode, payload)
        else:
            self.full = True

    async def message(self, opcode, payload):
        await self.answer(opcode, payload)  # without waiting for the kernel


class MebibyteWith1000:
    """Messages of more than 1 MiB are refused, and nothing says why."""

    def check_length(self, header):
        super().check_length(header)
        if header.length + len(self.parts) > 1 << 20:
            raise FailedError(1000, "")


class LosesLongOnes:
    """Of a message of more than 64 KiB an octet is lost."""

    async def message(self, opcode, payload):
        await super().message(opcode, payload[1:] if len(payload) > 65536 else payload)


class ReversesFragments:
    def frame_begins(self, header):
        super().frame_begins(header)
        self.before = bytes(self.parts)
        self.parts.clear()

    async def frame_ends(self, header):
        self.parts += self.before
        await super().frame_ends(header)


class AnswersOnlyTheFirstPing:
    done = False

    async def ping(self, payload):
        if not self.done:
            await super().ping(payload)
        self.done = True


class LatestPingTwice:
    """Answers each Ping with the payload of the first."""

    first: bytes | None = None

    async def ping(self, payload):
        self.first = payload if self.first is None else self.first
        await super().ping(self.first)


class AnswersPingTwice:
    async def ping(self, payload):
        await super().ping(payload)
        await super().ping(payload)


class AnswersPongs:
    async def pong(self, payload):
        self.send_frame(PONG, payload)


class UnaskedPongFails:
    async def pong(self, payload):
        raise FailedError(1002, "nobody has asked")


class AnswersPingsWithPings:
    async def ping(self, payload):
        self.send_frame(PING, payload)


class PongsAsMessages:
    async def ping(self, payload):
        self.send_message(BINARY, payload)


class PongsBehindTheMessage:
    """Pings are answered only when a message has come."""

    async def ping(self, payload):
        self.pings.append(payload)

    async def message(self, opcode, payload):
        await super().message(opcode, payload)
        for ping in self.pings:
            self.send_frame(PONG, ping)
        self.pings.clear()


class NoPongInsideMessages:
    async def ping(self, payload):
        if self.opcode is None:
            await super().ping(payload)


class PongsAreNotForTheApplication:
    """A Pong is taken for a message."""

    async def pong(self, payload):
        await self.message(BINARY, payload)


class PingsAreMessages:
    """A Ping is answered, and taken for a message."""

    async def ping(self, payload):
        await super().ping(payload)
        await self.message(BINARY, payload)


class DropsEmptyFragments:
    """An empty frame inside a message fails the connection."""

    def check_header(self, header):
        super().check_header(header)
        if header.opcode == CONT and not header.length:
            raise FailedError(1002, "an empty fragment")


class EmptyFinalFragmentIsLost:
    """A message whose last frame is empty never comes to its end."""

    async def frame_ends(self, header):
        if header.opcode != CONT or header.length:
            await super().frame_ends(header)


def _swapped(self, opcode, payload):
    return TEXT if opcode == BINARY else BINARY, payload


FAULTS: dict[str, Mixin] = {
    "control-frames-empty-messages": ControlBreaksMessages,
    "control-frames-end-messages": PingInsideEndsMessages,
    "refuses-controls-inside-messages": ControlsWait,
    "keeps-the-last-fragment-only": OnlyFinalFragment,
    "refuses-many-fragments": FewFragments,
    "forgets-fragments-beyond-1000": FragmentsAreForgotten,
    "loses-what-does-not-fit": LosesWhatDoesNotFit,
    "refuses-a-mebibyte-with-1000": MebibyteWith1000,
    "loses-an-octet-of-64-kib": LosesLongOnes,
    "reverses-fragments": ReversesFragments,
    "refuses-empty-fragments": DropsEmptyFragments,
    "loses-messages-with-empty-final-fragment": EmptyFinalFragmentIsLost,
    "refuses-fragments": refuses(lambda self, h: not h.is_control and not h.fin, 1003),
    "refuses-binary": refuses(lambda self, h: h.opcode == BINARY, 1003),
    "loses-empty-messages": messages(lambda s, o, p: (o, p) if p else None),
    "fills-empty-messages": messages(lambda s, o, p: (o, p or b"?")),
    "cuts-messages": messages(lambda s, o, p: (o, p[:-1] if len(p) > 1000 else p)),
    "swaps-types": messages(_swapped),
    "binary-comes-as-text": messages(lambda s, o, p: (TEXT, p)),
    "text-comes-as-binary": messages(lambda s, o, p: (BINARY, p)),
    "strips-nul-at-the-end": messages(lambda s, o, p: (o, p.rstrip(b"\0"))),
    "ends-text-at-nul": messages(lambda s, o, p: (o, p.split(b"\0")[0] if o == TEXT else p)),
    "strips-byte-order-mark": messages(
        lambda s, o, p: (o, p.removeprefix(b"\xef\xbb\xbf") if o == TEXT else p)
    ),
    "changes-line-ends": messages(
        lambda s, o, p: (o, p.replace(b"\r\n", b"\n") if o == TEXT else p)
    ),
    "does-not-answer-pings": pongs(lambda self, payload: None),
    "does-not-answer-empty-pings": pongs(lambda self, payload: payload or None),
    "answers-pings-with-nothing": pongs(lambda self, payload: b""),
    "answers-pings-with-other-payload": pongs(lambda self, payload: payload[::-1] + b"?"),
    "cuts-pongs-at-nul": pongs(lambda self, payload: payload.split(b"\0")[0]),
    "cuts-pongs-of-125": pongs(lambda self, payload: payload[:124]),
    "reads-pings-as-text": pongs(lambda s, p: p.decode("utf-8", "replace").encode()[:125]),
    "answers-first-ping-only": AnswersOnlyTheFirstPing,
    "answers-with-the-first-ping": LatestPingTwice,
    "answers-pings-with-pings": AnswersPingsWithPings,
    "answers-pings-with-messages": PongsAsMessages,
    "answers-pings-behind-the-message": PongsBehindTheMessage,
    "answers-no-pings-inside-messages": NoPongInsideMessages,
    "unasked-pong-fails": UnaskedPongFails,
    "pongs-come-as-messages": PongsAreNotForTheApplication,
    "pings-come-as-messages": PingsAreMessages,
}
