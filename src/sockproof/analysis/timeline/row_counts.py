"""What only the rows of a run tell, counted in pieces: nothing here is as big as a file of rows.

Sequence numbers of a sender begin at 1 and are dense, so that a message has a place by
arithmetic alone; what has a number far beyond those is passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sockproof.runs.load_records import NOBODY, Kind, Reason, ReceiptFlag
from sockproof.runs.reader import RunProcess
from sockproof.runs.work import work_on

MOST_RECEIPTS = 1_000_000  # of one message; what was heard more often counts as this
_SPARE = 1000  # how many numbers of a sender may be missing, besides as many as there are
_LOW = np.uint64(0xFFFFFFFF)
_HIGH = np.uint64(32)
_NOT_OURS = ReceiptFlag.UNREADABLE | ReceiptFlag.UNMARKED | ReceiptFlag.FOREIGN
Numbers = NDArray[np.int64]


@dataclass
class RowCounts:
    """`heard[n]` is how many messages were heard n times, of those that anyone may hear."""

    heard: Numbers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    failed: Counter[str] = field(default_factory=Counter)  # connects, by reason
    dropped: Counter[str] = field(default_factory=Counter)  # connections, by reason


@dataclass
class _Sender:
    """One process's clients that sent anything, and where the messages of each begin."""

    clients: Numbers
    begin: Numbers
    room: Numbers  # for how many messages there is room

    def places(self, client: Numbers, sequence: Numbers) -> Numbers:
        """Where messages stand; those that have no place are left out."""
        if not len(self.clients):
            return np.zeros(0, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.clients, client), len(self.clients) - 1)
        known = (self.clients[at] == client) & (sequence > 0) & (sequence <= self.room[at])
        places: Numbers = self.begin[at[known]] + sequence[known] - 1
        return places


def count_rows(processes: Iterable[RunProcess]) -> RowCounts:
    """Go through all rows twice, piece by piece."""
    processes = list(processes)
    found = RowCounts()
    senders: dict[int, _Sender] = {}
    total = 0
    for process in processes:
        senders[process.tag], total = _sender(process, found, total)
    sent = np.zeros(total, dtype=bool)
    heard = np.zeros(total, dtype=np.int32)
    with work_on("counting", sum(each.file.rows for each in processes)) as done:
        for process in processes:
            places = process.names().places.items()
            nobody = [NOBODY, *(number for number, place in places if place.room == NOBODY)]
            for rows in process.rows.parts():
                done(len(rows))
                emits = rows[rows["kind"] == Kind.EMIT]
                emits = emits[~np.isin(emits["a"] & _LOW, np.array(nobody, dtype=np.uint64))]
                sent[senders[process.tag].places(*_of_emits(emits))] = True
                withdrawn = rows[rows["kind"] == Kind.WITHDRAWN]
                gone = withdrawn["client"].astype(np.int64), withdrawn["a"].astype(np.int64)
                sent[senders[process.tag].places(*gone)] = False
                _receipts(rows, senders, heard)
    times = np.bincount(np.minimum(heard[sent], MOST_RECEIPTS))
    found.heard = times.astype(np.int64)
    return found


def _of_emits(emits: Any) -> tuple[Numbers, Numbers]:
    return emits["client"].astype(np.int64), (emits["a"] >> _HIGH).astype(np.int64)


def _sender(process: RunProcess, found: RowCounts, begin: int) -> tuple[_Sender, int]:
    """Who sent how many; `begin` is where the first message stands."""
    tops: Counter[int] = Counter()
    numbers: Counter[int] = Counter()
    for rows in process.rows.parts():
        _connections(rows, found)
        client, sequence = _of_emits(rows[rows["kind"] == Kind.EMIT])
        clients, at, counts = np.unique(client, return_inverse=True, return_counts=True)
        top = np.zeros(len(clients), dtype=np.int64)
        np.maximum.at(top, at, sequence)
        for number, highest, count in zip(
            clients.tolist(), top.tolist(), counts.tolist(), strict=True
        ):
            tops[number] = max(tops[number], highest)
            numbers[number] += count
    known = sorted(tops)
    room = np.array([min(tops[c], 2 * numbers[c] + _SPARE) for c in known], dtype=np.int64)
    ends = begin + np.cumsum(room)
    sender = _Sender(np.array(known, dtype=np.int64), ends - room, room)
    return sender, int(ends[-1]) if known else begin


def _connections(rows: Any, found: RowCounts) -> None:
    for kind, counts in ((Kind.CONNECT_FAILED, found.failed), (Kind.DISCONNECTED, found.dropped)):
        reasons, numbers = np.unique(rows["a"][rows["kind"] == kind], return_counts=True)
        for reason, number in zip(reasons.tolist(), numbers.tolist(), strict=True):
            if kind == Kind.CONNECT_FAILED or reason != Reason.CLIENT:
                counts[_label(reason)] += number


def _label(reason: int) -> str:
    try:
        return Reason(reason).label
    except ValueError:
        return f"reason {reason}"


def _receipts(rows: Any, senders: dict[int, _Sender], heard: NDArray[np.int32]) -> None:
    receipts = rows[(rows["kind"] == Kind.RECEIPT) & (rows["flags"] & _NOT_OURS == 0)]
    who = receipts["a"]
    tags = (who >> _HIGH).astype(np.int64)
    client, sequence = (who & _LOW).astype(np.int64), (receipts["b"] & _LOW).astype(np.int64)
    for tag, sender in senders.items():
        of = tags == tag
        if of.any():
            np.add.at(heard, sender.places(client[of], sequence[of]), 1)
