"""The delivery checker: what became of every message of a load run, from its folder alone.

The rules that hold here (what two clocks cannot tell within their error is undetermined, what
cannot be compared is not judged):

* What was sent, when, and with which body, is what its sender wrote down. The stamp of a message
  that was heard only says which message it is; one that says anything else besides is *forged*.
* A message is *processed* by the server between its actual send and its acknowledgement; without
  one, before anyone heard it; if nobody did, before the end of the drain.
* A receipt is *due* from everyone who was surely in the room all that time, when the message
  surely reached the server: it was acknowledged, or heard, or its sender's connection held to the
  end. What is due and did not come before the end of the drain is *lost*.
* A receiver is a user, over all its connections; `lives` says what it is owed between two.
* *duplicated*: n receipts of one message by one member count n - 1. *reordered*: of one sender,
  in one room, at one receiver, a sequence number below the highest heard before (first receipts
  only, as RFC 4737 counts; over several connections where nothing is to be missed between them).
  *leaked*: heard by one who was surely no member between the send and the receipt. *corrupted*:
  the body differs from what was sent, or the stamp cannot be read. *invented*: nobody sent it.
  *undetermined*: a receipt that did not come and need not have. *unrecorded*: a receipt of what a
  process may have sent while it could not write it down.
* What a history repeats is heard by that, and neither doubled nor out of order.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sockproof.analysis.delivery.answers import (
    any_matched,
    judge_connections,
    judge_unacknowledged,
)
from sockproof.analysis.delivery.ephemeral import judge_ephemeral
from sockproof.analysis.delivery.findings import Delivery
from sockproof.analysis.delivery.latency import DeliveryLatencies
from sockproof.analysis.delivery.troubles import judge_troubles
from sockproof.analysis.delivery.values import Refusals, Values
from sockproof.analysis.delivery.violations import Violations
from sockproof.analysis.evidence.arrangement import RoomIndex, first_receipts, out_of_order
from sockproof.analysis.evidence.history import UNNAMED, History
from sockproof.analysis.evidence.presence import Connected, Presence
from sockproof.analysis.evidence.row_arrays import Numbers, Receipts, Stays
from sockproof.runs.load_records import (
    EVERYONE,
    FIRST_ROOM,
    ITSELF,
    NOBODY,
    EmitFlag,
    ReceiptFlag,
)
from sockproof.runs.reader import LoadRunFolder
from sockproof.runs.work import work_on
from sockproof.vocabulary import Counter, Property

__all__ = ["Delivery", "check", "missing"]

Flags = NDArray[np.bool_]
_CELLS = 2_000_000  # of messages by members that are looked at together
_NO_STAMP = ReceiptFlag.UNREADABLE | ReceiptFlag.UNMARKED
_NAMED, _NOWHERE = -1, -2  # kinds of rooms besides `EVERYONE`, `ITSELF` and `NOBODY`


def check(
    run: LoadRunFolder, processes: int = 0, latencies: DeliveryLatencies | None = None
) -> Delivery:
    """Account for every message of a run; raises `LoadRecordError`.

    `processes` is how many were to write rows. What messages took to arrive goes into `latencies`.
    """
    found = _judge(History(run), processes, latencies)
    if found.violations is not None:
        found.examples.update(found.violations.examples())
    return found


def missing(run: LoadRunFolder, now: int) -> int:
    """How many receipts are due, and not in, if a run that goes on ended now."""
    found = _judge(History(run, until=now))
    return found.counts[Counter.LOST] + sum(each.missing for each in found.ephemeral.values())


def _judge(
    history: History, processes: int = 0, latencies: DeliveryLatencies | None = None
) -> Delivery:
    violations = Violations(history)
    found = Delivery(killed=history.killed, violations=violations)
    found.part(history.names)
    found.counts[Counter.LATE] = history.late
    values, matches = Values(history, found), any_matched(history)
    with work_on("judging", history.said_or_heard) as done:
        for number in history.turns():
            done(len(history.emits.key))
            partition = _Partition(history, found, violations, processes, latencies)
            lost = partition.judge(number, done)
            del partition  # before the next one is read
            values.judge(found)
            judge_unacknowledged(history, found, lost, matches)
            violations.settle(number)
    history.forget_messages()
    found.spoken, found.entered = (
        sorted({history.room_names.get(room, "") for room in rooms})
        for rooms in (found.spoken_to, np.unique(history.stays.room).tolist())
    )
    found.counts[Counter.ACK_TIMEOUTS] = history.timeouts
    judge_ephemeral(history, found)
    judge_connections(history, found)
    judge_troubles(history, found)
    return found


class _Partition:
    """The messages of one partition, and all that was heard of them."""

    def __init__(
        self,
        history: History,
        found: Delivery,
        violations: Violations,
        processes: int,
        latencies: DeliveryLatencies | None,
    ) -> None:
        self.history = history
        self.found = found
        self.processes = processes
        self.latencies = latencies
        self.violations = violations
        emits = history.emits
        self.sender = emits.sender  # the connection
        self.user = self.sender if history.alone else history.user[self.sender]
        self.kind = np.where(emits.room < FIRST_ROOM, emits.room, _NAMED)
        self.kind[emits.room == UNNAMED] = _NOWHERE
        self.rooms = RoomIndex(emits.room, (self.kind == EVERYONE) | (self.kind == _NAMED))
        self.links = Presence(history.connections)
        self.connected = Connected(history.connections, history.clients)
        held = ~history.abrupt[self.sender] & ~history.unsent[self.sender]
        self.processed = (emits.acked > 0) | (emits.heard > 0) | held
        self.processed &= emits.actual <= history.sent_until[self.sender]
        self.ends = np.maximum(history.drained[self.sender], 1)
        for told in (emits.heard, emits.acked):
            np.copyto(self.ends, told, where=told > 0)
        self.refusals = Refusals(history)
        for unowed in (self.refusals.refused, self.refusals.unknown):
            if unowed is not None:
                self.processed &= ~unowed
        self.lost = np.zeros(len(emits.key), dtype=bool)  # for anyone
        self.entered = set(np.unique(history.stays.room).tolist())  # rooms

    def judge(self, number: int, done: Callable[[int], None]) -> Flags:
        """Judge them, and give which are lost; `done` is told how many receipts are judged."""
        history, found, emits = self.history, self.found, self.history.emits
        found.take(emits.named)
        found.count_sent(self.sender, emits.acked > 0, history.timed_out)
        found.addressed += int((self.kind != NOBODY).sum())
        found.spoken_to.update(np.unique(emits.room[self.kind == _NAMED]).tolist())
        if self.latencies is not None:
            self.latencies.take_acks(history)
        seen = history.user != np.arange(history.clients)
        for clients, receipts in history.partitions.receipts(number):
            seen[clients] = True
            self._part(receipts, clients)
            done(len(receipts.client))
        silent = np.flatnonzero(~seen)
        if len(silent):  # who heard nothing at all may have lost everything
            self._judge(Receipts.none(), np.empty(0, dtype=np.int64), silent)
        self.refusals.exercise(found)
        return self.lost

    def _sent_in(self, at: Numbers) -> Numbers:
        """The seconds in which messages were sent."""
        return self.history.seconds_of(self.sender[at], self.history.emits.actual[at])

    def _heard_wrong(
        self, name: Property, receipts: Receipts, at: Numbers, which: Numbers | Flags
    ) -> None:
        """Some receipts violate a property, in the seconds in which they came.

        `at` is where the message of each stands; negative where it is unknown.
        """
        client, time = receipts.client[which], receipts.time[which]
        self.found.violated(name, self.history.seconds_of(client, time))
        messages = at[which]
        sent = messages >= 0
        self.found.count(name, messages[sent], client)
        self.violations.take(name, messages[sent], client[sent])
        if not sent.all():
            self.violations.take_unsent(name, receipts.where(which).where(~sent))

    # One part of the receivers.

    def _part(self, receipts: Receipts, clients: Numbers) -> None:
        found, number = self.found, len(receipts.client)
        found.counts[Counter.RECEIPTS] += number
        found.count(Counter.RECEIPTS, clients=receipts.client)
        for name in (Property.CORRUPTED, Property.FORGED, Property.INVENTED):
            found.exercised[name] += number
            found.chance(name, clients=receipts.client)
        at = self.history.emits.find(receipts.sender, receipts.sequence)
        readable = (receipts.flags & _NO_STAMP) == 0
        foreign = readable & ((receipts.flags & ReceiptFlag.FOREIGN) > 0)
        at[foreign | ~readable] = -1
        self._contents(receipts, at)
        nameless = readable & ~foreign & (at < 0)
        unrecorded = nameless & self.history.without_rows(receipts.sender, self.processes)
        found.counts[Counter.UNDETERMINED] += int(foreign.sum())
        found.counts[Counter.UNRECORDED] += int(unrecorded.sum())
        made_up = np.flatnonzero(nameless & ~unrecorded)
        self._heard_wrong(Property.INVENTED, receipts, at, made_up)
        chosen = at >= 0
        kept, at = receipts.where(chosen), at[chosen]
        found.count(Counter.RECEIPTS, at)
        for name in (Property.CORRUPTED, Property.FORGED):
            found.chance(name, at)
        if self.latencies is not None:
            self.latencies.take(self.history, kept, at)
        self.refusals.take(found, kept, at, self.user)
        self._judge(kept, at, clients)

    def _contents(self, receipts: Receipts, at: Numbers) -> None:
        """What was heard against what its sender has written down; `at` is where that stands."""
        altered, forged = self.history.emits.told_by(receipts, at)
        for name, wrong in ((Property.CORRUPTED, altered), (Property.FORGED, forged)):
            self._heard_wrong(name, receipts, at, wrong)

    def _judge(self, receipts: Receipts, at: Numbers, clients: Numbers) -> None:
        """`at` is where the message of each receipt stands; `clients` are the receivers."""
        self._order(receipts, at)
        self._own(receipts, at, clients)
        stays = self.history.stays.where(np.isin(self.history.stays.client, clients))
        for room, here, part in self.rooms.each(at, stays):
            if room >= FIRST_ROOM and room not in self.entered:
                self.found.count_unentered(self.history.room_names.get(room, ""), len(here))
            else:
                self._room(room, receipts, at, here, part, clients)

    def _order(self, receipts: Receipts, at: Numbers) -> None:
        """Reordered messages, by their first receipts."""
        first = first_receipts(receipts.client, at, len(self.sender))
        first = first[(receipts.flags[first] & ReceiptFlag.HISTORY) == 0]
        sent = at[first := first[self.kind[at[first]] != _NOWHERE]]  # that may be several rooms
        followed, late = out_of_order(
            self.history.series[receipts.life[first]],
            self.sender[sent],
            self.history.emits.room[sent],
            receipts.sequence[first],
        )
        self.found.exercised[Property.REORDERED] += len(followed)
        self.found.chance(Property.REORDERED, sent[followed], receipts.client[first[followed]])
        self._heard_wrong(Property.REORDERED, receipts, at, first[late])

    def _own(self, receipts: Receipts, at: Numbers, clients: Numbers) -> None:
        """What comes back to its sender, and what is for nobody."""
        emits = self.history.emits
        kind = self.kind[at]
        strangers = (kind == NOBODY) | ((kind == ITSELF) & (receipts.client != self.user[at]))
        self._leaks(receipts, at, np.flatnonzero(strangers))
        mine = np.flatnonzero((self.kind == ITSELF) & np.isin(self.user, clients))
        if not len(mine):
            return
        own = (kind == ITSELF) & ~strangers
        counts = np.bincount(at[own], minlength=len(emits.key))[mine]
        repeats = (receipts.flags & ReceiptFlag.HISTORY) > 0
        again = np.bincount(at[own & repeats], minlength=len(emits.key))[mine]
        sender = self.user[mine]
        sure = self.links.sure(sender, emits.actual[mine], self.ends[mine])
        self._tally(counts, counts - again, sure, mine, sender)
        self._strangers(clients, mine, sender, sure[:, None])

    def _strangers(
        self, receivers: Numbers, at: Numbers, members: Numbers, may: Flags | None = None
    ) -> None:
        """Count for which receivers messages were not, though they were there.

        `may` says which of the members each message, a row, may be for; a member a column. With
        one column, `members` has the only one of each message.
        """
        found, tally = self.found, self.found.by_class
        classes = range(len(self.history.names.classes)) if tally.is_parted else (None,)
        for number in classes:
            of, columns = receivers, may
            if number is not None:
                of = receivers[tally.of[receivers] == number]
                here = tally.of[members] == number
                if may is not None:
                    columns = may & here[:, None] if may.shape[1] == 1 else may[:, here]
            if not len(of):
                continue
            inside = 0 if columns is None else columns.sum(axis=1)
            others = np.maximum(
                self.connected.number(of, self.history.emits.actual[at]) - inside, 0
            )
            total = int(others.sum())
            found.exercised[Property.LEAKED] += total
            found.chance(Property.LEAKED, at, times=others)
            found.chance(Property.LEAKED, clients=of[:1], times=np.array([total]))

    def _tally(
        self, counts: Numbers, live: Numbers, sure: Flags, at: Numbers, receiver: Numbers
    ) -> None:
        """Count what is due, lost and doubled; one place for each message and receiver.

        `live` are the receipts without those of histories.
        """
        found, processed = self.found, self.processed[at]
        due = sure & processed
        missing = counts == 0
        found.counts[Counter.DUE] += int(due.sum())
        found.exercised[Property.LOST] += int(due.sum())
        lost = due & missing
        self.lost[at[lost]] = True
        found.violated(Property.LOST, self._sent_in(at[lost]))
        found.count_receivers(counts, live, due, at, receiver)
        doubled = np.flatnonzero(live > 1)
        found.violated(
            Property.DUPLICATED, np.repeat(self._sent_in(at[doubled]), live[doubled] - 1)
        )
        undetermined = missing & ~due
        found.counts[Counter.UNDETERMINED] += int(undetermined.sum())
        found.unknown += int((undetermined & self.history.gone[receiver]).sum())
        found.exercised[Property.DUPLICATED] += int((~missing).sum())

    def _leaks(self, receipts: Receipts, at: Numbers, leaked: Numbers) -> None:
        surely = receipts.time[leaked] < self.history.doubtful[receipts.client[leaked]]
        self._heard_wrong(Property.LEAKED, receipts, at, leaked[surely])

    # A room: messages by members, in pieces.

    def _room(
        self,
        room: int,
        receipts: Receipts,
        at: Numbers,
        index: Numbers,
        stays: Stays,
        receivers: Numbers,
    ) -> None:
        emits = self.history.emits
        presence = Presence(stays)
        members = presence.members
        clients, messages = receipts.client[index], at[index]
        place, _ = presence.places(clients)
        errors = self.history.errors
        sent_at = emits.actual[messages]
        if not errors.one_clock:
            sent_at = sent_at - errors.between(clients, self.sender[messages])
        inside = presence.maybe(clients, sent_at, receipts.time[index])
        skipping = (emits.flags[messages] & EmitFlag.SKIPS_SENDER) > 0
        own = clients == self.user[messages]
        self.found.count_own(heard=int(own.sum()))
        inside &= ~(skipping & own)
        self._leaks(receipts, at, index[~inside])
        if not len(members):
            self._strangers(receivers, np.unique(messages), members)
            return
        sent = self.rooms.messages(room)
        step = max(1, _CELLS // len(members))
        rank = np.searchsorted(sent, messages[inside])
        columns = place[inside]
        order = np.argsort(rank, kind="stable")
        rank, columns = rank[order], columns[order]
        again = ((receipts.flags[index][inside] & ReceiptFlag.HISTORY) > 0)[order]
        for start in range(0, len(sent), step):
            some = sent[start : start + step]
            low, high = np.searchsorted(rank, (start, start + len(some)))
            cells = (rank[low:high] - start) * len(members) + columns[low:high]
            counts = np.bincount(cells, minlength=len(some) * len(members))
            live = counts
            if again[low:high].any():
                live = counts - np.bincount(cells[again[low:high]], minlength=len(counts))
            shape = len(some), len(members)
            self._piece(some, presence, counts.reshape(shape), live.reshape(shape), receivers)

    def _piece(
        self,
        some: Numbers,
        presence: Presence,
        counts: Numbers,
        live: Numbers,
        receivers: Numbers,
    ) -> None:
        emits, members = self.history.emits, presence.members
        since, until = emits.actual[some], self.ends[some]
        errors = self.history.errors
        if not errors.one_clock:
            unsure = errors.between(members[None, :], self.sender[some][:, None])
            since, until = since[:, None] - unsure, until[:, None] + unsure
        sure, may = presence.all_of(since, until)
        skipping = ((emits.flags[some] & EmitFlag.SKIPS_SENDER) > 0)[:, None]
        apart = ~(skipping & (members[None, :] == self.user[some][:, None]))
        sure, may = sure & apart, (may & apart) | (counts > 0)
        self._strangers(receivers, some, members, may)
        rows, columns = np.nonzero(may)
        self._tally(counts[may], live[may], sure[may], some[rows], members[columns])
        if self.lost[some].any():
            own = members[None, :] == self.user[some][:, None]
            lost = own & sure & (counts == 0) & self.processed[some][:, None]
            self.found.count_own(lost=int(lost.sum()))
