"""What happened in a load run, as arrays: who sent what to whom, and who was there to hear it.

The rules that hold here:

* A client is a number from 0 over all processes; a room is a number over all processes, by name.
* A stay has an inner and an outer span: from `sure_from` to `sure_to` the client was surely in
  the room, before `may_from` and after `may_to` surely not.
* A connection that ended before the drain did, or in a process whose rows end abruptly, owes
  nothing that was under way then. What a client heard last tells how much that was: a connection
  keeps the order, so whatever the server was done with before that message was *sent* came first.
* Clients whose clocks cannot be compared (another boot) are in rooms of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sockproof.load_records import (
    EVERYONE,
    FIRST_ROOM,
    FOREVER,
    ROW,
    ROWS_AT,
    Kind,
    LoadRecordError,
    Phase,
    RowFile,
    row_files,
)

PART = 1_000_000  # receipts that are looked at together
_ROW = np.dtype(
    [
        ("a", "<u8"),
        ("b", "<u8"),
        ("c", "<u8"),
        ("client", "<u4"),
        ("mark", "<u2"),
        ("flags", "u1"),
        ("kind", "u1"),
    ]
)
Numbers = NDArray[np.int64]
_MESSAGES = (Kind.EMIT, Kind.ACK, Kind.ACK_TIMEOUT, Kind.RECEIPT, Kind.WITHDRAWN, Kind.STRAY_ACK)
_LOW, _HIGH = np.uint64(0xFFFFFFFF), np.uint64(32)


@dataclass
class Process:
    """One process's rows. `base` is the number of its first client, less one."""

    file: RowFile
    rows: Any
    base: int
    clients: int
    complete: bool
    drained: int = 0  # when it had waited for what was in flight; 0: it never did

    @property
    def clock(self) -> int:
        """What names the clock of its times."""
        return self.file.tag >> 16


@dataclass
class Emits:
    """All messages that were sent, in the order of sender and sequence number."""

    key: Numbers  # sender << 32 | sequence
    room: Numbers
    intended: Numbers
    actual: Numbers
    flags: Numbers
    checksum: NDArray[Any]  # of the body, 32 bits
    mark: NDArray[Any]  # of the stamp, 16 bits
    acked: Numbers  # when the acknowledgement came; 0: never
    heard: Numbers  # when anyone heard it first, as far as it was not acknowledged; 0: never

    @property
    def sender(self) -> Numbers:
        """Who sent each."""
        return self.key >> 32

    def find(self, sender: Numbers, sequence: Numbers) -> Numbers:
        """Where each message stands; -1 where there is none."""
        if not len(self.key):
            return np.full(len(sender), -1)
        wanted = sender << 32 | sequence
        at = np.minimum(np.searchsorted(self.key, wanted), len(self.key) - 1)
        return np.where((self.key[at] == wanted) & (sender >= 0), at, -1)


@dataclass
class Stays:
    """Who was in which room when, a row each."""

    client: Numbers
    room: Numbers
    sure_from: Numbers
    sure_to: Numbers
    may_from: Numbers
    may_to: Numbers

    def where(self, chosen: Any) -> Stays:
        """Some of them."""
        return Stays(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass
class Receipts:
    """What some clients heard, in the order in which each heard it."""

    client: Numbers
    sender: Numbers  # -1: of no process of this run
    sequence: Numbers
    time: Numbers
    flags: Numbers
    checksum: NDArray[Any]  # of the body, as it was heard
    mark: NDArray[Any]  # of the stamp, as it was heard

    def where(self, chosen: Any) -> Receipts:
        """Some of them."""
        return Receipts(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    @classmethod
    def none(cls) -> Receipts:
        """No receipts."""
        return cls(*(np.zeros(0, dtype=np.int64) for _ in cls.__dataclass_fields__))


@dataclass
class _Connection:
    asked: int = 0
    sure_from: int = FOREVER
    sure_to: int = FOREVER
    may_to: int = FOREVER
    rooms: dict[int, list[list[int]]] = field(default_factory=dict)


class History:
    """A run folder, read."""

    def __init__(self, folder: Path) -> None:
        files = row_files(folder)
        if not files:
            raise LoadRecordError(f"{folder} holds no rows of a load run")
        self.processes: list[Process] = []
        base = 0
        for file in files:
            process = _read(file, base)
            base += process.clients
            self.processes.append(process)
        self.clients = base
        self.names: dict[int, str] = {}
        self._rooms: dict[tuple[int, str], int] = {}
        self._tags = {process.file.tag: process for process in self.processes}
        self.timeouts = 0
        self.abrupt = np.zeros(base, dtype=bool)  # whose connection ended before the drain did
        self.stays = self._stays()
        self.emits = self._emits()
        self._hear()
        self.connections = self.stays.where(self.stays.room % FIRST_ROOM == EVERYONE)

    @property
    def drained(self) -> int:
        """When the first process had waited for what was in flight; 0: none ever did."""
        return min((process.drained for process in self.processes if process.drained), default=0)

    @property
    def killed(self) -> int:
        """How many processes' rows end abruptly."""
        return sum(not process.complete for process in self.processes)

    def name_of(self, client: int) -> str:
        """A client as examples name it."""
        for process in self.processes:
            if client < process.base + process.clients:
                return f"client {client - process.base + 1} of process {process.file.tag:08x}"
        return f"client {client}"

    def name_of_room(self, room: int) -> str:
        """A room as examples name it."""
        return self.names.get(room, "everyone" if room % FIRST_ROOM == EVERYONE else "itself")

    # Rooms: the three that have no name are one each for every clock; names come behind them.

    def _room(self, process: Process, own: dict[int, str], number: int) -> int:
        clock = process.clock
        if number < FIRST_ROOM:
            clocks = sorted({each.clock for each in self.processes})
            return number + FIRST_ROOM * clocks.index(clock)
        name = own.get(number, f"{process.file.tag:08x}:{number}")
        found = self._rooms.get((clock, name))
        if found is None:
            # A multiple of FIRST_ROOM would be taken for everyone.
            found = (len(self._rooms) + 1_000_000) * FIRST_ROOM + 1
            self._rooms[clock, name] = found
            self.names[found] = name
        return found

    def _stays(self) -> Stays:
        stays: list[tuple[int, ...]] = []
        for process in self.processes:
            own = process.file.rooms()
            connections: dict[int, _Connection] = {}
            rows = process.rows
            rare = rows[~np.isin(rows["kind"], _MESSAGES)]
            for a, _, c, client, _, _, kind in rare.tolist():
                if kind == Kind.PHASE:
                    process.drained = c if a == Phase.OVER else process.drained
                elif kind != Kind.END:
                    connection = connections.setdefault(client, _Connection())
                    _note(connection, kind, a, c)
            for client, connection in connections.items():
                number = process.base + client - 1
                in_order = process.drained and connection.sure_to >= process.drained
                self.abrupt[number] = not (process.complete and in_order)
                everyone = [connection.asked, connection.sure_from, FOREVER, FOREVER]
                spans = {EVERYONE: [everyone], **connection.rooms}
                for room, spells in spans.items():
                    place = self._room(process, own, room)
                    for may_from, sure_from, sure_to, may_to in spells:
                        until = min(sure_to, connection.sure_to)
                        end = min(may_to, connection.may_to)
                        stays.append((number, place, sure_from, until, may_from, end))
        columns = np.array(stays, dtype=np.int64).reshape(-1, 6)
        return Stays(*columns.T)

    def _emits(self) -> Emits:
        parts: list[tuple[Any, ...]] = []
        acks: list[tuple[Numbers, Numbers]] = []
        for process in self.processes:
            rows, own = process.rows, process.file.rooms()
            sent = rows[rows["kind"] == Kind.EMIT]
            sequence = sent["a"] >> _HIGH
            withdrawn = rows[rows["kind"] == Kind.WITHDRAWN]
            if len(withdrawn):
                gone = _key(process, withdrawn["client"], withdrawn["a"])
                sent = sent[~np.isin(_key(process, sent["client"], sequence), gone)]
                sequence = sent["a"] >> _HIGH
            local = (sent["a"] & _LOW).astype(np.int64)
            rooms = np.empty(len(sent), dtype=np.int64)
            for number in np.unique(local).tolist():
                rooms[local == number] = self._room(process, own, number)
            intended = sent["b"].astype(np.int64)
            actual = intended + (sent["c"] & _LOW).astype(np.int64) * 1000
            parts.append(
                (
                    _key(process, sent["client"], sequence),
                    *(rooms, intended, actual, sent["flags"].astype(np.int64)),
                    *((sent["c"] >> _HIGH).astype(np.uint32), sent["mark"].copy()),
                )
            )
            acked = rows[rows["kind"] == Kind.ACK]
            acks.append((_key(process, acked["client"], acked["a"]), acked["c"].astype(np.int64)))
            self.timeouts += int((rows["kind"] == Kind.ACK_TIMEOUT).sum())
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        order = np.argsort(columns[0], kind="stable")
        never = (np.zeros(len(order), dtype=np.int64) for _ in range(2))
        emits = Emits(*(column[order] for column in columns), *never)
        for keys, times in acks:
            at = emits.find(keys >> 32, keys & 0xFFFFFFFF)
            emits.acked[at[at >= 0]] = times[at >= 0]
        return emits

    def _hear(self) -> None:
        """Note when each message was heard first, and until when the end of each stay is sure."""
        emits = self.emits
        if emits.acked.all() and not self.abrupt.any():
            return
        first = np.full(len(emits.key), FOREVER)
        newest = np.zeros(self.clients, dtype=np.int64)  # send time of anything that each heard
        for receipts in self.receipts():
            at = emits.find(receipts.sender, receipts.sequence)
            known = at >= 0
            np.minimum.at(first, at[known], receipts.time[known])
            np.maximum.at(newest, receipts.client[known], emits.actual[at[known]])
        emits.heard[:] = np.where(first < FOREVER, first, 0)
        stays = self.stays
        until = np.where(self.abrupt[stays.client], newest[stays.client], FOREVER)
        stays.sure_to[:] = np.minimum(stays.sure_to, until)

    def receipts(self) -> Iterator[Receipts]:
        """All receipts, some clients' after the others'; those of a client are never parted."""
        for process in self.processes:
            rows = process.rows
            heard = np.flatnonzero(rows["kind"] == Kind.RECEIPT)
            client = rows["client"][heard].astype(np.int64)
            totals = np.cumsum(np.bincount(client, minlength=process.clients + 1))
            part = totals // PART
            for number in np.unique(part[client]).tolist():
                yield self._receipts(process, rows[heard[part[client] == number]])

    def _receipts(self, process: Process, rows: Any) -> Receipts:
        tags = (rows["a"] >> np.uint64(32)).astype(np.int64)
        sender = np.full(len(rows), -1)
        for tag in np.unique(tags).tolist():
            source = self._tags.get(tag)
            if source is not None:
                of = tags == tag
                own = (rows["a"][of] & np.uint64(0xFFFFFFFF)).astype(np.int64)
                sender[of] = np.where(
                    (own > 0) & (own <= source.clients), source.base + own - 1, -1
                )
        return Receipts(
            process.base + rows["client"].astype(np.int64) - 1,
            sender,
            (rows["b"] & _LOW).astype(np.int64),
            rows["c"].astype(np.int64),
            rows["flags"].astype(np.int64),
            (rows["b"] >> _HIGH).astype(np.uint32),
            rows["mark"].copy(),
        )


def _note(connection: _Connection, kind: int, a: int, c: int) -> None:
    """What a row about a connection or a room says."""
    if kind == Kind.CONNECT_ASKED:
        connection.asked = c
    elif kind == Kind.CONNECTED:
        connection.sure_from = c
    elif kind == Kind.DISCONNECT_ASKED:
        connection.sure_to = c
    elif kind in (Kind.DISCONNECTED, Kind.CONNECT_FAILED):
        connection.sure_to = min(connection.sure_to, c)
        connection.may_to = c
    else:
        spells = connection.rooms.setdefault(a, [])
        if kind == Kind.JOIN_ASKED:
            spells.append([c, FOREVER, FOREVER, FOREVER])
        elif spells:
            spells[-1][{Kind.JOINED: 1, Kind.LEAVE_ASKED: 2, Kind.LEFT: 3}[Kind(kind)]] = c


def _key(process: Process, client: Any, sequence: Any) -> Numbers:
    key: Numbers = (process.base + client.astype(np.int64) - 1) << 32 | sequence.astype(np.int64)
    return key


def _read(file: RowFile, base: int) -> Process:
    if not file.rows:
        rows: Any = np.empty(0, dtype=_ROW)
    else:
        rows = np.memmap(file.path, dtype=_ROW, mode="r", offset=ROWS_AT, shape=(file.rows,))
    assert _ROW.itemsize == ROW.size
    kinds = rows["kind"]
    if len(rows) and not kinds[-1]:  # a process that was killed leaves room that is not filled
        rows = rows[: int(np.argmax(kinds == 0))]
        kinds = rows["kind"]
    complete = file.closed
    clients = int(rows["client"].max()) if len(rows) else 0
    return Process(file, rows, base, clients, complete)
