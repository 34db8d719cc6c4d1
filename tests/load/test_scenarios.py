"""Every scenario on the shelf runs on its default target, and accuses it of nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sockproof.shelves import shelf
from tests.load.command import command, judged, load, result
from tests.sample import rotating
from tests.waiting import LIMIT

SCENARIOS = sorted(path.stem for path in shelf("locustfiles").glob("*.py"))
ROUND_TRIPS = ("echo", "binary", "raw_websocket")
SILENT = ("connection_ramp", "idle_soak", "reconnect_storm")  # nothing is said in them
NUMBERS = ("--users", "15", "--run-time", "5s")
BRIEFLY = (*NUMBERS, "--no-report")


@pytest.mark.parametrize("name", rotating(SCENARIOS, 2, "scenarios"))
def test_scenario_runs_and_finds_nothing(name: str, tmp_path: Path) -> None:
    more = ("--rate", "0.5") if name == "reconnect_storm" else ()
    found = load(tmp_path, name, *NUMBERS, *more)
    counts = found.summary["counts"]
    violations = found.summary["properties"]
    assert False not in [each["verdict"] for each in violations.values()], found.output
    assert counts["connect_failures"] == counts["disconnected"] == 0
    if name in SILENT:
        assert counts["emitted"] == 0
    else:
        assert counts["receipts"] > 20, found.output
        if name in ROUND_TRIPS:
            assert counts["receipts"] == counts["acknowledged"] == counts["emitted"]
        assert violations["lost"]["verdict"] is True
    opened = counts["connections_opened"]
    assert opened > 15 if name == "reconnect_storm" else opened == 15


@pytest.mark.parametrize("name", ["echo", "binary", "raw_websocket"])
def test_reference_client_runs_the_same_scenario(name: str, tmp_path: Path) -> None:
    found = load(tmp_path, name, *BRIEFLY, "--client", "reference", "--rate", "5")
    counts = found.summary["counts"]
    assert counts["receipts"] == counts["acknowledged"] == counts["emitted"] > 100, found.output
    assert counts["lost"] == 0


@pytest.mark.parametrize("transport", ["polling", "upgrade"])
def test_rooms_are_the_same_over_other_transports(transport: str, tmp_path: Path) -> None:
    found = load(tmp_path, "chat_rooms", *BRIEFLY, "--rate", "5", "--transport", transport)
    counts = found.summary["counts"]
    assert counts["due"] > 100, found.output
    assert [counts[name] for name in ("lost", "duplicated", "reordered", "leaked")] == [0] * 4


def test_rooms_span_worker_processes(tmp_path: Path) -> None:
    more = ("--processes", "2", "--room-size", "4", "--rate", "5")
    found = load(tmp_path, "chat_rooms", *BRIEFLY, *more)
    summary = found.summary
    assert len(list(found.folder.glob("rows-*.bin"))) == 2, found.output
    assert summary["counts"]["connections_opened"] == 15
    # Room 0 holds users 0 to 3, of which each process has two: half of what is heard is foreign.
    assert summary["counts"]["due"] > 100
    assert summary["properties"]["leaked"]["exercised"] > 0
    assert {each["verdict"] for each in judged(summary).values()} == {True}, found.output


def test_runs_of_several_processes_do_not_meet(tmp_path: Path) -> None:
    words = ("echo", *BRIEFLY, "--processes", "2", "--rate", "5")
    several = [
        subprocess.Popen(
            command(tmp_path / name, *words),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in "ab"
    ]
    for name, each in zip("ab", several, strict=True):
        output, _ = each.communicate(timeout=LIMIT)
        found = result(tmp_path / name, each.returncode, output)
        assert "Traceback" not in output
        assert found.summary["counts"]["connections_opened"] == 15, output
        assert len(list(found.folder.glob("rows-*.bin"))) == 2, output
