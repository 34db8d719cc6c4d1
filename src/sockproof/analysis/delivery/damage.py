"""What is damaged of a load run's folder, and what can be read all the same.

The rules that hold here:

* Rows are read up to the first that cannot be: from there on a process is taken for one that was
  killed, and nobody is held to what it may have written behind. One whose first page is damaged
  is left out.
* A row is damaged where its kind, its client, its room or its time cannot be. That something else
  which could be is in the place of what was written is told by the checksums that the process has
  left in its lines, once a second; older versions left none.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sockproof import files
from sockproof.analysis.delivery.row_arrays import ROW
from sockproof.runs import load_lines
from sockproof.runs.load_records import (
    LINE_FILES,
    ROWS,
    ROWS_AT,
    ROWS_CHECKSUM,
    Kind,
    LoadRecordError,
    Phase,
    RowFile,
    read_header,
)

PART = 500_000  # rows that are looked at together
MOST_OCTETS = 1 << 50  # of a file of rows; a hole is not read
MOST_COUNT = 1 << 40  # of what could not be written
LONGEST = 32 * 24 * 3600 * 10**9  # nanoseconds between any two times of a process
SPARE = 65_536  # clients that have a number and no row yet
_TAG = re.compile(r"[0-9a-f]{8}")
_NO_CLIENT = (Kind.END, Kind.PHASE)
_SMALL = np.full(256, np.iinfo(np.uint64).max, dtype=np.uint64)  # what `a` is at most, by kind
_SMALL[[Kind.ACK, Kind.ACK_TIMEOUT, Kind.WITHDRAWN]] = (1 << 32) - 1
_SMALL[Kind.JOIN_ASKED : Kind.LEFT + 1] = (1 << 32) - 1
_SMALL[[Kind.DISCONNECTED, Kind.CONNECT_FAILED, Kind.STRAY_ACK]] = (1 << 16) - 1
_SMALL[Kind.PHASE] = max(Phase)


@dataclass
class Sound:
    """The processes whose rows can be read, as far as they can, and how many others there are."""

    files: list[RowFile] = field(default_factory=list)
    others: int = 0
    problems: list[str] = field(default_factory=list)  # a line each


def sound_rows(folder: Path) -> Sound:
    """The files of rows in a run folder, in the order of their names."""
    found = Sound()
    for path in sorted(folder.glob("rows-*.bin")):
        try:
            checksums = _Checksums.of(path)  # before the header: a process may be writing on
            found.files.append(_rows(_header(path), checksums, found.problems))
        except (files.FileError, LoadRecordError) as error:
            found.problems.append(f"{error}; its process is left out")
            found.others += 1
    return found


def all_problems(folder: Path, rows: Sound | None = None) -> list[str]:
    """All that is damaged in a run folder, a line each."""
    found = sound_rows(folder) if rows is None else rows
    closed = {f"{each.tag:08x}": each.closed for each in found.files}
    here: dict[str, set[str]] = {}
    lines: list[str] = []
    for path in sorted(folder.iterdir()):
        kind, _, rest = path.name.partition("-")
        tag = rest.partition(".")[0]
        if not _TAG.fullmatch(tag) or path.suffix not in (".bin", ".jsonl"):
            continue
        here.setdefault(tag, set()).add(kind)
        if path.suffix == ".jsonl":
            lines += _of_lines(path, closed.get(tag, False))
    missing = [
        f"there is no {kind}-{tag}.{'bin' if kind == 'rows' else 'jsonl'}"
        for tag, kinds in here.items()
        for kind in ("rows", *LINE_FILES)
        if kind not in kinds
    ]
    return [*found.problems, *lines, *missing]


def _of_lines(path: Path, closed: bool) -> Iterator[str]:
    problems: list[str] = []
    for _ in load_lines.read(path, problems):
        pass
    yield from problems
    if closed and not problems and _is_torn(path):
        yield f"{path.name}: its last line is torn"


def _is_torn(path: Path) -> bool:
    with files.opened(path, load_lines.MOST_OCTETS) as handle:
        length = os.fstat(handle).st_size
        return length > 0 and os.pread(handle, 1, length - 1) != b"\n"


def _header(path: Path) -> RowFile:
    with files.opened(path, MOST_OCTETS):
        pass
    file = read_header(path)
    wrong = None
    if path.name != f"rows-{file.tag:08x}.bin":
        wrong = "its name is not that of its process"
    elif not file.boot.isprintable() or not file.boot.isascii():
        wrong = "it names no boot"
    elif max([0, *file.missing.values(), *file.missing_lines.values()]) > MOST_COUNT:
        wrong = "it counts more than there can be"
    elif any(gap.end < gap.begin for gap in file.gaps):
        wrong = "a gap ends before it begins"
    if wrong:
        raise LoadRecordError(f"{path.name}: its first page is damaged: {wrong}")
    return file


@dataclass
class _Checksums:
    """What a process says of its rows, beside what is there."""

    told: list[tuple[int, int]]  # rows so far and their checksum, the fewest last
    most: int  # rows that it has told of
    rows: int = 0  # that were looked at
    checksum: int = 0
    right: int = 0  # rows that are surely as they were written
    wrong: int = 0  # rows of which the latest checksum is wrong

    @classmethod
    def of(cls, rows: Path) -> _Checksums:
        """Those in the lines beside a file of rows."""
        lines = rows.with_name(f"health{rows.stem.removeprefix('rows')}.jsonl")
        told = {
            (count, checksum)
            for line in load_lines.read(lines)
            if isinstance(count := line.get(ROWS), int) and count > 0
            if isinstance(checksum := line.get(ROWS_CHECKSUM), int)
        }
        return cls(sorted(told, reverse=True), max([0, *(count for count, _ in told)]))

    def take(self, rows: Any) -> None:
        """Look at further rows."""
        while self.told and self.told[-1][0] <= self.rows + len(rows):
            count, checksum = self.told.pop()
            here = count - self.rows
            self._sum(rows[:here])
            rows = rows[here:]
            if checksum == self.checksum:
                self.right = count
            else:
                self.wrong = count
        self._sum(rows)

    def _sum(self, rows: Any) -> None:
        self.checksum = zlib.crc32(rows.tobytes(), self.checksum)
        self.rows += len(rows)


def _rows(file: RowFile, checksums: _Checksums, problems: list[str]) -> RowFile:
    """The file with as many rows as can be read."""
    good, wrong = 0, None
    most = SPARE + min(sum(file.missing.values()), 1 << 24)
    origin: int | None = None
    for rows in parts(file):
        here = _until_empty(rows)
        if origin is None and here:
            origin = int(np.median(_times(rows[:here])))
        bad = _bad(rows[:here], good, most, origin or 0)
        if len(bad):
            good += int(bad[0])
            wrong = "is damaged"
            break
        good += here
        checksums.take(rows[:here])
        if here < len(rows):
            break
    if wrong is None and checksums.wrong > checksums.right:
        good = checksums.right
        wrong = f"or one of the {checksums.wrong - good - 1:,} behind it is not as it was written"
    if wrong is None and good < checksums.most:
        wrong = "is missing, and all behind it"
    if wrong is None and good < file.rows and (file.closed or _ends_with_a_row(file)):
        wrong = "is empty"
    if wrong is None and file.closed and not _ends(file, good):
        wrong = "is missing, and all behind it"
    if wrong is None:
        return replace(file, rows=good)
    at = ROWS_AT + good * ROW.itemsize
    problems.append(
        f"{file.path.name}: row {good + 1:,} (octet {at:,}) {wrong};"
        f" the {good:,} rows before it can be read"
    )
    return replace(file, rows=good, closed=False)


def parts(file: RowFile) -> Iterator[Any]:
    """The rows of a file in pieces."""
    left = file.rows
    with file.path.open("rb") as stream:
        stream.seek(ROWS_AT)
        while left and (octets := stream.read(min(left, PART) * ROW.itemsize)):
            rows = np.frombuffer(octets, dtype=ROW, count=len(octets) // ROW.itemsize)
            left -= len(rows)
            if not len(rows):
                return
            yield rows


def _until_empty(rows: Any) -> int:
    """How many rows come before the first that is not there."""
    empty = rows["kind"] == 0
    return int(np.argmax(empty)) if empty.any() else len(rows)


def _times(rows: Any) -> Any:
    return np.where(rows["kind"] == Kind.EMIT, rows["b"], rows["c"])


def _bad(rows: Any, before: int, spare: int, origin: int) -> Any:
    """Which rows cannot be."""
    kinds = rows["kind"]
    times = _times(rows)
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
    with file.path.open("rb") as stream:
        stream.seek(ROWS_AT + (file.rows - 1) * ROW.itemsize)
        octets = stream.read(ROW.itemsize)
    return len(octets) == ROW.itemsize and octets[-1] != 0


def _ends(file: RowFile, rows: int) -> bool:
    """Whether the last row is the one that a process writes last, unless it could not."""
    if Kind.END in file.missing:
        return True
    if not rows:
        return False
    with file.path.open("rb") as stream:
        stream.seek(ROWS_AT + rows * ROW.itemsize - 1)
        return stream.read(1) == bytes([Kind.END])


def said(problems: Iterable[str], most: int = 5) -> list[str]:
    """The first of them, and how many more there are."""
    told = list(problems)
    more = [f"{len(told) - most:,} more files are damaged"] if len(told) > most else []
    return told[:most] + more
