"""What comes while the generator itself is held up waits to be read, and accuses nobody."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection

from sockproof.runs.load_records import Kind, LoadRecordError, Phase
from tests.background import running, websockets
from tests.load.command import result, violated
from tests.load.test_counts import served
from tests.load.test_failures import started, when_rows_come
from tests.recorded import read_rows, row_files
from tests.servers.untrustworthy import LateServer
from tests.waiting import LIMIT, until

FIXED = Path(__file__).with_name("fixed_number.py")
NUMBER = 30  # of messages of each user, as there
FEW = ("--users", "10", "--run-time", "8s", "--no-report")
USER = """
from sockproof.load.users import *

class User(WebSocketUser):
    rate = 10

    @paced
    def talk(self):
        self.tell()
"""


def hold_up(process: int, seconds: float) -> None:
    """Have a process stand still."""
    os.kill(process, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(process, signal.SIGCONT)


def drains(folder: Path) -> bool:
    """Whether a run has come to its drain."""
    try:
        (file,) = row_files(folder)
    except (LoadRecordError, ValueError):
        return False
    return any(row[6] == Kind.PHASE and row[0] == Phase.DRAIN for row in read_rows(file))


@pytest.mark.parametrize("client", ["lean", "reference"])
def test_drain_lasts_as_long_as_there_is_time_for_reading(client: str, tmp_path: Path) -> None:
    server = LateServer(NUMBER, seconds=12)  # in the drain, and while nothing is read
    with served(server) as url:
        words = (str(FIXED), url, *FEW, "--drain", "7", "--client", client)
        load = started(tmp_path, *words)
        (process,) = when_rows_come(tmp_path)
        until(lambda: drains(tmp_path / "latest-load"))
        hold_up(process, 8)
        output, _ = load.communicate(timeout=LIMIT)
    found = result(tmp_path, load.returncode, output)
    assert server.done == 10 * 5
    assert violated(found) == {}, output
    assert found.summary["counts"]["receipts"] == 10 * NUMBER * 5


async def slow_echo(connection: ServerConnection) -> None:
    """Sends each message back a second later."""

    async def echo(message: str | bytes) -> None:
        await asyncio.sleep(1.0)
        await connection.send(message)

    async with asyncio.TaskGroup() as group:
        async for message in connection:
            group.create_task(echo(message))


def test_answers_that_wait_to_be_read_are_in_time(tmp_path: Path) -> None:
    scenario = tmp_path / "user.py"
    scenario.write_text(USER)
    with running(websockets(slow_echo)) as port:
        words = ("--users", "20", "--run-time", "12s", "--ack-timeout", "5", "--no-report")
        load = started(tmp_path, str(scenario), f"ws://127.0.0.1:{port}/", *words)
        (process,) = when_rows_come(tmp_path)
        time.sleep(1.5)  # until answers are due at any time
        hold_up(process, 5.5)
        output, _ = load.communicate(timeout=LIMIT)
    found = result(tmp_path, load.returncode, output)
    counts = found.summary["counts"]
    assert violated(found) == {}, output
    assert counts["ack_timeouts"] == 0, output
    assert counts["acknowledged"] > 100
