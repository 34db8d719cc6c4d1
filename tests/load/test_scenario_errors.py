"""What goes wrong in a scenario is counted and said in a line, and the run goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.load.command import load
from tests.load.pubsub import pubsub, scenario

FEW = ("--users", "4", "--run-time", "3s", "--no-report", "--drain", "2")
LOGIN = (
    "def new_connection(self):",
    "    import urllib.request",
    "    if self.number % 2 or {all}:",
    "        urllib.request.urlopen('http://127.0.0.1:9/login', timeout=2)",
    "    return super().new_connection()",
)


@pytest.mark.parametrize(
    ("changes", "errors", "said"),
    [
        (
            ("@paced", "def fail(self): raise RuntimeError('no such room')"),
            None,
            "RuntimeError: no such room (scenario.py:",
        ),
        (("def on_start(self): {}['token']",), 4, "KeyError: 'token' (scenario.py:"),
        (
            (
                "def connected(self):",
                "    if self.number == 1: self.lack",
                "    super().connected()",
            ),
            1,
            "AttributeError: 'User' object has no attribute 'lack' (scenario.py:",
        ),
        (
            (
                "@task",
                "def work(self): raise ValueError('bad answer')",
                "wait_time = constant(0.5)",
            ),
            None,
            "ValueError: bad answer (scenario.py:",
        ),
    ],
    ids=["paced", "on-start", "connected", "task"],
)
def test_exception_is_an_error_of_the_scenario(
    changes: tuple[str, ...], errors: int | None, said: str, tmp_path: Path
) -> None:
    with pubsub() as server:
        path = scenario(tmp_path, *changes)
        text = Path(path).read_text()
        Path(path).write_text(f"from locust import constant, task\n{text}")
        found = load(tmp_path, path, server.url, *FEW)
    summary = found.summary
    assert found.code == 2, found.output
    assert summary["properties"]["scenario_errors"]["verdict"] is False
    if errors is not None:
        assert summary["counts"]["scenario_errors"] == errors
    assert any(said in each for each in summary["generator"]["reasons"]), found.output
    if "@task" not in changes:  # Locust shows those itself
        assert "Traceback" not in found.output


def test_login_that_fails_is_one_line_with_the_count(tmp_path: Path) -> None:
    with pubsub() as server:
        lines = [line.format(all=False) for line in LOGIN]
        found = load(tmp_path, scenario(tmp_path, *lines), server.url, *FEW)
    assert found.code == 1, found.output
    assert "Violations: 2 connects failed" in found.output
    told = [line for line in found.output.splitlines() if "2 times: login failed: URLError" in line]
    assert len(told) == 1, found.output
    assert "Traceback" not in found.output


def test_login_that_always_fails_is_not_the_target(tmp_path: Path) -> None:
    with pubsub() as server:
        lines = [line.format(all=True) for line in LOGIN]
        found = load(tmp_path, scenario(tmp_path, *lines), server.url, *FEW)
    assert found.code == 2, found.output
    assert "no connection was opened; 4 failed; 4 times: login failed: URLError" in found.output
    assert len(found.output.splitlines()) < 80
    assert "Traceback" not in found.output


def test_unknown_expectation_is_one_line(tmp_path: Path) -> None:
    path = scenario(tmp_path, "expects = {'reconects'}")
    found = load(tmp_path, path, "ws://127.0.0.1:9/", *FEW)
    assert found.code == 3, found.output
    assert "User.expects: 'reconects' is unknown; choose from reconnects, " in found.output
    assert "Traceback" not in found.output


def test_what_is_refused_is_a_verdict_unless_it_is_expected(tmp_path: Path) -> None:
    refused = (
        "def connected(self):",
        "    joined = {'type': 'joined', 'room': 'lobby'}",
        "    if self.number:",
        "        self.enter('lobby', self.join, answer=joined, then=self.settled)",
        "    else:",
        "        self.enter('lobby', self.join, answer={'no': 1}, refused=joined)",
    )
    for more, code in (((), 1), (("expects = {'refusals'}",), 0)):
        with pubsub() as server:
            found = load(tmp_path, scenario(tmp_path, *refused, *more), server.url, *FEW)
        assert found.summary["counts"]["refused"] == 1, found.output
        assert found.code == code, found.output
