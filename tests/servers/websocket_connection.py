"""One open connection of the correct WebSocket server: RFC 6455, 5.5 and 7, and the contract.

Which frames and messages it takes stands in `websocket_receiver.py`.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from sockproof.conformance.peers.upgrade_response import agreed_deflate
from sockproof.wire import WireError
from sockproof.wire.deflate import Compressor
from sockproof.wire.websocket import (
    RSV1,
    Frame,
    FrameError,
    FrameParser,
    Opcode,
    close_payload,
    may_be_sent_in_close,
    parse_close,
)
from tests.servers import careless, framing_faults, kept_state, neighbours, overhearing
from tests.servers.freedom import NONE, Freedoms
from tests.servers.limits import MAX_PINGS, frame_bound, spoilt_answer
from tests.servers.tasks import end, linger, reset
from tests.servers.utf8_faults import is_utf8
from tests.servers.websocket_deflate import MessageCodec, agreed_if_read
from tests.servers.websocket_receiver import BINARY, CONT, TEXT, Failed, Receiver

SPOILT_LENGTHS = (1, 125, 126, 127, 128, 16384, 32768, 65535, 65536, 131_071, 1_200_000)


class Connection(Receiver):
    latest: Connection | None = None  # the one that was opened last; only a fault asks

    def __init__(
        self, fault, reader, writer, request, response, rest, freedoms: Freedoms = NONE
    ) -> None:
        agreed = agreed_deflate(response) if fault is None else agreed_if_read(response)
        codec = None if agreed is None else MessageCodec(agreed, fault, freedoms)
        super().__init__(fault, codec, freedoms.bound())
        self.freedoms = freedoms
        self.tasks: set[asyncio.Task[None]] = set()  # of freedoms that speak by the clock
        self.reader = reader
        self.writer = writer
        self.next: Connection | None = None
        if Connection.latest is not None:
            Connection.latest.next = self
        Connection.latest = self
        self.request = request
        self.rest = rest
        self.parser = FrameParser(freedoms.bound() or frame_bound(fault))
        self.close_sent = False
        self.close_received = False
        self.pings: list[bytes] = []
        self.deaf = False
        self.message_count = 0
        self.ping_count = self.pong_count = 0
        self.kept = b""
        self.close_passed_over = False
        self.masks_close = False

    # Writing.

    def send(self, frame: Frame) -> None:
        if self.close_sent:
            return
        self.close_sent = self.close_sent or frame.opcode == Opcode.CLOSE
        for each in self.freedoms.frames(self, self._spoilt(frame)):
            octets = framing_faults.written(self.fault, each)
            self.writer.write(careless.waiting(self.fault, each, octets, self.writer))

    def _spoilt(self, frame: Frame) -> Frame:
        length = len(frame.payload)
        match self.fault:
            case "long-forms-of-lengths" if length in (1, 125):
                return replace(frame, length_octets=2)
            case "long-forms-of-lengths" if length in (126, 127, 65535):
                return replace(frame, length_octets=8)
            case "masks-its-text" if frame.payload == b"unmasked, please":
                return replace(frame, mask_key=b"mask")
            case "masks-its-pongs" if frame.payload == b"unmasked, please, ping":
                return replace(frame, mask_key=b"mask")
            case "masks-its-close" if frame.opcode == Opcode.CLOSE and self.masks_close:
                return replace(frame, mask_key=b"mask")
        return frame

    async def message(self, opcode: int, payload: bytes) -> None:
        if self.codec is not None and self.freedoms.compresses(payload):
            frame = Frame(opcode, self.codec.deflate(payload), rsv=RSV1)
            if self.fault == "compressed-without-rsv1" and payload == b"short":
                frame = replace(frame, rsv=0)
            if self.fault == "swaps-compressed-types" and payload == b"of this type":
                frame = replace(frame, opcode=BINARY if opcode == TEXT else TEXT)
            if self.fault == "sends-rsv1-on-continuations" and len(payload) == 5000:
                self.send(replace(frame, payload=frame.payload[:9], fin=False))
                frame = Frame(CONT, frame.payload[9:], rsv=RSV1)
        else:
            frame = Frame(opcode, payload)
        if self.fault == "swaps-types" and payload == b"type":
            frame = replace(frame, opcode=BINARY if opcode == TEXT else TEXT)
        self.send(frame)
        overhearing.echoed(self, opcode, payload)
        if self.fault != "keeps-echoes-without-bound":
            await self.writer.drain()

    def close(self, code: int | None, reason: str = "") -> None:
        self.send(Frame(Opcode.CLOSE, b"" if code is None else close_payload(code, reason)))

    # The life of a connection.

    def spawn(self, work) -> None:
        """Have something done beside this connection, for as long as it lasts."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def run(self) -> None:
        try:
            overhearing.arrived(self)
            await self.freedoms.opened(self)
            await self._live()
        finally:
            overhearing.left(self)
            self.freedoms.left(self)
            if self.tasks:
                await end(self.tasks)

    async def _live(self) -> None:
        url = urlsplit(self.request.target if self.freedoms.contract else "/")
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if url.path == "/push":
            await self._push(int(query.get("count", 1)), int(query.get("size", 8)))
        elif url.path == "/close":
            await self._start_closing(int(query.get("code", 1000)), query.get("reason", ""))
        self.headers = url.path == "/headers"
        try:
            await self._feed(self.rest)
            while not self.close_received:
                data = await self.reader.read(65536)
                if not data:
                    self._lost()
                    if self.fault == "keeps-tcp-open-after-eof":
                        await asyncio.sleep(30)
                    return
                await self._feed(data)
                if self.fault == "forgets-frames-cut-short" and 0 < self.parser.pending < 12:
                    self.parser = FrameParser(frame_bound(self.fault))
        except Failed as failed:
            await self._fail(failed.code, str(failed))
            return
        except ConnectionError:
            self._lost()
            raise
        if self.fault == "keeps-tcp-open-after-close":
            await asyncio.sleep(30)
        if self.fault == "ends-tcp-late":
            await asyncio.sleep(2.5)
        if self.fault == "ends-tcp-by-reset":
            await self._reset()
        await self._end()

    async def _fail(self, code: int, why: str) -> None:
        if self.fault in ("fails-with-1010", "fails-with-1011"):
            code = int(self.fault[-4:])
        if self.fault == "deaf-after-too-many-fragments" and why == "too many fragments":
            neighbours.deafen(self.writer)
        if self.fault == "fails-text-with-1003" and code == 1007:
            code = 1003
        code, why = await self.freedoms.failing(self, code, why)
        if self.fault != "fails-without-close":
            self.close(code, why)
        await self.writer.drain()
        if self.fault == "keeps-tcp-open-after-failing":
            await asyncio.sleep(30)
        await self._end()

    async def _end(self) -> None:
        if not await self.freedoms.ends(self):
            await linger(self.reader, self.writer)

    def _lost(self) -> None:
        """TCP ended without a closing handshake."""
        neighbour = self.next
        if self.fault == "one-lost-connection-ends-others" and neighbour is not None:
            neighbour.writer.close()

    async def _reset(self) -> None:
        await self.writer.drain()
        await asyncio.sleep(0.05)  # the Close frame is to arrive before the RST
        reset(self.writer)

    async def _push(self, count: int, size: int) -> None:
        for number in range(count):
            index = number + 1 if self.fault == "pushes-count-from-one" else number
            await self.message(BINARY, index.to_bytes(8, "big")[:size].ljust(size, b"\0"))

    async def _start_closing(self, code: int, reason: str) -> None:
        if self.fault == "starts-closing-with-another-code":
            code = 1001
        if self.fault == "starts-closing-without-a-close-frame":
            self.writer.close()
            return
        self.close(
            code, "another" if self.fault == "starts-closing-with-another-reason" else reason
        )
        if self.fault == "starts-closing-and-does-not-wait":
            self.writer.close()

    async def _feed(self, data: bytes) -> None:
        data = framing_faults.arrived(self.fault, data, self.parser.pending)
        if self.fault == "waits-for-the-longest-frame" and data[2:10] == b"\xff" * 8:
            await asyncio.sleep(30)
        if self.fault == "reads-http-after-the-handshake" and data.startswith(b"GET "):
            self.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            return
        try:
            frames = self.parser.feed(data)
        except FrameError as error:
            for frame in error.frames:
                await self._frame(frame)
            raise Failed(1009 if "announces" in str(error) else 1002, str(error)) from error
        if self.fault == "forgets-what-is-behind-a-frame" and frames and self.parser.pending:
            self.parser = FrameParser(frame_bound(self.fault))
        for frame in self.freedoms.batch(framing_faults.batch(self.fault, frames)):
            try:
                await self._frame(frame)
            except Failed as failed:
                if self.fault != "goes-on-after-failing":
                    raise
                self.close(failed.code)
                self.close_sent = False
            if self.close_received and self.fault != "closes-before-it-answers":
                return
        self.close_received = self.close_received or self.close_passed_over

    async def _frame(self, frame: Frame) -> None:
        self.check(frame)
        self.close_received |= self.close_sent and self.fault == "takes-any-frame-for-an-answer"
        if self.fault == "keeps-fragments-without-bound" and len(self.parts) == 20_000:
            neighbours.deafen(self.writer)
        frame = framing_faults.unmasked(self.fault, frame)
        if self.fault == "loses-zero-mask-key" and frame.mask_key == b"\0\0\0\0":
            return
        match frame.opcode:
            case Opcode.PING:
                await self._ping(frame)
            case Opcode.PONG:
                self.pong_count += 1
                if self.fault == "answers-pongs":
                    self.send(Frame(Opcode.PONG, frame.payload))
                if self.fault == "ends-tcp-at-an-empty-pong" and not frame.payload:
                    self.writer.transport.abort()
                if self.fault == "loses-messages-with-a-pong-inside":
                    self.first = None
                self.swallow = not frame.fin
            case Opcode.CLOSE:
                await self._close_frame(frame)
            case Opcode.CONT | Opcode.TEXT | Opcode.BINARY:
                await self.data(frame)

    async def _ping(self, frame: Frame) -> None:
        payload = frame.payload
        if self.fault == "a-ping-empties-the-window" and self.codec is not None:
            self.codec.forget()
        if await self.freedoms.pings(self, payload):
            return
        if self.first is not None and self.fault == "loses-pings-inside-messages":
            return
        if self.first is not None and self.fault == "answers-pings-behind-the-message":
            self.pings.append(payload)
            return
        self.ping_count += 1
        if self.fault == "dies-in-a-flood" and self.ping_count == 1500:
            raise Failed(1008, "too many Pings")
        if self.fault == "counts-pings-in-an-octet" and self.ping_count % 256 == 0:
            return
        if self.fault == "closes-for-pings" and payload == b"a reason to close?":
            raise Failed(4000, "no Pings, please")
        if self.fault == "answers-pings-late" and payload == b"soon":
            await asyncio.sleep(1.2)
        if self.fault == "answers-a-payload-once" and payload == b"the same":
            if payload in self.pings:
                return
            self.pings.append(payload)
        if self.fault == "answers-pings-twice":
            self.send(Frame(Opcode.PONG, payload))
        if self.fault == "spoils-pongs" and len(payload) in (1, 13, 124, 125):
            payload = payload[:-1] + b"?"
        if self.fault == "fills-empty-pongs" and not payload:
            payload = b"?"
        if self.fault == "demands-text-in-pings" and not is_utf8(payload):
            raise Failed(1007, "a Ping that is not text")
        if self.fault == "repeats-the-first-pong" and payload.startswith(b"payload-"):
            self.pings.append(payload)
            payload = self.pings[0]
        if self.fault == "compresses-pongs" and self.codec and payload == b"plain octets":
            payload = Compressor().compress(payload)
        self.deaf = self.fault == "forgets-messages-behind-a-ping" and payload == b"between"
        if self.fault == "refuses-many-pings" and payload == b"ping %d" % (MAX_PINGS - 1):
            raise Failed(1008, "too many Pings")
        if self.fault == "deaf-after-many-pings" and payload == b"ping %d" % MAX_PINGS:
            neighbours.deafen(self.writer)
        self.send(Frame(Opcode.PONG, payload))
        if self.fault != "keeps-pongs-without-bound":
            await self.writer.drain()

    async def answer(self, opcode: int, payload: bytes) -> None:
        if kept_state.is_deaf(self):
            return
        if self.headers:
            self.headers = False
            fields = {name.lower(): value for name, value in self.request.headers}
            if self.fault == "hides-cookies":
                fields.pop("cookie", None)
            if self.fault == "hides-header-fields":
                fields = {name: value for name, value in fields.items() if name in ("host",)}
            if self.fault == "folded-field-cut" and "x-odd" in fields:
                fields["x-odd"] = fields["x-odd"].split()[0]
            payload, opcode = json.dumps(fields).encode(), TEXT
        elif (heard := await self.freedoms.hears(self, (opcode, payload))) is None:
            return
        else:
            opcode, payload = heard
        if self.fault == "spoils-certain-lengths" and len(payload) in SPOILT_LENGTHS:
            payload = payload[:-1] + (b"?" if payload[-1:] != b"?" else b"!")
        if self.fault == "fills-empty-messages" and not payload:
            payload = b"?"
        payload = framing_faults.answered(self.fault, opcode, payload)
        payload = careless.echoed(self.fault, opcode, payload)
        through, opcode, payload = kept_state.answer(self, opcode, payload)
        if self.fault == "answers-pings-behind-the-message":
            for ping in self.pings:
                self.send(Frame(Opcode.PONG, ping))
            self.pings.clear()
        if self.fault == "reads-binary-as-text" and opcode == BINARY and not is_utf8(payload):
            raise Failed(1007, "no text")
        if self.fault == "first-message-lost" and payload == b"the very first":
            return
        if self.fault == "joins-messages" and payload == b"second of two":
            payload = b"first of twosecond of two"
        if self.deaf and payload == b"after":
            payload = b"between"
        self.message_count += 1
        payload = spoilt_answer(self.fault, self.message_count, payload)
        if self.fault == "swaps-two-messages" and payload == b"number 30 of them":
            return
        await through.message(opcode, payload)
        if self.fault == "swaps-two-messages" and payload == b"number 31 of them":
            await self.message(opcode, b"number 30 of them")
        await self.freedoms.answered(self, (opcode, payload))

    async def _close_frame(self, frame: Frame) -> None:
        try:
            code, reason = parse_close(frame.payload)
        except WireError as error:
            one = len(frame.payload) == 1
            excuse = "accepts-close-of-one-octet" if one else "accepts-close-reasons-not-utf8"
            if self.fault != excuse:
                raise Failed(1002 if one else 1007, str(error)) from error
            code, reason = 1000, ""
        allowed = code is None or may_be_sent_in_close(code)
        if not allowed and self.fault != "accepts-any-close-code":
            raise Failed(1002, f"close code {code}")
        if self.fault == "refuses-valid-close-codes" and code not in (None, 1000, 1001):
            raise Failed(1002, f"close code {code}")
        if self.fault == "refuses-close-reasons-not-ascii" and not reason.isascii():
            raise Failed(1007, "a reason that is not ASCII")
        if self.fault == "refuses-close-inside-messages" and self.first is not None:
            raise Failed(1002, "a Close inside a message")
        if self.fault == "refuses-long-close-reasons" and len(reason) > 100:
            raise Failed(1002, "a long reason")
        self.masks_close = reason == "unmasked, please"
        self.close_passed_over = self.fault == "reads-on-after-close"
        self.close_received = not self.close_passed_over
        if self.fault == "does-not-answer-close":
            return
        if self.fault == "answers-empty-close-with-1005" and code is None:
            code = 1005
        if self.fault == "answers-close-late" and reason == "soon":
            await asyncio.sleep(1.2)
        if self.fault == "answers-the-answer":
            self.close_sent = False
        answer = framing_faults.close_answer(self.fault, code, reason)
        if code and (kept := kept_state.reason(self.fault, code, reason)):
            answer = Frame(Opcode.CLOSE, close_payload(code, kept))
        self.send(await self.freedoms.closing(self, answer))
        if self.fault == "answers-close-twice":
            self.close_sent = False
            self.close(code)
        if self.fault in ("reads-on-after-close", "closes-before-it-answers"):
            self.close_sent = False
