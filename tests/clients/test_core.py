"""A run of cases and a real client in one process: what is judged, and what drivers are told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from sockproof.clients.run import ClientRun
from sockproof.clients.serving import serving
from sockproof.conformance.shelf.case import Case, load_cases
from sockproof.conformance.shelf.requirements import load_requirements
from sockproof.files import WriteError
from sockproof.runs.records import RunWriter
from sockproof.shelves import shelf

SHELF = shelf("client_cases")


def some_cases(*words: str) -> list[Case]:
    """The cases whose id has one of the words in it."""
    return [c for c in load_cases(SHELF, ("websocket",)) if any(word in c.id for word in words)]


def new_run(cases: list[Case]) -> ClientRun:
    """A run of these cases, kept in memory."""
    return ClientRun(cases, load_requirements(SHELF / "requirements"))


async def echo(connection: ClientConnection) -> None:
    """What a driver does."""
    async for message in connection:
        await connection.send(message)


async def drive(url: str, act: Callable[[ClientConnection], Awaitable[None]] = echo) -> list[str]:
    """Run all cases, as Autobahn's drivers do; gives the behaviour in each."""
    found = []
    async with connect(f"{url}/getCaseCount") as connection:
        count = int(await connection.recv())
    for number in range(1, count + 1):
        try:
            run_case = f"{url}/runCase?case={number}&agent=tried"
            async with connect(run_case, max_size=None, ping_interval=None) as connection:
                await act(connection)
        except (ConnectionClosed, InvalidHandshake):
            pass
        async with connect(f"{url}/getCaseStatus?case={number}&agent=tried") as connection:
            found.append(json.loads(await connection.recv())["behavior"])
    async with connect(f"{url}/updateReports?agent=tried&shutdownOnComplete=true") as connection:
        with pytest.raises(ConnectionClosed):
            await connection.recv()
    return found


def test_a_right_client_passes_and_the_driver_is_told() -> None:
    run = new_run(some_cases("websocket/autobahn_framing/short"))

    async def main() -> list[str]:
        async with serving(run) as listener:
            found = await drive(f"ws://{listener.authority}")
            await run.stopped.wait()
            return found

    assert asyncio.run(main()) == ["OK"] * 4
    assert [each.outcome for each in run.records.values()] == ["PASS"] * 4
    assert run.agent == "tried"


def test_a_run_that_cannot_be_written_down_ends(tmp_path: Path) -> None:
    run = new_run(some_cases("websocket/autobahn_framing/short"))

    async def main() -> None:
        with RunWriter(tmp_path / "run.jsonl") as run.writer:
            run.writer.case = full  # type: ignore[method-assign]
            async with (
                serving(run) as listener,
                connect(f"ws://{listener.authority}/runCase?case=1&agent=tried") as connection,
            ):
                await echo(connection)
                await run.is_done()
                run.check()

    def full(record: object) -> int:
        raise WriteError("the disk is full")

    with pytest.raises(WriteError, match="the disk is full"):
        asyncio.run(main())
    assert run.is_over


def test_a_driver_that_changes_messages_fails() -> None:
    run = new_run(some_cases("websocket/autobahn_utf8/text_beyond_ascii"))

    async def shout(connection: ClientConnection) -> None:
        async for message in connection:
            assert isinstance(message, str)
            await connection.send(message.upper())

    async def main() -> list[str]:
        async with serving(run) as listener:
            return await drive(f"ws://{listener.authority}", shout)

    assert asyncio.run(main()) == ["FAILED"]
    (record,) = run.records.values()
    assert "first difference is at octet 1" in record.got


HEADS = (
    b"GET //[bad/runCase HTTP/1.1\r\nSec-WebSocket-Key: x\r\n\r\n",
    b"GET http://[::1 HTTP/1.1\r\n\r\n",
    b"GET http://[::1/getCaseCount HTTP/1.1\r\nSec-WebSocket-Key: \xff\r\n\r\n",
    b"GET /runCase?case=99999999999999999999 HTTP/1.1\r\n\r\n",
    b"GET /runCase?casetuple=\xc3\xa9&agent=%00%ff HTTP/1.1\r\nSec-WebSocket-Key: x\r\n\r\n",
    b"GET /?" + b"a=1&" * 3000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"GET " + b"a" * 100_000,
    b"\x16\x03\x01\0\xff",
    b"POST /seen?agent=x&case=1 HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
)


def test_whatever_comes_is_answered_or_ended_and_nothing_is_raised() -> None:
    run = new_run(some_cases("websocket/autobahn_framing/short"))
    raised: list[object] = []

    async def main() -> list[str]:
        asyncio.get_running_loop().set_exception_handler(lambda loop, told: raised.append(told))
        async with serving(run) as listener:
            for head in HEADS:
                reader, writer = await asyncio.open_connection(listener.host, listener.port)
                writer.write(head)
                if writer.can_write_eof():
                    writer.write_eof()
                await reader.read()
                writer.close()
            return await drive(f"ws://{listener.authority}")

    assert asyncio.run(main()) == ["OK"] * 4
    assert not raised
