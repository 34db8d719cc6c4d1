"""A target that is not there is said to be gone or to stand still, and nobody else is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sockproof.analysis.summary.run_summary import summarize
from sockproof.expected import Expected
from sockproof.formats.load import Summary
from sockproof.load.record.recorder import ITSELF, Phase, Recorder
from sockproof.render.load.summary import headline
from sockproof.runs.exit_code import exit_code
from sockproof.runs.load_records import (
    GAP,
    HEADER,
    KINDS,
    LINE_FILES,
    RUN_FILE,
    STATE,
    Kind,
    Reason,
)
from sockproof.runs.reader import LoadRunFolder

SECOND = 1_000_000_000
LENGTH = 12
USERS = 5


class Written:
    """A run of twelve seconds, in which each user asks for an answer ten times a second."""

    def __init__(self, folder: Path, expects: int = 0) -> None:
        (folder / RUN_FILE).write_text(json.dumps({"processes": 1, "started_ns": 0}))
        self.folder = folder
        self.expects = expects
        self.recorder = Recorder(folder, 7)
        self.clients: list[int] = []
        self.silent: tuple[float, float] = (0, 0)  # in which nothing comes
        self.lag: dict[int, float] = {}  # of the generator, by second
        self.delay = 0.01  # of each answer
        self._sequence = 0

    def connect(self, at: float) -> None:
        """All users connect, as new clients."""
        self.clients = []
        for _ in range(USERS):
            client = self.recorder.client()
            self.recorder.connecting(client, _ns(at), expects=self.expects)
            self.recorder.connected(client, _ns(at), _ns(at), _ns(at))
            self.clients.append(client)

    def drop(self, at: float, reason: Reason = Reason.RESET, ours: bool = False) -> None:
        """All connections end within a tenth of a second."""
        for number, client in enumerate(self.clients):
            now = _ns(at) + number * 20_000_000
            if ours:
                self.recorder.disconnecting(client, now)
            self.recorder.dropped(client, int(reason), now, now)
        self.clients = []

    def fail(self, at: float, reason: Reason = Reason.REFUSED) -> None:
        """A connect fails."""
        client = self.recorder.client()
        self.recorder.connecting(client, _ns(at), expects=self.expects)
        self.recorder.connect_failed(client, int(reason), _ns(at), "why")

    def second(self, number: int) -> None:
        """What is said and answered in a second."""
        if number == 1:
            self.recorder.phase(Phase.MEASURED, _ns(1))
        for turn in range(10):
            at = number + turn / 10 + 0.01
            for client in self.clients:
                self._sequence += 1
                due, answered = _ns(at), at + self.delay
                self.recorder.sending(client, self._sequence, ITSELF, due, due, 1)
                if self.silent[0] < answered < self.silent[1]:
                    answered = self.silent[1]
                if answered < LENGTH:
                    self.recorder.echoed(client, self._sequence, due, due, _ns(answered))
        cost = {"cpu_s": number * 0.1, "rss_bytes": 1, "hub_lag_ns": _ns(self.lag.get(number, 0))}
        self.recorder.tick(_ns(number + 1) - 1, cost)

    def summary(self) -> Summary:
        """What comes of it."""
        self.recorder.phase(Phase.DRAIN, _ns(LENGTH))
        self.recorder.phase(Phase.OVER, _ns(LENGTH))
        self.recorder.close(_ns(LENGTH) + 1)
        return summarize(self.folder)


def _ns(seconds: float) -> int:
    return int(seconds * SECOND)


def test_target_that_serves_all_the_time_is_not_accused(tmp_path: Path) -> None:
    run = Written(tmp_path)
    run.connect(0)
    for second in range(LENGTH):
        run.second(second)
    found = run.summary()
    assert found.outages == []
    assert found.properties["outages"].verdict is True
    assert exit_code(found) == 0


def fallen(run: Written, back: float | None, **more: object) -> Summary:
    """All connections drop after the fifth second; connects fail until one succeeds."""
    run.connect(0)
    for second in range(5):
        run.second(second)
    run.drop(5, **more)  # type: ignore[arg-type]
    for second in range(5, LENGTH):
        if back is None or second < back:
            run.fail(second + 0.5)
        elif second == back:
            run.connect(second)
        run.second(second)
    return run.summary()


def test_target_that_was_killed_is_the_first_line(tmp_path: Path) -> None:
    found = fallen(Written(tmp_path), back=None)
    assert headline(found) == (
        "The server was gone from 5.0 s to the end of the run (7.0 s): 5 of 5 connections dropped"
        " (connection reset), 7 connects failed (connection refused)"
    )
    assert exit_code(found) == 1
    assert [each.end for each in found.outages] == [None]


def test_target_that_comes_back_was_gone_until_then(tmp_path: Path) -> None:
    found = fallen(Written(tmp_path), back=7)
    assert headline(found).startswith(
        "The server was gone from 5.0 s for 1.5 s to 2.0 s (last seen to be gone at 6.5 s, back at"
        " our next connect at 7.0 s): "
    )
    assert [(each.seen, each.end) for each in found.outages] == [(6.5, 7.0)]
    assert exit_code(found) == 1


def test_restart_that_the_scenario_expects_violates_nothing(tmp_path: Path) -> None:
    found = fallen(Written(tmp_path, Expected.RECONNECTS.bit), back=7)
    assert [each.expected for each in found.outages] == [True]
    assert {name: each.expected for name, each in found.properties.items() if each.expected} == {
        "broken": 5,
        "disconnected": 5,
        "connect_failures": 2,
        "outages": 1,
    }
    assert exit_code(found) == 0
    assert headline(found).startswith("Nothing was lost")


@pytest.mark.parametrize(
    "ours",
    [{"ours": True}, {"reason": Reason.OWN_LIMIT}],
)
def test_connections_that_we_end_are_no_outage(ours: dict[str, object], tmp_path: Path) -> None:
    run = Written(tmp_path)
    run.connect(0)
    for second in range(LENGTH):
        if second == 5:
            run.drop(5, **ours)  # type: ignore[arg-type]
            run.fail(5.2)  # they come back all at once
            run.connect(5.3)
        run.second(second)
    found = run.summary()
    assert found.outages == []
    assert found.properties["disconnected"].verdict is True


def test_target_that_ends_each_connection_in_order_is_not_gone(tmp_path: Path) -> None:
    run = Written(tmp_path)
    run.connect(0)
    for second in range(LENGTH):
        if second == 5:
            run.drop(5, Reason.SERVER_CLOSED)
            run.connect(6)
        run.second(second)
    found = run.summary()
    assert found.outages == []
    assert headline(found) == "Violations: 5 connections lost"
    assert exit_code(found) == 1


def test_target_that_stands_still_is_the_first_line(tmp_path: Path) -> None:
    run = Written(tmp_path)
    run.connect(0)
    run.silent = (4, 8)
    for second in range(LENGTH):
        run.second(second)
    found = run.summary()
    assert headline(found) == (
        "The server stood still from 3.9 s to 8.0 s (4.1 s): nothing came while 200 messages were"
        " sent"
    )
    assert exit_code(found) == 1


@pytest.mark.parametrize(
    "harmless",
    [
        {"silent": (4, 6)},  # shorter than what counts
        {"silent": (4, 8), "lag": {4: 0.9, 5: 1.9, 6: 2.9}},  # the generator did nothing either
        {"silent": (0, 9.9)},  # answers take that long
    ],
)
def test_silence_that_may_have_other_causes_is_no_outage(
    harmless: dict[str, object], tmp_path: Path
) -> None:
    run = Written(tmp_path)
    for name, value in harmless.items():
        setattr(run, name, value)
    run.connect(0)
    for second in range(LENGTH):
        run.second(second)
    assert run.summary().outages == []


def test_drops_after_the_generator_stood_still_are_no_outage(tmp_path: Path) -> None:
    run = Written(tmp_path)
    run.connect(0)
    for second in range(LENGTH):
        if second == 5:
            run.drop(5.5)
        if second == 6:
            run.connect(6)
        run.lag = {5: 5.0}
        run.second(second)
    assert run.summary().outages == []


def unwritten(folder: Path, begin: float, end: float, *kinds: Kind) -> Summary:
    """The same run, of which rows of these kinds could not be written for a while."""
    (path,) = folder.glob("rows-*")
    (found,) = [each.file for each in LoadRunFolder(folder).recorded]
    with path.open("r+b") as file:
        file.seek(HEADER.size)
        missing = [found.missing.get(kind, 0) for kind in range(KINDS)]
        file.write(STATE.pack(1, 1, *missing, *[0] * len(LINE_FILES)))
        bits = sum(1 << kind for kind in kinds)
        file.write(GAP.pack(_ns(begin), _ns(end), bits, 1))
    return summarize(folder)


@pytest.mark.parametrize(
    ("begin", "kind", "is_told"),
    [(5, Kind.RECEIPT, False), (0.5, Kind.RECEIPT, True), (5, Kind.JOINED, True)],
)
def test_silence_while_nothing_could_be_written_is_no_outage(
    begin: float, kind: Kind, is_told: bool, tmp_path: Path
) -> None:
    run = Written(tmp_path)
    run.connect(0)
    run.silent = (4, 8)
    for second in range(LENGTH):
        run.second(second)
    assert run.summary().outages
    assert bool(unwritten(tmp_path, begin, begin + 1, kind).outages) is is_told


@pytest.mark.parametrize(("begin", "is_told"), [(2, False), (6, False), (8, True)])
def test_connections_that_could_not_be_written_are_not_taken_for_gone(
    begin: float, is_told: bool, tmp_path: Path
) -> None:
    assert fallen(Written(tmp_path), back=7).outages
    found = unwritten(tmp_path, begin, begin + 0.5, Kind.CONNECTED)
    assert bool(found.outages) is is_told
