"""The rows of a load run as arrays, and what is made of them.

A client is a connection, by a number from 0 over all processes; a room is a number over all
processes, by name. Times are by the clock of the run where a process's clock was measured against
it, else by its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sockproof.runs.clock_line import SAME, ClockLine
from sockproof.runs.load_records import FOREVER, Kind, Phase, ReceiptFlag, RowFile
from sockproof.runs.reader import RunProcess
from sockproof.runs.rows import Rows

Numbers = NDArray[np.int64]
LOW, HIGH = np.uint64(0xFFFFFFFF), np.uint64(32)


@dataclass
class Process:
    """One process; its rows are read each time. `base` is the number of its first client."""

    records: RunProcess
    rows: Rows
    base: int
    clients: int
    complete: bool
    begun: dict[Phase, int] = field(default_factory=dict)  # when each phase began
    line: ClockLine = SAME  # from its clock to that of the run

    @classmethod
    def of(cls, records: RunProcess, base: int, line: ClockLine = SAME) -> Process:
        """What a process has recorded."""
        rows = records.rows
        begun = {phase: line.to_run(time) for phase, time in rows.begun.items()}
        return cls(records, rows, base, rows.clients, records.file.closed, begun, line)

    @cached_property
    def stood_still(self) -> list[tuple[int, int]]:
        """From when to when, by the clock of the run, it did nothing for seconds."""
        to_run = self.line.to_run
        return [(to_run(begin), to_run(end)) for begin, end in self.records.stood_still()]

    def stood_still_within(self, begin: Numbers, end: Numbers) -> NDArray[np.bool_]:
        """In which of these spans of time it did so."""
        found = np.zeros(len(begin), dtype=bool)
        for first, last in self.stood_still:
            found |= (begin <= last) & (end >= first)
        return found

    def times(self, column: Any) -> Numbers:
        """Times of its rows by the clock of the run."""
        own: Numbers = column.astype(np.int64)
        line = self.line
        if line is SAME:
            return own
        wandered = np.rint((own - line.pivot) * line.drift).astype(np.int64)
        return np.where(own > 0, own + line.offset + wandered, own)

    @property
    def file(self) -> RowFile:
        """What the page before its rows says."""
        return self.records.file

    @property
    def clock(self) -> str:
        """What names its clock."""
        return self.file.boot

    @property
    def drained(self) -> int:
        """When it had waited for what was in flight; 0: it never did."""
        return self.begun.get(Phase.OVER, 0)

    @property
    def lacks_emits(self) -> bool:
        """Whether it may have sent what has no row."""
        return not self.complete or Kind.EMIT in self.file.missing

    def lost(self, *kinds: int) -> list[tuple[int, int]]:
        """From when to when rows of one of these kinds could not be written."""
        return [
            (self._bound(gap.begin), self._bound(gap.end))
            for gap in self.file.gaps
            if gap.kinds & set(kinds)
        ]

    def _bound(self, time: int) -> int:
        return time if time == FOREVER else self.line.to_run(time)


@dataclass
class Emits:
    """All messages that were sent, in the order of sender and sequence number."""

    key: Numbers  # sender << 32 | sequence
    room: Numbers
    intended: Numbers
    actual: Numbers
    flags: Numbers
    checksum: NDArray[Any]  # of the body, 32 bits
    mark: NDArray[Any]  # of the stamp, 16 bits
    named: NDArray[Any]  # what it is called, by its number in `History.messages`; 16 bits
    acked: Numbers  # when the acknowledgement came; 0: never, or late
    heard: Numbers  # when anyone heard it first, as far as it was not acknowledged; 0: never

    @classmethod
    def of(cls, process: Process, sent: Any, rooms: Numbers, named: NDArray[Any]) -> Emits:
        """Those of a process, in the order of its rows."""
        intended = process.times(sent["b"])
        never = (np.zeros(len(sent), dtype=np.int64) for _ in range(2))
        return cls(
            sent_name(process, sent["client"], sent["a"] >> HIGH),
            rooms,
            intended,
            intended + (sent["c"] & LOW).astype(np.int64) * 1000,
            sent["flags"].astype(np.int64),
            (sent["c"] >> HIGH).astype(np.uint32),
            sent["mark"].copy(),
            named,
            *never,
        )

    @classmethod
    def none(cls) -> Emits:
        """No messages."""
        return cls(*(np.zeros(0, dtype=np.dtype(of)) for of in _OF_EMITS))

    @classmethod
    def together(cls, parts: list[Emits]) -> Emits:
        """All, in their order; the parts are taken apart, so that nothing is there twice."""
        order = np.argsort(np.concatenate([part.key for part in parts]), kind="stable")
        columns = []
        for name in cls.__dataclass_fields__:
            column = np.concatenate([part.__dict__.pop(name) for part in parts])
            columns.append(column[order])
        return cls(*columns)

    @property
    def sender(self) -> Numbers:
        """Who sent each."""
        return self.key >> 32

    def find(self, sender: Numbers, sequence: Numbers) -> Numbers:
        """Where each message stands; -1 where there is none."""
        if not len(self.key):
            return np.full(len(sender), -1)
        wanted = sender << 32 | sequence
        at = np.minimum(np.searchsorted(self.key, wanted), len(self.key) - 1)
        return np.where((self.key[at] == wanted) & (sender >= 0), at, -1)

    def told_by(self, receipts: Receipts, at: Numbers) -> tuple[NDArray[Any], NDArray[Any]]:
        """Which receipts have another body, and which another stamp; `at` is as `find` has it."""
        known = (at >= 0) & ((receipts.flags & ReceiptFlag.EXACT) == 0)
        altered = (receipts.flags & ReceiptFlag.CORRUPTED) > 0
        if not len(self.key):
            return altered, np.zeros(len(at), dtype=bool)
        of = np.maximum(at, 0)
        other = receipts.checksum != self.checksum[of]
        forged = known & ((receipts.mark != self.mark[of]) | (other & ~altered))
        return np.where(known, other, altered), forged


_OF_EMITS = ("i8", "i8", "i8", "i8", "i8", "u4", "u2", "u2", "i8", "i8")


@dataclass
class Stays:
    """Who was in which room when, a row each."""

    client: Numbers
    room: Numbers
    sure_from: Numbers
    sure_to: Numbers
    may_from: Numbers
    may_to: Numbers

    def where(self, chosen: Any) -> Stays:
        """Some of them."""
        return Stays(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    def and_also(self, more: Stays) -> Stays:
        """These and more."""
        pairs = ((getattr(self, name), getattr(more, name)) for name in self.__dataclass_fields__)
        return Stays(*(np.concatenate(pair) for pair in pairs))


@dataclass
class Receipts:
    """What some users heard, in the order in which each heard it."""

    client: Numbers  # the user, by the number of its first connection
    life: Numbers  # the connection
    sender: Numbers  # -1: of no process of this run
    sequence: Numbers
    time: Numbers
    flags: Numbers
    checksum: NDArray[Any]  # of the body, as it was heard
    mark: NDArray[Any]  # of the stamp, as it was heard

    def where(self, chosen: Any) -> Receipts:
        """Some of them."""
        some = {name: getattr(self, name)[chosen] for name in _OF_RECEIPTS}
        # Where nobody has a second connection, the two are one array.
        life = some["client"] if self.life is self.client else self.life[chosen]
        return Receipts(life=life, **some)

    @classmethod
    def none(cls) -> Receipts:
        """No receipts."""
        return cls(*(np.zeros(0, dtype=np.int64) for _ in cls.__dataclass_fields__))


_OF_RECEIPTS = tuple(name for name in Receipts.__dataclass_fields__ if name != "life")


def sent_name(process: Process, client: Any, sequence: Any) -> Numbers:
    """What names a message: its sender and its number."""
    who = process.base + client.astype(np.int64) - 1
    found: Numbers = who << 32 | sequence.astype(np.int64)
    return found


def in_time(process: Process, rows: Any) -> NDArray[np.bool_]:
    """Which rows tell of something before the end of their process's drain."""
    if not process.drained:
        return np.ones(len(rows), dtype=bool)
    found: NDArray[np.bool_] = process.times(rows["c"]) <= process.drained
    return found


def of_senders(process: Process, rows: Any, begin: int, end: int) -> Any:
    """Those rows whose client's number, over all processes, lies in a range."""
    if begin <= process.base and process.base + process.clients <= end:
        return rows
    client = process.base + rows["client"].astype(np.int64) - 1
    return rows[(client >= begin) & (client < end)]


def sent_by(process: Process) -> Iterator[Any]:
    """The rows of what a process has sent, in pieces."""
    withdrawn = process.rows.of([Kind.WITHDRAWN])
    gone = sent_name(process, withdrawn["client"], withdrawn["a"])
    for sent in process.rows.parts_of([Kind.EMIT]):
        if len(gone):
            yield sent[~np.isin(sent_name(process, sent["client"], sent["a"] >> HIGH), gone)]
        else:
            yield sent


def heard_by(process: Process, rows: Any, sender: Numbers, user: Numbers | None) -> Receipts:
    """Receipts of a process by their rows; `user`: of each connection, where users have several."""
    life = process.base + rows["client"].astype(np.int64) - 1
    return Receipts(
        life if user is None else user[life],
        life,
        sender,
        (rows["b"] & LOW).astype(np.int64),
        process.times(rows["c"]),
        rows["flags"].astype(np.int64),
        (rows["b"] >> HIGH).astype(np.uint32),
        rows["mark"].copy(),
    )
