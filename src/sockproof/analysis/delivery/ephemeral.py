"""Messages that carry no stamp, counted: how many of a name and value each user heard.

The rules that hold here:

* One is *due* to who was surely in its room from its send to the end of the drain, where its
  sender's connection held as long: nothing tells when the server had it. Nothing of them is
  replayed.
* *miscounted*: fewer are heard than were due, or more than could be. Which of them cannot be told.
* Where as many are heard as were due, the n-th that is heard is taken for the n-th that was due.
* Where what processes wrote down is not whole, or no value that was heard was ever sent, nobody is
  accused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sockproof.analysis.delivery.findings import Delivery, Ephemeral
from sockproof.analysis.evidence.history import UNNAMED, History
from sockproof.analysis.evidence.presence import Presence
from sockproof.analysis.evidence.row_arrays import Numbers, in_time
from sockproof.runs.histogram import bucket_of
from sockproof.runs.load_records import FOREVER, EmitFlag, Kind
from sockproof.vocabulary import Property

_CELLS = 2_000_000
_NAME = Property.MISCOUNTED


@dataclass
class _Rows:
    """Of one kind and name, of all processes: connections, marks and times, and rooms if sent."""

    client: list[Numbers] = field(default_factory=list)
    mark: list[Any] = field(default_factory=list)
    time: list[Numbers] = field(default_factory=list)
    room: list[Numbers] = field(default_factory=list)
    skips: list[Any] = field(default_factory=list)

    def together(self) -> tuple[Any, ...]:
        parts = (self.client, self.mark, self.time, self.room, self.skips)
        return tuple(np.concatenate(each) if each else np.zeros(0, np.int64) for each in parts)


def judge_ephemeral(history: History, found: Delivery) -> None:
    """Judge all of them, name by name."""
    rows: dict[str, tuple[_Rows, _Rows]] = {}
    whole = not history.killed
    for process in history.processes:
        whole &= not process.lost(Kind.EPHEMERAL, Kind.EPHEMERAL_HEARD)
        names = process.records.names().reasons
        for at, kind in enumerate((Kind.EPHEMERAL, Kind.EPHEMERAL_HEARD)):
            some = process.rows.of([kind])
            some = some[in_time(process, some)]
            for label in np.unique(some["mark"]).tolist():
                whole &= label in names
                name = names.get(label, "ephemeral")
                part = rows.setdefault(name, (_Rows(), _Rows()))[at]
                those = some[some["mark"] == label]
                part.client.append(process.base + those["client"].astype(np.int64) - 1)
                part.mark.append(those["b"].copy())
                part.time.append(process.times(those["c"]))
                part.room.append(history.rooms_of(process, those["a"].astype(np.int64)))
                whole &= not (part.room[-1] == UNNAMED).any()
                part.skips.append((those["flags"] & EmitFlag.SKIPS_SENDER) > 0)
    for name, (sent, heard) in rows.items():
        found.ephemeral[name] = _One(history, sent, heard).judge(name, found, whole)


class _One:
    """Those of one name."""

    def __init__(self, history: History, sent: _Rows, heard: _Rows) -> None:
        self.history = history
        self.sender, marks, self.sent_at, self.room, self.skips = sent.together()
        listener, heard_marks, self.heard_at, *_ = heard.together()
        self.listener = history.user[listener.astype(np.int64)]
        self.marks, self.of = np.unique(marks, return_inverse=True)
        at = np.searchsorted(self.marks, heard_marks)
        at = np.minimum(at, max(len(self.marks) - 1, 0))
        known = self.marks[at] == heard_marks if len(self.marks) else np.zeros(len(at), bool)
        # What nobody sent stands behind all marks.
        self.heard_of = np.where(known, at, len(self.marks))

    def _key(self, mark: Numbers, user: Numbers) -> Numbers:
        found: Numbers = mark * self.history.clients + user
        return found

    def _due(self) -> tuple[Numbers, Numbers]:
        """For each that was surely due, and that may be, the key of mark and user."""
        history = self.history
        held = ~history.abrupt[self.sender] & ~history.unsent[self.sender]
        held &= self.sent_at <= history.sent_until[self.sender]
        surely, maybe = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for room in np.unique(self.room).tolist():
            presence = Presence(history.live_stays.where(history.live_stays.room == room))
            members, all_here = presence.members, np.flatnonzero(self.room == room)
            step = max(1, _CELLS // max(len(members), 1))
            for start in range(0, len(all_here), step):
                here = all_here[start : start + step]
                since, sender = self.sent_at[here], self.sender[here]
                until = np.maximum(history.drained[sender], since)
                if not history.errors.one_clock:
                    unsure = history.errors.between(members[None, :], sender[:, None])
                    since, until = since[:, None] - unsure, until[:, None] + unsure
                sure, may = presence.all_of(since, until)
                own = members[None, :] == history.user[sender][:, None]
                may &= ~(own & self.skips[here][:, None])
                sure &= may & held[here][:, None]
                for keys, which in ((surely, sure), (maybe, may)):
                    rows, columns = np.nonzero(which)
                    keys.append(self._key(self.of[here[rows]], members[columns]))
        return np.concatenate(surely), np.concatenate(maybe)

    def judge(self, name: str, found: Delivery, whole: bool) -> Ephemeral:
        """Count, accuse, and take the times."""
        history, told = self.history, Ephemeral(len(self.sent_at), len(self.heard_at))
        heard = self._key(self.heard_of, self.listener)
        surely, maybe = self._due()
        keys, at = np.unique(np.concatenate((surely, maybe, heard)), return_inverse=True)
        ends = np.cumsum([len(surely), len(maybe)])
        sure, may, came = (np.bincount(e, minlength=len(keys)) for e in np.split(at, ends))
        mark, user = keys // history.clients, keys % history.clients
        told.matched = not len(heard) or bool((self.heard_of < len(self.marks)).any())
        if told.matched and whole:
            missing, surplus = np.maximum(sure - came, 0), np.maximum(came - may, 0)
            told.due = int(sure.sum())
            told.missing, told.surplus = int(missing.sum()), int(surplus.sum())
            found.exercised[_NAME] += told.due
            wrong = np.flatnonzero(missing + surplus)
            last = self._last_of(mark[wrong])
            times = np.repeat(history.seconds_of(user[wrong], last), (missing + surplus)[wrong])
            found.violated(_NAME, times)
            found.count(_NAME, clients=np.repeat(user[wrong], (missing + surplus)[wrong]))
            found.chance(_NAME, clients=np.repeat(user, sure))
            for each in wrong.tolist():
                who, least, most = history.name_of(int(user[each])), sure[each], may[each]
                due = f"{most}" if least == most else f"{least} to {most}"
                said = f"{who} received {came[each]} {name} where {due} were due"
                found.example(_NAME, f"{said}; which of them cannot be told")
        if history.errors.one_clock:
            self._time(told, keys[(sure == may) & (sure == came)], heard)
        return told

    def _last_of(self, marks: Numbers) -> Numbers:
        """When a message of each mark was sent last; of none, when anything was heard last."""
        last = np.zeros(len(self.marks) + 1, dtype=np.int64)
        np.maximum.at(last, self.of, self.sent_at)
        last[-1] = self.heard_at.max(initial=0)
        return last[marks]

    def _time(self, told: Ephemeral, right: Numbers, heard: Numbers) -> None:
        """Of each mark, the n-th that was due to a user is the n-th that it heard, if it heard all.

        Who was in the room to the end was due the last ones; a mark of several rooms has no order.
        """
        count = np.bincount(self.of, minlength=len(self.marks) + 1)
        order = np.lexsort((self.heard_at, heard))
        order = order[np.isin(heard[order], right)]
        _, first, number = np.unique(heard[order], return_index=True, return_counts=True)
        rank = np.arange(len(order)) - np.repeat(first, number)
        sent = np.lexsort((self.sent_at, self.of))
        ends = np.cumsum(count)[self.heard_of[order]]
        at = np.clip(ends - np.repeat(number, number) + rank, 0, max(len(sent) - 1, 0))
        rooms = [np.full(len(count), start) for start in (FOREVER, -FOREVER)]
        np.minimum.at(rooms[0], self.of, self.room)
        np.maximum.at(rooms[1], self.of, self.room)
        chosen = (rooms[0] == rooms[1])[self.heard_of[order]]
        took = (self.heard_at[order] - self.sent_at[sent][at])[chosen]
        for value in np.maximum(took, 0).tolist():
            told.latency.counts[bucket_of(value)] += 1
