"""Users that are cut off and come back, against servers that replay what they missed, or do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.load.command import Result, load, violated
from tests.load.pubsub import pubsub, scenario, together
from tests.sample import rotating

RUN = ("--users", "10", "--run-time", "8s", "--no-report", "--rate", "4")
# Each is cut off in the place of every eighth message, by turns, and away for 0.7 s.
CUT = (
    "reconnect_after = 0.7",
    "def new_connection(self):",
    "    self.turn = self.number",
    "    self.query = {'token': f'user-{self.number}'}",
    "    return super().new_connection()",
    "@paced",
    "def publish(self):",
    "    self.turn += 1",
    "    if self.turn % 8 == 0:",
    "        self.lose_connection()",
    "    else:",
    "        self.tell(self.message, to='lobby')",
)
REPLAYED = (
    "replays = True",
    "since = 0",
    *CUT[:-7],
    "def on_start(self):",
    "    self.on({'type': 'message'}, self.note)",
    "    super().on_start()",
    "def note(self, message):",
    "    self.since = message['number']",
    "def connected(self):",
    "    join = {**self.join, 'since': self.since}",
    "    self.enter('lobby', join, answer=self.joined, then=self.is_in)",
    *together(10),
    *CUT[-7:],
)
HISTORY = (
    *CUT,
    "def connected(self):",
    "    join, joined = {**self.join, 'history': True}, self.joined",
    "    self.enter('lobby', join, answer=joined, then=self.settled, history=True)",
)


def run(folder: Path, fault: str | None, *changes: str) -> tuple[Result, dict[str, int]]:
    """The run, and what the server has done."""
    with pubsub(*(() if fault is None else ("--fault", fault))) as server:
        found = load(folder, scenario(folder, *changes), server.url, *RUN)
        truth = server.truth
    assert found.summary["counts"]["connections_opened"] > 25, found.output
    return found, truth


@pytest.mark.parametrize("changes", [CUT, REPLAYED, HISTORY], ids=["plain", "replays", "history"])
def test_right_server_is_accused_of_nothing(changes: tuple[str, ...], tmp_path: Path) -> None:
    found, _ = run(tmp_path, None, *changes)
    assert violated(found) == {}, found.output
    assert found.code == 0, found.output
    if changes is REPLAYED:
        counts = found.summary["counts"]
        # What was missed is due, too.
        assert 500 < 0.95 * counts["receipts"] < counts["due"] <= counts["receipts"], found.output
    if changes is HISTORY:
        counts = found.summary["counts"]
        timed = found.summary["latency"]["delivery"]["actual"]["samples"]
        assert timed < counts["receipts"] - 200, found.output  # and nothing of a history


FAULTS = {
    "double-after-reconnect": ("duplicated", CUT),
    "replay-leaves-the-first-out": ("lost", REPLAYED),
    "replay-out-of-order": ("reordered", REPLAYED),
}


@pytest.mark.parametrize("fault", rotating(FAULTS, 2, "faults of returns"))
def test_every_fault_of_a_return_is_found(fault: str, tmp_path: Path) -> None:
    name, changes = FAULTS[fault]
    found, truth = run(tmp_path, fault, *changes)
    assert list(violated(found)) == [name], found.output
    assert found.code == 1
    # What was on its way when a connection was cut off was not heard before: if busy, most.
    assert 0 < violated(found)[name] <= truth["done"], found.output
    assert truth["done"] > 10
