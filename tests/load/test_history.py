"""A chat whose answer to a join repeats what was said before: right, if the scenario says so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sockproof.targets.launch import free_port
from tests.load.command import load
from tests.waiting import SOON, until_it_listens

_SCENARIO = """
from sockproof.load.users import *

SAY = Message("say", "lobby", BODY, ack={{"ok": True}})

class Visitor(SocketIOUser):
    rate = 5
    reconnect_after = 0.3

    def new_connection(self):
        self.turn = self.number
        return super().new_connection()

    def connected(self):
        self.enter("lobby", "enter", "lobby", then=self.settled, {history})

    @paced
    def talk(self):
        self.turn += 1
        if self.turn % 10 == 0:
            self.lose_connection()
        else:
            self.tell(SAY, to="lobby")
"""


@pytest.fixture
def chat() -> Iterator[str]:
    """Its URL."""
    port = free_port()
    server = str(Path(__file__).with_name("chat_server.py"))
    process = subprocess.Popen([sys.executable, server, str(port)])
    try:
        until_it_listens(process, port)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(SOON)


@pytest.mark.parametrize("client", ["lean", "reference"])
@pytest.mark.parametrize("declared", [True, False])
def test_history_accuses_nobody_where_it_is_declared(
    declared: bool, client: str, chat: str, tmp_path: Path
) -> None:
    path = tmp_path / "scenario.py"
    path.write_text(_SCENARIO.format(history="history=True" if declared else ""))
    words = ("--users", "10", "--run-time", "5s", "--no-report", "--client", client)
    found = load(tmp_path, str(path), chat, *words)
    told, counts = found.summary["properties"], found.summary["counts"]
    violated = {name for name, each in told.items() if each["verdict"] is False}
    assert counts["connections_opened"] > 15, found.output
    if declared:
        assert violated == set(), found.output
        assert found.code == 0
        assert counts["receipts"] > counts["due"] + 200  # of histories
        assert found.summary["latency"]["delivery"]["actual"]["samples"] < counts["receipts"] - 200
    else:
        assert violated >= {"duplicated", "reordered"}, found.output
