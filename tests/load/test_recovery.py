"""Connection state recovery: node's `socket.io` with it, as it is and with faults."""

from __future__ import annotations

import os
import subprocess
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from sockproof.load.socketio.recovery import Recovery
from sockproof.shelves import shelf
from sockproof.targets import install
from sockproof.targets.launch import free_port
from sockproof.targets.spec import TargetMissing, load_targets
from tests.load.command import Result, load
from tests.load.pubsub import together
from tests.sample import rotating
from tests.waiting import SOON

_SCENARIO = """
from sockproof.load.users import *

class Chatter(RoomUser):
    rate = 4
    reconnect_after = 0.7

    def new_connection(self):
        self.turn = self.number
        return super().new_connection()

    def connected(self):
        self.join(self.room, self.is_in)

    # together

    @paced
    def talk(self):
        self.turn += 1
        if self.turn % 8 == 0:
            self.lose_connection()
        else:
            self.say()
"""


@contextmanager
def node(*words: str, fault: str = "") -> Iterator[str]:
    """The URL of node's server with these options."""
    spec = load_targets(shelf("targets"))["node-socketio"]
    try:
        install.prepare(spec)
    except TargetMissing as missing:
        if os.environ.get("SOCKPROOF_REQUIRE_TARGETS"):
            raise
        pytest.skip(str(missing))
    port = free_port()
    fixture = Path(install.__file__).parents[1] / "fixtures" / "socketio.js"
    preload = ("-r", str(Path(__file__).with_name("recovery_fault.js"))) if fault else ()
    process = subprocess.Popen(
        [
            *("node", *preload, str(shelf("targets") / "node-socketio" / "server.js")),
            *("--port", str(port), "--fixture", str(fixture), *words),
        ],
        env={**os.environ, "NODE_PATH": str(spec.home / "node_modules"), "FAULT": fault},
    )
    try:
        _until_it_answers(process, port)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(SOON)


def _until_it_answers(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + SOON
    while True:
        assert process.poll() is None
        try:
            urlopen(f"http://127.0.0.1:{port}/", timeout=SOON).close()
        except HTTPError:
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def run(folder: Path, url: str, *words: str) -> tuple[Result, dict[str, int]]:
    """A run of ten who are cut off and come back, and what does not hold."""
    path = folder / "scenario.py"
    lines = textwrap.indent("\n".join(together(10)), "    ")
    path.write_text(_SCENARIO.replace("    # together", lines))
    options = ("--users", "10", "--run-time", "8s", "--no-report", *words)
    found = load(folder, str(path), url, *options)
    told, counts = found.summary["properties"], found.summary["counts"]
    assert counts["connections_opened"] > 15, found.output  # even where a machine is busy
    return found, {name: counts[name] for name, each in told.items() if each["verdict"] is False}


@pytest.mark.parametrize("transport", rotating(["websocket", "upgrade"], 2, "recovery over"))
def test_what_is_recovered_is_due_and_comes(transport: str, tmp_path: Path) -> None:
    with node("--recovery") as url:
        found, wrong = run(tmp_path, url, "--transport", transport)
    assert wrong == {}, found.output
    assert found.code == 0, found.output
    counts = found.summary["counts"]
    # What was missed is due, too.
    assert 500 < 0.95 * counts["receipts"] < counts["due"] <= counts["receipts"], found.output


@pytest.mark.parametrize("words", [(), ("--client", "reference")])
def test_what_is_not_recovered_is_due_to_nobody(words: tuple[str, ...], tmp_path: Path) -> None:
    with node(*(("--recovery",) if words else ())) as url:
        found, wrong = run(tmp_path, url, *words)
    assert wrong == {}, found.output
    assert found.code == 0, found.output
    assert found.summary["counts"]["undetermined"] > 20, found.output


@pytest.mark.parametrize(
    ("fault", "name"),
    rotating([("first", "lost"), ("twice", "duplicated"), ("order", "reordered")], 3, "recovery"),
)
def test_wrong_recoveries_are_found(fault: str, name: str, tmp_path: Path) -> None:
    with node("--recovery", fault=fault) as url:
        found, wrong = run(tmp_path, url)
    assert list(wrong) == [name], found.output
    assert wrong[name] > 10, found.output
    assert found.code == 1


def test_offset_is_the_last_argument_that_is_a_string() -> None:
    recovery = Recovery("p", b"")
    assert recovery.payload(None) == {"pid": "p"}
    for event, offset in (
        (b'42["said","room","a,\\"b","o1"]', "o1"),
        (b'42["said",{"a":"b"}]', "o1"),
        (b'42["said"]', "o1"),
        (b'42/other,["said","o2"]', "o1"),
        (b'42["said","a \\",\\"b"]', 'a ","b'),
        (b'42["said","' + b"a" * 5000 + b'"]', ""),
    ):
        recovery.heard(event)
        assert recovery.payload({"token": 1}) == {"pid": "p", "offset": offset, "token": 1}


def test_offset_of_an_event_with_attachments_is_found_behind_their_number() -> None:
    recovery = Recovery("p", b"/other,")
    recovery.heard(b'451-/other,["said",{"_placeholder":true,"num":0},"o1"]', 4)
    assert recovery.payload(None) == {"pid": "p", "offset": "o1"}
    assert not recovery.answered("q")
    assert recovery.answered("q")
