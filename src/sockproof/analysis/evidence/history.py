"""What happened in a load run: who sent what to whom, and who was there to hear it.

The rules that hold here:

* A stay has an inner and an outer span: from `sure_from` to `sure_to` the client was surely in
  the room, before `may_from` and after `may_to` surely not.
* A connection that ended before the drain did, or in a process whose rows end abruptly, owes
  nothing that was under way then. What a client heard last tells how much that was: a connection
  keeps the order, so whatever the server was done with before that message was *sent* came first; a
  second before, where it died with its process: servers do hand over what others say out of order.
* A receiver is a user, by the number of its first connection; `lives` has its stays over them.
* The same holds where a process could not write down what it heard: a stay is parted there. Where
  it could not write down who came and went, nobody is surely anywhere until it is told anew.
* What comes behind the drain is late: it was not heard, and acknowledges nothing.
* Messages are those of one partition, and then of the next; see `partitions`.
* Times of two clocks are compared by no less than their error; where they cannot be compared
  (another boot, never measured), it is larger than any run.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sockproof.analysis.evidence.clock_errors import ClockErrors
from sockproof.analysis.evidence.lives import MEMBERSHIP, Connection, Spell, connections_of
from sockproof.analysis.evidence.names import UNNAMED as NAMELESS
from sockproof.analysis.evidence.names import Names
from sockproof.analysis.evidence.partitions import Partitions
from sockproof.analysis.evidence.row_arrays import (
    LOW,
    Emits,
    Numbers,
    Process,
    Stays,
    in_time,
    of_senders,
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
    EmitFlag,
    Kind,
    LoadRecordError,
    Phase,
)
from sockproof.runs.reader import LoadRunFolder

_ROOMS = {EVERYONE: "everyone", ITSELF: "itself", NOBODY: "nobody"}
UNNAMED = -1  # a room whose name could not be written down
OVERTAKING = SECOND  # by which what was said earlier may come later


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
        self._rooms: dict[str, int] = {}
        self.timeouts = sum(each.rows.number([Kind.ACK_TIMEOUT]) for each in self.processes)
        # Clients whose connections were opened, could not be, or ended unasked.
        self.opened_by, self.failed_by, self.lost_by = list[int](), list[int](), list[int]()
        self.strays = Strays()
        self.late_acks = 0
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
        self.alone = bool((self.user == np.arange(base)).all())  # nobody had a second connection
        self.matched = False  # whether any message is acknowledged by a matcher of the scenario
        self._places = [self._places_of(process) for process in self.processes]
        self._count_acks()
        user = None if self.alone else self.user
        self.partitions = Partitions(self.processes, base, user)
        self.late = self.partitions.late
        self._taken = -1
        self.emits = Emits.none()  # of the partition that is looked at
        self.timed_out = np.zeros(0, dtype=np.int64)  # where messages of these stand
        self.held_up = self.timed_out  # those whose process stood still meanwhile
        self._end_stays()
        self.stays.client[:] = self.user[self.stays.client]
        self.connections = self.stays.where(self.stays.room == EVERYONE)
        self.live_stays = self.stays  # in which nothing is handed over later
        if len(linked.client):
            self.stays = self.stays.and_also(linked)

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
        return self.room_names.get(room) or _ROOMS.get(room, "")

    # Rooms: the three that have no name, and behind them those that have one.

    def _room(self, own: dict[int, str], number: int) -> int:
        if number < FIRST_ROOM:
            return number
        name = own.get(number)
        if name is None:
            return UNNAMED
        found = self._rooms.get(name)
        if found is None:
            found = self._rooms[name] = len(self._rooms) + FIRST_ROOM
            self.room_names[found] = name
        return found

    def rooms_of(self, process: Process, numbers: Numbers) -> Numbers:
        """Rooms over all processes, by their numbers in one."""
        own = process.records.names().rooms
        found = np.empty(len(numbers), dtype=np.int64)
        for number in np.unique(numbers).tolist():
            found[numbers == number] = self._room(own, number)
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
                if ended and not any(a <= connection.may_to <= b for a, b in process.stood_still):
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
                        place = self._room(own.rooms, room)
                        linked.append(_stay(user, place, spell))
            for connection in connections:
                number = process.base + connection.number - 1
                for room, spells in connection.rooms.items():
                    place = self._room(own.rooms, room)
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

    # Messages.

    def _places_of(self, process: Process) -> tuple[Numbers, Numbers, NDArray[np.uint16]]:
        """The numbers of places to which a process sent, the room of each and what it is called."""
        used = []
        for rows in sent_by(process):
            used.append(np.unique(rows["a"] & LOW))
            self.matched |= bool((rows["flags"] & EmitFlag.MATCHED).any())
        numbers = np.unique(np.concatenate([np.zeros(0, np.uint64), *used])).astype(np.int64)
        own = process.records.names()
        places = [own.place(number) for number in numbers.tolist()]
        rooms = [self._room(own.rooms, each.room) for each in places]
        named = [self.names.message(each.message, each.event) for each in places]
        return numbers, np.array(rooms, dtype=np.int64), np.array(named, dtype=np.uint16)

    @property
    def has_unnamed(self) -> bool:
        """Whether there are messages that have no name."""
        return any(bool((named == NAMELESS).any()) for _, _, named in self._places)

    def _count_acks(self) -> None:
        for process in self.processes:
            if process.drained:
                for rows in process.rows.parts_of([Kind.ACK]):
                    self.late_acks += len(rows) - int(in_time(process, rows).sum())
            strays = process.rows.of([Kind.STRAY_ACK])
            self.strays.note(process, strays, self.seconds_of, self.name_of)

    @property
    def said_or_heard(self) -> int:
        """How many rows tell of a message that was sent or heard."""
        return sum(each.rows.number([Kind.EMIT, Kind.RECEIPT]) for each in self.processes)

    def turns(self) -> Iterator[int]:
        """Have the messages of one partition after the other in `emits`."""
        for number in range(len(self.partitions.ranges)):
            if number != self._taken:
                self._take(number)
            yield number

    def forget_messages(self) -> None:
        """Nobody asks for any more."""
        self.emits, self._taken = Emits.none(), -1

    def _take(self, number: int) -> None:
        begin, end = self.partitions.ranges[number]
        self.emits = Emits.none()  # the last ones go before these come
        parts = [Emits.none()]
        for process, (numbers, rooms, named) in zip(self.processes, self._places, strict=True):
            if process.base >= end or process.base + process.clients <= begin:
                continue
            for rows in sent_by(process):
                sent = of_senders(process, rows, begin, end)
                at = np.searchsorted(numbers, (sent["a"] & LOW).astype(np.int64))
                parts.append(Emits.of(process, sent, rooms[at], named[at]))
        self.emits = emits = Emits.together(parts)
        timed_out, held_up = [], []
        for process in self.processes:
            if process.base >= end or process.base + process.clients <= begin:
                continue
            for rows in process.rows.parts_of([Kind.ACK]):
                acked = of_senders(process, rows[in_time(process, rows)], begin, end)
                name = sent_name(process, acked["client"], acked["a"])
                at = emits.find(name >> 32, name & 0xFFFFFFFF)
                emits.acked[at[at >= 0]] = process.times(acked["c"])[at >= 0]
            missed = of_senders(process, process.rows.of([Kind.ACK_TIMEOUT]), begin, end)
            name = sent_name(process, missed["client"], missed["a"])
            at = emits.find(name >> 32, name & 0xFFFFFFFF)
            ended, at = process.times(missed["c"])[at >= 0], at[at >= 0]
            timed_out.append(at)
            held_up.append(at[process.stood_still_within(emits.intended[at], ended)])
        self.timed_out = np.concatenate([np.zeros(0, np.int64), *timed_out])
        self.held_up = np.concatenate([np.zeros(0, np.int64), *held_up])
        self._taken = number
        if not emits.acked.all():
            self._hear(number)

    def _hear(self, number: int) -> None:
        """Note when each message was heard first."""
        emits = self.emits
        first = np.full(len(emits.key), FOREVER)
        for process in self.processes:
            for receipts in self.partitions.pieces(number, process):
                at = emits.find(receipts.sender, receipts.sequence)
                client, time, at = receipts.client[at >= 0], receipts.time[at >= 0], at[at >= 0]
                np.minimum.at(first, at, time + self._between(client, at))
        emits.heard[:] = np.where(first < FOREVER, first, 0)

    # The ends of stays.

    def _end_stays(self) -> None:
        """Note until when the end of each stay is sure: what was heard tells it."""
        gaps = [
            (process, *gap, np.zeros(process.clients, dtype=np.int64))
            for process in self.processes
            for gap in process.lost(Kind.RECEIPT)
        ]
        newest = np.zeros(self.clients, dtype=np.int64)  # send time of anything that each heard
        if self.abrupt.any() or gaps:
            for number in self.turns():
                for process in self.processes:
                    mine = [(begin, sure) for of, begin, _, sure in gaps if of is process]
                    for receipts in self.partitions.pieces(number, process):
                        at = self.emits.find(receipts.sender, receipts.sequence)
                        heard, at = receipts.where(at >= 0), at[at >= 0]
                        sent = self.emits.actual[at]
                        np.maximum.at(newest, heard.life, sent - self._between(heard.client, at))
                        own = sent - self._between(heard.life, at)
                        for begin, sure in mine:
                            known = heard.time < begin
                            np.maximum.at(sure, heard.life[known] - process.base, own[known])
        stays = self.stays
        # Who died with its process need not have heard all in the order in which it was sent.
        newest[self.gone] -= OVERTAKING
        until = np.where(self.abrupt[stays.client], newest[stays.client], FOREVER)
        stays.sure_to[:] = np.minimum(stays.sure_to, until)
        for process, _, end, sure in gaps:
            self._part_at_gap(process, end, sure)

    def _part_at_gap(self, process: Process, end: int, newest: Numbers) -> None:
        """Part the stays of clients that heard something while it could not be written down."""
        stays = self.stays
        own = stays.client - process.base
        of = (own >= 0) & (own < process.clients)
        sure = np.where(of, newest[np.where(of, own, 0)], 0)
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

    def without_rows(self, sender: Numbers, processes: int) -> NDArray[np.bool_]:
        """Whose messages may have been sent and never been written down.

        `processes` is how many were to write rows.
        """
        others = processes > len(self.processes) or self.run.left_out > 0
        return self.partitions.without_rows(sender, self.lacking, others)


def _stay(client: int, room: int, spell: Spell) -> tuple[int, ...]:
    return client, room, spell.sure_from, spell.sure_to, spell.may_from, spell.may_to


def _stays_of(rows: list[tuple[int, ...]]) -> Stays:
    found = Stays(*np.array(rows, dtype=np.int64).reshape(-1, 6).T)
    return found.where(found.room != UNNAMED)
