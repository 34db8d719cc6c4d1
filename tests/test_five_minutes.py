"""`docs/load.md` leads from an own server to a gate in CI: its blocks work as they stand there."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from sockproof.targets.launch import free_port
from tests.waiting import LIMIT, conclusive, until_it_listens

ROOT = Path(__file__).parents[1]
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BROKEN = ", to=room"  # what the page says is to be taken out of its server


def blocks(kind: str) -> list[str]:
    """The fenced blocks of the way to a gate, in their order."""
    text = (ROOT / "docs" / "load.md").read_text(encoding="utf-8")
    way = text.partition("## From your server to a gate in CI\n")[2].partition("\n## ")[0]
    return [block for name, block in _FENCED.findall(way) if name == kind]


def with_commands(folder: Path) -> dict[str, str]:
    """An environment in which `sockproof` and `python` are those of this process."""
    folder.mkdir()
    for name, words in {"sockproof": "-m sockproof", "python": ""}.items():
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "RUN_TIME": "5s"}


@contextlib.contextmanager
def served(folder: Path, port: int, environment: dict[str, str]) -> Iterator[None]:
    """The page's server, by the command that the page has."""
    command = blocks("sh")[0].splitlines()[0].removesuffix(" &")
    assert command == "python server.py"
    process = subprocess.Popen(command.split(), cwd=folder, env=environment, start_new_session=True)
    try:
        until_it_listens(process, port)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_way_to_a_gate_works_word_by_word(tmp_path: Path) -> None:
    port = free_port()
    folder, environment = tmp_path / "project", with_commands(tmp_path / "bin")
    folder.mkdir()
    server, locustfile = blocks("python")
    (_, first), rules, gate = blocks("sh")[0].splitlines(), blocks("sh")[1], blocks("sh")[2]

    def run(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-ec", command.replace("5000", str(port))],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )

    (folder / "server.py").write_text(server.replace("5000", str(port)))
    made = run(first)
    assert made.returncode == 0, made.stderr
    (folder / "locustfile.py").write_text(locustfile)
    assert run(rules).returncode == 0
    with served(folder, port, environment):
        right = conclusive(lambda: run(gate))
    assert right.returncode == 0, right.stdout + right.stderr
    assert "Gate passed" in right.stdout
    assert (folder / "results" / "latest-load" / "report.html").is_file()
    assert BROKEN in server
    (folder / "server.py").write_text(server.replace(BROKEN, "").replace("5000", str(port)))
    with served(folder, port, environment):
        wrong = run(gate)
    assert wrong.returncode != 0, wrong.stdout
    assert "Gate failed" in wrong.stdout
    assert re.search(r"FAIL +counts.leaked == 0", wrong.stdout), wrong.stdout


def test_workflow_with_the_lines_of_the_page_keeps_its_schema(tmp_path: Path) -> None:
    (lines,) = blocks("yaml")
    workflow = (ROOT / "ci" / "github-workflow.yml").read_text()
    assert workflow.count("      - run: make gate\n") == 1
    path = tmp_path / "workflow.yml"
    path.write_text(workflow.replace("      - run: make gate\n", lines))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    done = subprocess.run(
        [*command, "vendor.github-workflows", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
