"""A Socket.IO server that acknowledges after a known delay, and tells how long it really took.

    python -m sockproof.targets.delay_server

It prints its port. `GET /delay?ms=N` sets the delay and forgets what was measured; `GET /delays`
tells the delays since, from the moment at which a message was read to that at which its
acknowledgement was written, as buckets of nanoseconds (see `histogram`). It speaks as much of the
protocols as a lean connection over WebSocket needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from time import monotonic_ns
from urllib.parse import parse_qs, urlsplit

from sockproof.runs.histogram import Histogram
from sockproof.wire import WireError
from sockproof.wire.http import HeadReader, Response, accept_value, parse_request_head
from sockproof.wire.websocket import Frame, FrameParser, Opcode

_OPEN = '0{"sid":"calibration","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'
_LARGEST = 1 << 20


class _State:
    """What all connections share."""

    delay = 0.0  # seconds
    delays = Histogram()


class _Connection(asyncio.Protocol):
    """One connection: a request, then perhaps a WebSocket."""

    def __init__(self, state: _State) -> None:
        self._state = state
        self._head = HeadReader()
        self._frames: FrameParser | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        now = monotonic_ns()
        try:
            if self._frames is None:
                read = self._head.feed(data)
                if read is not None:
                    self._request(read[0])
                return
            for frame in self._frames.feed(data):
                self._frame(frame, now)
        except WireError:
            self._transport.close()

    def _request(self, lines: list[str]) -> None:
        request = parse_request_head(lines)
        where = urlsplit(request.target)
        key = request.get("Sec-WebSocket-Key")
        if key is not None:
            accept = ("Sec-WebSocket-Accept", accept_value(key))
            headers = (("Upgrade", "websocket"), ("Connection", "Upgrade"), accept)
            self._transport.write(Response(101, "Switching Protocols", headers).encode())
            self._frames = FrameParser(_LARGEST)
            self._say(_OPEN)
            return
        if where.path == "/delay":
            self._state.delay = float(parse_qs(where.query).get("ms", ["0"])[0]) / 1000
            self._state.delays = Histogram()
        body = json.dumps(self._state.delays.counts).encode()
        length = ("Content-Length", str(len(body)))
        self._transport.write(Response(200, "OK", (length,)).encode() + body)
        self._transport.close()

    def _frame(self, frame: Frame, now: int) -> None:
        if frame.opcode == Opcode.CLOSE:
            self._transport.write(Frame(Opcode.CLOSE, frame.payload).encode())
            self._transport.close()
            return
        text = frame.payload
        if text.startswith(b"40"):
            self._say('40{"sid":"calibration"}')
        elif text.startswith(b"42"):
            bracket = text.find(b"[")
            number, comma = text[2:bracket], text.find(b",", bracket)
            answer = b"43" + number + b"[" + text[comma + 1 :]
            if self._state.delay:
                loop = asyncio.get_running_loop()
                loop.call_later(self._state.delay, self._answer, answer, now)
            else:
                self._answer(answer, now)

    def _answer(self, answer: bytes, since: int) -> None:
        self._state.delays.record(monotonic_ns() - since)
        if not self._transport.is_closing():
            self._transport.write(Frame(Opcode.TEXT, answer).encode())

    def _say(self, text: str) -> None:
        self._transport.write(Frame(Opcode.TEXT, text.encode()).encode())


async def _serve() -> None:
    state = _State()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(state), "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - whoever started it reads it
    await server.serve_forever()


if __name__ == "__main__":
    # Whoever started it may have been interrupted before it read the port.
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        asyncio.run(_serve())
