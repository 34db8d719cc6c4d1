"""Deliveries by the name of their message and the class of their receiver, while a run goes on.

`python -m sockproof.analysis.timeline.live_deliveries FOLDER` writes a line of JSON each second,
`[message, class, receipts, {bucket: receipts of this latency}]` for each pair, until every process
of the run has ended or its standard input is closed.

A receipt's row says which message it was, and the row of its sender, perhaps in another process,
what that is called. So a process of its own reads both, and no message costs the load generator
anything. Numbers are those of the rows alone: what is lost or doubled is for the delivery checker.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
from collections import defaultdict, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sockproof import files
from sockproof.analysis.delivery.latency import buckets
from sockproof.analysis.evidence.row_arrays import HIGH, LOW, Numbers
from sockproof.runs.load_records import (
    MOST_CLASSES,
    MOST_NAMES,
    MOST_ROWS,
    OTHER,
    ROWS_AT,
    Kind,
    ReceiptFlag,
    finished_or_gone,
)
from sockproof.runs.reader import GrowingRun, RowNames
from sockproof.runs.rows import PART, ROW, SPARE

PERIOD = 1.0  # seconds between two lines
KEPT = 60  # looks, of whose messages receipts may still come
MOST_KEPT = 2_000_000  # messages of a process
PATIENCE = 10  # looks until a message whose receipt was read is there
_CLOCK = 16  # tags of one clock have the same bits above these
# A receipt as one number: its message, the class of its receiver and the bucket of its latency.
_CLASS, _MESSAGE = 14, 24
_PLAIN = np.uint8(~ReceiptFlag.EXACT & 0xFF)  # flags without which a receipt is as it should be


@dataclass
class _Sent:
    """Messages of one look, in the order of `key`: client << 32 | sequence."""

    key: NDArray[np.uint64]
    place: NDArray[np.int64]
    intended: NDArray[np.uint64]


@dataclass
class _Process:
    """What was read of one process."""

    path: Path
    names: RowNames
    read: int = 0  # rows
    sent: deque[_Sent] = field(default_factory=deque)
    class_of: Numbers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))  # by client

    def rows(self) -> Any:
        """The rows that are new, at most `PART` of them."""
        try:
            with files.opened(self.path, MOST_ROWS) as handle:
                octets = os.pread(handle, PART * ROW.itemsize, ROWS_AT + self.read * ROW.itemsize)
        except (files.FileError, OSError):
            return np.empty(0, dtype=ROW)
        rows = np.frombuffer(octets, dtype=ROW, count=len(octets) // ROW.itemsize)
        empty = rows["kind"] == 0
        rows = rows[: int(np.argmax(empty)) if empty.any() else len(rows)]
        self.read += len(rows)
        return rows

    def take_sent(self, rows: Any) -> None:
        """Keep what was sent, and forget what was sent long ago."""
        key = rows["client"].astype(np.uint64) << HIGH | rows["a"] >> HIGH
        order = np.argsort(key, kind="stable")
        place = (rows["a"] & LOW).astype(np.int64)
        self.sent.append(_Sent(key[order], place[order], rows["b"][order]))
        while len(self.sent) > KEPT or sum(len(each.key) for each in self.sent) > MOST_KEPT:
            self.sent.popleft()

    def find(self, key: NDArray[np.uint64]) -> tuple[NDArray[np.bool_], Numbers, Any]:
        """Which messages are known, at which place each was said, and when it was due."""
        known = np.zeros(len(key), dtype=bool)
        place = np.zeros(len(key), dtype=np.int64)
        intended = np.zeros(len(key), dtype=np.uint64)
        left = np.arange(len(key))
        for sent in reversed(self.sent):
            if not len(left):
                break
            if not len(sent.key):
                continue
            at = np.minimum(np.searchsorted(sent.key, key[left]), len(sent.key) - 1)
            here = sent.key[at] == key[left]
            found, at = left[here], at[here]
            known[found], place[found], intended[found] = True, sent.place[at], sent.intended[at]
            left = left[~here]
        return known, place, intended


class LiveDeliveries:
    """What was delivered so far; each row is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._run = GrowingRun(folder)
        self._processes: dict[int, _Process] = {}
        self._names: defaultdict[int, RowNames] = defaultdict(RowNames)  # also without rows as yet
        self._messages: dict[str, int] = {}
        self._classes: dict[str, int] = {"": 0}
        self._counts: dict[tuple[int, int], dict[int, int]] = {}  # by pair: of each latency
        self._receipts: dict[tuple[int, int], int] = {}
        self._waiting: list[tuple[int, int, Any]] = []  # receipts that came before their messages

    def look(self) -> bool:
        """Take in what is new; whether there is more."""
        for path in sorted(self._folder.glob("rows-*.bin")):
            with contextlib.suppress(ValueError):
                tag = int(path.stem.partition("-")[2], 16)
                if tag not in self._processes:
                    self._processes[tag] = _Process(path, self._names[tag])
        new = {tag: process.rows() for tag, process in self._processes.items()}
        # A number is named before the first row that refers to it: so names are read behind rows.
        for tag, line in self._run.names():
            self._names[tag].take(line)
        heard, self._waiting = self._waiting, []
        more = False
        for tag, process in self._processes.items():
            rows = new[tag]
            more |= len(rows) == PART
            kinds = rows["kind"]
            self._take_clients(process, rows[kinds == Kind.CONNECT_ASKED])
            process.take_sent(rows[kinds == Kind.EMIT])
            receipts = rows[(kinds == Kind.RECEIPT) & (rows["flags"] & _PLAIN == 0)]
            if len(receipts):
                heard.append((0, tag, receipts))
        for looks, tag, receipts in heard:
            late = self._take_receipts(tag, receipts)
            if len(late) and looks < PATIENCE:
                self._waiting.append((looks + 1, tag, late))
        return more

    def told(self) -> list[tuple[str, str, int, dict[int, int]]]:
        """All of it, the most frequent first."""
        messages, classes = list(self._messages), list(self._classes)
        return [
            (messages[message], classes[user_class], receipts, self._counts[message, user_class])
            for (message, user_class), receipts in sorted(
                self._receipts.items(), key=lambda each: -each[1]
            )
        ]

    def _take_clients(self, process: _Process, rows: Any) -> None:
        if not len(rows):
            return
        client = rows["client"].astype(np.int64)
        rows, client = rows[client <= process.read + SPARE], client[client <= process.read + SPARE]
        most = int(client.max(initial=-1)) + 1
        if most > len(process.class_of):
            more = np.zeros(most + most // 2 - len(process.class_of), dtype=np.int64)
            process.class_of = np.concatenate([process.class_of, more])
        for number in np.unique(rows["a"]).tolist():
            name = process.names.classes.get(number, "")
            of_class = _number(self._classes, name, MOST_CLASSES)
            process.class_of[client[rows["a"] == number]] = of_class

    def _take_receipts(self, tag: int, rows: Any) -> Any:
        """Count receipts of a process; those whose message is not known yet are given back."""
        late = [np.empty(0, dtype=ROW)]
        tags = (rows["a"] >> HIGH).astype(np.int64)
        for sender in np.unique(tags).tolist():
            some = rows[tags == sender]
            if (saying := self._processes.get(sender)) is None:
                late.append(some)
                continue
            known, place, intended = saying.find((some["a"] & LOW) << HIGH | some["b"] & LOW)
            late.append(some[~known])
            if known.any():
                hearing = self._processes[tag]
                timed = tag >> _CLOCK == sender >> _CLOCK
                self._count(hearing, saying, some[known], place[known], intended[known], timed)
        return np.concatenate(late)

    def _count(
        self, hearing: _Process, saying: _Process, rows: Any, place: Numbers, due: Any, timed: bool
    ) -> None:
        """`timed`: the clocks of both are one; else the summary compares them."""
        places, at = np.unique(place, return_inverse=True)
        names = [saying.names.place(each).message for each in places.tolist()]
        numbers = [_number(self._messages, name, MOST_NAMES) for name in names]
        message = np.array(numbers, dtype=np.int64)[at]
        client = rows["client"].astype(np.int64)
        known = np.append(hearing.class_of, 0)
        user_class = known[np.where(client < len(hearing.class_of), client, -1)]
        took = buckets((rows["c"] - due).astype(np.int64)) if timed else np.zeros_like(message)
        keys = (message << _MESSAGE) + (user_class << _CLASS) + took
        for key, number in zip(*np.unique(keys, return_counts=True), strict=True):
            pair = int(key) >> _MESSAGE, int(key) >> _CLASS & (1 << _MESSAGE - _CLASS) - 1
            self._receipts[pair] = self._receipts.get(pair, 0) + int(number)
            counts = self._counts.setdefault(pair, {})
            if timed:
                bucket = int(key) & (1 << _CLASS) - 1
                counts[bucket] = counts.get(bucket, 0) + int(number)


def _number(known: dict[str, int], name: str, most: int) -> int:
    """The number of a name; those beyond the most have one together."""
    if name not in known and len(known) > most:
        name = OTHER
    return known.setdefault(name, len(known))


def main() -> int:
    """Tell of the folder that is given until it is over, or nobody listens."""
    os.nice(10)
    folder = Path(sys.argv[1])
    following = LiveDeliveries(folder)
    while True:
        over = finished_or_gone(folder) and any(folder.glob("rows-*.bin"))
        while following.look():
            pass
        print(json.dumps(following.told()), flush=True)  # noqa: T201
        if over or select.select([sys.stdin], [], [], PERIOD)[0]:
            return 0


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        sys.exit(main())
