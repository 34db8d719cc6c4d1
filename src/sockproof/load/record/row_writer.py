"""What a process of a run writes down: rows in a mapped file, and lines.

The rules that hold here:

* Rows go into a shared mapping of the file, so what was written survives the process (not the
  machine) without a system call for each row. A mapping is made of space that is allocated, and
  looked at, before it is used: a full disk is an error with a name, not a signal.
* A checksum of all rows so far is told once a second, so that a bit that is altered later is seen.
* What was written stays. While nothing can be written, rows are counted, in the page before the
  rows, which has its place from the beginning; as soon as there is space again, they are written.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import random
import zlib
from pathlib import Path
from time import monotonic_ns
from typing import Any, BinaryIO, Final

from sockproof.runs.clock import mark_of
from sockproof.runs.load_records import (
    GAP,
    GAPS,
    HEADER,
    KINDS,
    LINE_FILES,
    MAGIC,
    ROW,
    ROWS_AT,
    STATE,
    STEP,
    Kind,
    LoadRecordError,
    boot_id,
    record_file,
)

_AGAIN: Final = 20_000_000  # nanoseconds between two attempts to get space
_LAST: Final = STEP - ROW.size  # where the last row of a mapping goes
_MOST: Final = 1 << 20  # octets of lines that wait for space
Map = mmap.mmap | bytearray


class RowWriter:
    """A process's own file of rows, `rows-TAG.bin`.

    Whoever uses it packs rows itself, into the mapping of `taken`, until it is full; then
    `next_map` gives the following one.
    """

    def __init__(self, folder: Path, run: int) -> None:
        self.boot = boot_id()
        self.run = run
        self.problem: str | None = None  # why rows are missing, at first
        self._base = 0
        self._summed = ROWS_AT  # how far of the mapping the checksum has come
        self._checksum = 0
        try:
            self.tag, self.path, self._file = self._create(folder)
            self._map: Map = self._grow(0)
            self._page = mmap.mmap(self._file.fileno(), ROWS_AT)
        except (OSError, ValueError) as error:
            raise LoadRecordError(f"cannot write rows in {folder}: {_reason(error)}") from None
        HEADER.pack_into(self._page, 0, MAGIC, run, self.tag, os.getpid(), self.boot.encode())
        self._missing = [0] * KINDS
        self._lines = dict.fromkeys(LINE_FILES, 0)
        self._closed = False
        self._gaps = 0
        self._gap = [0, 0, 0, 0]  # the last one
        self._lossy = False
        self._tried = 0

    def _create(self, folder: Path) -> tuple[int, Path, BinaryIO]:
        mark = mark_of(self.boot)
        while True:
            tag = mark << 16 | random.SystemRandom().getrandbits(16)
            path = folder / record_file("rows", tag)
            with contextlib.suppress(FileExistsError):
                return tag, path, path.open("x+b")

    def _grow(self, base: int) -> mmap.mmap:
        descriptor = self._file.fileno()
        os.posix_fallocate(descriptor, base, STEP)
        mapped = mmap.mmap(descriptor, STEP, offset=base)
        if os.fstat(descriptor).st_size < base + STEP:
            mapped.close()
            raise OSError(0, "the file does not grow")
        return mapped

    def taken(self) -> tuple[Map, int]:
        """The first mapping, and where its first row goes."""
        return self._map, ROWS_AT

    def next_map(self) -> tuple[Map, int]:
        """What follows a mapping that is full, and where its next row goes.

        Without space it is a place for one row, which is counted and forgotten.
        """
        if self._closed:
            return self._map, _LAST
        now = monotonic_ns()
        if self._lossy:
            self._count_lost(now)
        if not self._lossy or now - self._tried >= _AGAIN:
            self._try(now)
        return self._map, _LAST if self._lossy else 0

    def settle(self, offset: int) -> tuple[Map, int]:
        """Count what is lost so far, and see whether there is space again; `offset` is where the
        next row would go. Gives the mapping and where its next row goes."""
        if not self._lossy:
            return self._map, offset
        if offset == STEP:
            self._count_lost(monotonic_ns())
        self._try(monotonic_ns())
        return self._map, _LAST if self._lossy else 0

    def attested(self, offset: int) -> tuple[int, int]:
        """How many rows the file has, and the checksum of them all; `offset` is as in `settle`."""
        if not self._lossy:
            self._sum(offset)
        return (self._base + self._summed - ROWS_AT) // ROW.size, self._checksum

    def _sum(self, end: int) -> None:
        with memoryview(self._map) as whole, whole[self._summed : end] as rows:
            self._checksum = zlib.crc32(rows, self._checksum)
        self._summed = end

    def _try(self, now: int) -> None:
        base = self._base + STEP
        self._tried = now
        try:
            following = self._grow(base)
        except (OSError, ValueError) as error:
            if not self._lossy:
                self._begin_gap(now, _reason(error))
            return
        if isinstance(self._map, mmap.mmap):
            self._sum(STEP)
            self._map.close()
        self._map, self._base, self._summed = following, base, 0
        if self._lossy:
            self._lossy = False
            self._gap[1] = now
            self._tell()

    def _begin_gap(self, now: int, reason: str) -> None:
        assert isinstance(self._map, mmap.mmap)
        self._sum(STEP)
        self._map.close()
        self._map = bytearray(STEP)
        self._lossy = True
        if self._gaps < GAPS:
            self._gaps += 1
            self._gap = [now, 0, 0, 0]
        self._gap[1] = 0
        self.problem = self.problem or f"cannot go on writing {self.path}: {reason}"
        self._tell()

    def _count_lost(self, now: int) -> None:
        """The row in the last place of the mapping is not written anywhere."""
        _, b, c, _, _, _, kind = ROW.unpack_from(self._map, _LAST)
        if not 0 < kind < KINDS:
            return
        ROW.pack_into(self._map, _LAST, 0, 0, 0, 0, 0, 0, 0)
        self._missing[kind] += 1
        told = b if kind == Kind.EMIT else c
        self._gap[0] = min(self._gap[0], told or now)
        self._gap[2] |= 1 << kind
        self._gap[3] = min(self._gap[3] + 1, 0xFFFFFFFF)
        self._tell()

    def lines_missing(self, name: str, count: int) -> None:
        """So many lines of a file, one of `LINE_FILES`, are not written."""
        if self._lines[name] != count and not self._closed:
            self._lines[name] = count
            self._tell()

    def _tell(self) -> None:
        missing = (*self._missing, *self._lines.values())
        STATE.pack_into(self._page, HEADER.size, self._closed, self._gaps, *missing)
        if self._gaps:
            at = HEADER.size + STATE.size + (self._gaps - 1) * GAP.size
            GAP.pack_into(self._page, at, *self._gap)

    @property
    def missing(self) -> dict[int, int]:
        """How many rows of each kind could not be written."""
        return {kind: count for kind, count in enumerate(self._missing) if count}

    def close(self, offset: int) -> None:
        """Say that the process has ended in order, and cut the file to what was written."""
        if self._closed:
            return
        self._map, offset = self.settle(offset)
        self._closed = True
        self._tell()
        self._page.close()
        if isinstance(self._map, mmap.mmap):
            self._map.close()
        self._map = bytearray(STEP)  # for what still comes and is of no interest
        length = self._base + (STEP if self._lossy else offset)
        with contextlib.suppress(OSError):
            self._file.truncate(length)
        with contextlib.suppress(OSError):
            self._file.close()


class LineWriter:
    """A file of JSON lines, each of which is there as soon as it was written.

    While there is no space, lines wait; those that wait, and those that were too many to wait,
    are `missing`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.missing = 0
        self._waiting: list[bytes] = []  # the first one may be the rest of a line
        self._octets = 0
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise LoadRecordError(f"cannot write {path}: {_reason(error)}") from None

    def write(self, value: dict[str, Any]) -> None:
        """Append one line; raises `LoadRecordError` when it has to wait, or cannot."""
        line = json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"
        self.missing += 1
        if self._octets + len(line) > _MOST:
            raise LoadRecordError(f"cannot write {self.path}: too many lines wait for space")
        self._waiting.append(line)
        self._octets += len(line)
        self.flush()

    def flush(self) -> None:
        """Write what waits; raises `LoadRecordError` when it cannot be written yet."""
        while self._waiting and self._file >= 0:
            line = self._waiting[0]
            try:
                written = os.write(self._file, line)
            except OSError as error:
                raise LoadRecordError(f"cannot write {self.path}: {_reason(error)}") from None
            self._octets -= written
            if written < len(line):
                self._waiting[0] = line[written:]
            else:
                del self._waiting[0]
                self.missing -= 1

    def close(self) -> None:
        """Nothing more is written."""
        with contextlib.suppress(LoadRecordError):
            self.flush()
        if self._file >= 0:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = -1


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
