"""Which messages were amiss, an entry each with all its receivers, to be found in other logs.

Of each kind the first `MOST` messages have an entry, in the order of their senders and numbers, and
the first `MOST` receipts of what nobody is known to have sent; the rest is counted.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from sockproof import files
from sockproof.analysis.evidence.history import History
from sockproof.analysis.evidence.row_arrays import Numbers, Process, Receipts
from sockproof.analysis.evidence.strays import EXAMPLES
from sockproof.formats.load import Violation
from sockproof.runs.clock import SECOND
from sockproof.runs.load_records import WALL
from sockproof.vocabulary import Counter, Property

MOST = 1000  # messages of each kind
MOST_RECEIVERS = 20  # of one message and kind
_LONGEST = 200  # characters of a text
_MICROSECOND = 1000
_BIT = {name.value: 1 << at for at, name in enumerate((*Property, Counter.LATE))}


@dataclass
class _Entry:
    """A message, or, where nobody sent it, a receipt."""

    client: int  # whose clock the time is of
    time: int
    sender: int
    sequence: int
    room: int | None = None  # None: nobody is known to have sent it
    named: int = 0
    checksum: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    receivers: dict[str, list[int]] = field(default_factory=dict)

    def add(self, kind: str, count: int, receivers: list[int]) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + count
        known = self.receivers.setdefault(kind, [])
        known += receivers[: MOST_RECEIVERS - len(known)]


class Violations:
    """Takes what the checker finds, partition by partition; `entries` are what becomes of it."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._entries: list[_Entry] = []  # of messages
        self._kept: Tally[str] = Tally()  # how many of them each kind has
        self._unsent: Tally[str] = Tally()  # by kind: receipts of what nobody is known to have sent
        self._strange: dict[str, list[tuple[int, ...]]] = {}  # the first of these
        self._patterns: Tally[int] = Tally()  # how many messages are amiss, by kinds as bits
        # Of the partition that is looked at: kinds as bits by message, and by kind the first
        # messages, how often each is amiss, and for whom.
        self._amiss = np.zeros(0, dtype=np.uint32)
        self._first: dict[str, dict[int, tuple[int, list[int]]]] = {}

    def take(self, kind: str, messages: Numbers, clients: Numbers | None = None) -> None:
        """Messages, by where they stand, are amiss for these clients, or for their sender."""
        if not len(messages):
            return
        if not len(self._amiss):
            self._amiss = np.zeros(len(self._history.emits.key), dtype=np.uint32)
        self._amiss[messages] |= np.uint32(_BIT[kind])
        first, room = self._first.setdefault(kind, {}), MOST - self._kept[kind]
        some = np.arange(len(messages))
        if len(first) >= room:
            some = np.flatnonzero(messages <= max(first, default=-1))
        chosen = np.union1d(np.fromiter(first, np.int64), messages[some])[:room]
        some = some[np.isin(messages[some], chosen)]
        some = some[np.argsort(messages[some], kind="stable")]
        begins = np.flatnonzero(np.diff(messages[some], prepend=-1))
        for begin, end in pairwise([*begins.tolist(), len(some)]):
            count, receivers = first.get(at := int(messages[some[begin]]), (0, []))
            if clients is not None:
                more = some[begin : min(end, begin + MOST_RECEIVERS - len(receivers))]
                receivers = [*receivers, *clients[more].tolist()]
            first[at] = count + end - begin, receivers
        if len(first) > len(chosen):
            self._first[kind] = {at: first[at] for at in chosen.tolist()}

    def take_unsent(self, kind: str, receipts: Receipts) -> None:
        """Receipts of what nobody is known to have sent."""
        self._unsent[kind] += len(receipts.client)
        columns = receipts.time, receipts.client, receipts.sender, receipts.sequence
        order = np.lexsort(columns[::-1])[:MOST]
        more = zip(*(column[order].tolist() for column in columns), strict=True)
        self._strange[kind] = sorted([*self._strange.get(kind, ()), *more])[:MOST]

    def settle(self, number: int) -> None:
        """All of a partition is taken."""
        history, emits = self._history, self._history.emits
        found: dict[int, _Entry] = {}
        for at in sorted({at for first in self._first.values() for at in first}):
            sender, sequence = int(emits.key[at] >> 32), int(emits.key[at]) & 0xFFFFFFFF
            found[at] = _Entry(
                *(sender, int(emits.actual[at]), sender, sequence),
                *(int(emits.room[at]), int(emits.named[at]), int(emits.checksum[at])),
            )
        for kind in sorted(self._first, key=_BIT.__getitem__):
            for at, (count, receivers) in self._first[kind].items():
                found[at].add(kind, count, receivers)
            self._kept[kind] += len(self._first[kind])
        if history.late and found:
            self._take_late(number, found)
        self._entries += found.values()
        patterns, counts = np.unique(self._amiss, return_counts=True)
        self._patterns.update(dict(zip(patterns.tolist(), counts.tolist(), strict=True)))
        self._amiss = np.zeros(0, dtype=np.uint32)
        self._first = {}

    def _take_late(self, number: int, found: dict[int, _Entry]) -> None:
        """What came behind the drain, of messages that have an entry."""
        history, name = self._history, Counter.LATE
        listed = np.array(sorted(found))
        for process in history.processes:
            for receipts in history.partitions.pieces(number, process, late=True):
                at = history.emits.find(receipts.sender, receipts.sequence)
                known = np.isin(at, listed)
                self._amiss[at[known]] |= np.uint32(_BIT[name])
                for where, client in zip(
                    at[known].tolist(), receipts.client[known].tolist(), strict=True
                ):
                    found[where].add(name, 1, [client])

    def set_aside(self, kind: str) -> None:
        """Nothing is known to be amiss in this way."""
        patterns, self._patterns = self._patterns, Tally()
        for bits, count in patterns.items():
            self._patterns[bits & ~_BIT[kind]] += count
        for entry in self._entries:
            entry.counts.pop(kind, None)
            entry.receivers.pop(kind, None)

    def _all(self) -> list[_Entry]:
        strange = (
            _Entry(client, time, sender, sequence, counts={kind: 1}, receivers={kind: [client]})
            for kind in sorted(self._strange, key=_BIT.__getitem__)
            for time, client, sender, sequence in self._strange[kind]
        )
        return [*(entry for entry in self._entries if entry.counts), *strange]

    def examples(self) -> dict[str, list[str]]:
        """Some messages of each kind, a line each."""
        calendar, entries = _Calendar(self._history), self._all()
        of_kinds = {
            kind: [entry for entry in entries if kind in entry.counts][:EXAMPLES]
            for kind in Property
        }
        return {
            kind: [self._told(each, calendar).said() for each in some]
            for kind, some in of_kinds.items()
            if some
        }

    @property
    def messages(self) -> int:
        """How many messages are amiss, and receipts of what nobody sent."""
        return sum(count for bits, count in self._patterns.items() if bits) + self._unsent.total()

    def entries(self) -> list[Violation]:
        """All entries, in the order of their times."""
        calendar = _Calendar(self._history)
        found = [self._told(each, calendar) for each in self._all()]
        return sorted(found, key=lambda each: -1.0 if each.second is None else each.second)

    def _told(self, entry: _Entry, calendar: _Calendar) -> Violation:
        history, names = self._history, self._history.names
        told = Violation(
            kinds=list(entry.counts),
            counts=entry.counts,
            receivers={
                kind: [history.label_of(client) for client in clients]
                for kind, clients in entry.receivers.items()
                if clients
            },
            number=entry.sequence,
            sender=history.label_of(entry.sender) if entry.sender >= 0 else "",
        )
        if entry.room is not None:
            told.name, told.event = names.messages[entry.named], names.events[entry.named]
            told.room = history.name_of_room(entry.room)[:_LONGEST]
            told.body = names.bodies.get(entry.checksum)
        process = history.process_of(entry.client)
        time = process.line.to_own(entry.time)
        told.second = round(float(history.run.clock.seconds(process.file.tag, time)), 6)
        told.time = calendar.at(entry.client, time)
        return told


class _Calendar:
    """The wall clocks of processes, by what they wrote of them once a second."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._known: dict[int, tuple[Numbers, Numbers]] = {}  # times, and how far the wall is off

    def at(self, client: int, time: int) -> str | None:
        """A time of a client's process in UTC; None where it wrote none."""
        process = self._history.process_of(client)
        times, offsets = self._of(process)
        if not len(times):
            return None
        offset = int(offsets[min(int(np.searchsorted(times, time)), len(times) - 1)])
        try:
            moment = datetime.fromtimestamp((time + offset) // SECOND, UTC)
        except (OverflowError, OSError, ValueError):
            return None
        fraction = (time + offset) % SECOND // _MICROSECOND
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction:06}Z"

    def _of(self, process: Process) -> tuple[Numbers, Numbers]:
        tag = process.file.tag
        if tag not in self._known:
            known = sorted(
                (line.time, int(line.values[WALL]) - line.time)
                for line in process.records.health()
                if isinstance(line.values.get(WALL), int)
            )
            pairs = np.array(known, dtype=np.int64).reshape(-1, 2)
            self._known[tag] = pairs[:, 0], pairs[:, 1]
        return self._known[tag]


def first(entries: list[Violation], each: int = 3, most: int = 10) -> list[Violation]:
    """The first of each kind, and as many more as are shown."""
    chosen: dict[int, Violation] = {}
    for kind in (*Property, Counter.LATE):
        of_kind = [entry for entry in entries if kind in entry.kinds]
        chosen.update((id(entry), entry) for entry in of_kind[:each])
    for entry in entries:
        if len(chosen) >= most:
            break
        chosen[id(entry)] = entry
    return [entry for entry in entries if id(entry) in chosen]


def lines(entries: list[Violation], left_out: int) -> Iterator[str]:
    """The lines of `violations.jsonl`; the last one says how many messages have none."""
    for entry in entries:
        yield files.json_text(entry)
    if left_out:
        yield files.json_text(Violation(left_out=left_out))
