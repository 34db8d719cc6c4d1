"""How much memory the harness takes against servers that try to fill it.

    python benchmarks/harness_memory.py [MODE …]

Each mode is a hostile server; the whole suite runs against it in a process of its own, whose
largest resident set is printed, beside that of a run against the `websockets` target. The bound
that the project holds itself to is 300 MiB.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import sys
import tempfile
import time
import zlib
from collections.abc import Callable

from sockproof.wire.http import accept_value

BOUND_MIB = 300
PIECE = 256 * 1024


def _compressed_zeros() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (packer.compress(bytes(64 << 20)) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def _frame(first: int, payload: bytes) -> bytes:
    return bytes([first, 127]) + len(payload).to_bytes(8, "big") + payload


# What a server sends for ever once the WebSocket is open, by mode.
FLOODS: dict[str, Callable[[], bytes]] = {
    "empty messages": lambda: b"\x81\x00" * (PIECE // 2),
    "pings": lambda: b"\x89\x7d" + b"p" * 125,
    "messages of 1 MiB": lambda: _frame(0x82, bytes(1 << 20)),
    "fragments without end": lambda: _frame(0x00, bytes(PIECE)),
    "a frame without end": lambda: bytes(PIECE),
    "frames of 31 MiB": lambda: _frame(0x82, bytes(31 << 20)),
    "deflate bombs": lambda: _frame(0xC2, _compressed_zeros()),
}
FIRST = {
    "fragments without end": _frame(0x02, b"x"),
    "a frame without end": b"\x82\x7f" + (1 << 40).to_bytes(8, "big"),
}
HEADS = {
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * PIECE,
    "a body without end": b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * PIECE,
}


async def _serve(mode: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(
        ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
    ):
        head = await reader.readuntil(b"\r\n\r\n")
        if mode in HEADS:
            writer.write(HEADS[mode])
            while True:
                writer.write(b"x" * PIECE)
                await writer.drain()
        lines = dict(
            line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line
        )
        offer = "permessage-deflate" if "bomb" in mode else None
        accept = accept_value(lines.get("Sec-WebSocket-Key", ""))
        answer = (
            "HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n"
        )
        if offer and "permessage-deflate" in lines.get("Sec-WebSocket-Extensions", ""):
            answer += f"Sec-WebSocket-Extensions: {offer}\r\n"
        writer.write(answer.encode() + b"\r\n" + FIRST.get(mode, b""))
        flood = FLOODS.get(mode, lambda: b"")()
        while flood:
            writer.write(flood)
            await writer.drain()
    writer.close()


def _server(mode: str, port: multiprocessing.Queue[int]) -> None:
    async def main() -> None:
        server = await asyncio.start_server(
            lambda reader, writer: _serve(mode, reader, writer), "127.0.0.1", 0
        )
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def _largest(words: list[str]) -> tuple[float, float, int]:
    """MiB of the largest resident set of `sockproof WORDS`, seconds, and its exit code."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        pid = os.posix_spawn(
            sys.executable,
            [
                sys.executable,
                "-c",
                "from sockproof.cli import run; run()",
                *words,
                "--results",
                folder,
            ],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
        )
        _, status, usage = os.wait4(pid, 0)
    return usage.ru_maxrss / 1024, time.monotonic() - began, os.waitstatus_to_exitcode(status)


def main(modes: list[str]) -> int:
    """Measure the modes; 1 when any is over the bound."""
    over = 0
    mib, seconds, code = _largest(["conformance", "--target", "websockets"])
    print(f"{'the websockets target':26} {mib:6.0f} MiB {seconds:6.1f} s  exit {code}", flush=True)
    for mode in modes or [*FLOODS, *HEADS]:
        ports: multiprocessing.Queue[int] = multiprocessing.Queue()
        process = multiprocessing.Process(target=_server, args=(mode, ports), daemon=True)
        process.start()
        url = f"ws://127.0.0.1:{ports.get(timeout=10)}/"
        mib, seconds, code = _largest(["conformance", url, "--timeout", "0.5"])
        print(f"{mode:26} {mib:6.0f} MiB {seconds:6.1f} s  exit {code}", flush=True)
        over += mib > BOUND_MIB
        process.terminate()
        process.join()
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
