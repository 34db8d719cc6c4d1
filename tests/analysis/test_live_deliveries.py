"""Deliveries are told by name and class while a run goes on, each receipt once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sockproof.analysis.timeline import live_deliveries
from sockproof.analysis.timeline.live_deliveries import LiveDeliveries
from sockproof.load.record.recorder import Recorder
from sockproof.runs.load_records import OTHER
from tests.analysis.history import Written
from tests.waiting import SOON

Client = tuple[int, int]


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    history = Written(tmp_path, processes=2)
    yield history
    for recorder in history.recorders:
        recorder.close(99_999)


def of_class(history: Written, process: int, name: str) -> Client:
    """A client that belongs to a user of a class."""
    recorder: Recorder = history.recorders[process]
    number = recorder.client()
    recorder.connecting(number, 1, recorder.names.user_class(name), number)
    return process, number


def say(history: Written, client: Client, sequence: int, name: str, at: int) -> None:
    names = history.recorders[client[0]].names
    history.say(client, sequence, names.places((name, name))["lobby"], at)


def told(live: LiveDeliveries) -> dict[tuple[str, str], tuple[int, dict[int, int]]]:
    return {(message, of): (count, dict(took)) for message, of, count, took in live.told()}


def test_receipts_have_the_name_of_their_message_and_the_class_of_their_receiver(
    written: Written, tmp_path: Path
) -> None:
    alice, bob = of_class(written, 0, "Member"), of_class(written, 1, "Guest")
    live = LiveDeliveries(tmp_path)
    assert not live.look()
    assert live.told() == []
    say(written, alice, 1, "loud", 1_000)
    say(written, alice, 2, "private", 1_000)
    say(written, bob, 1, "loud", 1_000)
    written.hear(bob, alice, 1, 1_100)
    live.look()
    assert told(live) == {("loud", "Guest"): (1, {100: 1})}
    written.hear(alice, alice, 1, 1_050)
    written.hear(bob, alice, 2, 1_020)
    written.hear(alice, bob, 1, 1_050)
    for _ in range(3):
        live.look()
    assert told(live) == {
        ("loud", "Member"): (2, {50: 2}),
        ("loud", "Guest"): (1, {100: 1}),
        ("private", "Guest"): (1, {20: 1}),
    }
    assert [count for _, _, count, _ in live.told()] == [2, 1, 1]


def test_what_is_no_receipt_of_a_message_has_no_name(written: Written, tmp_path: Path) -> None:
    alice, bob = of_class(written, 0, "Member"), of_class(written, 1, "Guest")
    say(written, alice, 1, "loud", 1_000)
    written.hear(bob, alice, 1, 1_100, intact=False)
    written.hear(bob, alice, 1, 1_100, run=8)
    written.hear(bob, alice, 1, 1_100, history=True)
    written.hear(bob, alice, 7, 1_100)
    live = LiveDeliveries(tmp_path)
    for _ in range(live_deliveries.PATIENCE + 2):
        live.look()
    assert live.told() == []
    assert live._waiting == []


def test_between_two_clocks_receipts_are_counted_and_not_timed(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_deliveries, "_CLOCK", 0)  # each process has one of its own
    alice, bob = of_class(written, 0, "Member"), of_class(written, 1, "Guest")
    say(written, alice, 1, "loud", 1_000)
    written.hear(bob, alice, 1, 1_100)
    written.hear(alice, alice, 1, 1_100)
    live = LiveDeliveries(tmp_path)
    live.look()
    live.look()
    assert told(live) == {("loud", "Guest"): (1, {}), ("loud", "Member"): (1, {100: 1})}


def test_a_receipt_that_is_read_before_its_message_waits_for_it(
    written: Written, tmp_path: Path
) -> None:
    alice, bob = of_class(written, 0, "Member"), of_class(written, 1, "Guest")
    written.hear(bob, alice, 1, 1_100)
    live = LiveDeliveries(tmp_path)
    live.look()
    assert live.told() == []
    say(written, alice, 1, "loud", 1_000)
    live.look()
    assert told(live) == {("loud", "Guest"): (1, {100: 1})}


def test_a_name_that_is_written_while_rows_are_read_is_known(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = of_class(written, 0, "Member")
    live = LiveDeliveries(tmp_path)
    read = live_deliveries._Process.rows
    once = iter([1])  # either process may be the first that is read

    def rows(process: live_deliveries._Process) -> Any:
        for sequence in once:
            say(written, alice, sequence, "new", 1_000)
            written.hear(alice, alice, sequence, 1_100)
        return read(process)

    monkeypatch.setattr(live_deliveries._Process, "rows", rows)
    live.look()
    live.look()
    assert told(live) == {("new", "Member"): (1, {100: 1})}


def test_names_that_come_before_the_rows_are_kept(written: Written, tmp_path: Path) -> None:
    alice = of_class(written, 0, "Member")
    say(written, alice, 1, "loud", 1_000)
    written.hear(alice, alice, 1, 1_100)
    rows = sorted(tmp_path.glob("rows-*.bin"))
    for path in rows:
        path.rename(path.with_suffix(".away"))
    live = LiveDeliveries(tmp_path)
    live.look()
    for path in rows:
        path.with_suffix(".away").rename(path)
    live.look()
    assert told(live) == {("loud", "Member"): (1, {100: 1})}


def test_no_more_is_kept_than_is_bounded(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_deliveries, "MOST_NAMES", 3)
    monkeypatch.setattr(live_deliveries, "MOST_KEPT", 50)
    monkeypatch.setattr(live_deliveries, "PART", 20)
    alice = of_class(written, 0, "Member")
    for number in range(1, 101):
        say(written, alice, number, f"name {number}", 1_000)
        written.hear(alice, alice, number, 1_001)
    live = LiveDeliveries(tmp_path)
    while live.look():
        pass
    found = told(live)
    assert sum(count for count, _ in found.values()) == 100
    assert found[OTHER, "Member"][0] > 90
    assert len(found) <= 5
    assert sum(len(each.key) for each in live._processes[written.recorders[0].tag].sent) <= 50


def test_damaged_files_are_passed_over(written: Written, tmp_path: Path) -> None:
    alice = of_class(written, 0, "Member")
    say(written, alice, 1, "loud", 1_000)
    written.hear(alice, alice, 1, 1_100)
    (tmp_path / "rows-zz.bin").write_bytes(b"x" * 9000)
    (tmp_path / "rows-00000007.bin").write_bytes(b"\xff" * 9000)
    (tmp_path / "rows-00000008.bin").mkdir()
    (tmp_path / "rooms-00000007.jsonl").write_bytes(b'{"room": 1}\n\xff\n')
    live = LiveDeliveries(tmp_path)
    live.look()
    assert told(live) == {("loud", "Member"): (1, {100: 1})}


def test_reader_ends_with_the_one_who_asked(tmp_path: Path) -> None:
    command = [sys.executable, "-m", live_deliveries.__name__, str(tmp_path)]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=SOON, check=True)
    assert (done.stdout, done.stderr) == (b"[]\n", b"")
