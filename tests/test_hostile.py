"""Hostile servers: the harness ends in time, holds no more than it may, and calls nothing well."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests import sample
from tests.hostile.honesty import dishonest
from tests.hostile.run import CLIENTS, Ended, command, run, served, watched
from tests.hostile.shelf import STAGES, load
from tests.shared import once
from tests.waiting import LIMIT, until

SHELF = load()
ROOM = 64  # MiB beyond what an honest run takes
RUNS = [
    (name, client, transport)
    for name, hostile in SHELF.items()
    for client in CLIENTS
    for transport in hostile.transports
]


def honest(client: str, transport: str) -> tuple[Ended, int]:
    """A run against a server that behaves, and how often that did not."""

    def behaving() -> tuple[Ended, int]:
        name = "silence[messages]" if transport == "plain" else "silence[socketio]"
        with TemporaryDirectory() as folder:
            with served(name, clean=1 << 30) as server:
                ended = watched(command(client, transport, server.port, folder))
            return ended, server.begun

    return once(f"honest-{client}-{transport}", behaving)


@pytest.mark.parametrize("transport", ["plain", "websocket", "polling"])
@pytest.mark.parametrize("client", CLIENTS)
def test_server_of_the_shelf_is_right_while_it_behaves(client: str, transport: str) -> None:
    ended, begun = honest(client, transport)
    # A busy machine may leave a load run unfit to judge.
    assert ended.code in ((0,) if client == "conformance" else (0, 2)), ended.output
    assert begun == 0


# A connection that a server breaks is broken, whichever client it is.
BREAKING = (
    "illegal_frame[frames,masked]",
    "illegal_frame[messages,rsv1]",
    "refusal[socketio,text]",
    "refusal[socketio,long]",
    "attachments[socketio,wrong-number]",
    "letters[messages]",
    "reset[socketio]",
    "end[messages]",
)


@pytest.mark.parametrize(
    ("name", "client", "transport"),
    [
        (name, client, transport)
        for name in BREAKING
        for transport in SHELF[name].transports
        for client in ("lean", "reference")
    ],
)
def test_clients_agree_that_connections_were_broken(name: str, client: str, transport: str) -> None:
    ended = run(SHELF[name], client, transport)
    assert (ended.code, dishonest(SHELF[name], client, ended)) == (1, ""), ended.output
    assert ended.told["counts"]["broken"]


# What comes without end, and keeps a client busy: beside it a signal has to be heard.
ENDLESS = (
    "empty_frames[frames,ping]",
    "empty_fragments[frames,text]",
    "endless_head[head,one-line]",
    "large_messages[frames,1-mib]",
)


@pytest.mark.parametrize("client", ["lean", "reference"])
@pytest.mark.parametrize("name", sample.rotating(ENDLESS, 2, "endless"))
def test_signal_ends_a_run_to_which_something_comes_without_end(
    name: str, client: str, tmp_path: Path
) -> None:
    transport = SHELF[name].transports[-1]

    def seconds() -> int:
        """How many the run has told of."""
        return sum(path.read_text().count("\n") for path in tmp_path.glob("2*/health-*.jsonl"))

    with served(name) as server:
        words = command(client, transport, server.port, str(tmp_path))
        with (tmp_path / "output").open("w") as output:
            process = subprocess.Popen(
                [*words, "--run-time", "1h"], stdout=output, stderr=subprocess.STDOUT
            )
        try:
            until(lambda: process.poll() is not None or seconds() > 3)
            process.send_signal(signal.SIGINT)
            process.wait(LIMIT)
        finally:
            process.kill()
    said = (tmp_path / "output").read_text()
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert list(tmp_path.glob("2*/summary.json")), said


@pytest.mark.parametrize(
    ("name", "client", "transport"), sample.rotating(RUNS, len(RUNS) // 5, "hostile")
)
def test_harness_survives(name: str, client: str, transport: str) -> None:
    ended = run(SHELF[name], client, transport)
    assert dishonest(SHELF[name], client, ended) == "", ended.output
    assert ended.mib < honest(client, transport)[0].mib + ROOM


@pytest.mark.parametrize("what", ["empty-continuations", "last-fragments"])
def test_fragments_that_are_dropped_accuse_what_waits_for_them(what: str) -> None:
    hostile = SHELF[f"dropped_frames[frames,{what}]"]
    ended = run(hostile, "conformance", "plain")
    assert (ended.code, dishonest(hostile, "conformance", ended)) == (1, ""), ended.output
    failed = [case for case in ended.told["cases"] if case["outcome"] == "FAIL"]
    accused = {case["id"] for case in failed if not case.get("aside")}
    assert accused, ended.output
    assert {name.split("/")[1] for name in accused} <= {"fragmentation", "masking"}, accused


def test_messages_that_are_dropped_are_lost() -> None:
    hostile = SHELF["dropped_frames[frames,every-other]"]
    for client in ("lean", "reference"):
        ended = run(hostile, client, "plain")
        assert (ended.code, dishonest(hostile, client, ended)) == (1, ""), ended.output
        assert ended.told["properties"]["lost"]["verdict"] is False


def test_shelf_holds_what_its_table_says() -> None:
    table = Path(__file__).parents[1] / "docs" / "hostile-servers.md"
    rows = re.findall(r"^\| `([a-z0-9_]+)` \| (.*?) \| (.*?) \| (\d+) \|", table.read_text(), re.M)
    told = {name: (does, stages, int(count)) for name, does, stages, count in rows}
    found: dict[str, tuple[str, str, int]] = {}
    for name, hostile in SHELF.items():
        file = name.partition("[")[0]
        _, stages, count = found.get(file, ("", "", 0))
        all_stages = dict.fromkeys([*filter(None, stages.split(", ")), hostile.stage])
        found[file] = (hostile.does, ", ".join(all_stages), count + 1)
    assert told == found


def test_every_stage_has_a_misbehaviour() -> None:
    assert {hostile.stage for hostile in SHELF.values()} == set(STAGES)
    assert len(SHELF) >= 150
