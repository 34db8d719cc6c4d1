"""A server that goes wrong with one message alone: names, classes and labels lead there."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import xml.etree.ElementTree as ET
from datetime import datetime

import pytest

from tests.load.command import Result, load
from tests.load.pubsub import pubsub, together
from tests.waiting import LIMIT

USERS = """
from sockproof.load.users import *

class Member(WebSocketUser):
    abstract = True
    acknowledgements = Acknowledgements({"type": "published"})
    query = {"token": "anybody"}

    def connected(self):
        self.label = f"<b>user</b> {self.number}"
        self.enter(
            self.room,
            {"type": "join", "room": self.room},
            answer={"type": "joined", "room": self.room},
            then=self.is_in,
        )

    # together

class Talker(Member):
    room = "lobby"
    public = Message.json({"type": "publish", "room": "lobby", "id": ID, "data": BODY})

    @paced
    def publish(self):
        self.tell(self.public, "to the lobby", to="lobby")

class Whisperer(Member):
    room = "team"
    private = Message.json(
        {"type": "publish", "room": "team", "id": ID, "data": BODY}, name='private "<i>" ü'
    )

    @paced
    def publish(self):
        self.tell(self.private, "to the team", to="team")
"""
PRIVATE = 'private "<i>" ü'
FLAGS = ("--users", "20", "--rate", "10", "--run-time", "5s")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, int]:
    """A run, and how many messages the server has dropped, all of them in one room."""
    folder = tmp_path_factory.mktemp("parts")
    scenario = folder / "scenario.py"
    lines = textwrap.indent("\n".join(together(20)), "    ")
    scenario.write_text(USERS.replace("    # together", lines))
    with pubsub("--fault", "drop", "--every", "50", "--room", "team") as server:
        run = load(folder, str(scenario), server.url, *FLAGS)
        return run, server.truth["done"]


def gate(run: Result, *rules: str) -> subprocess.CompletedProcess[str]:
    path = run.folder / "rules.toml"
    path.write_text("\n".join(f"[[rule]]\nthat = {json.dumps(rule)}" for rule in rules))
    command = [sys.executable, "-m", "sockproof", "gate", str(run.folder), "--rules", str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)


def test_one_name_and_one_class_are_accused(found: tuple[Result, int]) -> None:
    run, dropped = found
    assert run.code == 1, run.output
    assert dropped > 10
    names, classes = run.summary["names"], run.summary["classes"]
    assert {name: part["counts"]["lost"] for name, part in names.items()} == {
        "publish": 0,
        PRIVATE: dropped,
    }
    assert {name: part["counts"]["lost"] for name, part in classes.items()} == {
        "Talker": 0,
        "Whisperer": dropped,
    }
    for part in (*names.values(), *classes.values()):
        assert part["latency"]["ack"]["intended"]["samples"] > 100
        assert part["latency"]["delivery"]["intended"]["samples"] > 1000
        assert part["counts"]["acknowledged"] == part["counts"]["emitted"]
    for line in ("by message", "by class", "violations.jsonl has"):
        assert line in run.output


def test_violations_can_be_followed(found: tuple[Result, int]) -> None:
    run, dropped = found
    lines = (run.folder / "violations.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    assert sum(entry["counts"]["lost"] for entry in entries) == dropped
    began = datetime.fromisoformat(json.loads((run.folder / "run.json").read_text())["started"])
    for entry in entries:
        assert entry["name"] == PRIVATE
        assert (entry["event"], entry["room"], entry["body"]) == ("publish", "team", "to the team")
        assert entry["sender"].startswith("<b>user</b> ")
        assert all(label.startswith("<b>user</b> ") for label in entry["receivers"]["lost"])
        sent = (datetime.fromisoformat(entry["time"]) - began).total_seconds()
        assert abs(sent - entry["second"]) < 1.5  # the start is known to the second


def test_gate_by_name_says_yes_no_and_cannot_tell(found: tuple[Result, int]) -> None:
    run, _ = found
    private = json.dumps(PRIVATE, ensure_ascii=False)
    for rule, code in (
        ('counts["publish"].lost == 0', 0),
        ('latency.delivery["publish"].intended.p99_ms <= 5000', 0),
        (f"counts[{private}].lost == 0", 1),
        ('counts[class="Whisperer"].lost == 0', 1),
        ('counts["privat"].lost == 0', 2),
        ('counts["publish"].losst == 0', 3),
    ):
        done = gate(run, rule)
        assert done.returncode == code, (rule, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
    gate(run, f"counts[{private}].lost == 0")
    (failure,) = ET.parse(run.folder / "gate.xml").getroot().iter("failure")
    assert (failure.text or "").count(" lost: ") == 3
    assert "<i>" not in (run.folder / "gate.md").read_text()


def test_report_and_export_tell_by_name(found: tuple[Result, int]) -> None:
    run, dropped = found
    page = (run.folder / "report.html").read_text()
    assert "<i>" not in page
    assert "<b>user" not in page
    assert "By message" in page
    assert "By class of users" in page
    assert page.count("&lt;b&gt;user&lt;/b&gt;") >= 10
    command = [sys.executable, "-m", "sockproof", "export", str(run.folder)]
    done = subprocess.run(
        [*command, "--format", "openmetrics"],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=True,
    )
    label = 'message="private \\"<i>\\" ü"'
    assert f"sockproof_message_lost_total{{{label}}} {dropped}" in done.stdout
    assert 'sockproof_class_lost_total{class="Talker"} 0' in done.stdout
    assert f"sockproof_message_delivery_latency_seconds{{{label}," in done.stdout
