"""A capability is believed when exactly what was asked for comes back, and by nothing less."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from sockproof.conformance.preflight import introduce
from sockproof.conformance.targets.server import Server
from sockproof.wire.url import Address
from tests.servers.websocket_server import WebSocketServer
from tests.waiting import EXPIRES, SOON

LIMIT = EXPIRES  # seconds that a server has for an answer; SOON where it answers everything
CONTRACT = {
    *("echo", "binary", "push", "server-close", "headers", "subprotocols", "permessage-deflate"),
}
Handler = Callable[[ServerConnection], Awaitable[None]]


async def found(url: str, limit: float = LIMIT) -> set[str]:
    introduction = await introduce(Server(Address.parse(url)), limit)
    return set(introduction.server.capabilities)


def asked(handler: Handler, limit: float = LIMIT, **options: object) -> set[str]:
    """What is believed of an application on the library `websockets`."""

    async def ask() -> set[str]:
        async def handle(connection: ServerConnection) -> None:
            with contextlib.suppress(ConnectionClosed):
                await handler(connection)

        async with serve(handle, "127.0.0.1", 0, compression=None, **options) as server:  # type: ignore[arg-type]
            port = next(iter(server.sockets)).getsockname()[1]
            return await found(f"ws://127.0.0.1:{port}/", limit)

    return asyncio.run(ask())


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def greets(connection: ServerConnection) -> None:
    for word in ("welcome", b"to", '{"type": "ready"}'):
        await connection.send(word)
    await echo(connection)


async def ticks(connection: ServerConnection) -> None:
    async def tick() -> None:
        while True:
            await connection.send("tick")
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    try:
        await echo(connection)
    finally:
        ticking.cancel()


async def acknowledges(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send("received")
        await connection.send(message)


async def slow(connection: ServerConnection) -> None:
    async for message in connection:
        await asyncio.sleep(0.3)
        await connection.send(message)


@pytest.mark.parametrize("handler", [echo, greets, ticks, acknowledges])
def test_echo_is_heard_whatever_else_is_said(handler: Handler) -> None:
    assert asked(handler, SOON) == {"echo", "binary"}


def test_echo_that_takes_its_time_is_heard() -> None:
    assert asked(slow) == {"echo", "binary"}


async def always_the_same(connection: ServerConnection) -> None:
    async for _ in connection:
        await connection.send("sockproof")


async def with_words_of_its_own(connection: ServerConnection) -> None:
    async for message in connection:
        told = message if isinstance(message, str) else message.decode()
        await connection.send(f"you said: {told}")


async def in_upper_case(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message.upper())


async def wrapped(connection: ServerConnection) -> None:
    async for message in connection:
        told = message if isinstance(message, str) else message.decode()
        await connection.send(json.dumps({"echo": told}))


async def errors(connection: ServerConnection) -> None:
    async for _ in connection:
        await connection.send(json.dumps({"error": "no such command"}))


async def mute(connection: ServerConnection) -> None:
    async for _ in connection:
        pass


@pytest.mark.parametrize(
    "handler", [always_the_same, with_words_of_its_own, in_upper_case, wrapped, errors, mute]
)
def test_what_is_no_echo_is_not_taken_for_one(handler: Handler) -> None:
    assert asked(handler) == set()


async def text_alone(connection: ServerConnection) -> None:
    async for message in connection:
        if isinstance(message, bytes):
            await connection.close(1003)
        await connection.send(message)


async def octets_alone(connection: ServerConnection) -> None:
    async for message in connection:
        if isinstance(message, str):
            await connection.close(4001, "protobuf only")
        await connection.send(message)


async def json_alone(connection: ServerConnection) -> None:
    async for message in connection:
        try:
            await connection.send(json.dumps({"got": json.loads(message)}))
        except ValueError:
            await connection.close(1008, "not JSON")


async def crashing(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(json.loads(message)["op"])


@pytest.mark.parametrize(
    ("handler", "capabilities"),
    [
        (text_alone, {"echo", "refuses-binary"}),
        (octets_alone, {"binary", "refuses-text"}),
        (json_alone, {"refuses-text", "refuses-binary"}),
        (crashing, {"refuses-text", "refuses-binary"}),
    ],
)
def test_messages_that_are_refused_are_told(handler: Handler, capabilities: set[str]) -> None:
    assert asked(handler, SOON) == capabilities


@pytest.mark.parametrize("to_the_sender", [True, False])
def test_broadcast_is_found_out(to_the_sender: bool) -> None:
    clients: set[ServerConnection] = set()

    async def tell(connection: ServerConnection) -> None:
        clients.add(connection)
        async for message in connection:
            broadcast(clients if to_the_sender else clients - {connection}, message)

    assert asked(tell) == {"broadcast"}  # and no echo: it may be another's


async def pushes_and_closes_otherwise(connection: ServerConnection) -> None:
    assert connection.request is not None
    path = urlsplit(connection.request.path).path
    if path == "/push":
        await connection.send(b"\0" * 16)
    if path == "/headers":
        await connection.recv()
        await connection.send(json.dumps({"host": "example.org"}))
    if path == "/close":
        await connection.close(1000, "bye")
    await echo(connection)


def test_paths_of_the_contract_that_do_something_else_are_not_believed() -> None:
    assert asked(pushes_and_closes_otherwise) == {"echo", "binary"}


async def closes_with_what_it_can(connection: ServerConnection) -> None:
    assert connection.request is not None
    url = urlsplit(connection.request.path)
    if url.path == "/close":
        query = parse_qs(url.query)
        code = int(query["code"][0])
        await connection.close(code if code >= 3000 else 1001, query["reason"][0])
    await echo(connection)


def test_server_that_cannot_send_every_code_can_close_all_the_same() -> None:
    assert asked(closes_with_what_it_can, SOON) == {"echo", "binary", "server-close"}


@pytest.mark.parametrize("place", [0, -1])
def test_server_that_agrees_to_any_subprotocol_has_not_those_of_the_contract(place: int) -> None:
    def choose(connection: ServerConnection, offered: list[str]) -> str | None:
        del connection
        return offered[place] if offered else None

    assert asked(echo, SOON, select_subprotocol=choose) == {"echo", "binary"}


def test_server_that_takes_a_second_is_waited_for_as_long_as_the_limit_says() -> None:
    async def very_slow(connection: ServerConnection) -> None:
        async for message in connection:
            await asyncio.sleep(1)
            await connection.send(message)

    assert asked(very_slow, limit=5) == {"echo", "binary"}


FAULTS = [
    *("spoils-certain-lengths", "reads-binary-as-text", "masks-its-text", "answers-pings-twice"),
    *("keeps-one-key-for-a-segment", "unmasks-the-last-octets-wrong"),
    *("long-forms-of-lengths", "fills-empty-messages", "compresses-pongs", "pushes-count-from-one"),
]


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_faulty_echo_is_an_echo(fault: str | None) -> None:
    async def ask() -> set[str]:
        async with WebSocketServer(fault=fault) as server:
            return await found(server.url, 20)

    without = {"push"} if fault == "pushes-count-from-one" else set()
    assert asyncio.run(ask()) == CONTRACT - without
