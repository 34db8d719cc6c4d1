"""The files of a load run's folder: what each process writes while it runs, and how it is read.

The rules that hold here:

* Rows have 32 octets, little endian: a, b, c (64 bits each), client (32), spare (16), flags (8),
  kind (8). The kind is written last: a row that a killed process had not finished has kind 0,
  and kind 0 means that nothing is there.
* Rows go into a shared mapping of the file, so what was written survives the process (not the
  machine) without a system call for each row. The space is allocated before it is written: a
  full disk is an error with a name, not a signal.
* All times are nanoseconds of the monotonic clock, comparable between processes of one boot.
* Everything but rows is a file of JSON lines, one file of each kind a process, each line flushed.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Any, BinaryIO

SCHEMA = 1
RUN_FILE = "run.json"
SUMMARY_FILE = "summary.json"
# The environment variable with the number of the process that waits for Locust and sums up.
STARTED_BY = "SOCKPROOF_STARTED_BY"
MAGIC = b"SPROWS1\n"
HEADER = struct.Struct("<8sIII36s8x")  # magic, run, tag, process id, boot id
ROW = struct.Struct("<QQQIHBB")
STEP = 4 << 20  # by how much a file of rows grows

EVERYONE = 0  # the room of all connections
ITSELF = 1  # the room in which each sender is alone: what comes back to it
NOBODY = 2  # emits that are acknowledged and heard by none
FIRST_ROOM = 3


class LoadRecordError(Exception):
    """A run folder that cannot be written or read; one line."""


class Kind(IntEnum):
    """What a row tells."""

    EMIT = 1  # a = sequence << 32 | room, b = intended time, c = actual time
    ACK = 2  # a = sequence, c = time
    ACK_TIMEOUT = 3  # a = sequence, c = time
    RECEIPT = 4  # a = sender, b = sequence, c = time
    JOIN_ASKED = 5  # a = room, c = time; the next three too
    JOINED = 6
    LEAVE_ASKED = 7
    LEFT = 8
    CONNECT_ASKED = 9  # c = time; the next four too
    CONNECTED = 10
    DISCONNECT_ASKED = 11
    DISCONNECTED = 12  # a = reason, b = when anything was last received
    CONNECT_FAILED = 13  # a = reason
    END = 14  # the process has recorded everything that it saw
    PHASE = 15  # a = a `Phase`, c = when it began
    WITHDRAWN = 16  # an emit that did not leave: nothing is there


class EmitFlag(IntFlag):
    """What is special about an emit."""

    ACKNOWLEDGED = 1  # an acknowledgement was asked for
    SKIPS_SENDER = 2  # its sender is not to hear it, member or not


class ReceiptFlag(IntFlag):
    """What is wrong with a receipt."""

    CORRUPTED = 1  # the body is not the one that was sent
    UNREADABLE = 2  # the stamp was altered: nothing says whose message it was
    UNMARKED = 4  # there was no stamp where each message has one
    FOREIGN = 8  # it belongs to another run


class Phase(IntEnum):
    """The parts of a run, in their order."""

    RAMP = 0
    MEASURED = 1
    DRAIN = 2
    OVER = 3


class Reason(IntEnum):
    """Why a connection ended or did not come about; the numbers stand in the rows of a run."""

    CLIENT = 1  # we closed it
    SERVER_CLOSED = 2  # with a Close frame, a CLOSE packet
    SERVER_DROPPED = 3  # the stream ended without any
    RESET = 4
    SERVER_DISCONNECTED = 5  # a Socket.IO DISCONNECT packet
    PING_TIMEOUT = 6
    REFUSED = 10
    UNREACHABLE = 11
    CONNECT_TIMEOUT = 12
    TLS = 13
    HTTP_STATUS = 14
    BAD_HANDSHAKE = 15
    NAMESPACE_REFUSED = 16
    SOURCE = 17  # an own address that cannot be used, or has no port left
    OWN_LIMIT = 18  # of this machine: open files, memory
    PROTOCOL = 20  # WebSocket or HTTP that the standard does not allow
    TOO_BIG = 21
    BAD_PACKET = 22  # Engine.IO or Socket.IO that the protocol does not allow

    @property
    def label(self) -> str:
        """The reason in words, for counting errors by it."""
        return _LABELS[self]


_LABELS = {
    Reason.CLIENT: "closed by us",
    Reason.SERVER_CLOSED: "server closed",
    Reason.SERVER_DROPPED: "server dropped the connection",
    Reason.RESET: "connection reset",
    Reason.SERVER_DISCONNECTED: "server disconnected the namespace",
    Reason.PING_TIMEOUT: "ping timeout",
    Reason.REFUSED: "connection refused",
    Reason.UNREACHABLE: "unreachable",
    Reason.CONNECT_TIMEOUT: "connect timed out",
    Reason.TLS: "TLS failed",
    Reason.HTTP_STATUS: "HTTP status",
    Reason.BAD_HANDSHAKE: "bad handshake",
    Reason.NAMESPACE_REFUSED: "namespace refused",
    Reason.SOURCE: "no source address",
    Reason.OWN_LIMIT: "limit of this machine",
    Reason.PROTOCOL: "protocol error",
    Reason.TOO_BIG: "too big",
    Reason.BAD_PACKET: "bad packet",
}


def is_load_run(folder: Path) -> bool:
    """Whether a folder is that of a load run, whole or not."""
    return (folder / RUN_FILE).is_file() or any(folder.glob("rows-*.bin"))


def boot_id() -> str:
    """What names this boot of this machine; processes that share it share a clock."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:36]
    return f"{os.uname().nodename[:20]}"


def same_clock(client: int, other: int) -> bool:
    """Whether the times of two clients can be compared: their tags begin with one boot's mark."""
    return client >> 48 == other >> 48


def client_name(client: int) -> str:
    """How a client is called in examples: its number, and its process."""
    return f"client {client & 0xFFFFFFFF} of process {client >> 32:08x}"


class RowWriter:
    """A process's own file of rows, `rows-TAG.bin`.

    `write` may raise `LoadRecordError` when the disk is full; what was written before stays.
    """

    def __init__(self, folder: Path, run: int) -> None:
        self.boot = boot_id()
        self.run = run
        self._offset = 0
        self._base = 0
        try:
            self.tag, self.path, self._file = self._create(folder)
            self._map = self._grow(0)
        except OSError as error:
            raise LoadRecordError(f"cannot write rows in {folder}: {error.strerror}") from None
        HEADER.pack_into(self._map, 0, MAGIC, run, self.tag, os.getpid(), self.boot.encode())
        self._offset = HEADER.size

    def _create(self, folder: Path) -> tuple[int, Path, BinaryIO]:
        mark = zlib.crc32(self.boot.encode()) & 0xFFFF or 1
        while True:
            tag = mark << 16 | random.SystemRandom().getrandbits(16)
            path = folder / f"rows-{tag:08x}.bin"
            with contextlib.suppress(FileExistsError):
                return tag, path, path.open("x+b")

    def _grow(self, base: int) -> mmap.mmap:
        os.posix_fallocate(self._file.fileno(), base, STEP)
        return mmap.mmap(self._file.fileno(), STEP, offset=base)

    def next_map(self) -> mmap.mmap:
        """The mapping that follows the one which is full."""
        try:
            following = self._grow(self._base + STEP)
        except OSError as error:
            raise LoadRecordError(f"cannot go on writing {self.path}: {error.strerror}") from None
        self._map.close()
        self._map = following
        self._base += STEP
        self._offset = 0
        return following

    def taken(self) -> tuple[mmap.mmap, int]:
        """The mapping and where its next row goes, for a caller that packs rows itself."""
        return self._map, self._offset

    def write(self, kind: int, client: int = 0, a: int = 0, b: int = 0, c: int = 0) -> None:
        """Append one row; the recorder does the same in line."""
        if self._offset == STEP:
            self.next_map()
        ROW.pack_into(self._map, self._offset, a, b, c, client, 0, 0, kind)
        self._offset += ROW.size

    def close(self, offset: int | None = None) -> None:
        """Cut the file to what was written; `offset` is where a caller of `taken` has come to."""
        length = self._base + (self._offset if offset is None else offset)
        with contextlib.suppress(ValueError):
            self._map.close()
            self._file.truncate(length)
        self._file.close()


class LineWriter:
    """A file of JSON lines, each of which is there as soon as it was written."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("a", encoding="ascii")
        except OSError as error:
            raise LoadRecordError(f"cannot write {path}: {error.strerror}") from None
        self.path = path

    def write(self, value: dict[str, Any]) -> None:
        """Append one line."""
        try:
            self._file.write(json.dumps(value, separators=(",", ":")) + "\n")
            self._file.flush()
        except OSError as error:
            raise LoadRecordError(f"cannot write {self.path}: {error.strerror}") from None

    def close(self) -> None:
        """Nothing more is written."""
        with contextlib.suppress(OSError):
            self._file.close()


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of such a file; none when there is no file, and a torn last line is passed over."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        for line in file:
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                yield value


@dataclass(frozen=True, slots=True)
class RowFile:
    """What the header of a file of rows says, and how many rows follow it at most."""

    path: Path
    run: int
    tag: int
    pid: int
    boot: str
    rows: int

    @property
    def latency_path(self) -> Path:
        """Where this process has written its histograms."""
        return self.path.with_name(f"latency-{self.tag:08x}.jsonl")

    @property
    def health_path(self) -> Path:
        """Where this process has written how it was itself."""
        return self.path.with_name(f"health-{self.tag:08x}.jsonl")

    def rooms(self) -> dict[int, str]:
        """The names of this process's rooms, by number."""
        path = self.path.with_name(f"rooms-{self.tag:08x}.jsonl")
        return {int(line["room"]): str(line["name"]) for line in read_lines(path)}


def row_files(folder: Path) -> list[RowFile]:
    """The files of rows in a run folder, in the order of their names."""
    return [read_header(path) for path in sorted(folder.glob("rows-*.bin"))]


def read_header(path: Path) -> RowFile:
    """The header of a file of rows; raises `LoadRecordError` for anything else."""
    try:
        with path.open("rb") as file:
            octets = file.read(HEADER.size)
        length = path.stat().st_size
    except OSError as error:
        raise LoadRecordError(f"cannot read {path}: {error.strerror}") from None
    if len(octets) < HEADER.size or not octets.startswith(MAGIC):
        raise LoadRecordError(f"{path} is no file of rows")
    _, run, tag, pid, boot = HEADER.unpack(octets)
    rows = (length - HEADER.size) // ROW.size
    return RowFile(path, run, tag, pid, boot.rstrip(b"\0").decode("ascii", "replace"), rows)


def read_rows(file: RowFile) -> Iterator[tuple[int, int, int, int, int, int, int]]:
    """All rows of a file, plainly: a, b, c, client, spare, flags, kind. For tests and looking."""
    with file.path.open("rb") as stream:
        stream.seek(HEADER.size)
        while len(octets := stream.read(ROW.size)) == ROW.size:
            row = ROW.unpack(octets)
            if row[6] == 0:
                return
            yield row


def finished_or_gone(folder: Path) -> bool:
    """Whether every process of this boot that writes rows here has ended, in order or not."""
    return not any(_goes_on(path) for path in folder.glob("rows-*.bin"))


def _goes_on(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            magic, _, _, pid, boot = HEADER.unpack(file.read(HEADER.size))
            file.seek(-ROW.size, os.SEEK_END)
            last = ROW.unpack(file.read(ROW.size))
    except (OSError, struct.error):
        return False
    if magic != MAGIC or last[6] == Kind.END or boot.rstrip(b"\0").decode() != boot_id():
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] not in ("Z", "X")
