"""What a browser refuses of a server's frames and of its 101 is not called right either.

A page in headless Chromium opens one WebSocket for each example; the same octets go to our codecs.
The other way round is free: ours may be stricter.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sockproof.conformance.context.outcome import CaseEnd
from sockproof.conformance.peers.message import Assembler
from sockproof.conformance.peers.upgrade_response import agreed_deflate, check_upgrade
from sockproof.wire import WireError
from sockproof.wire.http import HeadReader, Request, Response, accept_value, parse_request_head
from sockproof.wire.websocket import Frame, FrameParser, Opcode, close_payload
from tests.waiting import LIMIT

PAGE = Path(__file__).with_name("browser_opinion.html")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions")
CLOSE = Frame(Opcode.CLOSE, close_payload(1000))
CODES = (0, 999, 1000, 1001, *range(1003, 1008), 1015, 1016, 2999, 3000, 4999, 5000, 65535)
TEXTS = (
    b"caf\xc3\xa9",
    b"caf\xc3",
    b"\xff",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xf0\x9f\x98\x80",
    b"",
)

Fields = list[tuple[str, str]]


def _frames() -> list[bytes]:
    """Octets of frames, right and wrong ones, with a Close at their end."""
    single = [
        Frame(opcode, payload, fin, rsv)
        for opcode in (0, 1, 2, 3, 7, 9, 10, 11, 15)
        for fin in (True, False)
        for rsv in (0, 1, 2, 4)
        for payload in (b"o", b"o" * 126)
        if opcode != Opcode.CLOSE
        if rsv == 0 or (fin and len(payload) == 1)
    ]
    masked = [Frame(Opcode.TEXT, b"masked", mask_key=b"mask")]
    long_forms = [Frame(Opcode.TEXT, b"long", length_octets=octets) for octets in (2, 8)]
    texts = [Frame(Opcode.TEXT, text) for text in TEXTS]
    closes = [Frame(Opcode.CLOSE, close_payload(code)) for code in CODES]
    closes += [Frame(Opcode.CLOSE, b"\x03"), Frame(Opcode.CLOSE, b"\x03\xe8\xff")]
    begun = Frame(Opcode.TEXT, b"be", fin=False)
    several = [
        [begun, Frame(Opcode.CONT, b"gun")],
        [begun, Frame(Opcode.PING, b"between"), Frame(Opcode.CONT, b"gun")],
        [begun, Frame(Opcode.TEXT, b"another")],
        [begun, Frame(Opcode.BINARY, b"another", fin=False)],
        [Frame(Opcode.TEXT, b"caf\xc3", fin=False), Frame(Opcode.CONT, b"\xa9")],
        [Frame(Opcode.TEXT, b"caf\xc3", fin=False), Frame(Opcode.CONT, b"e")],
        [Frame(Opcode.TEXT, b"whole"), Frame(Opcode.CONT, b"too much")],
    ]
    alone = [[each] for each in (*single, *masked, *long_forms, *texts, *closes)]
    ends = [
        [*each] if each[-1].opcode == Opcode.CLOSE else [*each, CLOSE]
        for each in (*alone, *several)
    ]
    return [b"".join(frame.encode() for frame in frames) for frames in ends]


def _responses() -> list[Fields]:
    """Changes to the fields of a right 101: `None` for a value takes the field away."""
    return [
        [],
        [("Upgrade", "")],
        [("Upgrade", "h2c")],
        [("Upgrade", "WEBSOCKET")],
        [("Upgrade", "websocket, h2c")],
        [("Connection", "")],
        [("Connection", "close")],
        [("Connection", "keep-alive, Upgrade")],
        [("Sec-WebSocket-Accept", "")],
        [("Sec-WebSocket-Accept", "AAAA")],
        [("Sec-WebSocket-Accept", "lower")],
        [("Sec-WebSocket-Protocol", "proof.v1")],
        [("Sec-WebSocket-Protocol", "")],
        [("Sec-WebSocket-Extensions", "x-unoffered")],
        [("Sec-WebSocket-Extensions", "permessage-deflate; unknown=1")],
        [("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=7")],
        [("Sec-WebSocket-Extensions", "permessage-deflate, permessage-deflate")],
        [("Sec-WebSocket-Extensions", "permessage-deflate;")],
    ]


@dataclass
class _Server:
    """Serves the page and its examples; `ours` is what our codecs make of each."""

    frames: list[bytes]
    responses: list[Fields]
    ours: dict[int, bool] = field(default_factory=dict)
    found: asyncio.Future[dict[str, Any]] = field(default_factory=asyncio.Future)

    @property
    def count(self) -> int:
        return len(self.frames) + len(self.responses)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._serve(reader, writer)
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = HeadReader()
        parts = None
        while parts is None:
            octets = await reader.read(65536)
            if not octets:  # a connection that the browser opened to spare
                return
            parts = head.feed(octets)
        lines, wrong, rest = parts
        request = parse_request_head(lines, wrong)
        if request.target.startswith("/example/"):
            await self._example(int(request.target.rpartition("/")[2]), request, reader, writer)
        elif request.method == "POST":
            length = int(request.get("Content-Length") or 0)
            body = rest + await reader.readexactly(length - len(rest))
            self.found.set_result(json.loads(body))
            _answer(writer, b"")
        else:
            _answer(writer, PAGE.read_bytes() if request.target.startswith("/?") else b"")
        await writer.drain()

    async def _example(
        self,
        number: int,
        request: Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        spoilt = number - len(self.frames)
        response = _accepted(request, self.responses[spoilt] if spoilt >= 0 else [])
        octets = self.frames[number] if spoilt < 0 else CLOSE.encode()
        self.ours[number] = _is_right(request, response) and _are_right(octets)
        writer.write(response.encode() + octets)
        await writer.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIMIT):
                await reader.read(65536)  # the browser's Close, or the end


def _answer(writer: asyncio.StreamWriter, body: bytes) -> None:
    fields = (("Content-Type", "text/html"), ("Content-Length", str(len(body))))
    writer.write(Response(200, "OK", (*fields, ("Connection", "close")), body).encode())


def _accepted(request: Request, changes: Fields) -> Response:
    accept = accept_value(request.get("Sec-WebSocket-Key") or "")
    fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept}
    for name, value in changes:
        fields[name] = accept.lower() if value == "lower" else value
    return Response(101, "Switching Protocols", tuple(fields.items()))


def _is_right(request: Request, response: Response) -> bool:
    try:
        check_upgrade(request, response)
        agreed_deflate(response)
    except CaseEnd:
        return False
    return True


def _are_right(octets: bytes) -> bool:
    try:
        assembler = Assembler(None, 1 << 20)
        for frame in FrameParser(1 << 20).feed(octets):
            assembler.feed(frame)
    except WireError:
        return False
    return True


@contextlib.asynccontextmanager
async def _browser(url: str) -> AsyncIterator[None]:
    program = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if program is None:
        if os.environ.get("SOCKPROOF_REQUIRE_TARGETS"):
            raise FileNotFoundError("no Chromium")
        pytest.skip("no Chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            *(program, *OPTIONS, f"--user-data-dir={profile}", url),
            env={**os.environ, "TMPDIR": profile},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def _opinions() -> list[tuple[bytes | Fields, bool, bool]]:
    """Each example, whether the browser takes it, and whether we call it right."""
    server = _Server(_frames(), _responses())
    listening = await asyncio.start_server(server.connected, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    browser = _browser(f"http://127.0.0.1:{port}/?{server.count}")
    async with listening, asyncio.timeout(LIMIT), browser:
        found = await server.found
    examples: list[bytes | Fields] = [*server.frames, *server.responses]
    return [
        (each, found[str(number)]["opened"] and found[str(number)]["clean"], server.ours[number])
        for number, each in enumerate(examples)
    ]


def test_what_a_browser_refuses_is_not_called_right() -> None:
    opinions = asyncio.run(_opinions())
    laxer = [each for each, theirs, ours in opinions if ours and not theirs]
    assert laxer == []
    assert sum(theirs for _, theirs, _ in opinions) > 20
    assert sum(not theirs for _, theirs, _ in opinions) > 50
