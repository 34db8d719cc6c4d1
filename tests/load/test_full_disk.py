"""A disk that fills, empties and fills again: what was recorded is right, what was not is said."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sockproof.runs.load_records import Kind, LoadRecordError, RowFile
from tests.load.command import Result, command, result
from tests.load.test_counts import VIOLATIONS, served
from tests.recorded import row_files
from tests.sample import rotating
from tests.servers.unfaithful import UnfaithfulServer
from tests.small_disk import small_disk
from tests.waiting import LIMIT

SCENARIO = str(Path(__file__).with_name("small_blocks.py"))
WORDS = ("--users", "20", "--run-time", "5m", "--no-report")
# Python 3.11 keeps what it could write of a module that it has compiled.
UNKEPT = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


class Limit:
    """A limit on the size of files, which a process can be given while it runs."""

    def __init__(self, folder: Path) -> None:
        self.results = folder

    def fill(self, file: RowFile) -> None:
        """Let no file grow any more."""
        self._set(file, 4096)

    def empty(self, file: RowFile) -> None:
        """Let them grow."""
        self._set(file, resource.RLIM_INFINITY)

    def _set(self, file: RowFile, most: int) -> None:
        _, hard = resource.prlimit(file.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(file.pid, resource.RLIMIT_FSIZE, (most, hard))


class SmallDisk:
    """A file system of its own, which a big file fills."""

    def __init__(self, folder: Path) -> None:
        self.results = folder

    def fill(self, file: RowFile) -> None:
        """Write until there is no space."""
        del file
        with (self.results / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(4096))

    def empty(self, file: RowFile) -> None:
        """Take it away."""
        del file
        (self.results / "ballast").unlink()


@contextmanager
def disk_of(kind: type[Limit] | type[SmallDisk], folder: Path) -> Iterator[Limit | SmallDisk]:
    if kind is Limit:
        yield Limit(folder)
    else:
        with small_disk(folder / "disk", 8 << 20) as place:
            yield SmallDisk(place)


def when(running: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    """Wait for it, as long as the run goes on."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def filled_twice(disk: Limit | SmallDisk, url: str) -> Result:
    """A run whose disk is full for a while, twice."""
    running = subprocess.Popen(
        command(disk.results, SCENARIO, url, *WORDS),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=UNKEPT,
    )

    def recorded() -> RowFile | None:
        with suppress(LoadRecordError):  # it is not written yet
            files = row_files(disk.results / "latest-load")
            return files[0] if files and files[0].rows > 4000 else None
        return None

    def missing() -> int:
        file = recorded()
        return 0 if file is None else file.missing.get(Kind.RECEIPT, 0)

    when(running, lambda: recorded() is not None)
    file = recorded()
    assert file is not None
    for _ in range(2):
        before = missing()
        disk.fill(file)
        when(running, lambda before=before: missing() > before + 1000)  # type: ignore[misc]
        disk.empty(file)
        rows = row_files(disk.results / "latest-load")[0].rows
        when(running, lambda rows=rows: recorded().rows > rows + 4000)  # type: ignore[misc,union-attr]
    running.terminate()
    output, _ = running.communicate(timeout=LIMIT)
    return result(disk.results, running.returncode, output)


@pytest.mark.parametrize("kind", [Limit, SmallDisk])
@pytest.mark.parametrize("misdeed", rotating([None, "lose"], 2, "full disks"))
def test_what_was_recorded_is_right_and_what_was_not_is_said(
    kind: type[Limit] | type[SmallDisk], misdeed: str | None, tmp_path: Path
) -> None:
    server = UnfaithfulServer(misdeed)
    with disk_of(kind, tmp_path) as disk, served(server) as url:
        found = filled_twice(disk, url)
        told = found.summary
        (file,) = row_files(found.folder)
    counts, missing = told["counts"], told["unrecorded"]
    assert "Traceback" not in found.output
    names = (*VIOLATIONS, "unacknowledged", "misacknowledged", "broken", "forged")
    others = {name: counts[name] for name in names if name != "lost"}
    assert others == dict.fromkeys(others, 0), found.output
    made = server.deliveries - server.done
    assert counts["receipts"] + counts["late"] + missing["rows"]["receipts"] == made
    assert counts["lost"] <= server.done
    assert (counts["lost"] > 0) == (misdeed == "lose"), found.output
    assert told["generator"]["fit"] is False
    assert "not recorded, because of missing space or a limit: " in found.output
    assert len(missing["seconds"]) == 2
    assert file.closed


def test_disk_that_stays_full_is_said(tmp_path: Path) -> None:
    server = UnfaithfulServer()

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 17, resource.RLIM_INFINITY))

    with served(server) as url:
        words = (SCENARIO, url, "--users", "20", "--run-time", "12s", "--no-report")
        done = subprocess.run(
            command(tmp_path, *words),
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=limited,
            env=UNKEPT,
            timeout=LIMIT,
        )
    found = result(tmp_path, done.returncode, done.stdout + done.stderr)
    counts = found.summary["counts"]
    assert found.code == 2, found.output
    assert {name: counts[name] for name in VIOLATIONS} == dict.fromkeys(VIOLATIONS, 0)
    missing = found.summary["unrecorded"]["rows"]
    assert counts["receipts"] + missing["receipts"] == server.deliveries
    assert counts["emitted"] > 0
    assert missing["sends"] > 0
    assert "File too large" in found.output
    assert "Traceback" not in found.output
