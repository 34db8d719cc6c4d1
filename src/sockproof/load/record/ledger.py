"""The ledger: what one process of a run writes down, but for its messages; see `recorder`.

It knows who is connected and who is in which room, has the histograms of a second, and writes all
of it to the run folder. Nothing in it grows with the number of messages.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sockproof.load.record.counters import Counters
from sockproof.load.record.names import Counts, Names, counts
from sockproof.load.record.row_writer import LineWriter, Map, RowWriter
from sockproof.runs.histogram import BITS
from sockproof.runs.load_records import (
    LINE_FILES,
    ROW,
    ROWS,
    ROWS_CHECKSUM,
    STEP,
    WALL,
    Kind,
    LifeFlag,
    LoadRecordError,
    Phase,
    ValueFlag,
    record_file,
)
from sockproof.vocabulary import (
    MESSAGE_KINDS,
    LatencyKind,
    Origin,
    before_key,
)

_ACTUAL: Final = {kind: before_key(kind, Origin.ACTUAL) for kind in MESSAGE_KINDS}
_pack_into: Final = ROW.pack_into
_SIZE: Final = ROW.size
_STEP: Final = STEP


def _origins(intended: Counts, actual: Counts) -> dict[str, Counts]:
    return {Origin.INTENDED: intended, Origin.ACTUAL: actual}


class Ledger(Counters):
    """What one process of a run saw.

    A client is one connection: who connects again takes a new number by `client()`, and says by
    `follows` who it was before. Times are
    `time.monotonic_ns()`. The public counters may be read by anyone and, where a comment says so,
    are counted up by others.
    """

    def __init__(
        self, folder: Path, run: int, on_problem: Callable[[str], None] | None = None
    ) -> None:
        super().__init__()
        self._rows = RowWriter(folder, run)
        self.folder = folder
        self.run = run
        self.tag = self._rows.tag
        self.problem: str | None = None  # why something is missing
        self._on_problem = on_problem
        self._lines = {
            name: LineWriter(folder / record_file(name, self.tag)) for name in LINE_FILES
        }
        self._map: Map
        self._map, self._offset = self._rows.taken()
        self._high = self.tag << 32
        self._clock = self._high >> 48
        self.names = Names(lambda line: self._line("rooms", line))
        self.room = self.names.room
        self._clients = 0
        self._over = False
        self.phase_now = Phase.RAMP
        self._measured_from = 0  # messages that were due earlier belong to the part before
        self._new_histograms()
        self.outstanding = 0  # acknowledgements that are waited for

    def _new_histograms(self) -> None:
        for acks in self.names.all_acks:
            acks.clear()
        self.delivery_intended, self.delivery_actual = counts(), counts()
        # Those whose intended time was the actual one, until `fold` counts them in the two above.
        self._delivery_both = counts()
        self._emits_before = self.emitted  # so that those without lag need not be counted
        self.connect_intended, self.connect_actual = counts(), counts()
        self.lag = counts()
        self._before: dict[str, Counts] = {
            before_key(kind, origin): counts() for kind in MESSAGE_KINDS for origin in Origin
        }

    # Names.

    def client(self) -> int:
        """A new client's number, for the methods here; `identity` is what stamps carry."""
        self._clients += 1
        return self._clients

    def identity(self, client: int) -> int:
        """The client's name in all processes of the run: the sender of its stamps."""
        return self._high | client

    # Rooms and connections.

    def joining(self, client: int, room: int, now: int, replays: bool = False) -> None:
        """A client is about to ask to be let into a room, where it `replays` what it missed."""
        self._row(Kind.JOIN_ASKED, client, room, 0, now, LifeFlag.REPLAYS if replays else 0)

    def joined(self, client: int, room: int, now: int) -> None:
        """The server has said that the client is in the room."""
        self._row(Kind.JOINED, client, room, 0, now)

    def leaving(self, client: int, room: int, now: int) -> None:
        """A client is about to ask to leave a room."""
        self._row(Kind.LEAVE_ASKED, client, room, 0, now)

    def left(self, client: int, room: int, now: int) -> None:
        """The server has said that the client is out of the room."""
        self._row(Kind.LEFT, client, room, 0, now)

    def follows(self, client: int, before: int, now: int, flags: int = 0) -> None:
        """A client is the same user as an earlier one; `flags` are `LifeFlag`s."""
        self._row(Kind.LIFE, client, before, 0, now, flags)

    def connecting(
        self, client: int, now: int, user_class: int = 0, user: int = -1, expects: int = 0
    ) -> None:
        """A client is about to open its connection: which user of which class it is.

        `expects` are bits of `Expected`.
        """
        self._row(Kind.CONNECT_ASKED, client, user_class, user + 1, now, expects)

    def connected(self, client: int, intended: int, actual: int, now: int) -> None:
        """A client hears from now on: its connection and its namespace are open."""
        self.connections_opened += 1
        self.live += 1
        self._row(Kind.CONNECTED, client, 0, 0, now)
        count(self.connect_intended, now - intended)
        count(self.connect_actual, now - actual)

    def connect_failed(self, client: int, reason: int, now: int, words: str = "") -> None:
        """A client's connection did not come about; `words` say more than the reason."""
        self.connect_failures += 1
        self._row(Kind.CONNECT_FAILED, client, reason, self.names.why(words) if words else 0, now)

    def disconnecting(self, client: int, now: int) -> None:
        """A client is about to close its connection itself."""
        self._row(Kind.DISCONNECT_ASKED, client, 0, 0, now)

    def dropped(self, client: int, reason: int, last_received: int, now: int) -> None:
        """A connection ended that its client had not asked to close."""
        self.disconnected += 1
        self.ended(client, reason, last_received, now)

    def ended(self, client: int, reason: int, last_received: int, now: int) -> None:
        """A connection is closed; after `disconnecting`, this was asked for."""
        self.live -= 1
        self._row(Kind.DISCONNECTED, client, reason, last_received, now)

    # What is judged beside messages.

    def refuse(self, client: int, sequence: int, why: str, now: int) -> None:
        """An answer refuses a message, or with 0 that the client enters or leaves a room."""
        self.refused += 1
        self._row(Kind.REFUSED, client, self.names.why(why), sequence, now)

    def value(
        self, client: int, sequence: int, label: str, flags: int, number: int, now: int
    ) -> None:
        """The answer to a message holds a value; `flags` say what is asserted of it."""
        self._row(Kind.VALUE, client, sequence, number, now, flags, self.names.why(label))

    def unjudged(self, client: int, sequence: int, now: int) -> None:
        """Nobody knows whether the answer to a message accepts it."""
        self._row(Kind.VALUE, client, sequence, 0, now, ValueFlag.UNJUDGED)

    def notified(self, client: int, room: int, name: str, mark: int, now: int, flags: int) -> None:
        """A message without a stamp was sent; `mark` stands for its name and value."""
        self._row(Kind.EPHEMERAL, client, room, mark, now, flags, self.names.why(name))

    def noticed(self, client: int, name: str, mark: int, now: int) -> None:
        """A message without a stamp was heard."""
        self._row(Kind.EPHEMERAL_HEARD, client, 0, mark, now, 0, self.names.why(name))

    def unanswer(self, client: int, room: int, now: int) -> None:
        """What lets a client into a room, or out of it, was not answered in time."""
        self.unanswered_requests += 1
        self._row(Kind.UNANSWERED, client, room, 0, now)

    def error(self, client: int, words: str, now: int) -> None:
        """A method of the scenario failed, of this client or, with 0, of none."""
        self.scenario_errors += 1
        self._row(Kind.ERROR, client, self.names.why(words), 0, now)

    # The run.

    def phase(self, phase: Phase, now: int, usage: dict[str, Any] | None = None) -> None:
        """A part of the run begins at `now`; what was counted so far belongs to the one before.

        `usage` is what `tick` takes, without what belongs to a whole second.
        """
        self.tick(now, usage)
        self.phase_now = phase
        if phase == Phase.MEASURED:
            self._measured_from = now
        self._row(Kind.PHASE, 0, int(phase), 0, now)

    def fold(self) -> None:
        """Bring the histograms up to date; between two calls they may lag behind."""
        deliveries = self.delivery_intended, self.delivery_actual
        for acks in self.names.all_acks:
            acks.fold(*deliveries)
        for bucket, count in self._delivery_both.items():
            for each in deliveries:
                each[bucket] += count
        self._delivery_both.clear()
        self.lag[0] += self.emitted - self._emits_before - sum(self.lag.values())

    def acks(self) -> tuple[Counts, Counts]:
        """How long acknowledgements took since the last tick, whatever they acknowledged."""
        intended, actual = counts(), counts()
        for each in self.names.all_acks:
            for total, part in ((intended, each.intended), (actual, each.actual)):
                for bucket, number in part.items():
                    total[bucket] += number
        return intended, actual

    def tick(self, now: int, health: dict[str, Any] | None = None) -> None:
        """Write out what was counted since the last time; once a second.

        `health` is what the process knows of itself and of the target, each `Gauge` so far; other
        keys are kept too.
        """
        if self._over:
            return
        self.fold()
        line: dict[str, Any] = {
            "t": now,
            "phase": int(self.phase_now),
            LatencyKind.ACK: _origins(*self.acks()),
            LatencyKind.DELIVERY: _origins(self.delivery_intended, self.delivery_actual),
            LatencyKind.CONNECT: _origins(self.connect_intended, self.connect_actual),
        }
        if any(self._before.values()):
            line["before"] = self._before
        state = {"t": now, "phase": int(self.phase_now), "lag": self.lag, **self.counters()}
        state[ROWS], state[ROWS_CHECKSUM] = self._rows.attested(self._offset)
        self._line("latency", line)
        state[WALL] = time.time_ns() - (time.monotonic_ns() - now)
        self._line("health", {**state, **(health or {})})
        self._new_histograms()
        self._settle()

    def close(self, now: int | None = None, health: dict[str, Any] | None = None) -> None:
        """Write what is left; the files then say what is missing. What comes later is forgotten."""
        if self._over:
            return
        now = time.monotonic_ns() if now is None else now
        self.tick(now, health)
        self._row(Kind.END, 0, 0, 0, now)
        for name, file in self._lines.items():
            file.close()
            self._rows.lines_missing(name, file.missing)
        self._rows.close(self._offset)
        self._map, self._offset = self._rows.next_map()
        self._over = True

    # Writing.

    def _row(
        self, kind: int, client: int, a: int, b: int, c: int, flags: int = 0, mark: int = 0
    ) -> None:
        offset = self._offset
        if offset == _STEP:
            offset = self._next_map()
        _pack_into(self._map, offset, a, b, c, client, mark, flags, kind)
        self._offset = offset + _SIZE

    def _next_map(self) -> int:
        """Take the next stretch of the file; while there is none, rows are counted instead."""
        self._map, self._offset = self._rows.next_map()
        if self._rows.problem is not None:
            self._failed(self._rows.problem)
        return self._offset

    def _settle(self) -> None:
        """See that what could not be written is counted, or is written now."""
        self._map, self._offset = self._rows.settle(self._offset)
        for name, file in self._lines.items():
            try:
                file.flush()
            except LoadRecordError as error:
                self._failed(str(error))
            self._rows.lines_missing(name, file.missing)

    def _line(self, name: str, value: dict[str, Any]) -> None:
        file = self._lines[name]
        try:
            file.write(value)
        except LoadRecordError as error:
            self._failed(str(error))
            self._rows.lines_missing(name, file.missing)

    def _failed(self, problem: str) -> None:
        if self.problem is None:
            self.problem = problem
            if self._on_problem is not None:
                self._on_problem(problem)

    def _late(self, kind: LatencyKind, from_intended: int, from_actual: int) -> None:
        """What came of a message that was due before the measured part."""
        count(self._before[kind], from_intended)
        count(self._before[_ACTUAL[kind]], from_actual)


def count(histogram: Counts, value: int) -> None:
    shift = value.bit_length() - 8
    histogram[(shift << BITS) + (value >> shift) if shift > 0 else value] += 1
