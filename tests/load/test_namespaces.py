"""Several Socket.IO namespaces on one connection: what is said in one is owed there, and only
there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sockproof.targets.launch import free_port
from tests.load.command import Result, load
from tests.waiting import SOON, until_it_listens

SERVER = Path(__file__).with_name("namespace_server.py")
QUICK = ("--users", "4", "--run-time", "3s", "--no-report", "--drain", "3")
# All are in /chat and its lobby; half of them are in /news, too.
SCENARIO = """
from sockproof.load.users import *

SAY = Message("say", "lobby", BODY)
TELL = Message("tell", BODY)
ECHO = Message("echo", BODY)


class Member(SocketIOUser):
    abstract = True
    rate = 5

    def connected(self):
        self.enter("lobby", "enter", "lobby", namespace="/chat", then=self.settled)

    @paced
    def say(self):
        self.tell(SAY, to="lobby", namespace="/chat")

    @paced
    def echo(self):
        self.tell(ECHO)


class Reader(Member):
    namespaces = ["/chat", "/news"]

    @paced
    def news(self):
        self.tell(TELL, to=EVERYONE, namespace="/news")


class Chatter(Member):
    namespaces = ["/chat"]
"""


@contextmanager
def _serving(fault: str) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, str(SERVER), fault, str(port)])
    try:
        until_it_listens(process, port)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(SOON)


def _run(folder: Path, fault: str, scenario: str = SCENARIO, *words: str) -> Result:
    path = folder / "scenario.py"
    path.write_text(scenario)
    with _serving(fault) as url:
        return load(folder, str(path), url, *QUICK, *words)


def test_what_is_said_in_a_namespace_is_owed_to_those_in_it(tmp_path: Path) -> None:
    found = _run(tmp_path, "none")
    assert found.code == 0, found.output
    names = {name: part["counts"] for name, part in found.summary["names"].items()}
    assert set(names) == {"say", "tell", "echo"}
    assert names["say"]["due"] > 3 * names["say"]["emitted"]  # to four
    assert names["tell"]["due"] <= 2 * names["tell"]["emitted"]  # to two
    assert names["tell"]["due"] > names["tell"]["emitted"] > 0
    assert found.summary["counts"]["connections_opened"] == 4


def test_what_reaches_another_namespace_is_counted(tmp_path: Path) -> None:
    found = _run(tmp_path, "leaks")
    assert found.code == 1
    counts = found.summary["counts"]
    assert counts["duplicated"] > 0  # heard in /chat, and again in /news
    assert counts["lost"] == 0


TYPING = (
    ("ECHO = ", 'TYPING = Ephemeral("typing", "lobby", by="1")\nECHO = '),
    ("    rate = 5\n", "    rate = 5\n    ephemeral = [TYPING]\n"),
    ("self.tell(ECHO)", 'self.notify(TYPING, to="lobby", by="lobby", namespace="/chat")'),
)


@pytest.mark.parametrize("fault", ["none", "leaks"])
def test_what_has_no_stamp_is_owed_in_its_namespace_too(fault: str, tmp_path: Path) -> None:
    scenario = SCENARIO
    for old, new in TYPING:
        scenario = scenario.replace(old, new)
    found = _run(tmp_path, fault, scenario)
    miscounted = found.summary["counts"]["miscounted"]
    assert found.summary["ephemeral"]["typing"]["sent"] > 0
    assert (found.code, miscounted > 0) == ((0, False) if fault == "none" else (1, True))


@pytest.mark.parametrize("fault", ["refuses", "puts-out"])
def test_a_user_that_is_not_in_its_namespaces_has_no_connection(fault: str, tmp_path: Path) -> None:
    found = _run(tmp_path, fault)
    assert found.code == 1
    assert found.summary["counts"]["disconnected"] > 0
    said = "refused" if fault == "refuses" else "disconnected"
    assert f"the server {said} /news" in found.output


@pytest.mark.parametrize(
    ("old", "new", "words", "said"),
    [
        ('["/chat"]', '["chat"]', (), "Chatter.namespaces: 'chat' begins without /"),
        ("", "", ("--client", "reference"), "Reader.namespaces: these need --client lean"),
    ],
)
def test_namespaces_of_no_use_are_one_line(
    old: str, new: str, words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "scenario.py"
    path.write_text(SCENARIO.replace(old, new) if old else SCENARIO)
    found = load(tmp_path, str(path), "http://127.0.0.1:9/", *QUICK, *words)
    assert found.code == 3
    assert said in found.output


def test_a_namespace_that_is_not_named_is_an_error_of_the_scenario(tmp_path: Path) -> None:
    scenario = SCENARIO.replace('to="lobby", namespace="/chat"', 'to="lobby", namespace="/no"')
    found = _run(tmp_path, "none", scenario)
    assert found.code == 2
    assert "'/no' is not in namespaces of" in found.output
