"""A load run ends in time and says what there is, whichever of its processes dies or hangs."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from sockproof.runs.load_records import REPORT_FILE
from sockproof.targets.launch import free_port
from tests.load.command import Result, command, result
from tests.load.test_counts import served
from tests.servers.unfaithful import UnfaithfulServer
from tests.waiting import LIMIT, until

CHAT = Path(__file__).parents[2] / "locustfiles" / "chat_rooms.py"

ECHO = ("echo", "--users", "4", "--rate", "20", "--run-time", "4s", "--drain", "1", "--no-report")


def measures(results: Path) -> bool:
    """Whether a run is in its measured part, and something was sent."""
    files = (results / "latest-load").glob("health-*.jsonl")
    return any(re.search(r'"phase":1,.*"emitted":[1-9]', each.read_text()) for each in files)


class Going:
    """A load run that goes on."""

    def __init__(self, results: Path, *words: str, **how: object) -> None:
        self.results = results
        self.process = subprocess.Popen(
            command(results, *ECHO, *words),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **how,  # type: ignore[call-overload]
        )

    def locusts(self) -> list[psutil.Process]:
        """Locust's processes, the first one first."""
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if "locust" in child.cmdline():
                    found.append(child)
            except psutil.Error:
                continue
        return sorted(found, key=lambda each: each.pid)

    def when(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < deadline
            assert self.process.poll() is None
            time.sleep(0.005)

    def measures(self) -> bool:
        return measures(self.results)

    def ended(self, limit: float = LIMIT) -> Result:
        output, _ = self.process.communicate(timeout=limit)
        assert "Traceback" not in output
        return result(self.results, self.process.returncode, output)


def test_locust_killed_before_the_run_began_is_no_wrong_command(tmp_path: Path) -> None:
    run = Going(tmp_path)
    run.when(run.locusts)
    run.locusts()[0].kill()
    found = run.ended()
    assert found.code == 2
    assert "Locust was stopped by signal 9 before" in found.output


def test_interrupt_before_the_run_began_is_told_as_one(tmp_path: Path) -> None:
    run = Going(tmp_path)
    run.when(run.locusts)
    run.locusts()[0].suspend()  # it begins nothing
    run.process.send_signal(signal.SIGINT)
    run.process.send_signal(signal.SIGTERM)
    found = run.ended()
    assert found.code == 130
    assert "sockproof: interrupted before the run began" in found.output
    assert "stopped by signal" not in found.output


@pytest.mark.parametrize("processes", [1, 2])
def test_killed_locust_is_summed_up(processes: int, tmp_path: Path) -> None:
    run = Going(tmp_path, "--processes", str(processes), "--run-time", "20s")
    run.when(run.measures)
    run.locusts()[0].kill()
    found = run.ended()
    assert found.code == 2
    assert "Inconclusive:" in found.output
    assert found.summary["counts"]["emitted"] > 0


def test_locust_that_hangs_is_ended_in_time_and_summed_up(tmp_path: Path) -> None:
    run = Going(tmp_path)
    run.when(run.measures)
    run.locusts()[0].suspend()
    found = run.ended()  # 4 s, 1 s of drain, 15 s
    assert found.code == 2
    assert "did not end in time" in found.output
    assert found.summary["counts"]["emitted"] > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_two_signals_end_a_run_at_once_and_sum_it_up(
    number: signal.Signals, tmp_path: Path
) -> None:
    run = Going(tmp_path, "--run-time", "200s", "--drain", "60")
    run.when(run.measures)
    run.process.send_signal(number)
    run.process.send_signal(number)
    found = run.ended()
    assert found.code == 130
    assert found.summary["counts"]["emitted"] > 0


def test_few_descriptors_end_no_part_of_a_run(tmp_path: Path) -> None:
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    run = Going(tmp_path, "--users", "100", preexec_fn=few)
    found = run.ended()
    assert found.code == 2
    assert "raise the limit (ulimit -n)" in found.output
    lines = next(found.folder.glob("health-*.jsonl")).read_text().splitlines()
    assert len(lines) >= 4  # a second each


def test_summary_that_is_killed_is_said(tmp_path: Path) -> None:
    killed = tmp_path / "sitecustomize.py"
    killed.write_text(
        "import os, signal, sys\n"
        "if 'summary' in sys.orig_argv: os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    words = command(tmp_path, *ECHO)
    locust = [words[0], "-m", "locust", "-f", _scenario(), "--headless", "-u", "2", "-t", "2s"]
    done = subprocess.run(
        [*locust, "--host", "http://127.0.0.1:1/", "--results", str(tmp_path / "results")],
        capture_output=True, text=True, timeout=LIMIT, check=False,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "the summary was stopped by signal 9" in done.stderr


def _scenario() -> str:
    from sockproof.shelves import shelf

    return str(shelf("locustfiles") / "echo.py")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_master_that_is_interrupted_sums_up(number: signal.Signals, tmp_path: Path) -> None:
    """It waits for its workers first, while Locust would be through."""
    locust, port = [sys.executable, "-m", "locust", "-f", str(CHAT)], str(free_port())
    where = ["--results", str(tmp_path)]
    leads = ["--headless", "--master", "--expect-workers", "1", "--master-bind-port", port]
    more = ["--users", "10", "--spawn-rate", "100", "--run-time", "600s"]
    works = [*locust, "--worker", "--master-port", port, *where]
    log = tmp_path / "master"
    with (
        served(UnfaithfulServer()) as url,
        log.open("w") as told,
        subprocess.Popen(works) as worker,
        subprocess.Popen(
            [*locust, *leads, *more, "--host", url, *where], stdout=told, stderr=told
        ) as master,
    ):
        try:
            until(lambda: master.poll() is not None or measures(tmp_path))
            master.send_signal(number)
            code = master.wait(LIMIT)
        finally:
            worker.terminate()
            master.kill()
    said = log.read_text()
    assert code in (0, 2), said  # a busy machine has measured little by then
    assert said.count("Response time percentiles") == 1, said
    found = result(tmp_path, code, said)
    assert found.summary["counts"]["receipts"] > 0
    assert f"run folder: {found.folder.resolve()}" in said
    assert (found.folder / REPORT_FILE).exists()
