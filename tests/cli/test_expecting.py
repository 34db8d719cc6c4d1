"""Expectations as a person uses them: written once, expected from then on, or shipped and named."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sockproof.api.expecting import load_named, propose
from sockproof.conformance.shelf.expectations import load_expectations
from sockproof.conformance.shelf.expectations_writer import write_expectations
from sockproof.conformance.shelf.requirements import Requirement
from sockproof.errors import CommandError
from sockproof.runs.records import CaseRecord
from sockproof.shelves import shelf
from tests.cli.test_command import sockproof
from tests.servers.websocket_server import WebSocketServer
from tests.waiting import EXPIRES, SOON

CONFORMANCE, TARGETS = shelf("conformance"), shelf("targets")
RULE = Requirement("rfc0-1", "RFC 0", "1", "MUST", "It is.", broken="does not check")


@pytest.fixture
def serve() -> Iterator[Callable[[str], str]]:
    """Starts our own server with a fault, in a thread; gives its URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    servers: list[WebSocketServer] = []

    def start(fault: str) -> str:
        server = WebSocketServer(fault=fault)
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(SOON)
        servers.append(server)
        return server.url

    yield start
    for server in servers:
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result(SOON)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.mark.parametrize(
    ("fault", "globs", "outcomes"),
    [
        ("accepts-text-that-is-not-utf8", ["websocket/utf8/*"], {"FAIL"}),
        ("first-message-lost", ["websocket/opening_handshake_response/*"], {"FAIL"}),
        ("does-not-answer-close", ["websocket/closing_handshake/answer_*"], {"FAIL"}),
    ],
)
def test_what_is_written_is_expected(
    serve: Callable[[str], str],
    fault: str,
    globs: list[str],
    outcomes: set[str],
    tmp_path: Path,
) -> None:
    seconds = EXPIRES if fault == "does-not-answer-close" else SOON
    words = ["conformance", serve(fault), "--timeout", str(seconds), "--json", "r.json"]
    for glob in globs:
        words += ["--case", glob]
    first = sockproof(*words, "--write-expectations", "known.toml", cwd=tmp_path)
    assert first.returncode in (1, 2), first.stdout + first.stderr
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert outcomes <= {case["outcome"] for case in report["cases"]}
    again = sockproof(*words, "--expect", "known.toml", cwd=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Nothing unexpected" in again.stdout


SILENT = """
import asyncio, websockets.asyncio.server as server
async def hear(socket):
    async for _ in socket:
        pass
async def main():
    async with server.serve(hear, "127.0.0.1", 0) as listening:
        print(listening.sockets[0].getsockname()[1], flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


def test_what_could_not_be_judged_is_expected_too(tmp_path: Path) -> None:
    (tmp_path / "echo.toml").write_text('[profile]\ncapabilities = ["echo"]\n', encoding="utf-8")
    command = [sys.executable, "-c", SILENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as silent:
        assert silent.stdout is not None
        url = f"ws://127.0.0.1:{silent.stdout.readline().strip()}/"
        words = ["conformance", url, "--profile", "echo.toml", "--timeout", str(EXPIRES)]
        for cases in ("of_nothing_*", "behind_a_fragmented_message_*"):  # the latter want an echo
            words += ["--case", f"websocket/fragmentation/continuation_{cases}"]
        words += ["--json", "r.json"]
        first = sockproof(*words, "--write-expectations", "known.toml", cwd=tmp_path)
        again = sockproof(*words, "--expect", "known.toml", cwd=tmp_path)
        silent.kill()
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert report["counts"]["INCONCLUSIVE"]
    assert first.returncode != 0
    assert again.returncode == 0, again.stdout + again.stderr


def record(case_id: str, outcome: str, **fields: Any) -> dict[str, Any]:
    values = {"expected": "CLOSE 1007", "got": "TEXT '\x1b\u202e\ud800\\\"'", **fields}
    return CaseRecord(case_id, "rfc0-1", "MUST", outcome, **values).to_json()


def written(folder: Path, cases: list[dict[str, Any]], *more: str) -> list[dict[str, Any]]:
    """The entries of the file that is written of these cases; `more` have not run."""
    known = list(dict.fromkeys([*(case["id"] for case in cases), *more]))
    path = folder / "written.toml"
    count = write_expectations(path, cases, known, {"rfc0-1": RULE}, "2026-01-02")
    entries: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["expectation"]
    assert len(entries) == count
    load_expectations(path)
    return entries


def test_variants_that_came_out_alike_are_folded(tmp_path: Path) -> None:
    cases = [record(f"s/f/all[{n}]", "FAIL") for n in range(3)]
    cases += [record("s/f/some[1]", "FAIL"), record("s/f/some[2]", "PASS")]
    cases += [record("s/f/part[1]", "FAIL"), record("s/f/can[1]", "FAIL")]
    cases += [record("s/f/can[2]", "UNSUPPORTED"), record("s/f/plain", "FAIL")]
    (entry,) = written(tmp_path, cases, "s/f/part[2]")
    assert entry["case"] == ["s/f/all[*]", "s/f/some[1]", "s/f/part[1]", "s/f/can[*]", "s/f/plain"]
    assert "sometimes" not in entry


def test_a_reason_says_what_was_seen_for_a_person_to_explain(tmp_path: Path) -> None:
    (entry,) = written(tmp_path, [record("s/f/c", "FAIL")])
    assert entry["reason"].startswith("Why? Seen on 2026-01-02: does not check (RFC 0, 1): expec")
    text = (tmp_path / "written.toml").read_text(encoding="utf-8")
    assert text.replace("\n", "").isprintable()


def test_what_came_and_went_is_expected_sometimes(tmp_path: Path) -> None:
    aside = {"kind": "did-not-repeat", "of": "", "text": "once"}
    cases = [
        record("s/f/repeated", "FAIL"),
        record("s/f/repeated", "PASS"),
        record("s/f/repeated", "INCONCLUSIVE"),
        record("s/f/once", "FAIL", aside=aside),
        record("s/f/reset", "NON_STRICT", came="RST"),
        record("s/f/always", "FAIL"),
    ]
    entries = written(tmp_path, cases)
    told = {(each["outcome"], str(each["case"]), each.get("sometimes")) for each in entries}
    assert told == {
        ("FAIL", "['s/f/repeated', 's/f/once']", True),
        ("INCONCLUSIVE", "s/f/repeated", True),
        ("NON_STRICT", "s/f/reset", True),
        ("FAIL", "s/f/always", None),
    }


def test_a_reason_that_was_given_is_kept(tmp_path: Path) -> None:
    known = {"file": "f", "reason": "An old parser.", "sometimes": True, "version": None}
    (entry,) = written(tmp_path, [record("s/f/c", "FAIL", expectation=known)])
    assert (entry["reason"], entry["sometimes"]) == ("An old parser.", True)


# What is shipped.


def test_expectations_are_named_or_in_a_file(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = load_named(["websockets"], CONFORMANCE)
    assert Path(shipped[0].file).name == "websockets.toml"
    assert load_named([str(CONFORMANCE / "expectations" / "tornado.toml")], CONFORMANCE)
    (tmp_path / "websockets").write_text("", encoding="utf-8")  # a file wins
    assert load_named(["websockets"], CONFORMANCE) == []


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("websocket", "websockets"),
        ("uvicorn", "python-socketio-uvicorn"),
        ("pyton-socketio-aiohttp", "python-socketio-aiohttp"),
        ("zzz", "tornado"),
        ("expectations/known.toml", "no such file"),
        (".", "not a file"),
    ],
)
def test_an_unknown_name_lists_near_ones(word: str, near: str) -> None:
    with pytest.raises(CommandError, match=near):
        load_named([word], CONFORMANCE)


def found(*cases: dict[str, Any], server: str | None = None, used: str = "") -> Any:
    report = {"cases": cases, "server": server, "strict": False}
    had = load_named([used], CONFORMANCE) if used else []
    return propose(report, [case["id"] for case in cases], had, CONFORMANCE, TARGETS)


def failing(name: str) -> list[dict[str, Any]]:
    """A FAIL for each case that the shipped expectations name, each of another requirement."""
    entries = [each for each in load_named([name], CONFORMANCE) if each.outcome == "FAIL"]
    cases = []
    for number, each in enumerate(entries):
        case = record(each.case.replace("*", "x"), "FAIL")
        cases.append(case | {"requirement": f"rfc0-{number}"})
    return cases


OTHER = record("websocket/own/fault", "FAIL") | {"requirement": "rfc0-other"}


def test_a_library_is_named_by_what_fails() -> None:
    cases = failing("tornado")
    assert found(*cases, OTHER) == {
        "expect": "tornado",
        "title": "Tornado",
        "known": len(cases),
        "faults": len(cases) + 1,
    }
    others = [OTHER | {"requirement": f"rfc0-own-{n}"} for n in range(len(cases))]
    assert found(*cases, *others) is None
    assert found(*cases, *others, server="TornadoServer/6.5")["expect"] == "tornado"
    assert found(OTHER, server="TornadoServer/6.5") is None
    assert found(server="TornadoServer/6.5") is None


def test_what_the_run_was_given_is_not_proposed() -> None:
    cases = failing("tornado")
    assert (
        found(*cases, used="tornado") is None
        or found(*cases, used="tornado")["expect"] != "tornado"
    )
