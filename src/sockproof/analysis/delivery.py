"""The delivery checker: what became of every message of a load run, from its folder alone.

The rules that hold here (times are of one clock; what cannot be compared is not judged):

* A message is *processed* by the server between its actual send and its acknowledgement; without
  one, before anyone heard it; if nobody did, before the end of the drain.
* A receipt is *due* from everyone who was surely in the room all that time, when the message
  surely reached the server: it was acknowledged, or heard, or its sender's connection held to the
  end. What is due and did not come is *lost*.
* *duplicated*: n receipts of one message by one member count n - 1. *reordered*: of one sender,
  in one room, at one receiver, a sequence number below the highest heard before (first receipts
  only, as RFC 4737 counts). *leaked*: heard by one who was surely no member between the send and
  the receipt. *corrupted*: the body's checksum is wrong, or the stamp. *invented*: nobody sent
  it. *undetermined*: a receipt that did not come and need not have.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sockproof.analysis.history import History, Numbers, Receipts, Stays
from sockproof.load_records import (
    EVERYONE,
    FIRST_ROOM,
    ITSELF,
    NOBODY,
    EmitFlag,
    ReceiptFlag,
)

PROPERTIES = ("lost", "duplicated", "reordered", "leaked", "corrupted", "invented")
EXAMPLES = 10
Flags = NDArray[np.bool_]
_CELLS = 2_000_000  # of messages by members that are looked at together
_NO_STAMP = ReceiptFlag.UNREADABLE | ReceiptFlag.UNMARKED


@dataclass
class Delivery:
    """What the checker found: how many violations, of how many chances, and examples."""

    counts: dict[str, int] = field(default_factory=dict)
    exercised: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PROPERTIES, 0))
    examples: dict[str, list[str]] = field(default_factory=lambda: {p: [] for p in PROPERTIES})
    # How many in each second: when what was lost or doubled was sent, when the rest was heard.
    when: dict[str, Counter[int]] = field(
        default_factory=lambda: {p: Counter() for p in PROPERTIES}
    )
    killed: int = 0  # processes whose rows end abruptly

    def __post_init__(self) -> None:
        for name in ("emitted", "acknowledged", "ack_timeouts", "receipts", "due", "undetermined"):
            self.counts.setdefault(name, 0)
        for name in PROPERTIES:
            self.counts.setdefault(name, 0)


def check(folder: Path, began: int = 0) -> Delivery:
    """Account for every message of a run; raises `LoadRecordError`.

    `began` is from where seconds count, in nanoseconds of the clock of the rows.
    """
    return _Checker(History(folder), began).run()


class _Checker:
    def __init__(self, history: History, began: int = 0) -> None:
        self.history = history
        self.began = began
        self.found = Delivery(killed=history.killed)
        emits = history.emits
        self.sender = emits.sender
        self.kind = np.where(emits.room < 1_000_000 * FIRST_ROOM, emits.room % FIRST_ROOM, -1)
        links = history.connections
        self.sure_from = np.full(history.clients, 1 << 62)
        self.sure_to = np.zeros(history.clients, dtype=np.int64)
        self.sure_from[links.client] = links.sure_from
        self.sure_to[links.client] = links.sure_to
        held = ~history.abrupt[self.sender]
        self.processed = (emits.acked > 0) | (emits.heard > 0) | held
        ends = np.where(emits.heard > 0, emits.heard, max(history.drained, 1))
        self.ends = np.where(emits.acked > 0, emits.acked, ends)

    def _present(self, clients: Numbers, at: Numbers) -> Numbers:
        """How many of the clients were surely connected when each message was sent."""
        actual = self.history.emits.actual[at]
        begun = np.searchsorted(np.sort(self.sure_from[clients]), actual, side="right")
        ended = np.searchsorted(np.sort(self.sure_to[clients]), actual, side="left")
        present: Numbers = np.maximum(begun - ended, 0)
        return present

    def run(self) -> Delivery:
        found, emits = self.found, self.history.emits
        found.counts["emitted"] = len(emits.key)
        found.counts["acknowledged"] = int((emits.acked > 0).sum())
        found.counts["ack_timeouts"] = self.history.timeouts
        seen = np.zeros(self.history.clients, dtype=bool)
        for receipts in self.history.receipts():
            self._part(receipts, seen)
        silent = np.flatnonzero(~seen)
        if len(silent):  # who heard nothing at all may have lost everything
            self._judge(Receipts.none(), np.empty(0, dtype=np.int64), silent)
        return found

    def _example(self, name: str, text: str) -> None:
        if len(self.found.examples[name]) < EXAMPLES:
            self.found.examples[name].append(text)

    def _when(self, name: str, times: Numbers) -> None:
        seconds, counts = np.unique((times - self.began) // 1_000_000_000, return_counts=True)
        self.found.when[name].update(dict(zip(seconds.tolist(), counts.tolist(), strict=True)))

    def _message(self, at: int) -> str:
        emits, history = self.history.emits, self.history
        room = history.name_of_room(int(emits.room[at]))
        sender = history.name_of(int(self.sender[at]))
        return f"message {emits.key[at] & 0xFFFFFFFF} of {sender} to {room}"

    # One part of the receivers.

    def _part(self, receipts: Receipts, seen: Flags) -> None:
        clients = np.unique(receipts.client)
        seen[clients] = True
        found = self.found
        number = len(receipts.client)
        found.counts["receipts"] += number
        found.exercised["corrupted"] += number
        found.exercised["invented"] += number
        damaged = (receipts.flags & ReceiptFlag.CORRUPTED) > 0
        found.counts["corrupted"] += int(damaged.sum())
        self._when("corrupted", receipts.time[damaged])
        for at in np.flatnonzero(damaged)[:EXAMPLES].tolist():
            who = self.history.name_of(int(receipts.client[at]))
            self._example("corrupted", f"{who} heard a message whose stamp or body was altered")
        at = self.history.emits.find(receipts.sender, receipts.sequence)
        readable = (receipts.flags & _NO_STAMP) == 0
        foreign = readable & ((receipts.flags & ReceiptFlag.FOREIGN) > 0)
        at[foreign | ~readable] = -1
        made_up = readable & ~foreign & (at < 0)
        found.counts["undetermined"] += int(foreign.sum())
        found.counts["invented"] += int(made_up.sum())
        self._when("invented", receipts.time[made_up])
        for where in np.flatnonzero(made_up)[:EXAMPLES].tolist():
            who = self.history.name_of(int(receipts.client[where]))
            said = f"{who} heard number {receipts.sequence[where]} of a sender that never sent it"
            self._example("invented", said)
        chosen = at >= 0
        self._judge(receipts.where(chosen), at[chosen], clients)

    def _judge(self, receipts: Receipts, at: Numbers, clients: Numbers) -> None:
        """`at` is where the message of each receipt stands; `clients` are the receivers."""
        self._order(receipts, at)
        self._own(receipts, at, clients)
        rooms = self.history.emits.room
        stays = self.history.stays.where(np.isin(self.history.stays.client, clients))
        named = np.unique(rooms[(self.kind == EVERYONE) | (self.kind == -1)])
        room_of = rooms[at]
        for room in named.tolist():
            here = room_of == room
            part = stays.where(stays.room == room)
            if len(part.client) or here.any():
                self._room(int(room), receipts, at, here, part, clients)

    def _order(self, receipts: Receipts, at: Numbers) -> None:
        """Reordered messages, by their first receipts."""
        if not len(at):
            return
        pair = np.stack((receipts.client, at))
        order = np.lexsort((np.arange(len(at)), pair[1], pair[0]))
        ordered = pair[:, order]
        fresh = np.ones(len(at), dtype=bool)
        fresh[1:] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
        first = np.sort(order[fresh])
        sender, room = self.sender[at[first]], self.history.emits.room[at[first]]
        client, sequence = receipts.client[first], receipts.sequence[first]
        group = np.lexsort((first, room, sender, client))
        keys = np.stack((client, sender, room))[:, group]
        sequence = sequence[group]
        change = np.ones(len(first), dtype=bool)
        change[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
        lift = np.cumsum(change) << 33
        highest = np.maximum.accumulate(sequence + lift)
        late = np.zeros(len(first), dtype=bool)
        late[1:] = (~change[1:]) & (sequence[1:] + lift[1:] < highest[:-1])
        found = self.found
        found.exercised["reordered"] += int((~change).sum())
        found.counts["reordered"] += int(late.sum())
        self._when("reordered", receipts.time[first[group[late]]])
        for where in np.flatnonzero(late)[:EXAMPLES].tolist():
            before = int(highest[where - 1] - lift[where])
            message = self._message(int(at[first[group[where]]]))
            who = self.history.name_of(int(keys[0, where]))
            self._example("reordered", f"{message} came to {who} behind number {before}")

    def _own(self, receipts: Receipts, at: Numbers, clients: Numbers) -> None:
        """What comes back to its sender, and what is for nobody."""
        emits, found = self.history.emits, self.found
        kind = self.kind[at]
        strangers = (kind == NOBODY) | ((kind == ITSELF) & (receipts.client != self.sender[at]))
        self._leaks(receipts, at, strangers)
        mine = np.flatnonzero((self.kind == ITSELF) & np.isin(self.sender, clients))
        if not len(mine):
            return
        own = (kind == ITSELF) & ~strangers
        counts = np.bincount(at[own], minlength=len(emits.key))[mine]
        sender = self.sender[mine]
        sure = self.sure_from[sender] <= emits.actual[mine]
        sure &= self.sure_to[sender] >= self.ends[mine]
        self._tally(counts, sure, mine, sender)
        others = self._present(clients, mine) - sure
        found.exercised["leaked"] += int(others.sum())

    def _tally(self, counts: Numbers, sure: Flags, at: Numbers, receiver: Numbers) -> None:
        """Count what is due, lost and doubled; one place for each message and receiver."""
        found, processed = self.found, self.processed[at]
        due = sure & processed
        missing = counts == 0
        found.counts["due"] += int(due.sum())
        found.exercised["lost"] += int(due.sum())
        lost, actual = due & missing, self.history.emits.actual
        found.counts["lost"] += int(lost.sum())
        self._when("lost", actual[at[lost]])
        doubled = np.flatnonzero(counts > 1)
        self._when("duplicated", np.repeat(actual[at[doubled]], counts[doubled] - 1))
        found.counts["undetermined"] += int((missing & ~due).sum())
        found.exercised["duplicated"] += int((~missing).sum())
        found.counts["duplicated"] += int(np.maximum(counts - 1, 0).sum())
        if len(found.examples["lost"]) < EXAMPLES:
            for where in np.flatnonzero(due & missing)[:EXAMPLES].tolist():
                who = self.history.name_of(int(receiver[where]))
                self._example("lost", f"{self._message(int(at[where]))} never came to {who}")
        if len(found.examples["duplicated"]) < EXAMPLES:
            for where in np.flatnonzero(counts > 1)[:EXAMPLES].tolist():
                who = self.history.name_of(int(receiver[where]))
                times = int(counts[where])
                said = f"{self._message(int(at[where]))} came to {who} {times} times"
                self._example("duplicated", said)

    def _leaks(self, receipts: Receipts, at: Numbers, leaked: Flags) -> None:
        self.found.counts["leaked"] += int(leaked.sum())
        self._when("leaked", receipts.time[leaked])
        for where in np.flatnonzero(leaked)[:EXAMPLES].tolist():
            who = self.history.name_of(int(receipts.client[where]))
            self._example("leaked", f"{self._message(int(at[where]))} came to {who}, no member")

    # A room: messages by members, in pieces.

    def _room(
        self,
        room: int,
        receipts: Receipts,
        at: Numbers,
        here: Flags,
        stays: Stays,
        receivers: Numbers,
    ) -> None:
        emits = self.history.emits
        members, layers = _layers(stays)
        index = np.flatnonzero(here)
        clients, messages = receipts.client[index], at[index]
        place = np.searchsorted(members, clients)
        known = place < len(members)
        known[known] = members[place[known]] == clients[known]
        inside = np.zeros(len(index), dtype=bool)
        for layer in layers:
            span = layer[:, np.where(known, place, 0)] if len(members) else None
            if span is not None:
                may = (span[2] <= receipts.time[index]) & (span[3] >= emits.actual[messages])
                inside |= known & may
        skipping = (emits.flags[messages] & EmitFlag.SKIPS_SENDER) > 0
        inside &= ~(skipping & (clients == self.sender[messages]))
        outside = np.zeros(len(at), dtype=bool)
        outside[index[~inside]] = True
        self._leaks(receipts, at, outside)
        sent = np.flatnonzero(emits.room == room)
        if not len(members):
            self.found.exercised["leaked"] += int(self._present(receivers, sent).sum())
            return
        step = max(1, _CELLS // len(members))
        rank = np.searchsorted(sent, messages[inside])
        columns = place[inside]
        order = np.argsort(rank, kind="stable")
        rank, columns = rank[order], columns[order]
        for start in range(0, len(sent), step):
            some = sent[start : start + step]
            low, high = np.searchsorted(rank, (start, start + len(some)))
            cells = (rank[low:high] - start) * len(members) + columns[low:high]
            counts = np.bincount(cells, minlength=len(some) * len(members))
            self._piece(some, members, layers, counts.reshape(len(some), -1), receivers)

    def _piece(
        self,
        some: Numbers,
        members: Numbers,
        layers: list[Numbers],
        counts: Numbers,
        receivers: Numbers,
    ) -> None:
        emits = self.history.emits
        actual, ends = emits.actual[some][:, None], self.ends[some][:, None]
        sure = np.zeros(counts.shape, dtype=bool)
        may = np.zeros(counts.shape, dtype=bool)
        for sure_from, sure_to, may_from, may_to in layers:
            sure |= (sure_from <= actual) & (sure_to >= ends)
            may |= (may_from <= ends) & (may_to >= actual)
        skipping = ((emits.flags[some] & EmitFlag.SKIPS_SENDER) > 0)[:, None]
        apart = ~(skipping & (members[None, :] == self.sender[some][:, None]))
        sure, may = sure & apart, (may & apart) | (counts > 0)
        others = self._present(receivers, some) - may.sum(axis=1)
        self.found.exercised["leaked"] += int(np.maximum(others, 0).sum())
        rows, columns = np.nonzero(may)
        self._tally(counts[may], sure[may], some[rows], members[columns])


def _layers(stays: Stays) -> tuple[Numbers, list[Numbers]]:
    """The members, and the n-th stay of each: sure from and to, may from and to, by member."""
    members, place = np.unique(stays.client, return_inverse=True)
    order = np.lexsort((stays.may_from, place))
    place = place[order]
    first = np.searchsorted(place, np.arange(len(members)))
    nth = np.arange(len(place)) - first[place]
    layers = []
    columns = (stays.sure_from, stays.sure_to, stays.may_from, stays.may_to)
    never = (1 << 62, -1, 1 << 62, -1)
    for number in range(int(nth.max()) + 1 if len(nth) else 0):
        chosen = nth == number
        layer = np.empty((4, len(members)), dtype=np.int64)
        for row, (column, value) in enumerate(zip(columns, never, strict=True)):
            layer[row] = value
            layer[row, place[chosen]] = column[order][chosen]
        layers.append(layer)
    return members, layers
