"""The recorder: one a process, it writes down what every connection sends, hears and goes through.

The rules that hold here:

* A message becomes one row in a mapped file, and a count in the histograms of its second.
* The methods for messages run up to 50,000 times a second: what they need is written out in
  place; the repetition is the price of a call that is not made.
* `sending` comes before the octets leave, so a message that anyone hears has its row.
* Latencies belong to the part of the run in which their message was due, not in which it came:
  what the target held back until the drain counts in full.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterator
from time import monotonic_ns
from typing import Final
from zlib import crc32

from sockproof.load.record.ledger import Ledger, count
from sockproof.load.record.names import Acks
from sockproof.runs.histogram import BITS, bucket_of
from sockproof.runs.load_records import (
    EVERYONE,
    ITSELF,
    NOBODY,
    ROW,
    STEP,
    EmitFlag,
    Kind,
    Phase,
    ReceiptFlag,
    Stray,
)
from sockproof.vocabulary import LatencyKind
from sockproof.wire.stamp import (
    CHECKED,
    FIELDS,
    FROM_URL,
    LENGTH,
    LONGEST_DELAY_US,
    MARK,
    RESIDUE,
    TO_URL,
    Stamp,
    checksum_heard,
    find,
    intact,
)

__all__ = ["EVERYONE", "ITSELF", "NOBODY", "EmitFlag", "Phase", "Recorder"]

_pack_into: Final = ROW.pack_into
_pack_two_into: Final = struct.Struct("<" + 2 * ROW.format.lstrip("<")).pack_into
# The same, with halves of a row's columns for themselves.
_pack_emit_into: Final = struct.Struct("<IIQIIIHBB").pack_into
_pack_receipt_into: Final = struct.Struct("<QIIQIHBB").pack_into
_decoded: Final = binascii.a2b_base64
_unpacked: Final = CHECKED.unpack
_encoded: Final = binascii.b2a_base64
_packed: Final = FIELDS.pack
_EMIT: Final = int(Kind.EMIT)
_ACK: Final = int(Kind.ACK)
_RECEIPT: Final = int(Kind.RECEIPT)
_STEP: Final = STEP
_crc32: Final = crc32
_EXACT: Final = int(ReceiptFlag.EXACT)
_ACKS: Final = LatencyKind.ACK
_DELIVERIES: Final = LatencyKind.DELIVERY
_SIZE: Final = ROW.size
_LONGEST: Final = LONGEST_DELAY_US * 1000
_BITS_OF_TIME: Final = 43  # of a latency in nanoseconds that is believed: two hours and a half


def _stamps(data: bytes) -> Iterator[Stamp]:
    """All that stand in a message, readable or not."""
    stamp = find(data)
    while stamp is not None:
        yield stamp
        stamp = find(data, stamp.body_at)


class Recorder(Ledger):
    """A ledger of messages, too: what a process's connections sent and heard."""

    # Where the body ended of what `heard` has recorded; another message may stand behind it.
    heard_to = 0

    def sending(
        self,
        client: int,
        sequence: int,
        room: int,
        intended: int,
        actual: int,
        flags: int = 0,
        checksum: int = 0,
    ) -> bytes:
        """A message is about to leave: its stamp; `flags` are `EmitFlag`s.

        `checksum` is that of its body. What `wire.stamp.octets` does is written out here.
        """
        self.emitted += 1
        self.outstanding += flags & 1
        delay = 0
        if actual > intended:
            lag = actual - intended
            shift = lag.bit_length() - 8
            self.lag[(shift << BITS) + (lag >> shift) if shift > 0 else lag] += 1
            delay = lag // 1000 if lag < _LONGEST else LONGEST_DELAY_US
        fields = _packed(self.run, self._high | client, sequence, intended, delay, checksum)
        check = _crc32(fields)
        offset = self._offset
        if offset == _STEP:
            offset = self._next_map()
        mark, where = check & 0xFFFF, self._map
        _pack_emit_into(
            where, offset, room, sequence, intended, delay, checksum, client, mark, flags, _EMIT
        )
        self._offset = offset + _SIZE
        checked = fields + check.to_bytes(4, "little")
        return MARK + _encoded(checked, newline=False).translate(TO_URL)

    def withdrawn(
        self, client: int, sequence: int, intended: int, actual: int, flags: int = 0
    ) -> None:
        """A message that `sending` was told of did not leave: the connection did not take it."""
        self._row(Kind.WITHDRAWN, client, sequence, 0, 0)
        self.emitted -= 1
        self.outstanding -= flags & 1
        self.withheld += 1
        if actual > intended:
            self.lag[bucket_of(actual - intended)] -= 1

    def ack_received(
        self,
        client: int,
        sequence: int,
        intended: int,
        actual: int,
        now: int,
        acks: Acks | None = None,
    ) -> None:
        """The acknowledgement of a message is in; `acks` are those of its name."""
        offset = self._offset
        if offset == _STEP:
            offset = self._next_map()
        _pack_into(self._map, offset, sequence, 0, now, client, 0, 0, _ACK)
        self._offset = offset + _SIZE
        self.acknowledged += 1
        self.outstanding -= 1
        if intended < self._measured_from:
            self._late(_ACKS, now - intended, now - actual)
            return
        if acks is None:
            acks = self.names.nameless
        value = now - intended
        shift = value.bit_length() - 8
        bucket = (shift << BITS) + (value >> shift) if shift > 0 else value
        if intended == actual:
            acks.both[bucket] += 1
            return
        acks.intended[bucket] += 1
        value = now - actual
        shift = value.bit_length() - 8
        acks.actual[(shift << BITS) + (value >> shift) if shift > 0 else value] += 1

    def echoed(
        self,
        client: int,
        sequence: int,
        intended: int,
        actual: int,
        now: int,
        acks: Acks | None = None,
    ) -> None:
        """The acknowledgement of a message is in, and holds the message as it was sent.

        What `ack_received` and `heard` do for it is written out here.
        """
        offset = self._offset
        if offset >= _STEP - _SIZE or intended < self._measured_from or intended != actual:
            self.ack_received(client, sequence, intended, actual, now, acks)
            self._row(_RECEIPT, client, self._high | client, sequence, now, _EXACT)
            self.receipts += 1
            if intended < self._measured_from:
                self._late(_DELIVERIES, now - intended, now - actual)
            else:
                count(self.delivery_intended, now - intended)
                count(self.delivery_actual, now - actual)
            return
        sender = self._high | client
        _pack_two_into(
            *(self._map, offset, sender, sequence, now, client, 0, _EXACT, _RECEIPT),
            *(sequence, 0, now, client, 0, 0, _ACK),
        )
        self._offset = offset + _SIZE + _SIZE
        self.acknowledged += 1
        self.outstanding -= 1
        self.receipts += 1
        if acks is None:
            acks = self.names.nameless
        value = now - intended
        shift = value.bit_length() - 8
        acks.echo[(shift << BITS) + (value >> shift) if shift > 0 else value] += 1

    def ack_timed_out(self, client: int, sequence: int, now: int) -> None:
        """Nobody waits any longer for the acknowledgement of a message."""
        self.ack_timeouts += 1
        self.outstanding -= 1
        self._row(Kind.ACK_TIMEOUT, client, sequence, 0, now)

    def stray(self, client: int, number: int, what: Stray) -> None:
        """An acknowledgement with this number answers nothing."""
        known = min(number, 0xFFFFFFFFFFFFFFFF)
        self._row(Kind.STRAY_ACK, client, int(what), known, monotonic_ns())
        self.misacknowledged += what not in (Stray.EARLY, Stray.LATE)

    def received(
        self, client: int, stamp: Stamp, is_intact: bool, now: int, checksum: int | None = None
    ) -> None:
        """A message with a stamp was heard; `checksum` is that of its body, unless the stamp's."""
        flags = 0
        if not is_intact or stamp.run != self.run:
            flags = self._blemish(stamp, is_intact)
        said = (stamp.checksum if checksum is None else checksum) << 32 | stamp.sequence
        self._row(_RECEIPT, client, stamp.sender, said, now, flags, stamp.check & 0xFFFF)
        self.receipts += 1
        value = now - stamp.intended_ns
        actual = value - stamp.delay_us * 1000
        if stamp.sender >> 48 != self._clock or flags or value >> _BITS_OF_TIME or actual < 0:
            return  # of another clock, or not to be believed
        if stamp.intended_ns < self._measured_from:
            self._late(_DELIVERIES, value, actual)
        else:
            count(self.delivery_intended, value)
            count(self.delivery_actual, actual)

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
            raw = _decoded(data[at + 5 : body_at].translate(FROM_URL))
            run, sender, sequence, intended, delay, checksum, check = _unpacked(raw)
        except (ValueError, struct.error):
            return self._heard_slowly(client, data, now)
        value = now - intended
        self.heard_to = end = data.find(b'"', body_at)
        if (
            run != self.run
            or sender >> 48 != self._clock
            or _crc32(raw) != RESIDUE
            or end < 0
            or _crc32(data[body_at:end]) != checksum
            or (value - delay * 1000) >> _BITS_OF_TIME  # no time that can be
        ):
            return self._heard_slowly(client, data, now)
        offset = self._offset
        if offset == _STEP:
            offset = self._next_map()
        _pack_receipt_into(
            self._map, offset, sender, sequence, checksum, now, client, check & 0xFFFF, 0, _RECEIPT
        )
        self._offset = offset + _SIZE
        self.receipts += 1
        if intended < self._measured_from:
            self._late(_DELIVERIES, value, value - delay * 1000)
            return sender, sequence
        shift = value.bit_length() - 8
        bucket = (shift << BITS) + (value >> shift) if shift > 0 else value
        if delay == 0:
            self._delivery_both[bucket] += 1
            return sender, sequence
        self.delivery_intended[bucket] += 1
        value -= delay * 1000
        shift = value.bit_length() - 8
        bucket = (shift << BITS) + (value >> shift) if shift > 0 else value
        self.delivery_actual[bucket] += 1
        return sender, sequence

    def _heard_slowly(self, client: int, data: bytes, now: int) -> tuple[int, int] | None:
        self.heard_to = 0
        stamp = find(data)
        if stamp is None:
            return None
        if intact(data, stamp):
            self.received(client, stamp, True, now)
        else:
            self.received(client, stamp, False, now, checksum_heard(data, stamp.body_at))
        return (stamp.sender, stamp.sequence) if stamp.readable else None

    def heard_others(self, client: int, data: bytes, now: int) -> None:
        """Record what came behind the first stamp: several messages came in one.

        One message twice in it is one receipt.
        """
        seen: set[tuple[int, int]] = set()
        for stamp in _stamps(data):
            which = stamp.sender, stamp.sequence
            if seen and which not in seen:
                self.heard(client, data[stamp.body_at - LENGTH :], now)
            seen.add(which)

    def heard_history(self, client: int, data: bytes, now: int) -> None:
        """Record all messages of a history: what they say, and no latency."""
        for which in {(each.sender, each.sequence): each for each in _stamps(data)}.values():
            flags = int(ReceiptFlag.HISTORY)
            checksum = which.checksum
            if not intact(data, which):
                flags |= self._blemish(which, False)
                checksum = checksum_heard(data, which.body_at)
            if which.readable and which.run != self.run:
                flags |= ReceiptFlag.FOREIGN
            said = checksum << 32 | which.sequence
            self._row(_RECEIPT, client, which.sender, said, now, flags, which.check & 0xFFFF)
            self.receipts += 1

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
