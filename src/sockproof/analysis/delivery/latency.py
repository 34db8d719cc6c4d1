"""What messages took to arrive, by the times that their senders wrote down.

What processes count while they run is by the times in stamps, which a target can rewrite. These
are written beside them, a file `delivery-TAG.jsonl` for each process, and take their place.

Latencies belong to the part of the run in which a message was due: one that was due before the
measured part stands under `before` in the line of its second.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sockproof import files
from sockproof.analysis.delivery.history import History
from sockproof.analysis.delivery.row_arrays import Numbers, Process, Receipts
from sockproof.runs.clock import SECOND
from sockproof.runs.histogram import BITS
from sockproof.runs.load_records import Phase
from sockproof.runs.reader import RunProcess
from sockproof.vocabulary import LatencyKind, Origin, before_key

_DELIVERY = LatencyKind.DELIVERY.value
_KINDS = tuple(before_key(LatencyKind.DELIVERY, origin) for origin in Origin)
# A sample as one number: its second, phase, whether it was due before, kind and bucket.
_KIND, _BEFORE, _PHASE = 1 << 13, 1 << 14, 1 << 15
_TURN = 1 << 17  # a second
_PARTS = 16  # counts that are kept apart before they are added up
_OFFSET = 1 << 40  # seconds before the measured part count from here


def buckets(values: Numbers) -> Numbers:
    """The bucket of each, as `histogram.bucket_of` has it."""
    values = np.maximum(values, 0)
    shift = np.maximum(np.frexp(values.astype(np.float64))[1].astype(np.int64) - 8, 0)
    found: Numbers = np.where(shift > 0, (shift << BITS) + (values >> shift), values)
    return found


@dataclass
class _Counted:
    """Of one process."""

    keys: list[Numbers] = field(default_factory=list)
    counts: list[Numbers] = field(default_factory=list)

    def add(self, keys: Numbers) -> None:
        unique, counts = np.unique(keys, return_counts=True)
        self.keys.append(unique)
        self.counts.append(counts)
        if len(self.keys) >= _PARTS:
            self.together()

    def together(self) -> tuple[Numbers, Numbers]:
        if not self.keys:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        unique, at = np.unique(np.concatenate(self.keys), return_inverse=True)
        counts = np.zeros(len(unique), dtype=np.int64)
        np.add.at(counts, at, np.concatenate(self.counts))
        self.keys, self.counts = [unique], [counts]
        return unique, counts


class DeliveryLatencies:
    """Counts what the checker finds."""

    def __init__(self) -> None:
        self._processes: dict[int, tuple[Process, _Counted]] = {}

    def take(self, history: History, receipts: Receipts, at: Numbers) -> None:
        """Receipts of one process; `at` is where the message of each stands."""
        if not len(at):
            return
        process = history.process_of(int(receipts.client[0]))
        counted = self._processes.setdefault(process.file.tag, (process, _Counted()))[1]
        emits = history.emits
        same = history.clock[receipts.client] == history.clock[emits.sender[at]]
        time, at = receipts.time[same], at[same]
        phase = _phases(process, time)
        # A line is written at the end of its second.
        second = -((_origin(process) - time) // SECOND) + _OFFSET
        before = emits.intended[at] < process.begun.get(Phase.MEASURED, 0)
        before &= phase >= Phase.MEASURED
        key = second * _TURN + phase * _PHASE + before * _BEFORE
        counted.add(key + buckets(time - emits.intended[at]))
        counted.add(key + _KIND + buckets(time - emits.actual[at]))

    def lines(self, tag: int) -> Iterator[dict[str, Any]]:
        """The lines of a process, as its histograms' file has them."""
        if tag not in self._processes:
            return
        process, counted = self._processes[tag]
        keys, counts = counted.together()
        ends = np.flatnonzero(np.diff(keys // _PHASE)) + 1
        for part, numbers in zip(np.split(keys, ends), np.split(counts, ends), strict=True):
            if len(part):
                yield _line(process, part, numbers)


def write(processes: Iterable[RunProcess], found: DeliveryLatencies) -> None:
    """Write the files of all processes; raises `files.WriteError`."""
    for process in processes:
        lines = (json.dumps(line, separators=(",", ":")) for line in found.lines(process.tag))
        files.write(process.path("delivery"), "".join(f"{line}\n" for line in lines))


def _origin(process: Process) -> int:
    """From where a process counts seconds."""
    return process.begun.get(Phase.MEASURED, 0)


def _phases(process: Process, time: Numbers) -> Numbers:
    """The phase that a process was in at each time."""
    phase = np.zeros(len(time), dtype=np.int64)
    for number in sorted(process.begun):
        phase[time >= process.begun[number]] = number
    return np.minimum(phase, Phase.DRAIN)  # what comes at the very end of the drain is of it


def _line(process: Process, keys: Numbers, counts: Numbers) -> dict[str, Any]:
    phase = int(keys[0] // _PHASE % (_TURN // _PHASE))
    second = int(keys[0] // _TURN) - _OFFSET
    time = _origin(process) + second * SECOND
    following = [begun for number, begun in process.begun.items() if number > phase]
    time = min([time, *following])
    told: dict[tuple[bool, str], dict[str, int]] = {}
    for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
        place = bool(key & _BEFORE), _KINDS[bool(key & _KIND)]
        told.setdefault(place, {})[str(key % _KIND)] = count
    line: dict[str, Any] = {
        "t": time,
        "phase": phase,
        _DELIVERY: {
            origin.value: told.get((False, kind), {})
            for origin, kind in zip(Origin, _KINDS, strict=True)
        },
    }
    before = {kind: told[True, kind] for kind in _KINDS if (True, kind) in told}
    if before:
        line["before"] = before
    return line
