"""`python -m sockproof.wstest`, as scripts for Autobahn|Testsuite start it, and the page at /."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from sockproof.targets.launch import free_port
from tests.clients.test_core import drive

SPEC = {
    "outdir": "reports/clients",
    "cases": ["1.1.*", "3.1"],
    "exclude-cases": ["1.1.8"],
    "exclude-agent-cases": {"tri.*": ["1.1.7"]},
}


def wstest(folder: Path, *words: str) -> subprocess.Popen[str]:
    """The process, with its output."""
    return subprocess.Popen(
        [sys.executable, "-m", "sockproof.wstest", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_spec_of_autobahn_is_served_and_its_reports_are_written(tmp_path: Path) -> None:
    port = free_port()
    spec = tmp_path / "fuzzingserver.json"
    spec.write_text(json.dumps({"url": f"ws://127.0.0.1:{port}", **SPEC}))
    with wstest(tmp_path, "-m", "fuzzingserver", "-s", spec.name) as server:
        assert server.stdout is not None
        assert "waiting for a client" in server.stdout.readline()
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/").read().decode()
        assert "no client yet" in page
        asyncio.run(drive(f"ws://127.0.0.1:{port}"))
        said = server.stdout.read()
        assert server.wait() == 0, said
    index = json.loads((tmp_path / "reports" / "clients" / "index.json").read_text())
    assert set(index["tried"]) == {*(f"1.1.{place}" for place in range(1, 7)), "3.1"}
    assert {each["behavior"] for each in index["tried"].values()} == {"OK"}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("[]", "fuzzingserver.json"),
        ('{"url": "http://127.0.0.1/"}', "url is ws://HOST:PORT"),
        ('{"cases": "1.*"}', "cases is not a list of patterns"),
        ('{"exclude-agent-cases": {"(": []}}', "exclude-agent-cases"),
        ('{"cases": ["99.*"]}', "no case matches"),
    ],
)
def test_a_spec_that_cannot_be_used_is_one_line(tmp_path: Path, spec: str, said: str) -> None:
    (tmp_path / "fuzzingserver.json").write_text(spec)
    with wstest(tmp_path, "-m", "fuzzingserver", "-s", "fuzzingserver.json") as server:
        told = server.communicate()[0]
    assert server.returncode == 3, told
    assert told.count("\n") == 1
    assert said in told


def test_other_modes_are_refused(tmp_path: Path) -> None:
    with wstest(tmp_path, "-m", "fuzzingclient", "-s", "x") as server:
        told = server.communicate()[0]
    assert server.returncode == 3
    assert "fuzzingserver" in told
