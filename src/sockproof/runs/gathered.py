"""What several hosts recorded of one run, brought together in one folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from sockproof import files
from sockproof.runs import load_lines
from sockproof.runs.load_records import MOST_ROWS, RUN_FILE, LoadRecordError, read_header
from sockproof.runs.reader import MOST_ABOUT, LoadRunFolder, read_about


def gather(folder: Path, others: Iterable[Path]) -> list[str]:
    """Copy what processes wrote into `folder`, unless that has as much of it.

    Gives a line for each file that cannot be copied. Raises `LoadRecordError` where a folder is of
    another run, and `WriteError`.
    """
    problems: list[str] = []
    run = _run_of(folder)
    for other in others:
        if _run_of(other) != run:
            raise LoadRecordError(f"{other} and {folder} are folders of different runs")
        paths = LoadRunFolder(other).files()
        if not files.is_there(folder / RUN_FILE) and files.is_there(other / RUN_FILE):
            paths.append(other / RUN_FILE)
        for path in paths:
            try:
                _take(path, folder / path.name)
            except files.FileError as error:
                problems.append(f"{error}; it is left out")
    return problems


def _run_of(folder: Path) -> int:
    if files.is_there(folder / RUN_FILE):
        with contextlib.suppress(files.FileError):
            number = read_about(folder).run
            if number is not None:
                return number
    for path in sorted(folder.glob("rows-*.bin")):
        with contextlib.suppress(LoadRecordError):
            return read_header(path).run
    raise LoadRecordError(f"{folder} is not the folder of a load run")


def _take(path: Path, place: Path) -> None:
    """A file that was sent in part is the beginning of the whole one."""
    is_rows = path.name.startswith("rows-")
    most = MOST_ROWS if is_rows else MOST_ABOUT if path.name == RUN_FILE else load_lines.MOST_OCTETS
    with files.opened(path, most) as handle:
        if files.is_there(place) and not (_more_rows if is_rows else _longer)(path, place):
            return
        beside = place.with_name(f".{place.name}.part")
        try:
            try:
                with beside.open("wb") as copy:
                    for at, octets in _written(handle):
                        copy.seek(at)
                        copy.write(octets)
                    copy.truncate(os.fstat(handle).st_size)
                beside.replace(place)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise files.WriteError(f"cannot copy {path} to {place}: {error.strerror}") from None


def _written(handle: int) -> Iterator[tuple[int, bytes]]:
    """What a file holds, with its places; not the holes, which may be larger than any disk."""
    at = 0
    while True:
        try:
            at = os.lseek(handle, at, os.SEEK_DATA)
        except OSError:  # there is nothing but a hole
            return
        end = os.lseek(handle, at, os.SEEK_HOLE)
        while at < end and (octets := os.pread(handle, min(end - at, files.MIB), at)):
            yield at, octets
            at += len(octets)


def _more_rows(path: Path, place: Path) -> bool:
    try:
        there = read_header(place)
    except LoadRecordError:
        return True
    try:
        ended = read_header(path).closed
    except LoadRecordError:
        return False
    return ended if ended is not there.closed else _longer(path, place)


def _longer(path: Path, place: Path) -> bool:
    try:
        return path.stat().st_size > place.stat().st_size
    except OSError:  # of a link that leads nowhere
        return True
