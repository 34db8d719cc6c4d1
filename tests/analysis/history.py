"""Histories of deliveries with known faults, written as the processes of a run write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sockproof.analysis.delivery.checker import Delivery, check
from sockproof.analysis.evidence import partitions
from sockproof.load.record.recorder import Phase, Recorder
from sockproof.runs.load_records import LifeFlag, Reason
from sockproof.runs.reader import LoadRunFolder
from sockproof.vocabulary import OF_MESSAGES
from sockproof.wire import stamp

RUN = 7
END = 10_000  # when the drain is over
_CHECKSUM = stamp.checksum_of("body")


class Written:
    """A history, written as the processes of a run write it; times are small numbers."""

    def __init__(self, folder: Path, processes: int = 1) -> None:
        self.folder = folder
        self.recorders = [Recorder(folder, RUN) for _ in range(processes)]
        self.stamps: dict[tuple[tuple[int, int], int], bytes] = {}  # by sender and sequence

    def client(
        self,
        at: int = 0,
        process: int = 0,
        follows: tuple[int, int] | None = None,
        flags: int = 0,
    ) -> tuple[int, int]:
        """A client that is connected from then on; the same user as one before, perhaps."""
        process = process if follows is None else follows[0]
        recorder = self.recorders[process]
        number = recorder.client()
        recorder.connecting(number, at)
        if follows is not None:
            recorder.follows(number, follows[1], at, flags & ~LifeFlag.RECOVERED)
        recorder.connected(number, at, at, at)
        if follows is not None and flags & LifeFlag.RECOVERED:
            recorder.follows(number, follows[1], at, LifeFlag.RECOVERED)
        return process, number

    def end(self, client: tuple[int, int], at: int, reason: int = 0) -> None:
        """The connection ends; without a reason since its client cuts it off."""
        recorder = self.recorders[client[0]]
        if not reason:
            recorder.disconnecting(client[1], at)
        recorder.ended(client[1], reason or Reason.CLIENT, at, at)

    def join(
        self,
        client: tuple[int, int],
        room: str,
        asked: int,
        done: int | None,
        replays: bool = False,
    ) -> None:
        recorder = self.recorders[client[0]]
        recorder.joining(client[1], recorder.room(room), asked, replays)
        if done is not None:
            recorder.joined(client[1], recorder.room(room), done)

    def leave(self, client: tuple[int, int], room: str, asked: int, done: int | None) -> None:
        recorder = self.recorders[client[0]]
        recorder.leaving(client[1], recorder.room(room), asked)
        if done is not None:
            recorder.left(client[1], recorder.room(room), done)

    def say(
        self,
        client: tuple[int, int],
        sequence: int,
        room: str | int,
        at: int,
        acked: int | None = None,
        flags: int = 0,
    ) -> None:
        recorder = self.recorders[client[0]]
        number = recorder.room(room) if isinstance(room, str) else room
        made = recorder.sending(client[1], sequence, number, at, at, flags, _CHECKSUM)
        self.stamps[client, sequence] = made
        if acked is not None:
            recorder.ack_received(client[1], sequence, at, at, acked)

    def hear(
        self,
        client: tuple[int, int],
        sender: tuple[int, int],
        sequence: int,
        at: int,
        intact: bool = True,
        run: int = RUN,
        history: bool = False,
    ) -> None:
        made = self.stamps.get((sender, sequence))
        if made is None or run != RUN:
            who = self.recorders[sender[0]].identity(sender[1])
            made = stamp.octets(run, who, sequence, at, at, _CHECKSUM)
        found = stamp.find(made)
        assert found is not None
        if history:
            self.recorders[client[0]].heard_history(client[1], made + b'body"', at)
            return
        heard = None if intact else stamp.checksum_of("another body")
        self.recorders[client[0]].received(client[1], found, intact, at, heard)

    def check(self, killed: tuple[int, ...] = ()) -> Delivery:
        """Close the files, but those of processes that were killed, and judge them."""
        for number, recorder in enumerate(self.recorders):
            if number not in killed:
                recorder.phase(Phase.OVER, END)
                recorder.close(END + 1)
        found = check(LoadRunFolder(self.folder))
        assert all_of(in_partitions(self.folder)) == all_of(found)
        for number in killed:
            self.recorders[number].close(END + 1)
        return found


def in_partitions(folder: Path, processes: int = 0) -> Delivery:
    """The same run, with a partition for each sender."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partitions, "MOST_MESSAGES", 1)
        patch.setattr(partitions, "MOST_RECEIPTS", 2)
        return check(LoadRunFolder(folder), processes)


def all_of(found: Delivery) -> dict[str, Any]:
    """All that the checker has found, as plain values."""
    assert found.violations is not None
    parts = {
        kind: {name: counts.tolist() for name, counts in each.items() if counts.any()}
        for of in ("by_message", "by_class")
        for kind, each in (
            (f"{of} counts", getattr(found, of).counts),
            (f"{of} exercised", getattr(found, of).exercised),
        )
    }
    kept = {
        name: value
        for name, value in vars(found).items()
        if name not in ("violations", "by_message", "by_class", "names")
    }
    names = found.names.messages, found.names.classes
    amiss = found.violations.messages, found.violations.entries()
    ephemeral = {
        name: {**vars(each), "latency": each.latency.to_json()}
        for name, each in found.ephemeral.items()
    }
    return {**kept, **parts, "names": names, "amiss": amiss, "ephemeral": ephemeral}


def violations(found: Delivery) -> dict[str, int]:
    return {name: found.counts[name] for name in OF_MESSAGES if found.counts[name]}
