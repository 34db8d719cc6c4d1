"""A run is judged the same in one partition and in many, and in many it takes bounded memory."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.delivery_checker import repeat_round, write_run

from sockproof.analysis.delivery import latency
from sockproof.analysis.delivery.checker import Delivery, check
from sockproof.analysis.delivery.latency import DeliveryLatencies
from sockproof.analysis.evidence import partitions
from sockproof.files import WriteError
from sockproof.load.messages.answers import Answers, Increasing, Unique
from sockproof.load.record.recorder import Phase
from sockproof.runs.load_records import (
    EVERYONE,
    ITSELF,
    NOBODY,
    EmitFlag,
    LifeFlag,
    Reason,
    Stray,
)
from sockproof.runs.reader import LoadRunFolder
from sockproof.vocabulary import OF_MESSAGES, Property
from sockproof.wire import stamp
from tests.analysis.history import END, RUN, Written, all_of
from tests.waiting import LIMIT

ROOMS = ("red", "green", "blue")
PROCESSES = 3
SEEDS, MANY = 4, 1_000_000
VALUES = Answers([Unique("id"), Increasing("id", "room"), Increasing("id", "sender")])
Client = tuple[int, int]


class Drawn(Written):
    """A run with everything that can be wrong, drawn by chance."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, PROCESSES)
        self.dice = dice = random.Random(seed)
        for recorder in self.recorders:
            recorder.phase(Phase.MEASURED, 40)
        self.clients = [self.client(dice.randrange(5), dice.randrange(PROCESSES)) for _ in range(9)]
        self.sent: list[tuple[Client, int, int]] = []
        for client in list(self.clients):
            self._moves(client)
        for client in self.clients:
            self._speaks(client)
        for client in self.clients:
            self._hears(client)
        for recorder in self.recorders[:-1]:  # the last process is killed
            recorder.phase(Phase.OVER, END)
            recorder.close(END + 1)

    def _moves(self, client: Client) -> None:
        dice, at = self.dice, 10
        for room in ROOMS:
            if dice.random() < 0.7:
                self.join(client, room, at, dice.choice((at + 5, None)))
                if dice.random() < 0.2:
                    self.leave(client, room, 400, dice.choice((410, None)))
        if dice.random() < 0.4:  # its user comes back
            flags = dice.choice((0, LifeFlag.REPLAYS, LifeFlag.RECOVERED))
            self.end(client, 300, dice.choice((0, Reason.RESET, Reason.SERVER_CLOSED)))
            back = self.client(dice.randrange(310, 350), follows=client, flags=flags)
            self.join(back, dice.choice(ROOMS), 360, 370, bool(flags))
            self.clients.append(back)

    def _speaks(self, client: Client) -> None:
        dice, recorder = self.dice, self.recorders[client[0]]
        at = 50
        for sequence in range(1, dice.randrange(1, 9)):
            at += dice.randrange(1, 90)
            room = dice.choice((*ROOMS, *ROOMS, EVERYONE, ITSELF, NOBODY))
            acked = at + dice.randrange(1, 60) if dice.random() < 0.6 else None
            flags = dice.choice((0, 1, EmitFlag.SKIPS_SENDER, 1 | EmitFlag.MATCHED))
            self.say(client, sequence, room, at, acked, flags)
            self.sent.append((client, sequence, at))
            if dice.random() < 0.1:
                recorder.withdrawn(client[1], sequence, at, at, 0)
            if acked is None and dice.random() < 0.3:
                recorder.ack_timed_out(client[1], sequence, at + 500)
            if dice.random() < 0.15:
                recorder.refuse(client[1], sequence, "full", at + 5)
            elif dice.random() < 0.1:
                recorder.unjudged(client[1], sequence, at + 5)
            for value in VALUES.values({"id": dice.randrange(6)}):
                recorder.value(client[1], sequence, *value, at + 5)
            recorder.notified(client[1], recorder.room("red"), "typing", 1, at, 0)
            if dice.random() < 0.1:
                recorder.stray(client[1], 99, Stray.UNASKED)

    def _hears(self, client: Client) -> None:
        dice = self.dice
        for sender, sequence, at in dice.sample(self.sent, k=len(self.sent) * 2 // 3):
            for _ in range(dice.choice((1, 1, 1, 1, 2, 3))):
                time = END + 5 if dice.random() < 0.05 else at + dice.randrange(70)
                intact, run = dice.random() > 0.05, dice.choice((*[RUN] * 20, RUN + 1))
                history = run == RUN and intact and dice.random() < 0.1
                self.hear(client, sender, sequence, time, intact, run, history)
            if dice.random() < 0.03:  # the stamp says something else than its sender
                found = stamp.find(self.stamps[sender, sequence])
                assert found is not None
                other = stamp.checksum_of("another body")
                self.recorders[client[0]].received(client[1], found, True, at + 5, other)
        for _ in range(dice.randrange(3)):
            self.hear(client, dice.choice(self.clients), dice.randrange(50, 60), 500)
        if dice.random() < 0.3:
            self.recorders[client[0]].received_unmarked(client[1], 450)


def judged(folder: Path) -> tuple[Delivery, list[object]]:
    latencies, run = DeliveryLatencies(), LoadRunFolder(folder)
    found = check(run, PROCESSES, latencies)
    return found, [list(latencies.lines(process.tag)) for process in run.recorded]


def test_partitions_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = set()
    for seed in range(SEEDS):
        (tmp_path / str(seed)).mkdir()
        run = Drawn(tmp_path / str(seed), seed)
        whole, lines = judged(run.folder)
        there = sorted(run.folder.iterdir())
        faults |= {name for name in OF_MESSAGES if whole.counts[name]}
        for messages, receipts in ((1, 1), (9, MANY), (MANY, 9)):
            with monkeypatch.context() as patch:
                patch.setattr(partitions, "MOST_MESSAGES", messages)
                patch.setattr(partitions, "MOST_RECEIPTS", receipts)
                patch.setattr(latency, "MOST_HELD", messages)
                found, more = judged(run.folder)
            assert all_of(found) == all_of(whole), (seed, messages, receipts)
            assert more == lines
            assert sorted(run.folder.iterdir()) == there
        run.recorders[-1].close(END)
    assert set(OF_MESSAGES) - faults == {Property.MISCOUNTED}  # a process was killed


def test_full_disk_under_the_spill_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Drawn(tmp_path, 1)

    def full(**_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(latency, "MOST_HELD", 1)
    monkeypatch.setattr(latency, "TemporaryFile", full)
    with pytest.raises(WriteError, match=r"cannot write to .*: No space left on device"):
        judged(tmp_path)
    run.recorders[-1].close(END)


CHECK = """
import re, sys
from pathlib import Path
from sockproof.analysis.delivery.checker import check
from sockproof.analysis.evidence import partitions
from sockproof.runs.reader import LoadRunFolder
if sys.argv[2:]:
    partitions.MOST_MESSAGES, partitions.MOST_RECEIPTS, partitions.GROUP = map(int, sys.argv[2:])
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
before = peak()
counts = check(LoadRunFolder(Path(sys.argv[1]))).counts
print(peak() - before, counts["due"], counts["lost"])
"""


def test_many_partitions_take_little_memory(tmp_path: Path) -> None:
    repeat_round(write_run(tmp_path, 1, 1000, now=10**9), 600)
    took = []
    for most in ((), (100_000, 100_000, 25_000)):
        words = [sys.executable, "-c", CHECK, str(tmp_path), *map(str, most)]
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=LIMIT)
        mebibytes, due, lost = map(int, done.stdout.split())
        assert (due, lost) == (600_000, 0)
        took.append(mebibytes)
    assert took[0] > 150 > 110 > took[1], took
