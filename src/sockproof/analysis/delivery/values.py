"""What answers said of messages: that they refuse them, and values such as ids.

The rules that hold here:

* A message that its answer refuses is owed to nobody. *contradicted*: somebody else hears it.
* *misnumbered*: a value that an answer should have and has not, that another answer of the same
  run, room or sender had, or that is not larger than that of every answer that had come when this
  message was sent. Of messages that were under way together nobody knows which was first.
* Where a check of the scenario failed, nobody knows whether its message was accepted: it is owed
  to nobody, and nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sockproof.analysis.delivery.findings import Delivery
from sockproof.analysis.evidence.history import History
from sockproof.analysis.evidence.row_arrays import Numbers, Process, Receipts, sent_name
from sockproof.analysis.evidence.strays import EXAMPLES
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
            rows = process.rows[process.rows["kind"] == Kind[kind]]
            if kind == "VALUE":
                rows = rows[(rows["flags"] & ValueFlag.UNJUDGED) > 0]
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
        for who, which in zip(
            client[:EXAMPLES].tolist(), messages[:EXAMPLES].tolist(), strict=True
        ):
            said = f"{_message(history, which)} was refused, and received by {history.name_of(who)}"
            found.example(_CONTRADICTED, said)

    def exercise(self, found: Delivery) -> None:
        """Each message that was refused is a chance; and count them by message and class."""
        emits = self._history.emits
        answered = emits.acked > 0
        if self.refused is not None:
            answered |= self.refused
            at = np.flatnonzero(self.refused)
            found.exercised[_CONTRADICTED] = len(at)
            found.chance(_CONTRADICTED, at)
            found.count(Property.REFUSED, at, emits.sender[at])
        at = np.flatnonzero(answered)
        found.chance(Property.REFUSED, at, emits.sender[at])


def judge_values(history: History, found: Delivery) -> None:
    """Judge the values of all answers."""
    groups: dict[tuple[int, str], list[tuple[Numbers, Any]]] = {}
    for process in history.processes:
        for flags, label, at, values in _values(history, process):
            groups.setdefault((flags, label), []).append((at, values))
    for (flags, label), parts in groups.items():
        at = np.concatenate([each[0] for each in parts])
        values = np.concatenate([each[1] for each in parts])
        known = history.emits.acked[at] > 0
        _judge(history, found, flags, label, at[known], values[known])


def _values(history: History, process: Process) -> Iterator[tuple[int, str, Numbers, Any]]:
    rows = process.rows[process.rows["kind"] == Kind.VALUE]
    rows = rows[(rows["flags"] & ValueFlag.UNJUDGED) == 0]
    if not len(rows):
        return
    labels = process.records.names().reasons
    kinds = rows["flags"].astype(np.int64) << 16 | rows["mark"]
    for kind in np.unique(kinds).tolist():
        some = rows[kinds == kind]
        name = sent_name(process, some["client"], some["a"])
        at = history.emits.find(name >> 32, name & 0xFFFFFFFF)
        yield kind >> 16, labels.get(kind & 0xFFFF, "value"), at[at >= 0], some["b"][at >= 0]


def _judge(
    history: History, found: Delivery, flags: int, label: str, at: Numbers, values: Any
) -> None:
    """The values of one assertion; `at` is where the message of each stands."""
    emits = history.emits
    found.exercised[_NAME] += len(at)
    found.chance(_NAME, at, emits.sender[at])
    if flags & ValueFlag.MISSING:
        _wrong(history, found, at, [f"has no {label}"] * len(at))
        return
    of = np.zeros(len(at), dtype=np.int64)
    if flags & ValueFlag.IN_ROOM:
        of = emits.room[at]
    elif flags & ValueFlag.OF_SENDER:
        of = history.user[emits.sender[at]]
    if not flags & ValueFlag.INCREASING:
        order = np.lexsort((emits.acked[at], values, of))
        same = (np.diff(of[order]) == 0) & (values[order][1:] == values[order][:-1])
        again = np.flatnonzero(same) + 1
        first = [_message(history, int(at[order[each - 1]])) for each in again[:EXAMPLES].tolist()]
        _wrong(history, found, at[order[again]], [f"has the {label} of {each}" for each in first])
        return
    if not history.errors.one_clock:
        of = of * len(history.processes) + np.searchsorted(
            [process.base for process in history.processes], emits.sender[at], side="right"
        )
    for group in np.unique(of).tolist():
        here = of == group
        late, before = _not_larger(at[here], values[here], emits.actual, emits.acked)
        said = [
            f"has no larger {label} than {_message(history, int(e))}" for e in before[:EXAMPLES]
        ]
        _wrong(history, found, late, said)


def _not_larger(at: Numbers, values: Any, sent: Numbers, acked: Numbers) -> tuple[Numbers, Numbers]:
    """Messages whose value is not larger than one that was there; and whose value that is."""
    came = np.argsort(acked[at], kind="stable")
    times, ordered = acked[at][came], values[came]
    highest = np.maximum.accumulate(ordered)
    # Where the highest so far was reached first.
    fresh = np.r_[True, highest[1:] > highest[:-1]] if len(highest) else np.zeros(0, dtype=bool)
    whose = np.maximum.accumulate(np.where(fresh, np.arange(len(highest)), 0))
    last = np.searchsorted(times, sent[at], side="left") - 1
    late = np.flatnonzero((last >= 0) & (values <= highest[np.maximum(last, 0)]))
    return at[late], at[came[whose[last[late]]]]


def _wrong(history: History, found: Delivery, at: Numbers, said: list[str]) -> None:
    sender = history.emits.sender[at]
    found.violated(_NAME, history.seconds_of(sender, history.emits.acked[at]))
    found.count(_NAME, at, sender)
    if found.violations is not None:
        found.violations.take(_NAME, at)
    for which, text in zip(at[:EXAMPLES].tolist(), said[:EXAMPLES], strict=True):
        found.example(_NAME, f"the answer to {_message(history, which)} {text}")


def _find(history: History, process: Process, rows: Any, sequence: Any) -> Numbers:
    name = sent_name(process, rows["client"], sequence)
    at = history.emits.find(name >> 32, name & 0xFFFFFFFF)
    return at[at >= 0]


def _message(history: History, at: int) -> str:
    emits = history.emits
    sender = history.name_of(int(emits.key[at] >> 32))
    return f"message {int(emits.key[at]) & 0xFFFFFFFF} of {sender}"
