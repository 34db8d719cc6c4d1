"""Hosts whose clocks differ: every count is what one clock gives, but for what lies within the
error of the clocks, which is undetermined."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sockproof.analysis.delivery.checker import Delivery, check
from sockproof.analysis.delivery.latency import DeliveryLatencies
from sockproof.analysis.gates.gate import Outcome, judge
from sockproof.analysis.gates.rules import Rule, Rules, condition
from sockproof.analysis.summary.run_summary import summarize
from sockproof.load.record.recorder import Phase, Recorder
from sockproof.runs.load_records import RUN_FILE, EmitFlag, record_file
from sockproof.runs.reader import LoadRunFolder
from sockproof.vocabulary import Counter, Property
from sockproof.wire import stamp
from tests.analysis.history import all_of, in_partitions
from tests.runs import runs

MILLISECOND = 1_000_000
SECOND = 1000 * MILLISECOND
BEGIN = 1_000 * SECOND  # of the run, by its clock
HOUR = 3600 * SECOND
CHECKSUM = stamp.checksum_of("body")


class Hosts:
    """A run of two hosts, whose times are written by the clock of each; here, in milliseconds.

    The second one's clock is hours ahead and was measured with round trips of so long, or never.
    """

    def __init__(self, folder: Path, round_trip: int | None = 2, ahead: int = 5 * HOUR) -> None:
        self.folder = folder
        runs.about(folder, run=7, processes=2, started_ns=BEGIN)
        self.recorders = [Recorder(folder, 7), runs.elsewhere(folder)]
        self.ahead = (0, ahead)
        self.stamps: dict[tuple[int, int], bytes] = {}
        if round_trip is not None:
            path = folder / record_file("clock", self.recorders[1].tag)
            half = round_trip * MILLISECOND // 2
            with path.open("w") as file:
                for at in range(BEGIN, BEGIN + 30 * SECOND, SECOND // 10):
                    ends = {"sent": at + ahead - half, "received": at + ahead + half}
                    file.write(json.dumps({**ends, "there": at}) + "\n")
        for host in (0, 1):
            self.recorders[host].connecting(self._client(host), self.at(host, 0))
            begun = self.at(host, 10)
            self.recorders[host].connected(1, begun, begun, begun)

    def _client(self, host: int) -> int:
        return self.recorders[host].client()

    def at(self, host: int, milliseconds: float) -> int:
        return BEGIN + self.ahead[host] + round(milliseconds * MILLISECOND)

    def join(self, host: int, asked: float, done: float) -> None:
        recorder = self.recorders[host]
        recorder.joining(1, recorder.room("r"), self.at(host, asked))
        recorder.joined(1, recorder.room("r"), self.at(host, done))

    def leave(self, host: int, asked: float, done: float) -> None:
        recorder = self.recorders[host]
        recorder.leaving(1, recorder.room("r"), self.at(host, asked))
        recorder.left(1, recorder.room("r"), self.at(host, done))

    def say(self, host: int, number: int, at: float, acked: float | None = None) -> None:
        recorder, sent = self.recorders[host], self.at(host, at)
        room = recorder.room("r")
        self.stamps[host, number] = recorder.sending(1, number, room, sent, sent, 1, CHECKSUM)
        if acked is not None:
            recorder.ack_received(1, number, sent, sent, self.at(host, acked))

    def hear(self, host: int, sender: int, number: int, at: float) -> None:
        found = stamp.find(self.stamps[sender, number])
        assert found is not None
        self.recorders[host].received(1, found, True, self.at(host, at))

    def end(self, killed: tuple[int, ...] = ()) -> None:
        for host, recorder in enumerate(self.recorders):
            for phase, at in ((Phase.DRAIN, 20_000), (Phase.OVER, 21_000)):
                if host not in killed:
                    recorder.phase(phase, self.at(host, at))
            if host not in killed:
                recorder.close(self.at(host, 21_001))

    def check(self, latencies: DeliveryLatencies | None = None) -> Delivery:
        found = check(LoadRunFolder(self.folder), 2, latencies)
        assert all_of(in_partitions(self.folder, processes=2)) == all_of(found)
        return found


def broken(found: Delivery) -> dict[str, int]:
    return {name.value: found.counts[name] for name in Property if found.counts[name]}


def test_every_count_is_exact_across_hosts(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path)
    hosts.join(0, 20, 30)
    hosts.join(1, 20, 30)
    for number, at in enumerate(range(1000, 2000, 100), start=1):
        hosts.say(0, number, at, at + 5)
        hosts.hear(0, 0, number, at + 6)
        if number != 4:  # this one is lost
            hosts.hear(1, 0, number, at + 7)
        if number == 6:
            hosts.hear(1, 0, number, at + 8)
    hosts.leave(1, 3000, 3010)
    hosts.say(0, 11, 4000, 4005)
    hosts.hear(0, 0, 11, 4006)
    hosts.hear(1, 0, 11, 4006)
    hosts.end()
    latencies = DeliveryLatencies()
    found = hosts.check(latencies)
    assert broken(found) == {"lost": 1, "duplicated": 1, "leaked": 1}
    assert found.counts[Counter.DUE] == 21
    assert found.counts[Counter.UNDETERMINED] == 0
    assert MILLISECOND <= latencies.error < 2 * MILLISECOND
    assert dict(found.when["lost"]) == {1: 1}
    assert dict(found.when["leaked"]) == {4: 1}


@pytest.mark.parametrize(("round_trip", "due"), [(2, 2), (40, 1)])
def test_what_lies_within_the_error_is_not_lost(round_trip: int, due: int, tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, round_trip)
    hosts.join(0, 20, 30)
    hosts.join(1, 985, 990)
    hosts.say(0, 1, 1000, 1005)  # ten milliseconds later
    hosts.hear(0, 0, 1, 1006)
    hosts.end()
    found = hosts.check()
    assert found.counts[Counter.DUE] == due
    assert found.counts[Counter.LOST] == due - 1
    assert found.counts[Counter.UNDETERMINED] == 2 - due


@pytest.mark.parametrize(("round_trip", "leaked"), [(2, 1), (40, 0)])
def test_what_lies_within_the_error_is_not_leaked(
    round_trip: int, leaked: int, tmp_path: Path
) -> None:
    hosts = Hosts(tmp_path, round_trip)
    hosts.join(0, 20, 30)
    hosts.join(1, 20, 30)
    hosts.leave(1, 985, 990)
    hosts.say(0, 1, 1000, 1005)
    hosts.hear(0, 0, 1, 1006)
    hosts.hear(1, 0, 1, 1006)
    hosts.end()
    assert hosts.check().counts[Counter.LEAKED] == leaked


def test_what_is_within_one_host_needs_no_second_clock(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 40)
    hosts.join(0, 20, 30)
    hosts.join(1, 985, 990)
    hosts.say(1, 1, 991, 1005)  # its own, a millisecond after it was let in, and lost to itself
    hosts.hear(0, 1, 1, 1006)
    hosts.end()
    assert broken(hosts.check()) == {"lost": 1}


def test_clocks_that_were_never_measured_are_not_compared(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, None)
    hosts.join(0, 20, 30)
    hosts.join(1, 20, 30)
    hosts.say(0, 1, 1000, 1005)
    hosts.hear(0, 0, 1, 1006)
    hosts.end()
    assert broken(hosts.check()) == {}
    summary = summarize(tmp_path)
    said = "the clocks of 1 hosts were not measured"
    assert any(said in each for each in summary.generator.reasons)
    assert [each.error_ms is None for each in summary.clocks] == [False, True]


def test_what_hosts_heard_whose_clocks_were_never_measured_is_no_leak(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, None)
    hosts.join(0, 20, 30)
    hosts.join(1, 20, 30)
    for number, at in enumerate((1000, 2000, 3000), start=1):
        for host in (0, 1):
            hosts.say(host, number, at, at + 5)
        for host in (0, 1):
            hosts.hear(host, host, number, at + 6)
            hosts.hear(host, 1 - host, number, at + 7)
    hosts.end()
    assert broken(hosts.check()) == {}


def test_who_was_never_in_a_room_is_leaked_to_whatever_clocks_show(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, None)
    hosts.join(0, 20, 30)
    hosts.say(0, 1, 1000, 1005)
    hosts.hear(0, 0, 1, 1006)
    hosts.hear(1, 0, 1, 1007)
    hosts.end()
    assert broken(hosts.check()) == {"leaked": 1}


@pytest.mark.parametrize(("round_trip", "missing"), [(2, 1), (40, 0), (None, 0)])
def test_unstamped_messages_within_the_error_are_not_miscounted(
    round_trip: int | None, missing: int, tmp_path: Path
) -> None:
    hosts = Hosts(tmp_path, round_trip)
    first, second = hosts.recorders
    hosts.join(0, 20, 30)
    hosts.join(1, 985, 990)
    skips = EmitFlag.SKIPS_SENDER
    for mark, at in ((5, 1000), (6, 5000)):  # the first ten milliseconds after the join
        first.notified(1, first.room("r"), "typing", mark, hosts.at(0, at), skips)
    second.noticed(1, "typing", 6, hosts.at(1, 5002))
    hosts.end()
    found = hosts.check()
    assert found.counts[Property.MISCOUNTED] == missing


def test_share_of_what_a_dead_host_heard_is_said(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path)
    hosts.join(0, 20, 30)
    hosts.join(1, 20, 30)
    for number in range(1, 11):
        at = 1000 * number
        hosts.say(0, number, at, at + 5)
        hosts.hear(0, 0, number, at + 6)
        if number <= 5:
            hosts.hear(1, 0, number, at + 6)
    hosts.end(killed=(1,))
    summary = summarize(tmp_path)
    assert broken(hosts.check()) == {}
    # It surely heard what came a second before the last that it heard.
    assert summary.unknown_share == pytest.approx(5 / (10 + 4 + 5), abs=0.06)
    assert any("later is unknown" in each for each in summary.generator.reasons)
    hosts.recorders[1].close()


@pytest.mark.parametrize(("later", "lost"), [(500, 0), (1500, 1)])
def test_what_may_have_been_on_its_way_to_the_dead_is_not_lost(
    later: int, lost: int, tmp_path: Path
) -> None:
    hosts = Hosts(tmp_path)
    hosts.join(0, 20, 30)
    hosts.join(1, 20, 30)
    for number, at in ((1, 2000), (2, 2000 + later)):
        hosts.say(0, number, at, at + 5)
        hosts.hear(0, 0, number, at + 6)
    hosts.hear(1, 0, 2, 2000 + later + 7)  # and of the first nothing, until it was killed
    hosts.end(killed=(1,))
    assert broken(hosts.check()) == ({"lost": lost} if lost else {})
    hosts.recorders[1].close()


@pytest.mark.parametrize(
    ("bound", "outcome"),
    [
        (20, Outcome.PASS),
        (10.9, Outcome.INCONCLUSIVE),
        (9.5, Outcome.INCONCLUSIVE),
        (2, Outcome.FAIL),
    ],
)
def test_a_rule_that_the_error_could_decide_is_inconclusive(bound: float, outcome: Outcome) -> None:
    latency = {"delivery": {"intended": {"samples": 100, "p50_ms": 10.0}}}
    summary = {"latency": latency, "delivery_error_ms": 1.0, "generator": {"fit": True}}
    rule = Rule(condition(f"latency.delivery.intended.p50_ms <= {bound}"))
    assert judge(Rules("", (rule,)), summary)[0].outcome is outcome


def test_acknowledgements_have_no_error_of_clocks() -> None:
    latency = {"ack": {"intended": {"samples": 100, "p50_ms": 10.0}}}
    summary = {"latency": latency, "delivery_error_ms": 1.0, "generator": {"fit": True}}
    rule = Rule(condition("latency.ack.intended.p50_ms <= 10.5"))
    assert judge(Rules("", (rule,)), summary)[0].outcome is Outcome.PASS


def test_run_file_of_no_clock_compares_nothing(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path)
    hosts.join(0, 20, 30)
    hosts.say(0, 1, 1000, 1005)
    hosts.end()
    (tmp_path / RUN_FILE).unlink()
    assert LoadRunFolder(tmp_path).clock_lines == {}
    hosts.check()
