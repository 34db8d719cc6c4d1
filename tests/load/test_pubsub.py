"""Pub/sub of an application's own over plain WebSockets: every count equals the server's truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from sockproof.shelves import shelf
from tests.load.command import Result, load, violated
from tests.load.pubsub import PubSub, pubsub, scenario, together
from tests.sample import rotating

MANY = ("--users", "20", "--rate", "10", "--run-time", "5s", "--no-report")
FEW = ("--users", "4", "--run-time", "3s", "--no-report", "--drain", "3")
FAULTS = {"drop": ("lost",), "mix-up": ("leaked", "lost"), "reorder": ("reordered",)}


def run(server: PubSub, folder: Path, *changes: str, more: tuple[str, ...] = FEW) -> Result:
    """Users of the lobby that differ by these lines."""
    return load(folder, scenario(folder, *changes), server.url, *more)


@pytest.mark.parametrize("client", ["lean", "reference"])
@pytest.mark.parametrize("fault", rotating(FAULTS, 3, "faults of pub/sub"))
def test_every_count_equals_the_truth(fault: str, client: str, tmp_path: Path) -> None:
    # What goes wrong with who may not be in yet is no violation: nobody speaks before all are.
    text = (shelf("locustfiles") / "pubsub_json.py").read_text()
    assert text.count("then=self.settled") == 1
    text = text.replace("then=self.settled", "then=self.is_in")
    path = tmp_path / "pubsub_json.py"
    path.write_text("\n    ".join((text.rstrip(), *together(20))) + "\n")
    with pubsub("--fault", fault, "--every", "50") as server:
        found = load(tmp_path, str(path), server.url, *MANY, "--client", client)
        truth = server.truth
    assert truth["done"] > 20, found.output
    assert violated(found) == dict.fromkeys(FAULTS[fault], truth["done"]), found.output
    assert found.code == 1
    counts = found.summary["counts"]
    assert counts["receipts"] == truth["deliveries"]
    assert counts["acknowledged"] == counts["emitted"] == truth["messages"]


@pytest.mark.parametrize(
    "changes",
    [
        (),
        ("def connected(self):", "    self.enter('lobby', self.join, then=self.settled)"),
        (
            "query = {'token': 'anybody', 'room': 'lobby'}",
            "def connected(self):",
            "    self.enter('lobby')",
            "    self.settled()",
        ),
        ("acknowledgements = Acknowledgements({'type': 'published'}, id=None)",),
        ("acknowledgements = Acknowledgements(lambda said: 'id' in said, lambda s: s['id'])",),
    ],
    ids=["answer", "at-once", "with-the-connection", "in-order", "functions"],
)
def test_right_server_is_accused_of_nothing(changes: tuple[str, ...], tmp_path: Path) -> None:
    with pubsub() as server:
        found = run(server, tmp_path, *changes)
        truth = server.truth
    assert {each["verdict"] for each in found.summary["properties"].values()} <= {
        True,
        "not exercised",  # nobody is outside the lobby
    }, found.output
    counts = found.summary["counts"]
    assert counts["receipts"] == truth["deliveries"]
    assert counts["acknowledged"] == counts["emitted"] == truth["messages"] > 20
    assert counts["due"] > 40


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (("def on_start(self): pass",), "on_start() does not call super().on_start()"),
        (("def connected(self): pass",), "connected() does not call settled()"),
        (
            ("joined = {'type': 'joined', 'room': 'another'}",),
            "4 times the answer that enter() or exit() waits for did not match",
        ),
        (
            ("message = Message.json({'type': 'publish', 'room': 'lobby', 'other': BODY})",),
            "none carried a stamp",
        ),
        (
            ("def connected(self): self.settled()",),
            "messages were said to lobby, and no user did enter() any room",
        ),
        (
            (
                "def connected(self):",
                "    self.enter('hall', {**self.join, 'room': 'hall'}, answer={'type': 'joined'})",
                "    self.settled()",
            ),
            "messages were said to lobby, and users entered hall (`self.number` counts",
        ),
        (
            ("acknowledgements = Acknowledgements({'type': 'acknowledged'})",),
            "`acknowledgements` should match",
        ),
    ],
)
def test_scenario_that_hears_nothing_says_why(
    changes: tuple[str, ...], line: str, tmp_path: Path
) -> None:
    with pubsub() as server:
        found = run(server, tmp_path, *changes)
    assert violated(found) == {}, found.output
    assert found.code == 2
    assert line in found.output


def test_application_heartbeat_keeps_a_connection_alive(tmp_path: Path) -> None:
    beat = "heartbeat = Heartbeat({'type': 'ping'}, answer={'type': 'pong'}, every=0.3)"
    longer = (*FEW, "--run-time", "6s")  # than silence, which leaves a busy machine its time
    for changes, broken in (((beat,), False), ((), True)):
        with pubsub("--silence", "3") as server:
            silent = ("publish = None", *changes)
            found = run(server, tmp_path, *silent, more=longer)
        counts = found.summary["counts"]
        assert (counts["disconnected"] > 0) is broken, found.output


def test_heartbeat_that_is_not_answered_breaks_the_connection(tmp_path: Path) -> None:
    beat = "Heartbeat({'type': 'ping'}, answer={'type': 'pong'}, every=0.2, within=0.5)"
    with pubsub("--fault", "mute") as server:
        found = run(server, tmp_path, f"heartbeat = {beat}", "publish = None")
    assert set(violated(found)) <= {"broken", "disconnected", "outages"}, found.output
    assert "broken" in violated(found)
    assert found.code == 1
    assert "ping timeout" in found.output


def test_exit_ends_what_is_due(tmp_path: Path) -> None:
    """Every second user leaves before it says anything; what it hears then is a leak."""
    leave = (
        "def settled(self):",
        "    leave, left = ({'type': t, 'room': 'lobby'} for t in ('leave', 'left'))",
        "    super().settled()",
        "    if self.number % 2:",
        "        self.exit('lobby', leave, answer=left)",
    )
    with pubsub() as server:
        found = run(server, tmp_path, *leave)
        truth = server.truth
    counts = found.summary["counts"]
    assert violated(found) == {}, found.output
    assert found.summary["properties"]["leaked"]["exercised"] > 20
    assert counts["receipts"] == truth["deliveries"] < 3 * truth["messages"]
