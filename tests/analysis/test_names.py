"""What became of messages is told by their names, and by the classes of users."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest

from sockproof.analysis.delivery.checker import check
from sockproof.analysis.gates.gate import Finding, Outcome, judge
from sockproof.analysis.gates.rules import Rule, RuleError, Rules, condition
from sockproof.analysis.statistics.metrics import is_metric, value
from sockproof.analysis.summary.run_summary import summarize, write_summary
from sockproof.analysis.timeline import frames, overlay
from sockproof.analysis.timeline.export import Wanted, export
from sockproof.load.record.recorder import EVERYONE, Phase, Recorder
from sockproof.runs.breakdown import By, look_up
from sockproof.runs.load_records import MOST_NAMES, OTHER, LoadRecordError
from sockproof.runs.reader import LoadRunFolder

SECOND = 1_000_000_000
EVIL = '"]<script>alert(1)</script> \U0001f600 = 1'


class Run:
    """Two classes of users; each message is heard by all but whom it is lost for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recorder = Recorder(folder, 7)
        names = self.recorder.names
        self.clients: dict[str, int] = {}
        for user, (label, kind) in enumerate(
            (("alice", "Writer"), ("bob", "Reader"), ("carol", "Reader"))
        ):
            client = self.clients[label] = self.recorder.client()
            self.recorder.connecting(client, 1, names.user_class(kind), user)
            self.recorder.connected(client, 1, 1, 1)
            names.label(user, label, str)
        self.recorder.phase(Phase.MEASURED, 10)
        self.sequence = 0
        self.names: list[Any] = []

    def say(
        self, name: str, took: int, lost_for: tuple[str, ...] = (), sender: str = "alice"
    ) -> None:
        self.sequence += 1
        recorder, who = self.recorder, self.clients[sender]
        places = recorder.names.places((name, name))
        at = self.sequence * SECOND // 1000
        stamp = recorder.sending(who, self.sequence, places[EVERYONE], at, at, 1)
        acks = recorder.names.acks(places, recorder.names.user_class("Writer"))
        for label, client in self.clients.items():
            if label not in lost_for:
                recorder.heard(client, b'["' + stamp + b'"]', at + took)
        recorder.ack_received(who, self.sequence, at, at, at + took // 2, acks)

    def summary(self) -> dict[str, Any]:
        end = self.sequence * SECOND // 1000 + 10 * SECOND
        for phase, at in ((Phase.DRAIN, end), (Phase.OVER, end + SECOND)):
            self.recorder.phase(phase, at)
        self.recorder.close(end + 2 * SECOND)
        found: dict[str, Any] = msgspec.to_builtins(write_summary(self.folder))
        found["generator"] |= {"fit": True, "reasons": []}
        return found


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def judged(summary: dict[str, Any], that: str, folder: Path | None = None, **more: Any) -> Finding:
    rules = Rules("test", (Rule(condition(that), **more),))
    (finding,) = judge(rules, summary, folder)
    return finding


def two_names(run: Run) -> dict[str, Any]:
    for number in range(200):
        run.say("public", 1_000_000)
        run.say("private", 50_000_000, lost_for=("bob",) if number == 7 else ())
    return run.summary()


def test_counts_and_latencies_are_told_by_name_and_by_class(run: Run) -> None:
    found = two_names(run)
    assert found["counts"]["lost"] == 1
    lost = {name: part["counts"]["lost"] for name, part in found["names"].items()}
    assert lost == {"public": 0, "private": 1}
    classes = found["classes"]
    assert {name: part["counts"]["lost"] for name, part in classes.items()} == {
        "Writer": 0,
        "Reader": 1,
    }
    assert {name: part["counts"]["emitted"] for name, part in classes.items()} == {
        "Writer": 400,
        "Reader": 0,
    }
    assert classes["Reader"]["counts"]["receipts"] == 799
    assert classes["Reader"]["counts"]["connections_opened"] == 2
    for by in ("names", "classes"):
        for name in ("emitted", "acknowledged", "receipts", "due", "lost", "unacknowledged"):
            assert sum(part["counts"][name] for part in found[by].values()) == found["counts"][name]
        for name in ("lost", "duplicated", "reordered", "corrupted", "unacknowledged"):
            chances = sum(part["exercised"][name] for part in found[by].values())
            assert chances == found["properties"][name]["exercised"]
    middle = {
        name: part["latency"]["delivery"]["intended"]["p50_ms"]
        for name, part in found["names"].items()
    }
    assert middle == {"public": pytest.approx(1, 0.01), "private": pytest.approx(50, 0.01)}
    assert found["names"]["private"]["latency"]["ack"]["intended"]["samples"] == 200
    assert classes["Writer"]["latency"]["ack"]["intended"]["samples"] == 400
    assert classes["Reader"]["latency"]["ack"]["intended"]["samples"] == 0
    assert classes["Reader"]["latency"]["delivery"]["intended"]["samples"] == 799


@pytest.mark.parametrize(
    ("that", "outcome", "said"),
    [
        ('counts["public"].lost == 0', Outcome.PASS, ""),
        ('counts["private"].lost == 0', Outcome.FAIL, ""),
        ('counts[class="Writer"].lost == 0', Outcome.PASS, ""),
        ('counts[class="Reader"].lost == 0', Outcome.FAIL, ""),
        ('latency.delivery["public"].intended.p50_ms <= 10', Outcome.PASS, ""),
        ('latency.delivery["private"].intended.p50_ms <= 10', Outcome.FAIL, ""),
        ('latency.ack[class="Reader"].intended.p50_ms <= 10', Outcome.INCONCLUSIVE, "no data"),
        ('counts["public"].leaked == 0', Outcome.INCONCLUSIVE, "not exercised"),
        ('counts["privat"].lost == 0', Outcome.INCONCLUSIVE, "did you mean 'private'?"),
        ('counts["public"].lost == 1', Outcome.FAIL, ""),
        ('counts[class="Nobody"].lost == 0', Outcome.INCONCLUSIVE, "'Writer', 'Reader'"),
    ],
)
def test_a_rule_may_be_about_one_name(run: Run, that: str, outcome: Outcome, said: str) -> None:
    finding = judged(two_names(run), that)
    assert finding.outcome == outcome
    assert said in finding.text
    assert str(finding.rule.condition) == that


def test_windows_and_grace_may_be_about_one_name(run: Run) -> None:
    found = two_names(run)
    for more in ({"grace": 0.001}, {"window": 1.0}):
        for name, outcome in (("public", Outcome.PASS), ("private", Outcome.FAIL)):
            that = f'latency.delivery["{name}"].intended.max_ms <= 10'
            finding = judged(found, that, run.folder, min_samples=1, **more)
            expected = (
                Outcome.INCONCLUSIVE if "window" in more and outcome == Outcome.PASS else outcome
            )
            assert finding.outcome == expected, (more, finding)


@pytest.mark.parametrize(
    ("that", "said"),
    [
        ('counts["private"].unknown == 0', "no metric 'counts.unknown'"),
        ('counts["a"].bytes_sent == 0', "not known of a single message"),
        ('latency.connect["a"].intended.p50_ms < 1', "not known of a single message"),
        ('counts["a"].broken == 0', "not known of a single message"),
        ('generator["a"].fit == true', "a name stands behind"),
        ('counts.lost["a"] == 0', "a name stands behind"),
        ("counts[a].lost == 0", "is not a rule"),
        ('counts["\\q"].lost == 0', "is not valid JSON"),
    ],
)
def test_rules_that_no_run_can_answer_are_refused(that: str, said: str) -> None:
    with pytest.raises(RuleError, match=said.replace(".", r"\.").replace("[", r"\[")):
        condition(that)


def test_names_may_hold_anything(run: Run) -> None:
    run.say(EVIL, 1_000, lost_for=("carol",))
    run.say("other", 1_000)
    found = run.summary()
    assert found["names"][EVIL]["counts"]["lost"] == 1
    name = msgspec.json.encode(EVIL).decode()
    that = f"counts[{name}].lost == 0"
    assert judged(found, that).outcome == Outcome.FAIL
    assert str(condition(that)) == that
    metric = f"latency.delivery[{name}].intended.max_ms"
    assert is_metric(metric)
    assert value(found, metric) == pytest.approx(0.001, 0.01)
    assert look_up(found, metric) == look_up(found, metric.replace("intended", "actual"))


def test_clocks_that_differ_decide_no_rule_about_one_name(run: Run) -> None:
    found = two_names(run)
    that = 'latency.delivery["public"].intended.p50_ms <= 10'
    assert judged({**found, "delivery_error_ms": 1.0}, that).outcome == Outcome.PASS
    unsure = judged({**found, "delivery_error_ms": 20.0}, that)
    assert unsure.outcome == Outcome.INCONCLUSIVE
    assert "clocks" in unsure.text


@pytest.mark.parametrize("metric", ['latency["x"].ack', 'counts["\\q"].lost', 'counts["a'])
def test_what_is_no_metric_has_no_value(metric: str) -> None:
    assert look_up({"counts": {}}, metric) is None
    assert not is_metric(metric)


def test_a_single_name_is_the_whole(run: Run) -> None:
    for _ in range(30):
        run.say("only", 1_000_000)
    found = run.summary()
    assert found["names"]["only"]["latency"]["delivery"] == found["latency"]["delivery"]
    assert found["names"]["only"]["latency"]["ack"] == found["latency"]["ack"]
    finding = judged(found, 'latency.ack["only"].intended.p50_ms < 10', run.folder, grace=0.001)
    assert finding.outcome == Outcome.PASS


def test_exports_have_latencies_of_each_message_and_class(run: Run) -> None:
    two_names(run)
    (run.folder / "run.json").write_text("{}")
    read = frames.read(run.folder)
    table = pd.read_csv(io.BytesIO(export(read, "csv", Wanted(By.NAME))))
    sums = table.groupby("message")["delivery_intended_samples"].sum()
    assert sums.to_dict() == {"private": 599, "public": 600}
    assert table[table["message"] == "private"]["delivery_intended_p50_ms"].min() > 40
    table = pd.read_csv(io.BytesIO(export(read, "csv", Wanted(By.CLASS))))
    sums = table.groupby("class")["delivery_intended_samples"].sum()
    assert sums.to_dict() == {"Reader": 799, "Writer": 400}
    text = export(read, "hgrm", Wanted(kind='delivery["private"]')).decode()
    assert "Total count    =          599" in text
    with pytest.raises(LoadRecordError, match="no delivery"):
        export(read, "hgrm", Wanted(kind='delivery["secret"]'))


def test_comparisons_tell_each_message_and_class(run: Run, tmp_path: Path) -> None:
    found = two_names(run)
    parts = overlay.parts([found, found])
    assert [str(each) for each in parts] == [
        *('["public"]', '["private"]', '[class="Reader"]', '[class="Writer"]')
    ]
    assert overlay.parts([found, {**found, "names": {"public": {}}, "classes": {}}]) == []
    assert overlay.violations([found], parts)['counts["private"].lost'] == 1
    assert overlay.violations([found], parts)['counts["public"].lost'] == 0
    runs = [LoadRunFolder(tmp_path)]
    group = overlay.Group(runs, 'delivery["private"]')
    told = {each.metric: each.a for each in overlay.changes(group, group, "delivery", parts[1])}
    assert told['latency.delivery["private"].intended.p50_ms'] == pytest.approx(50, 0.01)


def test_names_are_bounded(run: Run) -> None:
    for number in range(MOST_NAMES + 50):
        run.say(f"name {number}", 1_000)
    found = run.summary()
    assert len(found["names"]) == MOST_NAMES + 1
    assert found["names"][OTHER]["counts"]["emitted"] == 50


def test_runs_without_names_are_read(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 7)
    client = recorder.client()
    recorder.connecting(client, 1)
    recorder.connected(client, 1, 1, 1)
    recorder.sending(client, 1, EVERYONE, 5, 5)
    recorder.phase(Phase.OVER, 10)
    recorder.close(20)
    summary = summarize(tmp_path)
    assert (summary.names, summary.classes) == ({}, {})
    assert summary.counts["lost"] == 1
    told = msgspec.to_builtins(summary)
    assert "has no names of messages" in judged(told, 'counts["a"].lost == 0').text


def test_a_room_is_one_room_whatever_is_said_to_it(run: Run) -> None:
    """What one sender says to a room has an order, whatever it is called."""
    recorder, (alice, bob, _) = run.recorder, run.clients.values()
    for name, sequence in (("a", 1), ("b", 2)):
        places = recorder.names.places((name, name))
        stamp = recorder.sending(alice, sequence, places[EVERYONE], 20, 20)
        run.names.append(stamp)
    for stamp in reversed(run.names):
        recorder.heard(bob, b'["' + stamp + b'"]', 30)
    recorder.phase(Phase.OVER, 40)
    recorder.close(50)
    found = check(LoadRunFolder(run.folder))
    assert found.counts["reordered"] == 1
