"""Which messages are judged together, so that a run of any size takes bounded memory.

The rules that hold here:

* A partition is the messages of some senders that follow each other, with every receipt of them.
  So all that was heard of a message, and all that a receiver heard of one sender, is judged
  together, and what partitions come to adds up. Most runs have one.
* A partition has at most `MOST_MESSAGES`, unless a single sender has sent more. Where a single
  receiver heard more than `MOST_RECEIPTS`, senders are parted by what was heard of them, too.
* A receipt of nobody who has sent anything belongs to the first partition.
* Receivers are looked at in groups, which are the same in every partition.
* Files are read again for each partition: nothing is copied, and no disk is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sockproof.analysis.evidence.row_arrays import (
    HIGH,
    LOW,
    Numbers,
    Process,
    Receipts,
    heard_by,
    in_time,
    sent_by,
)
from sockproof.runs.load_records import Kind
from sockproof.runs.rows import ROW
from sockproof.runs.work import work_on

MOST_MESSAGES = 4_000_000  # some 150 octets each
MOST_RECEIPTS = 4_000_000  # that are held as rows, of 32 octets
GROUP = 1_000_000  # receipts that are looked at together, some 300 octets each
_UNKNOWN, _NO_CLIENT, _LACKING = -1, -2, -3  # senders: of no process, never there, without rows


class Partitions:
    """Those of a run; `user` is that of each connection, None where nobody had a second one."""

    def __init__(self, processes: Sequence[Process], clients: int, user: Numbers | None) -> None:
        self._processes = processes
        self._clients = clients
        self._user = user
        self._by_tag = sorted(processes, key=lambda each: each.file.tag)
        self._tags = np.array([each.file.tag for each in self._by_tag], dtype=np.int64)
        self._bases = np.array([each.base for each in self._by_tag])
        self._numbers = np.array([each.clients for each in self._by_tag])
        self._nobody = np.array(
            [_LACKING if each.lacks_emits else _NO_CLIENT for each in self._by_tag]
        )
        heard = self._heard([(0, clients)])
        self.late = sum(each.rows.number([Kind.RECEIPT]) for each in processes) - int(heard.sum())
        self.ranges = self._ranges(int(heard.max(initial=0)))
        self.heard = heard if len(self.ranges) == 1 else self._heard(self.ranges)
        self._groups = [(each, list(_groups(each, self.heard.sum(axis=0)))) for each in processes]

    # How much there is.

    def _heard(self, ranges: list[tuple[int, int]]) -> NDArray[np.int32]:
        """How much each receiver, a column, heard of the senders of each range, a row."""
        found = np.zeros((len(ranges), self._clients), dtype=np.int32)
        ends = np.array([end for _, end in ranges])
        total = sum(each.rows.number([Kind.RECEIPT]) for each in self._processes)
        with work_on("counting", total) as done:
            for process in self._processes:
                for rows in _receipts(process):
                    done(len(rows))
                    cells = self._receivers(process, rows)
                    if len(ranges) > 1:
                        part = np.searchsorted(ends, self.senders(rows["a"]), side="right")
                        cells += part * self._clients
                    counts = np.bincount(cells, minlength=found.size)
                    found += counts.astype(np.int32).reshape(found.shape)
        return found

    def _ranges(self, most_heard: int) -> list[tuple[int, int]]:
        total = sum(each.rows.number([Kind.EMIT]) for each in self._processes)
        loads = []
        if total > MOST_MESSAGES:
            sent = np.zeros(self._clients, dtype=np.int64)
            for process in self._processes:
                for rows in sent_by(process):
                    np.add.at(sent, process.base + rows["client"].astype(np.int64) - 1, 1)
            loads.append((np.cumsum(sent), MOST_MESSAGES))
        if most_heard > MOST_RECEIPTS:
            heard = np.zeros(self._clients, dtype=np.int64)
            for process in self._processes:
                for rows in _receipts(process):
                    sender = self.senders(rows["a"])
                    np.add.at(heard, sender[sender >= 0], 1)
            loads.append((np.cumsum(heard), MOST_RECEIPTS))
        begins = [0]
        while loads and begins[-1] < self._clients:
            begin = begins[-1]
            ends = [
                int(np.searchsorted(load, (load[begin - 1] if begin else 0) + most, side="right"))
                for load, most in loads
            ]
            begins.append(max(min(ends), begin + 1))
        return list(pairwise(begins)) if loads else [(0, self._clients)]

    # Senders.

    def senders(self, identities: NDArray[np.uint64]) -> Numbers:
        """The numbers of the clients that stamps name; negative where there is none."""
        tags = (identities >> HIGH).astype(np.int64)
        own = (identities & LOW).astype(np.int64)
        at = np.minimum(np.searchsorted(self._tags, tags), len(self._tags) - 1)
        ours = self._tags[at] == tags
        known = ours & (own > 0) & (own <= self._numbers[at])
        nobody = np.where(ours, self._nobody[at], _UNKNOWN)
        found: Numbers = np.where(known, self._bases[at] + own - 1, nobody)
        return found

    def without_rows(
        self, sender: Numbers, lacking: NDArray[np.bool_], others: bool
    ) -> NDArray[np.bool_]:
        """Whose messages may have been sent and never been written down.

        `lacking` says it of clients; `others`: there are processes without any rows.
        """
        found = np.isin(sender, (_LACKING, _UNKNOWN) if others else (_LACKING,))
        known = sender >= 0
        found[known] = lacking[sender[known]]
        return found

    # Receipts.

    def _receivers(self, process: Process, rows: Any) -> Numbers:
        client: Numbers = process.base + rows["client"].astype(np.int64) - 1
        return client if self._user is None else self._user[client]

    def _of(self, number: int, rows: Any) -> Any:
        """Those receipts that belong to a partition."""
        if len(self.ranges) == 1:
            return rows
        begin, end = self.ranges[number]
        sender = self.senders(rows["a"])
        return rows[(sender >= begin if number else True) & (sender < end)]

    def pieces(self, number: int, process: Process, late: bool = False) -> Iterator[Receipts]:
        """What a process heard of a partition, in the order of its rows.

        `late`: what came behind the drain instead.
        """
        for all_rows in _receipts(process, late):
            rows = self._of(number, all_rows)
            yield heard_by(process, rows, self.senders(rows["a"]), self._user)

    def receipts(self, number: int) -> Iterator[tuple[Numbers, Receipts]]:
        """Some receivers after the others, and what they heard of a partition, if anything."""
        for process, groups in self._groups:
            for some in self._held_together(number, groups):
                rows = self._read(number, process, some)
                if len(some) == 1:
                    yield some[0], heard_by(process, rows, self.senders(rows["a"]), self._user)
                    continue
                begins = np.array([clients[0] for clients in some])
                of = np.searchsorted(begins, self._receivers(process, rows), side="right") - 1
                for at, clients in enumerate(some):
                    mine = rows[of == at]
                    yield clients, heard_by(process, mine, self.senders(mine["a"]), self._user)

    def _held_together(self, number: int, groups: list[Numbers]) -> Iterator[list[Numbers]]:
        some: list[Numbers] = []
        held = 0
        for clients in groups:
            count = int(self.heard[number, clients].sum())
            if some and held + count > MOST_RECEIPTS:
                yield some
                some, held = [], 0
            some.append(clients)
            held += count
        if some:
            yield some

    def _read(self, number: int, process: Process, groups: list[Numbers]) -> Any:
        """The rows of what the receivers of some groups heard of a partition."""
        count = int(sum(self.heard[number, clients].sum() for clients in groups))
        rows, filled = np.empty(count, dtype=ROW), 0
        if not count:
            return rows
        first, last = groups[0][0], groups[-1][-1]
        for each in _receipts(process):
            some = self._of(number, each)
            client = self._receivers(process, some)
            some = some[(client >= first) & (client <= last)][: count - filled]
            rows[filled : filled + len(some)] = some
            filled += len(some)
        return rows[:filled]


def _groups(process: Process, heard: Numbers) -> Iterator[Numbers]:
    """Receivers of a process that follow each other; nobody is in two groups."""
    here = heard[process.base : process.base + process.clients]
    seen = np.flatnonzero(here)
    if len(seen):
        part = np.cumsum(here)[seen] // GROUP
        yield from np.split(process.base + seen, np.flatnonzero(np.diff(part)) + 1)


def _receipts(process: Process, late: bool = False) -> Iterator[Any]:
    """Rows of receipts in time, or of late ones, in pieces."""
    if late and not process.drained:
        return
    for rows in process.rows.parts_of([Kind.RECEIPT]):
        yield rows[in_time(process, rows) ^ late] if process.drained else rows
