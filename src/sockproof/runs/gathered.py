"""What several hosts recorded of one run, brought together in one folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from sockproof import files
from sockproof.runs.load_records import RUN_FILE, LoadRecordError, read_header
from sockproof.runs.reader import LoadRunFolder, read_about


def gather(folder: Path, others: Iterable[Path]) -> None:
    """Copy what processes wrote into `folder`, unless that has as much of it.

    Raises `LoadRecordError` where a folder is of another run, and `WriteError`.
    """
    run = _run_of(folder)
    for other in others:
        if _run_of(other) != run:
            raise LoadRecordError(f"{other} and {folder} are folders of different runs")
        for path in LoadRunFolder(other).files():
            _take(path, folder / path.name)
        if not files.is_there(folder / RUN_FILE) and files.is_there(other / RUN_FILE):
            _take(other / RUN_FILE, folder / RUN_FILE)


def _run_of(folder: Path) -> int:
    if files.is_there(folder / RUN_FILE):
        number = read_about(folder).run
        if number is not None:
            return number
    for path in sorted(folder.glob("rows-*.bin")):
        return read_header(path).run
    raise LoadRecordError(f"{folder} is not the folder of a load run")


def _take(path: Path, place: Path) -> None:
    """A file that was sent in part is the beginning of the whole one."""
    try:
        if place.exists() and not _more(path, place):
            return
        beside = place.with_name(f".{place.name}.part")
        shutil.copyfile(path, beside)
        beside.replace(place)
    except OSError as error:
        raise files.WriteError(f"cannot copy {path} to {place}: {error.strerror}") from None


def _more(path: Path, place: Path) -> bool:
    """Whether a file has more of what its process wrote than another one of its name."""
    if path.name.startswith("rows-"):
        ended, there = read_header(path).closed, read_header(place).closed
        if ended is not there:
            return ended
    return path.stat().st_size > place.stat().st_size
