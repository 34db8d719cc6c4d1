"""`sockproof.load`, as a program calls it: against real servers, and in peace with the program."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import sockproof
from sockproof.api.load import DEFAULT_TARGET, load_target
from sockproof.api.plans import LoadPlan
from sockproof.errors import NotJudged, WrongInput
from sockproof.formats.load import Summary
from sockproof.runs.load_records import is_load_run
from tests.load.test_counts import served
from tests.servers.unfaithful import UnfaithfulServer
from tests.waiting import LIMIT

CHAT: dict[str, Any] = {"users": 20, "room_size": 5, "rate": 20, "run_time": 3, "drain": 5}
U = "http://127.0.0.1:9/"


def test_a_faithful_server_keeps_all_and_nothing_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with served(UnfaithfulServer()) as url:
        summary = sockproof.load("chat_rooms", url, **CHAT, results=tmp_path)
    assert isinstance(summary, Summary)
    assert summary.counts["lost"] == 0
    assert summary.counts["receipts"] > summary.counts["emitted"] > 0
    assert summary.properties["lost"].verdict is True
    assert capfd.readouterr() == ("", "")
    (folder,) = tmp_path.iterdir()
    assert is_load_run(folder)
    assert "\n" in (folder / "locust.log").read_text()


def test_a_server_that_loses_is_found_out() -> None:
    with served(server := UnfaithfulServer("lose")) as url:
        summary = sockproof.load("chat_rooms", url, **CHAT)
    assert summary.counts["lost"] == server.done > 0
    assert summary.properties["lost"].verdict is False


def test_nobody_there_is_not_fit_to_judge() -> None:
    summary = sockproof.load("echo", "http://127.0.0.1:9/", users=1, run_time=1, drain=1)
    assert summary.counts["connections_opened"] == 0
    assert not summary.generator.fit
    assert "no connection was opened" in " ".join(summary.generator.reasons)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"scenario": "nonsense"}, "no scenario 'nonsense'"),
        ({"scenario": "missing.py"}, "no such locustfile: missing.py"),
        ({"scenario": "echo", "target": "nobody"}, "no target 'nobody'"),
        (
            {"scenario": "echo", "url": U, "target": "node-ws"},
            "cannot be combined",
        ),
        ({"scenario": "echo", "url": U, "users": 0}, "users is from 1"),
        ({"scenario": "echo", "url": U, "run_time": 0.1}, "run_time is from"),
        ({"scenario": "echo", "url": U, "transport": "post"}, "transport"),
    ],
)
def test_a_wrong_argument_is_told(given: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongInput, match=said):
        sockproof.load(**given)


def test_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotJudged, match="cannot be written"):
        sockproof.load("echo", "http://127.0.0.1:9/", results=tmp_path / "file")


def test_target_is_the_one_named_or_the_locustfile_s_own(tmp_path: Path) -> None:
    own, plain = tmp_path / "own.py", tmp_path / "plain.py"
    own.write_text('TARGET = "websockets"\n')
    plain.write_text("TARGET = None\n")

    def server(scenario: Path, **given: Any) -> str | None:
        target = load_target(LoadPlan(scenario=str(scenario), **given), scenario)
        return target.url if target.spec is None else target.spec.name

    assert server(own) == "websockets"
    assert server(own, target="aiohttp") == "aiohttp"
    assert server(own, url=U) == U
    assert server(plain) == DEFAULT_TARGET


INTERRUPTED = """
import os, signal, sys, threading, time
from pathlib import Path
import sockproof

def interrupt():
    while not list(Path(sys.argv[2]).glob("*/rows-*.bin")):
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job has it ignored
threading.Thread(target=interrupt, daemon=True).start()
handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
try:
    sockproof.load("echo", sys.argv[1], users=2, run_time=600, results=sys.argv[2])
except KeyboardInterrupt:
    print("interrupted")
assert handlers == [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
assert "gevent" not in sys.modules and "locust" not in sys.modules
"""


def test_an_interrupt_ends_locust_and_passes(tmp_path: Path) -> None:
    with served(UnfaithfulServer()) as url:
        done = subprocess.run(
            [sys.executable, "-c", INTERRUPTED, url, str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr


def test_the_room_of_its_name_is_a_room_still() -> None:
    import sockproof.load.net.stream as stream

    assert stream.__name__ == "sockproof.load.net.stream"
    assert "run_time" in inspect.signature(sockproof.load).parameters
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        sockproof.nonsense  # type: ignore[attr-defined]  # noqa: B018
