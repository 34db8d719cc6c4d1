"""What happened in a load run: who sent what to whom, and who was there to hear it.

The rules that hold here:

* A stay has an inner and an outer span: from `sure_from` to `sure_to` the client was surely in
  the room, before `may_from` and after `may_to` surely not.
* A connection that ended before the drain did, or in a process whose rows end abruptly, owes
  nothing that was under way then. What a client heard last tells how much that was: a connection
  keeps the order, so whatever the server was done with before that message was *sent* came first.
* A receiver is a user, by the number of its first connection; `lives` has its stays over them.
* The same holds where a process could not write down what it heard: a stay is parted there. Where
  it could not write down who came and went, nobody is surely anywhere until it is told anew.
* What comes behind the drain is late: it was not heard, and acknowledges nothing.
* Times of two clocks are compared by no less than their error. Clients whose clocks cannot be
  compared (another boot, never measured) are in rooms of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sockproof.analysis.evidence.clock_errors import ClockErrors
from sockproof.analysis.evidence.lives import MEMBERSHIP, Connection, Spell, connections_of
from sockproof.analysis.evidence.names import Names
from sockproof.analysis.evidence.row_arrays import (
    HIGH,
    LOW,
    Emits,
    Numbers,
    Process,
    Receipts,
    Stays,
    heard_by,
    sent_by,
    sent_name,
)
from sockproof.analysis.evidence.strays import Strays
from sockproof.runs.clock import SECOND
from sockproof.runs.clock_line import SAME
from sockproof.runs.load_records import (
    EVERYONE,
    FIRST_ROOM,
    FOREVER,
    ITSELF,
    NOBODY,
    Kind,
    LoadRecordError,
    Phase,
)
from sockproof.runs.reader import LoadRunFolder

PART = 1_000_000  # receipts that are looked at together
_ROOMS = {EVERYONE: "everyone", ITSELF: "itself", NOBODY: "nobody"}
UNNAMED = -1  # a room whose name could not be written down
_UNKNOWN, _NO_CLIENT, _LACKING = -1, -2, -3  # senders: of no process, never there, without rows


class History:
    """A run folder, read; `until` is when all of it shall have ended that still goes on."""

    def __init__(self, run: LoadRunFolder, until: int | None = None) -> None:
        self.run = run
        if not run.recorded:
            why = f": {run.row_problems[0]}" if run.row_problems else ""
            raise LoadRecordError(f"{run.path} contains no rows of a load run{why}")
        self.processes: list[Process] = []
        base = 0
        for records in run.recorded:
            line = run.clock_lines.get(records.file.boot, SAME)
            process = Process.of(records, base, line)
            base += process.clients
            if until is not None and not process.complete:
                process.complete = True
                process.begun.setdefault(Phase.OVER, until)
            self.processes.append(process)
        self.clients = base
        self.errors = ClockErrors(self.processes, run.clock_lines, base)
        self.names = Names(self.clients)
        self.room_names: dict[int, str] = {}
        self._rooms: dict[tuple[int, str], int] = {}
        self._tags = {process.file.tag: process for process in self.processes}
        self.timeouts = 0
        self.timed_out = np.zeros(0, dtype=np.int64)  # where messages of these stand
        # Clients whose connections were opened, could not be, or ended unasked.
        self.opened_by, self.failed_by, self.lost_by = list[int](), list[int](), list[int]()
        self.strays = Strays()
        self.late_acks = self.late = 0
        # Connections that ended before the drain, and not by us: client, reason and time.
        self.ended: list[tuple[int, int, int]] = []
        self.user = np.arange(base)  # of each connection, by the number of its first one
        # Over which connections of a user the order of what it hears is kept, by their first.
        self.series = np.arange(base)
        self.asked = np.zeros(base, dtype=np.int64)  # when each connection was asked for
        self.abrupt = np.zeros(base, dtype=bool)  # whose connection ended before the drain did
        self.expects = np.zeros(base, dtype=np.uint8)  # what each user expects, as bits
        self.lacking = np.zeros(base, dtype=bool)  # whose messages need not have rows
        self.unsent = np.zeros(base, dtype=bool)  # whose messages, unheard, need not have left
        self.sent_until = np.full(base, FOREVER)  # what is sent in the drain need not come back
        self.gone = np.zeros(base, dtype=bool)  # whose process ended abruptly
        self.doubtful = np.full(base, FOREVER)  # from when on nobody knows where each was
        self.drained = np.zeros(base, dtype=np.int64)  # when in-flight messages were waited for
        self._drain()
        self.stays, linked = self._stays()
        self.emits = self._emits()
        self._hear()
        self._part_at_gaps()
        self.stays.client[:] = self.user[self.stays.client]
        self.connections = self.stays.where(self.stays.room % FIRST_ROOM == EVERYONE)
        self.live_stays = self.stays  # in which nothing is handed over later
        if len(linked.client):
            self.stays = self.stays.and_also(linked)

    @property
    def alone(self) -> bool:
        """Whether no user had a second connection."""
        return bool((self.user == np.arange(self.clients)).all())

    def _drain(self) -> None:
        """Note when the first process had waited for what was in flight; 0: none ever did."""
        groups = self.errors.groups
        for process in self.processes:
            alike = (each for each in self.processes if groups[each.clock] == groups[process.clock])
            first = min((each.drained for each in alike if each.drained), default=0)
            here = slice(process.base, process.base + process.clients)
            self.drained[here] = first + self.errors.largest if first else 0

    @property
    def killed(self) -> int:
        """How many processes' rows end abruptly."""
        return sum(not process.complete for process in self.processes)

    def seconds_of(self, clients: Numbers, times: Numbers) -> Numbers:
        """The seconds of the run in which something was, to these clients."""
        if not len(times):
            return times
        clock = self.run.clock
        begins = np.array(
            [each.line.to_run(clock.origin(each.file.tag)) for each in self.processes]
        )
        bases = np.array([process.base for process in self.processes])
        found: Numbers = times - begins[np.searchsorted(bases, clients, side="right") - 1]
        return found // SECOND

    def process_of(self, client: int) -> Process:
        """The process of a client."""
        return next(each for each in self.processes if client < each.base + each.clients)

    def name_of(self, client: int) -> str:
        """A client as examples name it."""
        process = self.process_of(client)
        return f"client {client - process.base + 1} of process {process.file.tag:08x}"

    def label_of(self, client: int) -> str:
        """A client as its scenario calls the user."""
        return self.names.label(client) or self.name_of(client)

    def name_of_room(self, room: int) -> str:
        """A room as examples name it."""
        return self.room_names.get(room) or _ROOMS.get(room % FIRST_ROOM, "")

    # Rooms: the three that have no name are one each for all clocks that can be compared; names
    # come behind them.

    def _room(self, process: Process, own: dict[int, str], number: int) -> int:
        clock = self.errors.groups[process.clock]
        if number < FIRST_ROOM:
            return number + FIRST_ROOM * clock
        name = own.get(number)
        if name is None:
            return UNNAMED
        found = self._rooms.get((clock, name))
        if found is None:
            # A multiple of FIRST_ROOM would be taken for everyone.
            found = (len(self._rooms) + 1_000_000) * FIRST_ROOM + 1
            self._rooms[clock, name] = found
            self.room_names[found] = name
        return found

    def rooms_of(self, process: Process, numbers: Numbers) -> Numbers:
        """Rooms over all processes, by their numbers in one."""
        own = process.records.names().rooms
        found = np.empty(len(numbers), dtype=np.int64)
        for number in np.unique(numbers).tolist():
            found[numbers == number] = self._room(process, own, number)
        return found

    def _stays(self) -> tuple[Stays, Stays]:
        """Those of connections, and those that users have over several of theirs."""
        stays: list[tuple[int, ...]] = []
        linked: list[tuple[int, ...]] = []
        for process in self.processes:
            here = slice(process.base, process.base + process.clients)
            self.gone[here] = not process.complete
            self.lacking[here] = process.lacks_emits
            self.unsent[here] = bool(process.lost(Kind.WITHDRAWN))
            own = process.records.names()
            self.names.take(own)
            still = [
                tuple(map(process.line.to_run, span)) for span in process.records.stood_still()
            ]
            until = process.begun.get(Phase.DRAIN) or process.drained or FOREVER
            self.sent_until[here] = until
            unsure = process.lost(*MEMBERSHIP)
            if unsure:
                self.doubtful[here] = unsure[0][0]
            links = not unsure and not process.lost(Kind.RECEIPT)
            connections = connections_of(process)
            for connection in connections:
                number = process.base + connection.number - 1
                if connection.ended:
                    self.lost_by.append(number)
                ended = connection.ended and not 0 < process.drained < connection.may_to
                # A peer that gave up a process which stood still is not to blame.
                if ended and not any(a <= connection.may_to <= b for a, b in still):
                    self.ended.append((number, connection.ended, connection.may_to))
                in_order = process.drained and connection.sure_to >= process.drained
                known = all(connection.asked >= end for _, end in unsure)
                self.abrupt[number] = not (process.complete and in_order and known)
                connection.settle(unsure)
                self._note_user(number, connection)
                self.user[number] = user = process.base + connection.user - 1
                self.series[number] = process.base + connection.series - 1
                for room, spell in connection.links():
                    if links and not self.abrupt[number]:
                        place = self._room(process, own.rooms, room)
                        linked.append(_stay(user, place, spell))
            for connection in connections:
                number = process.base + connection.number - 1
                for room, spells in connection.rooms.items():
                    place = self._room(process, own.rooms, room)
                    stays += (_stay(number, place, spell) for spell in spells)
        return _stays_of(stays), _stays_of(linked)

    def _note_user(self, number: int, connection: Connection) -> None:
        self.asked[number] = connection.asked
        self.expects[number] = connection.expects
        if connection.of is not None:
            self.names.connects(number, *connection.of)
        if connection.sure_from < FOREVER:
            self.opened_by.append(number)
        if connection.failed:
            self.failed_by.append(number)

    def _emits(self) -> Emits:
        parts = []
        acks: list[tuple[Numbers, Numbers]] = []
        timed_out: list[Numbers] = []
        for process in self.processes:
            rows, own = process.rows, process.records.names()
            sent = sent_by(process)
            numbers, at = np.unique((sent["a"] & LOW).astype(np.int64), return_inverse=True)
            places = [own.place(number) for number in numbers.tolist()]
            rooms = [self._room(process, own.rooms, each.room) for each in places]
            named = [self.names.message(each.message, each.event) for each in places]
            room = np.array(rooms, dtype=np.int64)[at]
            parts.append(Emits.of(process, sent, room, np.array(named, dtype=np.uint16)[at]))
            acked = rows[rows["kind"] == Kind.ACK]
            in_time = self.in_time(process, acked)
            self.late_acks += len(acked) - int(in_time.sum())
            acked = acked[in_time]
            name = sent_name(process, acked["client"], acked["a"])
            acks.append((name, process.times(acked["c"])))
            missed = rows[rows["kind"] == Kind.ACK_TIMEOUT]
            timed_out.append(sent_name(process, missed["client"], missed["a"]))
            self.timeouts += len(missed)
            if process.drained:
                heard = process.times(rows["c"][rows["kind"] == Kind.RECEIPT])
                self.late += int((heard > process.drained).sum())
            strays = rows[rows["kind"] == Kind.STRAY_ACK]
            self.strays.note(process, strays, self.seconds_of, self.name_of)
        emits = Emits.together(parts)
        for keys, times in acks:
            at = emits.find(keys >> 32, keys & 0xFFFFFFFF)
            emits.acked[at[at >= 0]] = times[at >= 0]
        missed = np.concatenate(timed_out)
        at = emits.find(missed >> 32, missed & 0xFFFFFFFF)
        self.timed_out = at[at >= 0]
        return emits

    def in_time(self, process: Process, rows: NDArray[np.void]) -> NDArray[np.bool_]:
        """Which rows tell of something before the end of their process's drain."""
        if not process.drained:
            return np.ones(len(rows), dtype=bool)
        found: NDArray[np.bool_] = process.times(rows["c"]) <= process.drained
        return found

    def _hear(self) -> None:
        """Note when each message was heard first, and until when the end of each stay is sure."""
        emits = self.emits
        if emits.acked.all() and not self.abrupt.any():
            return
        first = np.full(len(emits.key), FOREVER)
        newest = np.zeros(self.clients, dtype=np.int64)  # send time of anything that each heard
        for receipts in self.receipts():
            at = emits.find(receipts.sender, receipts.sequence)
            heard = receipts.where(at >= 0)
            at = at[at >= 0]
            error = self._between(heard.client, at)
            np.minimum.at(first, at, heard.time + error)
            np.maximum.at(newest, heard.life, emits.actual[at] - error)
        emits.heard[:] = np.where(first < FOREVER, first, 0)
        stays = self.stays
        until = np.where(self.abrupt[stays.client], newest[stays.client], FOREVER)
        stays.sure_to[:] = np.minimum(stays.sure_to, until)

    def _part_at_gaps(self) -> None:
        """Part the stays of clients that heard something while it could not be written down."""
        for process in self.processes:
            for begin, end in process.lost(Kind.RECEIPT):
                newest = np.zeros(self.clients, dtype=np.int64)
                for receipts in self._receipts_of(process):
                    at = self.emits.find(receipts.sender, receipts.sequence)
                    known = (at >= 0) & (receipts.time < begin)
                    life, at = receipts.life[known], at[known]
                    sent = self.emits.actual[at] - self._between(life, at)
                    np.maximum.at(newest, life, sent)
                stays = self.stays
                sure = newest[stays.client]
                of = (stays.client >= process.base) & (
                    stays.client < process.base + process.clients
                )
                parted = of & (stays.sure_from < end) & (stays.sure_to > sure)
                later = stays.where(parted)
                later.sure_from[:] = np.maximum(later.sure_from, end)
                stays.sure_to[parted] = sure[parted]
                self.stays = stays.and_also(later)

    def _between(self, clients: Numbers, at: Numbers) -> Numbers | int:
        """By how much the times of these clients and of messages can be wrong to each other."""
        if self.errors.one_clock:
            return 0
        return self.errors.between(clients, self.emits.sender[at])

    # Receipts.

    def receipts(self, late: bool = False) -> Iterator[Receipts]:
        """All receipts, some users' after the others'; those of a user are never parted.

        `late`: those that came behind the drain instead.
        """
        for process in self.processes:
            yield from self._receipts_of(process, late)

    def _receipts_of(self, process: Process, late: bool = False) -> Iterator[Receipts]:
        rows = process.rows
        heard = np.flatnonzero(rows["kind"] == Kind.RECEIPT)
        client = rows["client"][heard].astype(np.int64)
        user = None if self.alone else self.user
        if user is not None:
            client = user[process.base + client - 1] - process.base + 1
        totals = np.cumsum(np.bincount(client, minlength=process.clients + 1))
        part = totals // PART
        for number in np.unique(part[client]).tolist():
            some = rows[heard[part[client] == number]]
            some = some[self.in_time(process, some) ^ late]
            yield heard_by(process, some, self._senders(some["a"]), user)

    def _senders(self, identities: NDArray[np.uint64]) -> Numbers:
        """The numbers of the clients that stamps name; negative where there is none."""
        tags = (identities >> HIGH).astype(np.int64)
        sender = np.full(len(identities), _UNKNOWN)
        for tag in np.unique(tags).tolist():
            source = self._tags.get(tag)
            if source is not None:
                of = tags == tag
                own = (identities[of] & LOW).astype(np.int64)
                nobody = _LACKING if source.lacks_emits else _NO_CLIENT
                known = (own > 0) & (own <= source.clients)
                sender[of] = np.where(known, source.base + own - 1, nobody)
        return sender

    def without_rows(self, sender: Numbers, processes: int) -> NDArray[np.bool_]:
        """Whose messages may have been sent and never been written down.

        `processes` is how many were to write rows.
        """
        others = processes > len(self.processes) or self.run.left_out > 0
        lacking = np.isin(sender, (_LACKING, _UNKNOWN) if others else (_LACKING,))
        known = sender >= 0
        lacking[known] = self.lacking[sender[known]]
        return lacking


def _stay(client: int, room: int, spell: Spell) -> tuple[int, ...]:
    return client, room, spell.sure_from, spell.sure_to, spell.may_from, spell.may_to


def _stays_of(rows: list[tuple[int, ...]]) -> Stays:
    found = Stays(*np.array(rows, dtype=np.int64).reshape(-1, 6).T)
    return found.where(found.room != UNNAMED)
