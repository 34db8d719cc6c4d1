"""The rows of a process of a load run as arrays, as far as they can be read.

The rules that hold here:

* Rows are read up to the first that cannot be: from there on a process is taken for one that was
  killed, and nobody is held to what it may have written behind. One whose first page is damaged
  is left out.
* A row is damaged where its kind, its client, its room or its time cannot be. That something else
  which could be is in the place of what was written is told by the checksums that the process has
  left in its lines, once a second; older versions left none.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sockproof.runs.load_records import (
    ROW_FIELDS,
    ROWS_AT,
    Kind,
    LoadRecordError,
    Phase,
    RowFile,
    read_header,
    record_file,
)
from sockproof.runs.work import nobody

ROW = np.dtype([(name, f"<{code}") for name, code in ROW_FIELDS])
PART = 500_000  # rows that are looked at together
MOST_COUNT = 1 << 40  # of what could not be written
LONGEST = 32 * 24 * 3600 * 10**9  # nanoseconds between any two times of a process
SPARE = 65_536  # clients that have a number and no row yet
_NO_CLIENT = (Kind.END, Kind.PHASE, Kind.ERROR)
_SMALL = np.full(256, np.iinfo(np.uint64).max, dtype=np.uint64)  # what `a` is at most, by kind
_SMALL[[Kind.ACK, Kind.ACK_TIMEOUT, Kind.WITHDRAWN]] = (1 << 32) - 1
_SMALL[Kind.CONNECT_ASKED] = (1 << 32) - 1
_SMALL[Kind.JOIN_ASKED : Kind.LEFT + 1] = (1 << 32) - 1
_SMALL[[Kind.LIFE, Kind.VALUE, Kind.EPHEMERAL, Kind.EPHEMERAL_HEARD]] = (1 << 32) - 1
_SMALL[[Kind.REFUSED, Kind.UNANSWERED, Kind.ERROR]] = (1 << 32) - 1
_SMALL[[Kind.DISCONNECTED, Kind.CONNECT_FAILED, Kind.STRAY_ACK]] = (1 << 16) - 1
_SMALL[Kind.PHASE] = max(Phase)


@dataclass
class Rows:
    """The rows of a file that can be read; `file` says how many they are."""

    file: RowFile
    first: int | None = None  # the time of the first
    begun: dict[Phase, int] = field(default_factory=dict)  # when each part of the run began
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, dtype=np.int64))
    clients: int = 0  # the highest number of any

    def count(self, rows: Any) -> None:
        """Count some by their kinds, and note their clients."""
        self.counts += np.bincount(rows["kind"], minlength=256)
        self.clients = max(self.clients, int(rows["client"].max(initial=0)))

    def number(self, kinds: Iterable[int]) -> int:
        """How many there are of these kinds."""
        return int(self.counts[list(kinds)].sum())

    def of(self, kinds: Iterable[int]) -> Any:
        """Those of these kinds, together."""
        return np.concatenate([np.empty(0, dtype=ROW), *self.parts_of(kinds)])

    def parts_of(self, kinds: Iterable[int]) -> Iterator[Any]:
        """Those of these kinds in pieces; where there are none, nothing is read."""
        kinds = list(kinds)
        if self.number(kinds):
            chosen = np.zeros(256, dtype=bool)
            chosen[kinds] = True
            for rows in self.parts():
                yield rows[chosen[rows["kind"]]]

    def parts(self) -> Iterator[Any]:
        """All of them in pieces, each of which is forgotten behind it."""
        left = self.file.rows
        with self.file.path.open("rb") as stream:
            stream.seek(ROWS_AT)
            while left and (octets := stream.read(min(left, PART) * ROW.itemsize)):
                rows = np.frombuffer(octets, dtype=ROW, count=len(octets) // ROW.itemsize)
                left -= len(rows)
                if not len(rows):
                    return
                yield rows


class _Checksums:
    """What a process says of its rows, beside what is there."""

    def __init__(self, told: Iterable[tuple[int, int]]) -> None:
        self._told = sorted(set(told), reverse=True)  # rows so far and their checksum
        self.most = self._told[0][0] if self._told else 0  # rows that it has told of
        self.right = 0  # rows that are surely as they were written
        self.wrong = 0  # rows of which the latest checksum is wrong
        self._rows = 0  # that were looked at
        self._checksum = 0

    def take(self, rows: Any) -> None:
        """Look at further rows."""
        while self._told and self._told[-1][0] <= self._rows + len(rows):
            count, checksum = self._told.pop()
            here = count - self._rows
            self._sum(rows[:here])
            rows = rows[here:]
            if checksum == self._checksum:
                self.right = count
            else:
                self.wrong = count
        self._sum(rows)

    def _sum(self, rows: Any) -> None:
        self._checksum = zlib.crc32(rows.tobytes(), self._checksum)
        self._rows += len(rows)


def read(
    path: Path,
    told: Iterable[tuple[int, int]],
    problems: list[str],
    done: Callable[[int], None] = nobody,
) -> Rows:
    """The rows of a file; what is damaged behind them is a line more in `problems`.

    `told` is how many rows its process had written, and their checksum, at several times. `done` is
    called with the number of rows that were read. Raises `LoadRecordError` where the file, or its
    first page, cannot be read.
    """
    checksums = _Checksums(told)
    found = Rows(_header(path))
    file, good, wrong = found.file, 0, None
    phases: list[tuple[int, int, int]] = []  # where rows of phases stand, which, and when
    most = SPARE + min(sum(file.missing.values()), 1 << 24)
    origin: int | None = None
    for rows in found.parts():
        done(len(rows))
        kinds = np.ascontiguousarray(rows["kind"])
        here = _until_empty(kinds)
        kinds = kinds[:here]
        times = _times(rows[:here], kinds)
        if origin is None and here:
            origin = int(np.median(times))
        bad = _bad(rows[:here], kinds, times, good, most, origin or 0)
        sound = rows[: int(bad[0]) if len(bad) else here]
        if found.first is None and len(sound):
            found.first = int(times[0])
        of_phases = np.flatnonzero(kinds[: len(sound)] == Kind.PHASE).tolist()
        phases += [(good + at, int(sound["a"][at]), int(sound["c"][at])) for at in of_phases]
        found.count(sound)
        good += len(sound)
        if len(bad):
            wrong = "is damaged"
            break
        checksums.take(sound)
        if here < len(rows):
            break
    if wrong is None and checksums.wrong > checksums.right:
        good = checksums.right
        more = checksums.wrong - good - 1
        wrong = f"or one of the {more:,} after it has changed since it was written"
    if wrong is None and good < checksums.most:
        wrong = "is missing, and all after it"
    if wrong is None and good < file.rows and (file.closed or _ends_with_a_row(file)):
        wrong = "is empty"
    if wrong is None and file.closed and not _ends(file, good):
        wrong = "is missing, and all after it"
    found.begun = {Phase(phase): time for at, phase, time in phases if at < good}
    found.file = replace(file, rows=good, closed=file.closed and wrong is None)
    if good < found.counts.sum():
        found.counts[:], found.clients = 0, 0
        for rows in found.parts():
            found.count(rows)
    if wrong is not None:
        at = ROWS_AT + good * ROW.itemsize
        problems.append(
            f"{path.name}: row {good + 1:,} (octet {at:,}) {wrong};"
            f" the {good:,} rows before it can be read"
        )
    return found


def _header(path: Path) -> RowFile:
    file = read_header(path)
    wrong = None
    if path.name != record_file("rows", file.tag):
        wrong = "its name does not match its process"
    elif not file.boot.isprintable() or not file.boot.isascii():
        wrong = "it does not name a boot"
    elif max([0, *file.missing.values(), *file.missing_lines.values()]) > MOST_COUNT:
        wrong = "its count is too large"
    elif any(gap.end < gap.begin for gap in file.gaps):
        wrong = "a gap ends before it begins"
    if wrong:
        raise LoadRecordError(f"{path.name}: its first page is damaged: {wrong}")
    return file


def _until_empty(kinds: Any) -> int:
    """How many rows come before the first that is not there."""
    empty = kinds == 0
    return int(np.argmax(empty)) if empty.any() else len(kinds)


def _times(rows: Any, kinds: Any) -> Any:
    return np.where(kinds == Kind.EMIT, rows["b"], rows["c"])


def _bad(rows: Any, kinds: Any, times: Any, before: int, spare: int, origin: int) -> Any:
    """Which rows cannot be."""
    timed = kinds != Kind.WITHDRAWN
    near = (times < np.uint64(1 << 62)) & (
        np.abs(np.minimum(times, np.uint64(1 << 62)).astype(np.int64) - origin) <= LONGEST
    )
    client = rows["client"].astype(np.int64)
    highest = before + np.arange(1, len(rows) + 1) + spare
    known = np.isin(kinds, _NO_CLIENT) | ((client > 0) & (client <= highest))
    right = (kinds <= max(Kind)) & (near | ~timed) & known & (rows["a"] <= _SMALL[kinds])
    return np.flatnonzero(~right)


def _ends_with_a_row(file: RowFile) -> bool:
    return _last_octet(file, file.rows) not in (b"", b"\0")


def _ends(file: RowFile, rows: int) -> bool:
    """Whether the last row is the one that a process writes last, unless it could not."""
    if Kind.END in file.missing:
        return True
    return rows > 0 and _last_octet(file, rows) == bytes([Kind.END])


def _last_octet(file: RowFile, rows: int) -> bytes:
    """The kind of the last of so many rows."""
    with file.path.open("rb") as stream:
        stream.seek(ROWS_AT + rows * ROW.itemsize - 1)
        return stream.read(1)
