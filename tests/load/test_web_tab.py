"""The tab of Locust's web page shows what goes on, alone and with workers."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sockproof.shelves import shelf
from sockproof.targets.launch import RunningTarget, free_port, launch
from sockproof.targets.spec import load_targets
from tests.waiting import LIMIT, SOON

USERS, ROOM = 12, 6


@pytest.fixture
def target() -> Iterator[RunningTarget]:
    spec = load_targets(shelf("targets"))["python-socketio-uvicorn"]
    with launch(spec) as running:
        yield running


@contextlib.contextmanager
def page(target: RunningTarget, folder: Path, *words: str) -> Iterator[str]:
    """Locust with its web page, and the page's address; it is stopped in order."""
    port = free_port()
    scenario = str(shelf("locustfiles") / "chat_rooms.py")
    command = [sys.executable, "-m", "locust", "-f", scenario, "--host", target.url]
    command += ["--web-host", "127.0.0.1", "--web-port", str(port)]
    command += ["--users", str(USERS), "--spawn-rate", "50", "--room-size", str(ROOM)]
    command += ["--rate", "5", "--target-pid", str(target.pid), "--drain", "3"]
    command += ["--results", str(folder), *words]
    with (folder / "locust.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            yield f"http://127.0.0.1:{port}"
            process.send_signal(signal.SIGINT)
            process.wait(LIMIT)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert "Traceback" not in (folder / "locust.log").read_text()


def fetched(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=SOON) as answer:
        return json.load(answer)


def awaited(url: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The numbers as soon as they are as wanted."""
    deadline, numbers = time.monotonic() + LIMIT, None
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            numbers = fetched(f"{url}/sockproof/live.json")
            if wanted(numbers):
                return dict(numbers)
        time.sleep(0.2)
    raise AssertionError(numbers)


def tab(url: str) -> dict[str, dict[str, str]]:
    """The rows as Locust's page gets them."""
    (found,) = [
        each
        for each in fetched(f"{url}/stats/requests")["extended_stats"]
        if each["key"] == "sockproof"
    ]
    return {row["what"]: row for row in found["data"]}


def stop(url: str) -> None:
    request = urllib.request.Request(f"{url}/stop", method="POST")
    with urllib.request.urlopen(request, timeout=LIMIT) as answer:
        assert json.load(answer)["success"]


@pytest.mark.parametrize("processes", [1, 2])
def test_tab_shows_the_run(processes: int, target: RunningTarget, tmp_path: Path) -> None:
    port = str(free_port())
    words = ("--processes", str(processes), "--master-port", port, "--master-bind-port", port)
    with page(target, tmp_path, "--autostart", *(words if processes > 1 else ())) as url:
        numbers = awaited(url, lambda told: (told["measured"]["delivery_samples"] or 0) > 2000)
        assert numbers["phase"] == "measured"
        assert len(numbers["processes"]) == processes
        assert not any(each["lost"] for each in numbers["processes"])
        now, measured = numbers["now"], numbers["measured"]
        assert now["live"] == USERS
        assert numbers["start"]["connections_opened"] == USERS
        assert numbers["start"]["connect_failures"] == numbers["start"]["disconnected"] == 0
        assert ROOM - 1.5 < measured["receipts_per_emit"] < ROOM + 0.5
        assert 0 < measured["achieved_rate"] <= measured["offered_rate"] + 1
        assert 0 < measured["delivery_p50_ms"] <= measured["delivery_p99_ms"]
        assert measured["delivery_p99_ms"] <= measured["delivery_max_ms"]
        assert measured["corrupted"] == measured["unreadable"] == measured["ack_timeouts"] == 0
        named = awaited(url, lambda told: told["deliveries"]["names"])["deliveries"]
        assert list(named["names"]) == ["say"]
        assert list(named["classes"]) == ["Chatter"]
        assert named["names"]["say"]["p50_ms"] > 0
        assert now["rss_mib"] > 10
        assert now["target_rss_mib"] > 10
        rows = tab(url)
        assert rows["Live connections"]["now"] == str(USERS)
        assert rows["Processes"]["now"] == str(processes)
        assert "sockproof" in urllib.request.urlopen(f"{url}/", timeout=SOON).read().decode()
        stop(url)
        over = awaited(url, lambda told: told["phase"] == "over")
        assert over["now"]["live"] == 0
        assert over["start"]["emitted"] >= numbers["start"]["emitted"]
        assert not any(each["lost"] for each in over["processes"])
        ended = awaited(url, lambda told: told["verdict"] is not None)["verdict"]
        # A process of low priority counts by name: on a busy machine it may be behind the summary.
        counted = ended["deliveries"]["names"]["say"]["receipts"]
        awaited(url, lambda told: told["deliveries"]["names"]["say"]["receipts"] == counted)
        assert ended["exit_code"] == 0
        assert ended["sentence"].startswith("Nothing was lost")
        assert tab(url)["Verdict"]["remark"].startswith(ended["sentence"])
        assert tab(url)["Lost"]["start"] == "0"
        report = urllib.request.urlopen(f"{url}/sockproof/report.html", timeout=SOON)
        assert ended["sentence"] in report.read().decode()
    said = (tmp_path / "locust.log").read_text()
    assert ended["sentence"] in said
    assert "report:     " in said
    about = json.loads((tmp_path / "latest-load" / "run.json").read_text())
    assert about["server"] == "uvicorn"
    assert about["command"].startswith("locust -f ")
    assert about["locustfiles"][0]["text"] == (shelf("locustfiles") / "chat_rooms.py").read_text()
    summary = json.loads((tmp_path / "latest-load" / "summary.json").read_text())
    assert over["start"]["emitted"] == summary["counts"]["emitted"]
    assert counted == summary["counts"]["receipts"]
    for kind in ("ack", "delivery"):
        told = summary["latency"][kind]["intended"]
        assert over["measured"][f"{kind}_samples"] == told["samples"]
        assert over["measured"][f"{kind}_p99_ms"] == pytest.approx(told["p99_ms"], abs=0.001)


def test_tab_is_there_before_any_run(target: RunningTarget, tmp_path: Path) -> None:
    with page(target, tmp_path) as url:
        numbers = awaited(url, lambda told: "now" in told)
        assert numbers["processes"] == []
        assert numbers["verdict"] is None
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{url}/sockproof/report.html", timeout=SOON)
        rows = tab(url)
        assert rows["Time"]["remark"] == "no run yet"
        assert rows["Offered rate"]["now"] == "–"
