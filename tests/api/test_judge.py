"""`sockproof.judge`, as a program calls it: against real servers, wherever it is called from."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import sockproof
from sockproof.errors import NotJudged, WrongInput
from sockproof.runs.records import CaseRecord, read_run
from tests.background import Serving, running
from tests.servers.websocket_server import WebSocketServer
from tests.waiting import LIMIT

MASKING = ["websocket/masking/*"]


FAULT = "accepts-unmasked-text"


def serving(fault: str | None = None) -> Serving:
    """A server of our own, with a fault if there is to be one."""

    @asynccontextmanager
    async def server() -> AsyncIterator[int]:
        async with WebSocketServer(fault) as entered:
            yield int(entered.url.rpartition(":")[2].rstrip("/"))

    return server


@pytest.fixture
def url() -> Iterator[str]:
    """That of a correct server."""
    with running(serving()) as port:
        yield f"ws://127.0.0.1:{port}/"


class Watch:
    """An observer that keeps what it hears."""

    def __init__(self) -> None:
        self.total = 0
        self.ids: list[str] = []

    def start(self, total: int, target: str, server: str | None, bound: float) -> None:
        self.total = total

    def case_done(self, record: CaseRecord) -> None:
        self.ids.append(record.id)


def test_a_correct_server_is_right_and_nothing_is_printed(
    url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    watch = Watch()
    report = sockproof.judge(url, cases=MASKING, observer=watch)
    assert report["exit_code"] == 0
    assert report["counts"]["PASS"] == len(report["cases"]) == watch.total == len(watch.ids) > 5
    assert report["target"] == url
    assert capfd.readouterr() == ("", "")


def test_a_server_with_a_fault_is_not() -> None:
    with running(serving(FAULT)) as port:
        report = sockproof.judge(f"ws://127.0.0.1:{port}/", cases=MASKING)
    assert report["exit_code"] == 1
    assert report["counts"]["FAIL"] >= 1


def test_a_second_call_is_as_the_first(url: str) -> None:
    first, second = (sockproof.judge(url, cases=MASKING) for _ in range(2))
    assert [each["outcome"] for each in first["cases"]] == ["PASS"] * len(first["cases"])
    assert sorted(each["id"] for each in first["cases"]) == sorted(
        each["id"] for each in second["cases"]
    )


def test_signal_handlers_are_those_of_before(url: str) -> None:
    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGALRM]
    before = [signal.getsignal(number) for number in numbers]
    sockproof.judge(url, cases=MASKING)
    with pytest.raises(NotJudged):
        sockproof.judge("ws://127.0.0.1:1/")
    assert [signal.getsignal(number) for number in numbers] == before


def test_it_runs_beside_a_running_loop_and_in_threads(url: str) -> None:
    async def cell() -> Any:
        here = sockproof.judge(url, cases=MASKING)  # as in a notebook
        there = await asyncio.to_thread(sockproof.judge, url, cases=MASKING)
        return here, there

    for report in asyncio.run(cell()):
        assert report["exit_code"] == 0
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(sockproof.judge(url, cases=MASKING)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report["exit_code"] for report in found] == [0, 0]


INTERRUPTED = """
import asyncio, os, signal, sys
import sockproof

class Watch:
    def start(self, total, target, server, bound):
        self.left = 3
    def case_done(self, record):
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGINT)

def act():
    sockproof.judge(sys.argv[2], repeat=400, jobs=1, results=sys.argv[3], observer=Watch())

async def beside_a_loop():
    act()

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job has it ignored
try:
    if sys.argv[1] == "loop":
        asyncio.run(beside_a_loop())
    else:
        act()
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("where", ["script", "loop"])
def test_an_interrupt_passes_when_the_run_is_concluded(
    where: str, url: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, where, url, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.stdout == "interrupted\n", done.stderr
    (records,) = tmp_path.glob("*-conformance/run.jsonl")
    report = read_run(records)
    assert report["interrupted"]
    assert 3 <= len(report["cases"]) < 400


def test_a_run_ends_within_its_time_in_a_thread_too() -> None:
    with running(serving()) as port:
        url = f"ws://127.0.0.1:{port}/"

        async def cell() -> Any:
            return sockproof.judge(url, repeat=1000, max_time=2)

        report = asyncio.run(cell())
    assert report["exit_code"] == 2
    assert report["not_run"]


def test_records_stay_where_they_are_asked_for(url: str, tmp_path: Path) -> None:
    report = sockproof.judge(url, cases=MASKING, results=tmp_path)
    (folder,) = tmp_path.iterdir()
    assert json.dumps(read_run(folder), sort_keys=True) == json.dumps(report, sort_keys=True)


def test_a_server_that_is_not_there_is_not_judged(tmp_path: Path) -> None:
    with pytest.raises(NotJudged, match=r"127\.0\.0\.1:1 cannot be reached"):
        sockproof.judge("ws://127.0.0.1:1/", results=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "ftp://127.0.0.1/"}, "ftp"),
        ({}, "name either a URL or a target"),
        ({"url": "ws://127.0.0.1:1/", "target": "websockets"}, "name either"),
        ({"target": "nobody"}, "no target 'nobody'"),
        ({"url": "ws://127.0.0.1:1/", "suites": ["nonsense"]}, "no suite 'nonsense'"),
        ({"url": "ws://127.0.0.1:1/", "suites": ["rooms"]}, "suite rooms is for"),
        ({"url": "ws://127.0.0.1:1/", "cases": ["no/such/case"]}, "no case matches"),
        ({"url": "ws://127.0.0.1:1/", "jobs": 0}, "jobs is from 1 to 256"),
        ({"url": "ws://127.0.0.1:1/", "timeout": 0.0}, "timeout is from"),
        ({"url": "ws://127.0.0.1:1/", "headers": {"no name": "x"}}, "must be a token"),
        ({"url": "ws://127.0.0.1:1/", "headers": {"X-Own": "a\nb"}}, "line break"),
        ({"url": "ws://127.0.0.1:1/", "profile": "missing.toml"}, "missing.toml"),
        ({"url": "ws://127.0.0.1:1/", "expect": ["missing.toml"]}, "missing.toml"),
    ],
)
def test_a_wrong_argument_is_told(given: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongInput, match=said):
        sockproof.judge(**given)


def test_secrets_are_masked(url: str) -> None:
    report = sockproof.judge(
        url, cases=MASKING, headers={"Authorization": "Bearer sekret-1"}, cookies={"id": "sekret-2"}
    )
    assert "sekret" not in json.dumps(report)
    assert "--header 'Authorization: …'" in report["cases"][0]["rerun"]
