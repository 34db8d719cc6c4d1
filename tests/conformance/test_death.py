"""A server process that dies of one frame: the frame's case is accused, and no other."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sockproof.runs.records import read_run
from sockproof.shelves import SHELVES, shelf
from sockproof.targets.launch import free_port
from tests.waiting import EXPIRES, LIMIT, SOON, until_it_listens

RUN = [sys.executable, "-c", "from sockproof.cli import run; run()"]
MORTAL = Path(__file__).parents[1] / "servers" / "mortal.py"
DEADLY = "ff" * 8  # the length 2**64 - 1
KILLER = (
    "websocket/frame_lengths/small_length_with_its_top_bit_set_fails_the_connection"
    "[9223372036854775807]"
)
BESIDE = ["--case", "websocket/frame_lengths/*", "--case", "websocket/masking/*"]


def judge(
    cwd: Path, *words: str, limit: float = SOON
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    done = subprocess.run(
        [*RUN, "conformance", "--json", "report.json", "--timeout", str(limit), *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done, read_run(cwd / "report.json")


@contextlib.contextmanager
def mortal(*more: str) -> Iterator[str]:
    """A server of somebody else's; gives its URL."""
    port = free_port()
    command = [sys.executable, str(MORTAL), "--port", str(port), "--dies-of", DEADLY, *more]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            until_it_listens(process, port)
            yield f"ws://127.0.0.1:{port}/"
        finally:
            process.kill()


def failed(report: dict[str, Any]) -> list[str]:
    """The cases that are accused."""
    return [
        case["id"] for case in report["cases"] if case["outcome"] == "FAIL" and not case["aside"]
    ]


@pytest.mark.parametrize("how", [(), ("--freezes",)], ids=["ends", "freezes"])
def test_killer_that_runs_alone_is_accused_though_it_passes(
    tmp_path: Path, how: tuple[str, ...]
) -> None:
    with mortal(*how) as url:
        done, report = judge(tmp_path, url, "--case", KILLER, limit=EXPIRES)
    assert done.returncode == report["exit_code"] == 1
    (case,) = report["cases"]
    assert (case["id"], case["outcome"]) == (KILLER, "FAIL")
    assert case["got"].startswith("the server died")
    assert any(DEADLY in entry["octets"] for entry in case["wire"])
    assert report["remarks"][0].startswith("The server died")
    assert "The server died" in done.stdout


def test_foreign_server_that_dies_ends_the_run_and_accuses_nobody_beside(tmp_path: Path) -> None:
    with mortal() as url:
        done, report = judge(tmp_path, url, *BESIDE)
    assert done.returncode == report["exit_code"] == 1
    assert failed(report) == []
    (remark,) = (each for each in report["remarks"] if "The server died" in each)
    assert KILLER in remark
    assert "The server died (connection refused), and the run ended" in remark


def test_target_of_ours_is_started_again_and_its_killer_found(tmp_path: Path) -> None:
    for name in SHELVES:
        if name != "targets":
            (tmp_path / name).symlink_to(shelf(name), target_is_directory=True)
    folder = tmp_path / "targets" / "mortal"
    folder.mkdir(parents=True)
    start = ["{python}", str(MORTAL), "--port", "{port}", "--dies-of", DEADLY]
    (folder / "target.toml").write_text(
        'name = "mortal"\ntitle = "mortal"\nkind = "websocket"\nurl = "ws://127.0.0.1:{port}/"\n'
        f'requires = ["websockets"]\nversion = "websockets"\nstart = {json.dumps(start)}\n'
    )
    done, report = judge(tmp_path, "--shelf", str(tmp_path), "--target", "mortal", *BESIDE)
    assert done.returncode == 1
    assert failed(report) == [KILLER]
    died = [remark for remark in report["remarks"] if remark.startswith("The server died")]
    assert len(died) == 1
    assert KILLER in died[0]
    outcomes = {case["id"]: case["outcome"] for case in report["cases"]}
    assert len(report["cases"]) == len(outcomes) > 40
    assert "INCONCLUSIVE" not in outcomes.values()
    assert "dies now" in report["server_log"]


def test_harness_that_was_stopped_accuses_nobody(tmp_path: Path) -> None:
    with mortal() as url:
        command = [*RUN, "conformance", url, "--json", "report.json", "--timeout", "2"]
        command += ["--case", "websocket/utf8/*", "--case", "websocket/fragmentation/*"]
        with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()  # the run has begun
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(4)  # twice the limit: this is what is tried, not waited for
            os.kill(process.pid, signal.SIGCONT)
            process.communicate(timeout=LIMIT)
    report = read_run(tmp_path / "report.json")
    assert failed(report) == []
    # A busy machine may hold some up again.
    outcomes = [case["outcome"] for case in report["cases"]]
    assert outcomes.count("INCONCLUSIVE") < len(outcomes) / 10
    assert set(outcomes) <= {"PASS", "NON_STRICT", "UNSUPPORTED", "INCONCLUSIVE"}


def test_background_job_of_a_script_is_ended_by_sigterm(tmp_path: Path) -> None:
    with (
        mortal() as url,
        subprocess.Popen(
            # Nothing but the signal ends it.
            [*RUN, "conformance", url, "--jobs", "1", "--repeat", "50", "--exclude", KILLER],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # as a shell does
        ) as process,
    ):
        while len(_lines(tmp_path)) < 10:
            assert process.poll() is None
            time.sleep(0.02)
        process.terminate()
        process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    report = read_run(next(tmp_path.glob("results/*-conformance")) / "report.json")
    assert report["interrupted"] is True
    assert len(report["cases"]) > 8


def _lines(folder: Path) -> list[str]:
    texts = [path.read_text() for path in folder.glob("results/*/run.jsonl")]
    return "".join(texts).splitlines()
