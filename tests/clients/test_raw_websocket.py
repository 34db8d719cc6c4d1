"""The raw WebSocket client is right: a server that others wrote talks with it, freedoms and all."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.clients.raw_websocket.client import made
from tests.clients.raw_websocket.request import Place
from tests.clients.raw_websocket.switches import FREEDOMS
from tests.clients.raw_websocket.switching import Mixin

MESSAGES: list[str | bytes] = [
    "hello",
    "ü" * 7000,
    b"\0" * 70_000,
    "",
    b"",
    os.urandom(2000),
    "x" * 126,
    "x" * 126,
]
# websockets inflates nothing that comes behind a final block: RFC 7692, 7.2.3.4.
OTHERS = {"ends-with-a-final-block", "takes-no-more-than-1-mib", "another-websocket-before"}
OTHERS |= {"icon-on-the-same-connection"}
ABLE = {n: each for several in FREEDOMS.values() for n, each in several.items() if n not in OTHERS}


async def _exchange(several: list[Mixin], compression: Any) -> list[object]:
    """What the server had back, and how the connection ended."""
    found: list[object] = []

    async def handler(connection: ServerConnection) -> None:
        for message in MESSAGES:
            await connection.send(message)
            found.append(await connection.recv())
        await (await connection.ping(b"abc"))
        await connection.send(["a", "b", "ü"])
        found.append(await connection.recv())
        await connection.close(1000, "bye")
        found.append(connection.close_code)

    async with serve(handler, "127.0.0.1", 0, compression=compression) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        await made(several)(Place("127.0.0.1", port, "/")).run()
    return found


@pytest.mark.parametrize("compression", ["deflate", None])
def test_correct_client_sends_everything_back(compression: str | None) -> None:
    assert asyncio.run(_exchange([], compression)) == [*MESSAGES, "abü", 1000]


@pytest.mark.parametrize("compression", ["deflate", None])
def test_freedoms_change_nothing_of_what_comes_back(compression: str | None) -> None:
    async def odd() -> dict[str, list[object]]:
        found = {name: await _exchange([each], compression) for name, each in ABLE.items()}
        return {name: got for name, got in found.items() if got[:-1] != [*MESSAGES, "abü"]}

    assert asyncio.run(odd()) == {}
