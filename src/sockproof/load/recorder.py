"""The recorder: one a process, it writes down what every connection sends, hears and goes through.

The rules that hold here:

* Nothing grows with the number of messages: a message becomes one row in a mapped file, and a
  count in the histograms that `tick` writes out each second.
* The methods for messages run up to 50,000 times a second: what they need is written out in
  place; the repetition is the price of a call that is not made.
* `emitted` comes before the octets leave, so a message that anyone hears has its row.
* Latencies belong to the part of the run in which their message was due, not in which it came:
  what the target held back until the drain counts in full.
"""

from __future__ import annotations

import binascii
import mmap
import struct
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

from sockproof.histogram import BITS
from sockproof.load_records import (
    EVERYONE,
    FIRST_ROOM,
    ITSELF,
    NOBODY,
    ROW,
    STEP,
    EmitFlag,
    Kind,
    LineWriter,
    LoadRecordError,
    Phase,
    ReceiptFlag,
    RowWriter,
)
from sockproof.wire.stamp import CHECKED, FROM_URL, LENGTH, MARK, RESIDUE, Stamp, find, intact

__all__ = ["EVERYONE", "ITSELF", "NOBODY", "EmitFlag", "Phase", "Recorder"]

_pack_into = ROW.pack_into
_decoded, _unpacked, _FROM_URL = binascii.a2b_base64, CHECKED.unpack, FROM_URL
_EMIT, _ACK, _RECEIPT = int(Kind.EMIT), int(Kind.ACK), int(Kind.RECEIPT)
_SIZE = ROW.size

Counts = defaultdict[int, int]


def _counts() -> Counts:
    return defaultdict(int)


class Recorder:
    """What one process of a run saw.

    A client is one connection: who connects again takes a new number by `client()`. Times are
    `time.monotonic_ns()`. The public counters may be read by anyone and, where a comment says so,
    are counted up by others.
    """

    def __init__(
        self, folder: Path, run: int, on_problem: Callable[[str], None] | None = None
    ) -> None:
        self._rows = RowWriter(folder, run)
        self.folder = folder
        self.run = run
        self.tag = self._rows.tag
        self.problem: str | None = None  # why rows are missing
        self._on_problem = on_problem
        name = f"{self.tag:08x}.jsonl"
        self._rooms_file = LineWriter(folder / f"rooms-{name}")
        self._latency_file = LineWriter(folder / f"latency-{name}")
        self._health_file = LineWriter(folder / f"health-{name}")
        self._map: mmap.mmap | bytearray
        self._map, self._offset = self._rows.taken()
        self._high = self.tag << 32
        self._clock = self._high >> 48
        self._rooms: dict[str, int] = {}
        self._clients = 0
        self.phase_now = Phase.RAMP
        self._measured_from = 0  # messages that were due earlier belong to the part before
        self._new_histograms()

        self.emits = self.acks = self.ack_timeouts = self.receipts = 0
        self.corrupted = self.unreadable = 0
        self.connections_opened = self.connect_failures = self.disconnected = 0
        self.live = 0
        # Counted up by the schedule, the users and the connections.
        self.offered = self.withheld = 0
        self.octets_sent = self.octets_received = self.back_pressured = 0

    def _new_histograms(self) -> None:
        self.ack_intended, self.ack_actual = _counts(), _counts()
        self.delivery_intended, self.delivery_actual = _counts(), _counts()
        self.connect_intended, self.connect_actual = _counts(), _counts()
        self.lag = _counts()
        self._before: dict[str, Counts] = {
            "ack": _counts(),
            "ack_actual": _counts(),
            "delivery": _counts(),
            "delivery_actual": _counts(),
        }

    # Names.

    def client(self) -> int:
        """A new client's number, for the methods here; `identity` is what stamps carry."""
        self._clients += 1
        return self._clients

    def identity(self, client: int) -> int:
        """The client's name in all processes of the run: the sender of its stamps."""
        return self._high | client

    def room(self, name: str) -> int:
        """The number of a room in this process; rooms of one name are one room in the run."""
        number = self._rooms.get(name)
        if number is None:
            number = self._rooms[name] = FIRST_ROOM + len(self._rooms)
            self._line(self._rooms_file, {"room": number, "name": name})
        return number

    # Messages.

    def emitted(
        self, client: int, sequence: int, room: int, intended: int, actual: int, flags: int = 0
    ) -> None:
        """A message is about to leave; `flags` are `EmitFlag`s."""
        offset = self._offset
        if offset == STEP:
            offset = self._next_map()
        _pack_into(
            self._map, offset, sequence << 32 | room, intended, actual, client, 0, flags, _EMIT
        )
        self._offset = offset + _SIZE
        self.emits += 1
        lag = actual - intended
        shift = lag.bit_length() - 8
        self.lag[(shift << BITS) + (lag >> shift) if shift > 0 else lag] += 1

    def acknowledged(
        self, client: int, sequence: int, intended: int, actual: int, now: int
    ) -> None:
        """The acknowledgement of a message is in."""
        offset = self._offset
        if offset == STEP:
            offset = self._next_map()
        _pack_into(self._map, offset, sequence, 0, now, client, 0, 0, _ACK)
        self._offset = offset + _SIZE
        self.acks += 1
        if intended < self._measured_from:
            self._late("ack", now - intended, now - actual)
            return
        value = now - intended
        shift = value.bit_length() - 8
        self.ack_intended[(shift << BITS) + (value >> shift) if shift > 0 else value] += 1
        if intended != actual:
            value = now - actual
            shift = value.bit_length() - 8
        self.ack_actual[(shift << BITS) + (value >> shift) if shift > 0 else value] += 1

    def ack_timed_out(self, client: int, sequence: int, now: int) -> None:
        """Nobody waits any longer for the acknowledgement of a message."""
        self.ack_timeouts += 1
        self._row(Kind.ACK_TIMEOUT, client, sequence, 0, now)

    def received(self, client: int, stamp: Stamp, is_intact: bool, now: int) -> None:
        """A message with a stamp was heard."""
        flags = 0
        if not is_intact or stamp.run != self.run:
            flags = self._blemish(stamp, is_intact)
        self._row(_RECEIPT, client, stamp.sender, stamp.sequence, now, flags)
        self.receipts += 1
        if stamp.sender >> 48 != self._clock or flags:
            return  # of another clock, or not to be believed
        value = now - stamp.intended_ns
        actual = value - stamp.delay_us * 1000
        if stamp.intended_ns < self._measured_from:
            self._late("delivery", value, actual)
        else:
            _count(self.delivery_intended, value)
            _count(self.delivery_actual, actual)

    def heard(self, client: int, data: bytes, now: int) -> tuple[int, int] | None:
        """Record the first stamp in what a connection received: its sender and sequence number.

        None when none can be read. What `find`, `intact` and `received` do for a message that is
        as it was sent is written out here.
        """
        at = data.find(MARK)
        if at < 0:
            return None
        body_at = at + LENGTH
        try:
            raw = _decoded(data[at + 5 : body_at].translate(_FROM_URL))
            run, sender, sequence, intended, delay, checksum, _ = _unpacked(raw)
        except (ValueError, struct.error):
            return self._heard_slowly(client, data, now)
        if (
            run != self.run
            or sender >> 48 != self._clock
            or crc32(raw) != RESIDUE
            or crc32(data[body_at : data.find(b'"', body_at)]) != checksum
        ):
            return self._heard_slowly(client, data, now)
        offset = self._offset
        if offset == STEP:
            offset = self._next_map()
        _pack_into(self._map, offset, sender, sequence, now, client, 0, 0, _RECEIPT)
        self._offset = offset + _SIZE
        self.receipts += 1
        value = now - intended
        if intended < self._measured_from:
            self._late("delivery", value, value - delay * 1000)
            return sender, sequence
        shift = value.bit_length() - 8
        bucket = (shift << BITS) + (value >> shift) if shift > 0 else value
        self.delivery_intended[bucket] += 1
        if delay:
            value -= delay * 1000
            shift = value.bit_length() - 8
            bucket = (shift << BITS) + (value >> shift) if shift > 0 else value
        self.delivery_actual[bucket] += 1
        return sender, sequence

    def _heard_slowly(self, client: int, data: bytes, now: int) -> tuple[int, int] | None:
        stamp = find(data)
        if stamp is None:
            return None
        self.received(client, stamp, intact(data, stamp), now)
        return (stamp.sender, stamp.sequence) if stamp.readable else None

    def received_unmarked(self, client: int, now: int) -> None:
        """A message was heard that should carry a stamp and has none."""
        self.receipts += 1
        self.unreadable += 1
        flags = ReceiptFlag.CORRUPTED | ReceiptFlag.UNMARKED
        self._row(_RECEIPT, client, 0, 0, now, flags)

    def _blemish(self, stamp: Stamp, is_intact: bool) -> int:
        if not stamp.readable:
            self.unreadable += 1
            return ReceiptFlag.CORRUPTED | ReceiptFlag.UNREADABLE
        flags = 0
        if stamp.run != self.run:
            flags |= ReceiptFlag.FOREIGN
        if not is_intact:
            self.corrupted += 1
            flags |= ReceiptFlag.CORRUPTED
        return flags

    def _late(self, kind: str, from_intended: int, from_actual: int) -> None:
        """What came of a message that was due before the measured part."""
        _count(self._before[kind], from_intended)
        _count(self._before[f"{kind}_actual"], from_actual)

    # Rooms and connections.

    def joining(self, client: int, room: int, now: int) -> None:
        """A client is about to ask to be let into a room."""
        self._row(Kind.JOIN_ASKED, client, room, 0, now)

    def joined(self, client: int, room: int, now: int) -> None:
        """The server has said that the client is in the room."""
        self._row(Kind.JOINED, client, room, 0, now)

    def leaving(self, client: int, room: int, now: int) -> None:
        """A client is about to ask to leave a room."""
        self._row(Kind.LEAVE_ASKED, client, room, 0, now)

    def left(self, client: int, room: int, now: int) -> None:
        """The server has said that the client is out of the room."""
        self._row(Kind.LEFT, client, room, 0, now)

    def connecting(self, client: int, now: int) -> None:
        """A client is about to open its connection."""
        self._row(Kind.CONNECT_ASKED, client, 0, 0, now)

    def connected(self, client: int, intended: int, actual: int, now: int) -> None:
        """A client hears from now on: its connection and its namespace are open."""
        self.connections_opened += 1
        self.live += 1
        self._row(Kind.CONNECTED, client, 0, 0, now)
        _count(self.connect_intended, now - intended)
        _count(self.connect_actual, now - actual)

    def connect_failed(self, client: int, reason: int, now: int) -> None:
        """A client's connection did not come about."""
        self.connect_failures += 1
        self._row(Kind.CONNECT_FAILED, client, reason, 0, now)

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

    # The run.

    def phase(self, phase: Phase, now: int) -> None:
        """A part of the run begins at `now`; what was counted so far belongs to the one before."""
        self.tick(now)
        self.phase_now = phase
        if phase == Phase.MEASURED:
            self._measured_from = now
        self._row(Kind.PHASE, 0, int(phase), 0, now)

    def tick(self, now: int, health: dict[str, Any] | None = None) -> None:
        """Write out what was counted since the last time; once a second.

        `health` is what the process knows of itself and of the target: `cpu_seconds`, `rss_bytes`,
        `target_cpu_seconds`, `target_rss_bytes`, each so far; other keys are kept too.
        """
        line: dict[str, Any] = {
            "t": now,
            "phase": int(self.phase_now),
            "ack": {"intended": self.ack_intended, "actual": self.ack_actual},
            "delivery": {"intended": self.delivery_intended, "actual": self.delivery_actual},
            "connect": {"intended": self.connect_intended, "actual": self.connect_actual},
        }
        if any(self._before.values()):
            line["before"] = self._before
        state = {"t": now, "phase": int(self.phase_now), "lag": self.lag, **self.counters()}
        self._line(self._latency_file, line)
        self._line(self._health_file, {**state, **(health or {})})
        self._new_histograms()

    def counters(self) -> dict[str, int]:
        """All counters, since the process began; violations are those seen without the checker."""
        names = (
            *("emits", "acks", "ack_timeouts", "receipts", "corrupted", "unreadable"),
            *("connections_opened", "connect_failures", "disconnected", "live"),
            *("offered", "withheld", "octets_sent", "octets_received", "back_pressured"),
        )
        return {name: getattr(self, name) for name in names}

    def close(self, now: int | None = None, health: dict[str, Any] | None = None) -> None:
        """Write what is left; the file then says that nothing is missing, unless rows are."""
        now = time.monotonic_ns() if now is None else now
        self.tick(now, health)
        if self.problem is None:
            self._row(Kind.END, 0, 0, 0, now)
            self._rows.close(self._offset)
        else:
            self._rows.close(STEP)
        for file in (self._rooms_file, self._latency_file, self._health_file):
            file.close()

    # Writing.

    def _row(self, kind: int, client: int, a: int, b: int, c: int, flags: int = 0) -> None:
        offset = self._offset
        if offset == STEP:
            offset = self._next_map()
        _pack_into(self._map, offset, a, b, c, client, 0, flags, kind)
        self._offset = offset + _SIZE

    def _next_map(self) -> int:
        """Take the next stretch of the file; on a full disk rows are thrown away from here on."""
        if self.problem is None:
            try:
                self._map = self._rows.next_map()
            except LoadRecordError as error:
                self._map = bytearray(STEP)
                self._failed(str(error))
        self._offset = 0
        return 0

    def _line(self, file: LineWriter, value: dict[str, Any]) -> None:
        try:
            file.write(value)
        except LoadRecordError as error:
            self._failed(str(error))

    def _failed(self, problem: str) -> None:
        if self.problem is None:
            self.problem = problem
            if self._on_problem is not None:
                self._on_problem(problem)


def _count(counts: Counts, value: int) -> None:
    shift = value.bit_length() - 8
    counts[(shift << BITS) + (value >> shift) if shift > 0 else value] += 1
