"""Which messages were amiss, an entry each with all its receivers, to be found in other logs.

Of each kind the first `MOST` messages that the checker meets have an entry; the rest is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

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


@dataclass
class _Entry:
    """A message by where it stands, or, where nobody sent it, a receipt."""

    at: int
    client: int = -1
    time: int = 0
    sender: int = -1
    sequence: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    receivers: dict[str, list[int]] = field(default_factory=dict)


class Violations:
    """Takes what the checker finds; `entries` are what becomes of it."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._entries: list[_Entry] = []
        self._kept: dict[str, int] = {}  # entries by the kind that made them
        self._slot = np.zeros(0, dtype=np.int32)  # by message: its entry, less one; 0: none
        self._amiss: dict[str, np.ndarray] = {}  # by kind: which messages
        self._unsent: dict[str, int] = {}  # by kind: receipts of what nobody is known to have sent

    def take(self, kind: str, messages: Numbers, clients: Numbers | None = None) -> None:
        """Messages, by where they stand, are amiss for these clients, or for their sender."""
        if not len(messages):
            return
        if not len(self._slot):
            self._slot = np.zeros(len(self._history.emits.key), dtype=np.int32)
        amiss = self._amiss.setdefault(kind, np.zeros(len(self._slot), dtype=bool))
        amiss[messages] = True
        room = MOST - self._kept.get(kind, 0)
        if room > 0:
            for at in np.unique(messages[self._slot[messages] == 0])[:room].tolist():
                self._entries.append(_Entry(at))
                self._slot[at] = len(self._entries)
                self._kept[kind] = self._kept.get(kind, 0) + 1
        listed = np.flatnonzero(self._slot[messages])
        order = listed[np.argsort(self._slot[messages[listed]], kind="stable")]
        slots = self._slot[messages[order]]
        begins = np.flatnonzero(np.diff(slots, prepend=0))
        for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(slots)], strict=True):
            entry = self._entries[slots[begin] - 1]
            entry.counts[kind] = entry.counts.get(kind, 0) + end - begin
            if clients is not None:
                receivers = entry.receivers.setdefault(kind, [])
                some = order[begin : min(end, begin + MOST_RECEIVERS - len(receivers))]
                receivers += clients[some].tolist()

    def take_unsent(self, kind: str, receipts: Receipts) -> None:
        """Receipts of what nobody is known to have sent."""
        self._unsent[kind] = self._unsent.get(kind, 0) + len(receipts.client)
        room = MOST - self._kept.get(kind, 0)
        for at in range(min(room, len(receipts.client))):
            client, time = int(receipts.client[at]), int(receipts.time[at])
            sender, sequence = int(receipts.sender[at]), int(receipts.sequence[at])
            entry = _Entry(-1, client, time, sender, sequence, {kind: 1}, {kind: [client]})
            self._entries.append(entry)
            self._kept[kind] = self._kept.get(kind, 0) + 1

    def take_late(self) -> None:
        """What came behind the drain, of messages that are amiss already."""
        if not self._history.late or not len(self._slot):
            return
        for receipts in self._history.receipts(late=True):
            at = self._history.emits.find(receipts.sender, receipts.sequence)
            amiss = at >= 0
            amiss[amiss] = self._slot[at[amiss]] > 0
            self.take(Counter.LATE, at[amiss], receipts.client[amiss])

    def set_aside(self, kind: str) -> None:
        """Nothing is known to be amiss in this way."""
        self._amiss.pop(kind, None)
        for entry in self._entries:
            entry.counts.pop(kind, None)
            entry.receivers.pop(kind, None)

    def examples(self) -> dict[str, list[str]]:
        """Some messages of each kind, a line each."""
        calendar = _Calendar(self._history)
        return {
            kind: [
                self._told(each, calendar).said()
                for each in [entry for entry in self._entries if kind in entry.counts][:EXAMPLES]
            ]
            for kind in (*self._amiss, *self._unsent)
            if kind in tuple(Property)
        }

    @property
    def messages(self) -> int:
        """How many messages are amiss, and receipts of what nobody sent."""
        if not self._amiss:
            return sum(self._unsent.values())
        together = np.zeros(len(self._slot), dtype=bool)
        for each in self._amiss.values():
            together |= each
        return int(together.sum()) + sum(self._unsent.values())

    def entries(self) -> list[Violation]:
        """All entries, in the order of their times."""
        calendar = _Calendar(self._history)
        found = [self._told(each, calendar) for each in self._entries if each.counts]
        return sorted(found, key=lambda each: -1.0 if each.second is None else each.second)

    def _told(self, entry: _Entry, calendar: _Calendar) -> Violation:
        history, names = self._history, self._history.names
        told = Violation(
            kinds=list(entry.counts),
            counts=entry.counts,
            receivers={
                kind: [history.label_of(client) for client in clients]
                for kind, clients in entry.receivers.items()
            },
        )
        if entry.at < 0:
            time, client = entry.time, entry.client
            told.number = entry.sequence
            told.sender = history.label_of(entry.sender) if entry.sender >= 0 else ""
        else:
            emits = history.emits
            client = int(emits.sender[entry.at])
            time = int(emits.actual[entry.at])
            named = int(emits.named[entry.at])
            told.name, told.event = names.messages[named], names.events[named]
            told.sender = history.label_of(client)
            told.number = int(emits.key[entry.at]) & 0xFFFFFFFF
            told.room = history.name_of_room(int(emits.room[entry.at]))[:_LONGEST]
            told.body = names.bodies.get(int(emits.checksum[entry.at]))
        process = history.process_of(client)
        time = process.line.to_own(time)
        told.second = round(float(history.run.clock.seconds(process.file.tag, time)), 6)
        told.time = calendar.at(client, time)
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
