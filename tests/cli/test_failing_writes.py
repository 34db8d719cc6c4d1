"""A command whose disk is full, or whose folder is gone: one line, exit code 2, and what was
recorded before can be read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sockproof import shelves
from sockproof.runs.load_records import SUMMARY_FILE
from sockproof.runs.records import RUN_FILE, read_run
from sockproof.targets import launch
from sockproof.targets.spec import load_targets
from tests import sample
from tests.render.load_sample import run_folder
from tests.small_disk import small_disk
from tests.waiting import LIMIT

LIMITED = """
import os, resource, sys
# Python 3.11 keeps what it could write of a module, here or in a process that is started here.
sys.dont_write_bytecode, os.environ["PYTHONDONTWRITEBYTECODE"] = True, "1"
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
from sockproof.cli import main
sys.exit(main(sys.argv[2:]))
"""
MIB = 1 << 20


def sockproof(*words: object, limit: int = 1 << 40) -> subprocess.CompletedProcess[str]:
    """A command that may write no file bigger than `limit` octets."""
    command = [sys.executable, "-c", LIMITED, str(limit), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)


def told(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that it said, with exit code 2."""
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("sockproof: ")
    return done.stderr


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server to judge."""
    with launch.launch(load_targets(shelves.shelf("targets"))["websockets"]) as target:
        yield target.url


@pytest.fixture(name="small_disk")
def _small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a MiB."""
    with small_disk(tmp_path / "disk", MIB) as place:
        yield place


LIMITS = (100, 250_000, 300_000, 400_000)


@pytest.mark.parametrize("limit", [*LIMITS, sample.chance("limits").randrange(1000, 900_000)])
def test_run_of_cases_that_cannot_be_written_on(url: str, limit: int, tmp_path: Path) -> None:
    words = ("conformance", url, "--suite", "websocket", "--results", tmp_path)
    line = told(sockproof(*words, limit=limit))
    assert "File too large" in line
    (folder,) = (each for each in tmp_path.iterdir() if not each.is_symlink())
    if "cases before are in" in line:
        assert read_run(folder)["cases"]
        again = sockproof("report", folder)
        assert again.returncode == 0, again.stderr


def test_run_of_cases_on_a_disk_that_gets_full(url: str, small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"x" * (MIB // 2))
    line = told(sockproof("conformance", url, "--suite", "websocket", "--results", small_disk))
    assert "No space left on device" in line
    (small_disk / "ballast").unlink()
    (folder,) = (each for each in small_disk.iterdir() if each.is_dir() and not each.is_symlink())
    assert read_run(folder)["cases"]


@pytest.mark.parametrize("name", ["no/report.json", "/dev/full"])
def test_report_that_cannot_be_written(url: str, name: str, tmp_path: Path) -> None:
    case = "*ping*"
    done = sockproof("conformance", url, "--case", case, "--json", tmp_path / name)
    if name == "/dev/full":
        assert "No space left on device" in told(done)
    else:
        assert done.returncode == 3
    assert "Traceback" not in done.stderr


def test_summary_on_a_full_disk_keeps_the_older_one(small_disk: Path, tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run")
    place = small_disk / "run"
    place.mkdir()
    for each in run.iterdir():
        shutil.copy(each, place)
    before = (place / SUMMARY_FILE).read_bytes()
    with (small_disk / "ballast").open("wb", buffering=0) as ballast:
        try:
            while ballast.write(b"x" * 1024):
                pass
        except OSError:
            pass
    assert "No space left on device" in told(sockproof("summary", place))
    assert (place / SUMMARY_FILE).read_bytes() == before


def test_report_that_may_not_be_so_big_keeps_the_older_one(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run")
    (run / "report.html").write_text("old")
    assert "File too large" in told(sockproof("report", run, limit=2000))
    assert (run / "report.html").read_text() == "old"
    assert not list(run.rglob(".*"))


def test_results_that_are_a_file(url: str, tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    assert "cannot be written" in told(
        sockproof("conformance", url, "--results", tmp_path / "results")
    )
    assert not list(tmp_path.glob(f"*/{RUN_FILE}"))


LOAD = (sys.executable, "-m", "sockproof", "load", "echo")


def test_load_on_a_disk_without_room_for_rows(url: str, small_disk: Path) -> None:
    command = [*LOAD, url, "--users", "3", "--run-time", "3s", "--results", str(small_disk)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_load_whose_folder_is_deleted(url: str, tmp_path: Path) -> None:
    results = tmp_path / "results"
    command = [*LOAD, url, "--users", "3", "--run-time", "6s", "--results", str(results)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        while process.poll() is None and not list(results.glob("*/rows-*.bin")):
            time.sleep(0.05)
        while results.exists():  # somebody may be about to write into it
            shutil.rmtree(results, ignore_errors=True)
        said, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 2, said
    assert "Traceback" not in said
    assert f"the run folder {results}" in said


def test_damaged_module_in_the_cache_of_python_is_named(tmp_path: Path) -> None:
    """What Python 3.11 leaves of a module that it compiles on a disk that is just full."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", "from sockproof.cli import run; run()", "schema"]

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT
        )

    assert run().returncode == 0
    (compiled,) = tmp_path.rglob("sockproof/cli/schema.*.pyc")
    compiled.write_bytes(compiled.read_bytes()[:100])
    assert f"delete the folders __pycache__ below {tmp_path}" in told(run())
