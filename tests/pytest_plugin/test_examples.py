"""The examples' tests pass, and fail where the bug of their chat is switched on."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sockproof.shelves import shelf
from sockproof.targets.install import prepare
from sockproof.targets.spec import load_target
from tests.waiting import LIMIT

EXAMPLES = Path(__file__).parents[2] / "examples"
PYTEST = [sys.executable, "-m", "pytest", "-q", "-ra", "-p", "sockproof.pytest_plugin"]


def run(command: list[str], folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    mixed = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", **env}
    return subprocess.run(
        command,
        cwd=folder,
        env=mixed,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )


@pytest.fixture
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy, outside of this project."""
    copy: Path = tmp_path / request.param
    shutil.copytree(EXAMPLES / request.param, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.mark.parametrize("example", ["pytest-asgi"], indirect=True)
def test_asgi_passes_beside_xdist_and_asyncio(example: Path) -> None:
    beside = ["-p", "xdist", "-n", "2"]
    if importlib.util.find_spec("pytest_asyncio"):
        beside += ["-p", "pytest_asyncio.plugin", "-o", "asyncio_mode=auto"]
        (example / "test_own.py").write_text("async def test_own():\n    pass\n")
    done = run([*PYTEST, *beside], example)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize("example", ["pytest-asgi"], indirect=True)
def test_asgi_fails_with_the_bug_in_cases_and_under_load(example: Path) -> None:
    done = run([*PYTEST, "-k", "no_more or stays_there"], example, CHAT_BUG="leave")
    assert done.returncode == 1, done.stdout
    assert "test_rooms[rooms/membership/member_that_left_hears_no_more[websocket]]" in done.stdout
    assert re.search(r"^got +EVENT \['said', ", done.stdout, re.MULTILINE)
    assert "repeat    sockproof conformance http://" in done.stdout
    assert re.search(r"^FAILED test_chat.py::test_what_is_said_in", done.stdout, re.MULTILINE)
    assert re.search(r"^E +AssertionError: .*leaked", done.stdout, re.MULTILINE), done.stdout
    assert "passed" not in done.stdout


@pytest.mark.parametrize("example", ["pytest-flask"], indirect=True)
@pytest.mark.parametrize(("bug", "code"), [("", 0), ("leave", 1)])
def test_flask_socketio(example: Path, bug: str, code: int) -> None:
    done = run(PYTEST, example, CHAT_BUG=bug)
    assert done.returncode == code, done.stdout
    assert ("failed" in done.stdout) == bool(bug)


@pytest.mark.parametrize("example", ["node"], indirect=True)
@pytest.mark.parametrize(("bug", "code"), [("", 0), ("leave", 1)])
def test_node(example: Path, bug: str, code: int) -> None:
    library = load_target(shelf("targets") / "node-socketio")
    prepare(library)
    modules = str(library.home / "node_modules")
    done = run(
        ["node", "--test"],
        example,
        CHAT_BUG=bug,
        NODE_PATH=modules,
        SOCKPROOF_PYTHON=sys.executable,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "hears_no_more" in done.stdout
    assert ("not ok" in done.stdout) == bool(bug), done.stdout
