"""What answers said of messages: that they refuse them, and values such as ids.

The rules that hold here:

* A message that its answer refuses is owed to nobody. *contradicted*: somebody else hears it.
* *misnumbered*: a value that an answer should have and has not, that another answer of the same
  run, room or sender had, or that is not larger than that of every answer that had come when this
  message was sent. Of messages that were under way together nobody knows which was first.
* Where a check of the scenario failed, nobody knows whether its message was accepted: it is owed
  to nobody, and nothing is said of it. Nor is it where what the value is called was not recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sockproof.analysis.delivery.findings import Delivery
from sockproof.analysis.evidence.history import UNNAMED, History
from sockproof.analysis.evidence.row_arrays import Numbers, Process, Receipts, sent_name
from sockproof.runs.load_records import Kind, ValueFlag
from sockproof.vocabulary import Property

_NAME, _CONTRADICTED = Property.MISNUMBERED, Property.CONTRADICTED
Flags = NDArray[np.bool_]


class Refusals:
    """Which messages were refused, and of which nobody knows; None of both: there are none."""

    def __init__(self, history: History) -> None:
        self._history = history
        self.refused = self._by("REFUSED")
        self.unknown = self._by("VALUE")

    def _by(self, kind: str) -> Flags | None:
        emits, found = self._history.emits, None
        for process in self._history.processes:
            for each in process.rows.parts_of([Kind[kind]]):
                unjudged = (each["flags"] & ValueFlag.UNJUDGED) > 0
                rows = each[unjudged] if kind == "VALUE" else each
                sequence = rows["b"] if kind == "REFUSED" else rows["a"]
                at = _find(self._history, process, rows, sequence)
                if len(at):
                    found = np.zeros(len(emits.key), dtype=bool) if found is None else found
                    found[at] = True
        return found

    def take(self, found: Delivery, receipts: Receipts, at: Numbers, user: Numbers) -> None:
        """Receipts, and where their messages stand; `user` is the sender of each message."""
        if self.refused is None or not len(at):
            return
        wrong = self.refused[at] & (receipts.client != user[at])
        history = self._history
        client, messages = receipts.client[wrong], at[wrong]
        found.violated(_CONTRADICTED, history.seconds_of(client, receipts.time[wrong]))
        found.count(_CONTRADICTED, messages, client)
        if found.violations is not None:
            found.violations.take(_CONTRADICTED, messages, client)

    def exercise(self, found: Delivery) -> None:
        """Each message that was refused is a chance; and count them by message and class."""
        emits = self._history.emits
        answered = emits.acked > 0
        if self.refused is not None:
            answered |= self.refused
            at = np.flatnonzero(self.refused)
            found.exercised[_CONTRADICTED] += len(at)
            found.chance(_CONTRADICTED, at)
            found.count(Property.REFUSED, at, emits.sender[at])
        at = np.flatnonzero(answered)
        found.chance(Property.REFUSED, at, emits.sender[at])


class _Answers:
    """Those to which one assertion applies: keys of messages, what they are compared within, when
    they were sent and acknowledged, and values."""

    def __init__(self) -> None:
        self._columns: tuple[list[Any], ...] = ([], [], [], [], [])

    def add(self, *columns: Any) -> None:
        for column, more in zip(self._columns, columns, strict=True):
            column.append(more)

    def together(self) -> tuple[Any, ...]:
        return tuple(np.concatenate(column) for column in self._columns)


class Values:
    """Those of all answers: each is compared with others of the run, of whichever partition."""

    def __init__(self, history: History, found: Delivery) -> None:
        self._history = history
        groups: dict[tuple[int, str], _Answers] = {}
        if any(process.rows.number([Kind.VALUE]) for process in history.processes):
            for _ in history.turns():
                found.take(history.emits.named)
                self._take(groups, found)
        wrong = [_wrong(history, flags, answers) for (flags, _), answers in groups.items()]
        self._wrong = np.concatenate([np.zeros(0, dtype=np.int64), *wrong])

    def _take(self, groups: dict[tuple[int, str], _Answers], found: Delivery) -> None:
        emits = self._history.emits
        for flags, label, at, values in self._each():
            sender = emits.sender[at]
            found.exercised[_NAME] += len(at)
            found.chance(_NAME, at, sender)
            of = np.zeros(len(at), dtype=np.int64)
            if flags & ValueFlag.IN_ROOM:
                of = emits.room[at]
            elif flags & ValueFlag.OF_SENDER:
                of = self._history.user[sender]
            answers = groups.setdefault((flags, label), _Answers())
            answers.add(emits.key[at], of, emits.actual[at], emits.acked[at], values)

    def _each(self) -> Iterator[tuple[int, str, Numbers, Any]]:
        """What is asserted, of which messages of the partition, and their values."""
        emits = self._history.emits
        for process, labels, all_rows in self._rows():
            judged = all_rows[(all_rows["flags"] & ValueFlag.UNJUDGED) == 0]
            name = sent_name(process, judged["client"], judged["a"])
            at = emits.find(name >> 32, name & 0xFFFFFFFF)
            known = (at >= 0) & (emits.acked[np.maximum(at, 0)] > 0) if len(emits.key) else at > 0
            rows, at = judged[known], at[known]
            if not len(at):
                continue
            kinds = rows["flags"].astype(np.int64) << 16 | rows["mark"]
            for kind in np.unique(kinds).tolist():
                flags, label = kind >> 16, labels.get(kind & 0xFFFF)
                if label is None:
                    continue
                some = kinds == kind
                if flags & ValueFlag.IN_ROOM:
                    some &= emits.room[at] != UNNAMED
                yield flags, label, at[some], rows["b"][some]

    def _rows(self) -> Iterator[tuple[Process, dict[int, str], Any]]:
        for process in self._history.processes:
            labels = process.records.names().reasons
            for rows in process.rows.parts_of([Kind.VALUE]):
                yield process, labels, rows

    def judge(self, found: Delivery) -> None:
        """Tell which answers to messages of the partition are wrong."""
        history, emits = self._history, self._history.emits
        at = emits.find(self._wrong >> 32, self._wrong & 0xFFFFFFFF)
        at = at[at >= 0]
        sender = emits.sender[at]
        found.violated(_NAME, history.seconds_of(sender, emits.acked[at]))
        found.count(_NAME, at, sender)
        if found.violations is not None:
            found.violations.take(_NAME, at)


def _wrong(history: History, flags: int, answers: _Answers) -> Numbers:
    """The messages whose answers violate an assertion."""
    key, of, sent, acked, values = answers.together()
    wrong: Numbers = key
    if not flags & (ValueFlag.MISSING | ValueFlag.INCREASING):
        order = np.lexsort((acked, values, of))
        same = (np.diff(of[order]) == 0) & (values[order][1:] == values[order][:-1])
        wrong = key[order[1:][same]]
    if flags & ValueFlag.MISSING or not flags & ValueFlag.INCREASING:
        return wrong
    if not history.errors.one_clock:
        of = of * len(history.processes) + np.searchsorted(
            [process.base for process in history.processes], key >> 32, side="right"
        )
    late = [np.zeros(0, dtype=np.int64)]
    order = np.argsort(of, kind="stable")
    for here in np.split(order, np.flatnonzero(np.diff(of[order])) + 1):
        late.append(key[here[_not_larger(values[here], sent[here], acked[here])]])
    return np.concatenate(late)


def _not_larger(values: Any, sent: Numbers, acked: Numbers) -> Numbers:
    """Which values are not larger than each that was there when their message was sent."""
    came = np.argsort(acked, kind="stable")
    highest = np.maximum.accumulate(values[came])
    last = np.searchsorted(acked[came], sent, side="left") - 1
    return np.flatnonzero((last >= 0) & (values <= highest[np.maximum(last, 0)]))


def _find(history: History, process: Process, rows: Any, sequence: Any) -> Numbers:
    name = sent_name(process, rows["client"], sequence)
    at = history.emits.find(name >> 32, name & 0xFFFFFFFF)
    return at[at >= 0]
