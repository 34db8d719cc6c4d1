"""The WebSocket part of the target contract, on the `websockets` library as it comes.

Nothing that the library does is corrected here: its faults are what the harness is to find.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import ssl
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

MAX_MESSAGE = 16 * 1024 * 1024  # octets; declared as max_message in target.toml
MAX_PUSH = 100_000


async def handle(connection: ServerConnection) -> None:
    """One connection: whatever its path asks for, then an echo."""
    assert connection.request is not None
    url = urlsplit(connection.request.path)
    query = {name: values[-1] for name, values in parse_qs(url.query).items()}
    with contextlib.suppress(ConnectionClosed):
        if url.path == "/push":
            await push(connection, int(query.get("count", 1)), int(query.get("size", 8)))
        elif url.path == "/close":
            await connection.close(int(query.get("code", 1000)), query.get("reason", ""))
        elif url.path == "/headers":
            await connection.recv()
            fields = connection.request.headers.raw_items()
            await connection.send(json.dumps({name.lower(): value for name, value in fields}))
        async for message in connection:
            await connection.send(message)


async def push(connection: ServerConnection, count: int, size: int) -> None:
    """Send `count` binary messages of `size` octets that begin with their number."""
    for number in range(min(count, MAX_PUSH)):
        await connection.send(number.to_bytes(8, "big")[:size].ljust(min(size, MAX_MESSAGE), b"\0"))


async def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    arguments = parser.parse_args()
    context = None
    if arguments.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(arguments.certificate, arguments.key)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with serve(
        handle,
        "127.0.0.1",
        arguments.port,
        ssl=context,
        subprotocols=["proof.v2", "proof.v1"],
        select_subprotocol=choose,
        max_size=MAX_MESSAGE,
        ping_interval=None,
        close_timeout=1,  # so that SIGTERM is obeyed soon, whatever a connection is waiting for
    ):
        await stopped.wait()


def choose(connection: ServerConnection, offered: list[str]) -> str | None:
    """`proof.v2` before `proof.v1`; none when neither is offered."""
    del connection
    return next((each for each in ("proof.v2", "proof.v1") if each in offered), None)


if __name__ == "__main__":
    asyncio.run(main())
