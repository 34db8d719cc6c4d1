"""What messages took to arrive and to be acknowledged, by what their senders wrote down.

What processes count while they run is by the times in stamps, which a target can rewrite. These
are written beside them, a file `delivery-TAG.jsonl` for each process, and take their place.

Latencies belong to the part of the run in which a message was due: one that was due before the
measured part stands under `before` in the line of its second.

Where messages have several names, or users several classes, those of each follow, under the kind
with the part behind it: `delivery["private"]`. Acknowledgements belong to the class of the sender,
deliveries to that of the receiver.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from sockproof import files
from sockproof.analysis.evidence.clock_errors import UNKNOWN
from sockproof.analysis.evidence.history import History
from sockproof.analysis.evidence.names import UNNAMED
from sockproof.analysis.evidence.row_arrays import Numbers, Process, Receipts
from sockproof.runs.breakdown import By, Group
from sockproof.runs.clock import SECOND
from sockproof.runs.histogram import BITS
from sockproof.runs.load_records import Phase, ReceiptFlag
from sockproof.runs.reader import RunProcess
from sockproof.vocabulary import LatencyKind, Origin, before_key

_DELIVERY = LatencyKind.DELIVERY.value
_KINDS = tuple(before_key(LatencyKind.DELIVERY, origin) for origin in Origin)
_ORIGINS = tuple(Origin)
# A sample as one number: its second, phase, parts, whether it is of an acknowledgement, whether
# it was due before, origin and bucket.
_ORIGIN, _BEFORE, _ACK, _PART, _PHASE = 1 << 13, 1 << 14, 1 << 15, 1 << 16, 1 << 30
_TURN = 1 << 32  # a second
_BLOCK = 64 * _TURN  # what is read back from the spill at once
MOST_HELD = 8_000_000  # counts in memory, of 16 octets
_PARTS = 16  # counts that are kept apart before they are added up
_OFFSET = 1 << 25  # seconds before the measured part count from here
_AT_ONCE = 1_000_000  # messages


def buckets(values: Numbers) -> Numbers:
    """The bucket of each, as `histogram.bucket_of` has it."""
    values = np.maximum(values, 0)
    shift = np.maximum(np.frexp(values.astype(np.float64))[1].astype(np.int64) - 8, 0)
    found: Numbers = np.where(shift > 0, (shift << BITS) + (values >> shift), values)
    return found


@dataclass
class Parts:
    """By which parts latencies are told: names of messages, classes of users, each with each.

    `names` are how the kinds of each pair go on; none where there is but one of its sort.
    """

    names: list[tuple[str, ...]] = field(default_factory=lambda: [()])
    classes: int = 1

    @classmethod
    def of(cls, history: History) -> Parts:
        """Those of a run."""
        told = history.names
        several = len(set(told.messages[1:])) > 1 or history.has_unnamed
        messages = [str(Group(By.NAME, name)) if several and name else "" for name in told.messages]
        several = len(set(told.classes[1:])) > 1 or bool((told.class_of == UNNAMED).any())
        classes = [str(Group(By.CLASS, name)) if several and name else "" for name in told.classes]
        return cls(
            [tuple(filter(None, (name, one))) for name in messages for one in classes],
            len(classes),
        )

    @property
    def are_several(self) -> bool:
        """Whether there are any parts."""
        return any(self.names)

    def numbers(self, named: NDArray[Any], classes: Numbers) -> Numbers:
        """The number of each pair."""
        found: Numbers = named.astype(np.int64) * self.classes + classes
        return found


@dataclass
class _Counted:
    """Of one process."""

    keys: list[Numbers] = field(default_factory=list)
    counts: list[Numbers] = field(default_factory=list)
    held: int = 0
    # Where more of them stand in the spill, and how many, by blocks of seconds.
    spilled: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def add(self, keys: Numbers) -> None:
        unique, counts = np.unique(keys, return_counts=True)
        self.keys.append(unique)
        self.counts.append(counts)
        self.held += len(unique)
        if len(self.keys) >= _PARTS:
            self.together()

    def together(self) -> tuple[Numbers, Numbers]:
        unique, counts = _sums(self.keys, self.counts)
        self.keys, self.counts, self.held = [unique], [counts], len(unique)
        return unique, counts

    def spill(self, to: BinaryIO) -> None:
        keys, counts = self.together()
        block = keys // _BLOCK
        for part in np.split(np.arange(len(keys)), np.flatnonzero(np.diff(block)) + 1):
            if len(part):
                place = to.seek(0, os.SEEK_END), len(part)
                self.spilled.setdefault(int(block[part[0]]), []).append(place)
                to.write(keys[part].tobytes() + counts[part].tobytes())
        self.keys, self.counts, self.held = [], [], 0

    def blocks(self, spill: BinaryIO | None) -> Iterator[tuple[Numbers, Numbers]]:
        """All, in the order of their seconds, none of which is parted."""
        if spill is None or not self.spilled:
            yield self.together()
            return
        self.spill(spill)
        spill.flush()
        for _, places in sorted(self.spilled.items()):
            read = [os.pread(spill.fileno(), 16 * count, at) for at, count in places]
            pairs = [np.frombuffer(each, dtype=np.int64).reshape(2, -1) for each in read]
            yield _sums([keys for keys, _ in pairs], [counts for _, counts in pairs])


def _sums(keys: list[Numbers], counts: list[Numbers]) -> tuple[Numbers, Numbers]:
    """Each key once, in their order, and how many it stands for."""
    nothing = np.zeros(0, dtype=np.int64)
    unique, at = np.unique(np.concatenate([nothing, *keys]), return_inverse=True)
    found = np.zeros(len(unique), dtype=np.int64)
    np.add.at(found, at, np.concatenate([nothing, *counts]))
    return unique, found


class DeliveryLatencies:
    """Counts what the checker finds; what is too much for memory is in a file without a name."""

    def __init__(self) -> None:
        self._spill: BinaryIO | None = None
        self._processes: dict[int, tuple[Process, _Counted]] = {}
        self.error = 0  # nanoseconds, at most, of those between two clocks
        self._parts = Parts()

    def take_acks(self, history: History) -> None:
        """The acknowledgements of all messages."""
        self._parts = Parts.of(history)
        emits = history.emits
        acked = np.flatnonzero(emits.acked > 0)
        sender = emits.sender[acked]
        for process in history.processes:
            low, high = np.searchsorted(sender, (process.base, process.base + process.clients))
            counted = self._of(process)
            for start in range(int(low), int(high), _AT_ONCE):
                at = acked[start : min(start + _AT_ONCE, int(high))]
                key = self._keys(process, history, at, emits.acked[at], emits.sender[at]) + _ACK
                counted.add(key + buckets(emits.acked[at] - emits.intended[at]))
                counted.add(key + _ORIGIN + buckets(emits.acked[at] - emits.actual[at]))
                self._keep_few(history.run.path)

    def _of(self, process: Process) -> _Counted:
        return self._processes.setdefault(process.file.tag, (process, _Counted()))[1]

    def take(self, history: History, receipts: Receipts, at: Numbers) -> None:
        """Receipts of one process; `at` is where the message of each stands."""
        if not len(at):
            return
        process = history.process_of(int(receipts.client[0]))
        counted = self._of(process)
        emits = history.emits
        # What was said before a connection was asked for is handed over, and not delivered late.
        timed = (receipts.flags & ReceiptFlag.HISTORY) == 0
        sent = emits.actual[at]
        if not history.errors.one_clock:
            error = history.errors.between(receipts.client, emits.sender[at])
            timed &= error < UNKNOWN
            sent = sent - error
            self.error = max(self.error, int(error[timed].max(initial=0)))
        timed &= sent >= history.asked[receipts.life]
        time, at = receipts.time[timed], at[timed]
        key = self._keys(process, history, at, time, receipts.client[timed])
        counted.add(key + buckets(time - emits.intended[at]))
        counted.add(key + _ORIGIN + buckets(time - emits.actual[at]))
        self._keep_few(history.run.path)

    def _keep_few(self, folder: Path) -> None:
        """Keep no more in memory than there is room for."""
        counted = [each for _, each in self._processes.values()]
        if sum(each.held for each in counted) <= MOST_HELD:
            return
        for each in counted:
            each.together()
        if sum(each.held for each in counted) <= MOST_HELD // 2:
            return
        try:
            if self._spill is None:
                self._spill = cast(BinaryIO, TemporaryFile(dir=folder))  # noqa: SIM115
                finalize(self, self._spill.close)
            for each in counted:
                each.spill(self._spill)
            self._spill.flush()
        except OSError as error:
            raise files.WriteError(f"cannot write to {folder}: {error.strerror}") from None

    def _keys(
        self, process: Process, history: History, at: Numbers, time: Numbers, client: Numbers
    ) -> Numbers:
        """Everything of samples but their bucket, origin and kind."""
        emits = history.emits
        phase = _phases(process, time)
        # A line is written at the end of its second.
        second = -((_origin(process) - time) // SECOND) + _OFFSET
        before = emits.intended[at] < process.begun.get(Phase.MEASURED, 0)
        before &= phase >= Phase.MEASURED
        keys: Numbers = second * _TURN + phase * _PHASE + before * _BEFORE
        if self._parts.are_several:
            keys += self._parts.numbers(emits.named[at], history.names.class_of[client]) * _PART
        return keys

    def lines(self, tag: int) -> Iterator[dict[str, Any]]:
        """The lines of a process, as its histograms' file has them."""
        if tag not in self._processes:
            return
        process, counted = self._processes[tag]
        for keys, counts in counted.blocks(self._spill):
            ends = np.flatnonzero(np.diff(keys // _PHASE)) + 1
            for part, numbers in zip(np.split(keys, ends), np.split(counts, ends), strict=True):
                if len(part):
                    yield self._line(process, part, numbers)

    def _line(self, process: Process, keys: Numbers, counts: Numbers) -> dict[str, Any]:
        phase = int(keys[0] // _PHASE % (_TURN // _PHASE))
        second = int(keys[0] // _TURN) - _OFFSET
        time = _origin(process) + second * SECOND
        following = [begun for number, begun in process.begun.items() if number > phase]
        time = process.line.to_own(min([time, *following]))
        told: dict[str, dict[str, dict[str, int]]] = {
            _DELIVERY: {each.value: {} for each in Origin}
        }
        before: dict[str, dict[str, int]] = {}
        for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
            bucket, is_actual = str(key % _ORIGIN), bool(key & _ORIGIN)
            kind = LatencyKind.ACK.value if key & _ACK else _DELIVERY
            if key & _BEFORE:
                if kind == _DELIVERY:
                    _add(before.setdefault(_KINDS[is_actual], {}), bucket, count)
                continue
            names = self._parts.names[key // _PART % (_PHASE // _PART)]
            for part in names if kind == LatencyKind.ACK else ("", *names):
                origins = told.setdefault(f"{kind}{part}", {each.value: {} for each in Origin})
                _add(origins[_ORIGINS[is_actual]], bucket, count)
        line: dict[str, Any] = {"t": time, "phase": phase, **told}
        if before:
            line["before"] = before
        return line


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


def _add(to: dict[str, int], bucket: str, count: int) -> None:
    to[bucket] = to.get(bucket, 0) + count
