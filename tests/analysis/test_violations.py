"""Each violated message has one entry, by which it can be found in the logs of an application."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sockproof.analysis.delivery.violations import MOST, MOST_RECEIVERS
from sockproof.analysis.evidence import partitions
from sockproof.analysis.summary.run_summary import write_summary
from sockproof.formats.load import Summary
from sockproof.load.record.recorder import EVERYONE, ITSELF, Phase, Recorder
from sockproof.runs.load_records import VIOLATIONS_FILE
from sockproof.wire import stamp

BODY = "hello"
SECOND = 1_000_000_000


class Run:
    """Users in a room, by their labels; times are those of the clock."""

    def __init__(self, folder: Path, users: int) -> None:
        self.folder = folder
        self.recorder = recorder = Recorder(folder, 7)
        self.began = time.monotonic_ns()
        self.clients = []
        number = recorder.room("lobby")
        for user in range(users):
            client = recorder.client()
            self.clients.append(client)
            recorder.connecting(client, self.began, recorder.names.user_class("Chatter"), user)
            recorder.connected(client, self.began, self.began, self.began)
            recorder.joining(client, number, self.began)
            recorder.joined(client, number, self.began)
        recorder.names.body(stamp.checksum_of(BODY), BODY, str)
        self.places = recorder.names.places(("greeting", "chat message"))
        recorder.phase(Phase.MEASURED, self.began + 1)
        self.sequence = 0

    def say(self, room: str | int = "lobby", flags: int = 0, sender: int = 1) -> bytes:
        """A message of a user, the first one's if nothing is said."""
        self.sequence += 1
        at = self.began + 1000 * self.sequence
        return self.recorder.sending(
            *(sender, self.sequence, self.places[room], at, at, flags, stamp.checksum_of(BODY)),
        )

    def hear(self, made: bytes, *clients: int, after: int = 500, body: str = BODY) -> None:
        for client in clients:
            data = b'["' + made + body.encode() + b'"]'
            self.recorder.heard(client, data, self.began + 1000 * self.sequence + after)

    def end(self) -> tuple[list[dict[str, Any]], Summary]:
        over = self.began + SECOND
        self.recorder.tick(over)
        self.recorder.phase(Phase.OVER, over)
        self.recorder.close(over + SECOND)
        summary = write_summary(self.folder)
        lines = (self.folder / VIOLATIONS_FILE).read_text().splitlines()
        return [json.loads(line) for line in lines], summary


def test_an_entry_has_what_logs_are_searched_by(tmp_path: Path) -> None:
    run = Run(tmp_path, 4)
    run.recorder.names.label(2, "carol", str)
    run.hear(run.say(), 1, 2)
    before = time.time()
    (entry,), summary = run.end()
    sent = datetime.fromisoformat(entry.pop("time")).timestamp()
    assert abs(sent - before) < 60
    assert entry.pop("second") > 0
    assert entry == {
        "kinds": ["lost"],
        "name": "greeting",
        "event": "chat message",
        "sender": "Chatter 1",
        "number": 1,
        "room": "lobby",
        "body": BODY,
        "receivers": {"lost": ["carol", "Chatter 4"]},
        "counts": {"lost": 2},
    }
    assert (summary.violations.messages, summary.violations.listed) == (1, 1)
    said = summary.violations.first[0].said()
    assert "lost: greeting (chat message) 1 of Chatter 1 to lobby" in said
    assert said.endswith("(lost for carol, Chatter 4) 'hello'")


def test_without_violations_there_is_no_entry(tmp_path: Path) -> None:
    run = Run(tmp_path, 2)
    run.hear(run.say(), 1, 2)
    entries, summary = run.end()
    assert entries == []
    assert summary.violations.messages == 0


def test_each_kind_is_told(tmp_path: Path) -> None:
    run = Run(tmp_path, 3)
    one, two = run.say(), run.say()
    run.hear(two, 1, 2, 3)
    run.hear(one, 1, 2, 3)
    run.hear(one, 3, after=600)
    run.hear(run.say(ITSELF), 1, 2)
    run.hear(run.say(), 1, 2, 3, body="other")
    run.say("lobby", flags=1)
    run.hear(stamp.octets(7, run.recorder.identity(2), 99, 5, 5, 0), 3, body="")
    run.recorder.heard(2, b'["' + run.say() + b'hello"]', run.began + 3 * SECOND)  # too late
    entries, _ = run.end()
    kinds = {(entry["number"], *entry["kinds"]) for entry in entries}
    assert {
        (1, "duplicated", "reordered"),
        (3, "leaked"),
        (4, "corrupted"),
        (5, "lost"),
        (99, "invented"),
        (6, "lost", "late"),
    } == kinds
    by = {entry["number"]: entry for entry in entries}
    assert by[1]["receivers"] == {
        "reordered": ["Chatter 1", "Chatter 2", "Chatter 3"],
        "duplicated": ["Chatter 3"],
    }
    assert by[3]["receivers"] == {"leaked": ["Chatter 2"]}
    assert (by[99]["sender"], by[99]["receivers"]) == ("Chatter 2", {"invented": ["Chatter 3"]})
    assert by[6]["receivers"]["late"] == ["Chatter 2"]
    times = [entry["second"] for entry in entries]
    assert times == sorted(times)


def test_a_message_that_was_not_acknowledged_is_told(tmp_path: Path) -> None:
    run = Run(tmp_path, 1)
    run.hear(run.say(ITSELF, flags=1), 1)
    (entry,), _ = run.end()
    assert (entry["kinds"], entry["room"]) == (["unacknowledged"], "itself")
    assert "receivers" not in entry


@pytest.mark.parametrize("many", [MOST, MOST + 7])
def test_entries_and_receivers_are_bounded(tmp_path: Path, many: int) -> None:
    run = Run(tmp_path, 30)
    for _ in range(many):
        run.hear(run.say(), 1)
    entries, summary = run.end()
    left_out = entries.pop().get("left_out") if many > MOST else None
    assert left_out == (many - MOST or None)
    assert len(entries) == MOST
    assert {len(entry["receivers"]["lost"]) for entry in entries} == {MOST_RECEIVERS}
    assert {entry["counts"]["lost"] for entry in entries} == {29}
    assert (summary.violations.messages, summary.violations.listed) == (many, MOST)
    assert len(summary.violations.first) == 10


@pytest.mark.parametrize("rooms", [("lobby", "hall"), ("hall", "lobby")])
def test_entries_are_bounded_over_all_rooms(tmp_path: Path, rooms: tuple[str, str]) -> None:
    run = Run(tmp_path, 3)
    hall = run.recorder.room("hall")
    for client in run.clients:
        run.recorder.joining(client, hall, run.began)
        run.recorder.joined(client, hall, run.began)
    for room in rooms:
        for _ in range(MOST + 1):
            run.hear(run.say(room), 1)
    *entries, left_out = run.end()[0]
    assert left_out["left_out"] == MOST + 2
    assert [entry["number"] for entry in entries] == list(range(1, MOST + 1))
    assert {entry["room"] for entry in entries} == {rooms[0]}


def test_entries_are_bounded_over_all_partitions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "MOST_MESSAGES", 10)
    monkeypatch.setattr(partitions, "GROUP", 1)
    run = Run(tmp_path, 3)
    for sender in (1, 2, 3):
        for _ in range(MOST - 1):
            run.hear(run.say(sender=sender), sender)
    *entries, left_out = run.end()[0]
    assert left_out["left_out"] == 2 * MOST - 3
    assert [entry["sender"] for entry in entries] == ["Chatter 1"] * (MOST - 1) + ["Chatter 2"]


def test_a_run_of_an_older_version_has_no_times_of_day(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 7)
    client = recorder.client()
    recorder.connecting(client, 1)
    recorder.connected(client, 1, 1, 1)
    recorder.sending(client, 1, EVERYONE, 5, 5)
    recorder.phase(Phase.OVER, 10)
    recorder.close(20)
    for path in tmp_path.glob("health-*"):
        path.write_text(path.read_text().replace("wall_ns", "other"))
    write_summary(tmp_path)
    entry = json.loads((tmp_path / VIOLATIONS_FILE).read_text())
    assert "time" not in entry
    assert "name" not in entry
    assert entry["sender"].startswith("client 1 of process")
