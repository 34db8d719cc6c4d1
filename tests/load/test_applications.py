"""Applications of strangers: what they do wrong is found, and right ones are not accused.

Each is loaded by a locustfile of at most forty lines that uses public names alone.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sockproof.shelves import shelf
from sockproof.targets import install
from sockproof.targets.launch import free_port
from sockproof.targets.spec import TargetMissing, load_targets
from tests.load.command import Result, load
from tests.sample import rotating
from tests.waiting import SOON, until

FOLDER = Path(__file__).parents[1] / "applications"
APPLICATIONS = {
    "parlour.py": ("parlour_load.py", "api/faults"),
    "parlour.js": ("parlour_load.py", "api/faults"),
    "newsroom.py": ("newsroom_load.py", "faults"),
}
FAULTS = {
    "drop": "lost",
    "mix-up": "leaked",
    "duplicate": "duplicated",
    "replay": "lost",
    "order": "reordered",
}
RUN = ("--users", "12", "--run-time", "7s", "--no-report", "--quiet")
CASES = [(name, fault) for name in APPLICATIONS for fault in ("", *FAULTS)]


@contextmanager
def served(name: str, fault: str) -> Iterator[tuple[str, int]]:
    """The address of an application with a fault, and its port."""
    port = free_port()
    runner, environment = [sys.executable], {"FAULT": fault}
    if name.endswith(".js"):
        spec = load_targets(shelf("targets"))["node-socketio"]
        try:
            install.prepare(spec)
        except TargetMissing as missing:
            if os.environ.get("SOCKPROOF_REQUIRE_TARGETS"):
                raise
            pytest.skip(str(missing))
        runner, environment["NODE_PATH"] = ["node"], str(spec.home / "node_modules")
    process = subprocess.Popen(
        [*runner, str(FOLDER / name), str(port)], env={**os.environ, **environment}
    )
    try:
        until(lambda: process.poll() is not None or _answers(name, port))
        assert process.poll() is None
        yield f"http://127.0.0.1:{port}/", port
    finally:
        process.kill()  # told to end, it would wait for what long-polling holds open
        process.wait(SOON)


def _answers(name: str, port: int) -> bool:
    try:
        done(name, port)
    except OSError:
        return False
    return True


def done(name: str, port: int) -> int:
    """How often an application has done wrong."""
    address = f"http://127.0.0.1:{port}/{APPLICATIONS[name][1]}"
    with urllib.request.urlopen(address, timeout=SOON) as answer:
        return int(json.load(answer)["done"])


def run(name: str, fault: str, folder: Path) -> tuple[Result, int]:
    """A run, and how often the application has done wrong."""
    with served(name, fault) as (url, port):
        found = load(folder, str(FOLDER / APPLICATIONS[name][0]), url, *RUN)
        return found, done(name, port)


def violated(found: Result) -> dict[str, int]:
    """How often what does not hold was violated."""
    told = found.summary["properties"]
    return {name: each["violations"] for name, each in told.items() if each["verdict"] is False}


@pytest.mark.parametrize(("name", "fault"), rotating(CASES, 6, "applications"))
def test_what_is_wrong_is_found_and_what_is_right_is_not_accused(
    name: str, fault: str, tmp_path: Path
) -> None:
    found, times = run(name, fault, tmp_path)
    counts = found.summary["counts"]
    assert counts["connections_opened"] > 12, found.output  # some came back
    if not fault:
        assert violated(found) == {}, found.output
        assert found.code == 0, found.output
        return
    wrong = violated(found)
    # What was not delivered, or to nobody, since the receiver had just gone, is no violation.
    assert 0 < wrong.pop(FAULTS[fault]) <= times, found.output
    # Who comes back asks for what follows the line that it saw last, which was the wrong one.
    if fault in ("order", "mix-up"):
        wrong = {name: wrong[name] for name in wrong.keys() - {"lost", "duplicated"}}
    assert wrong == {}, found.output
    assert found.code == 1


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*_load.py")), ids=lambda path: path.name)
def test_locustfiles_are_short_and_use_public_names(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 40
    names = {node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}
    assert not [name for name in names if name.startswith("_")]
    imported = [each for each in ast.walk(ast.parse(text)) if isinstance(each, ast.ImportFrom)]
    assert [each.module for each in imported] in (["sockproof.load.users"], ["sockproof.load"])
