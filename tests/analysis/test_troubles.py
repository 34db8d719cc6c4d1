"""What nobody judged is not green: refusals, missing answers, lost connections, errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sockproof.analysis.summary.run_summary import summarize
from sockproof.expected import Expected, expected_bits
from sockproof.formats.load import Summary
from sockproof.load.record.recorder import ITSELF, Phase, Recorder
from sockproof.render.load.summary import lines
from sockproof.runs.exit_code import exit_code
from sockproof.runs.load_records import MOST_REASONS, RUN_FILE, Reason

SECOND = 1_000_000_000
TROUBLES = {  # what is recorded at five seconds: the property, what excuses it, and the exit code
    "lost": ("disconnected", Expected.LOST_CONNECTIONS, 1),
    "cut": ("broken", Expected.RECONNECTS, 1),
    "not let in": ("connect_failures", Expected.FAILED_CONNECTS, 1),
    "refused": ("refused", Expected.REFUSALS, 1),
    "unanswered": ("unanswered_requests", Expected.TIME_OUTS, 1),
    "timed out": ("unacknowledged", Expected.TIME_OUTS, 1),
    "failed": ("scenario_errors", None, 2),
    "withheld": ("withheld", None, 2),
}


def run(folder: Path, trouble: str = "", expects: int = 0, lag: int = 0) -> Summary:
    """A run of ten seconds in which two users get an answer each second."""
    (folder / RUN_FILE).write_text(json.dumps({"processes": 1, "started_ns": 0}))
    recorder = Recorder(folder, 7)
    for client in (recorder.client(), recorder.client()):
        recorder.connecting(client, 1, expects=expects)
        recorder.connected(client, 1, 1, 2)
    recorder.phase(Phase.MEASURED, SECOND)
    for second in range(1, 10):
        now = second * SECOND
        for client in (1, 2):
            recorder.offered += 1
            recorder.sending(client, second, ITSELF, now, now, 1)
            recorder.echoed(client, second, now, now, now + 1_000_000)
        if second == 5:
            _happen(recorder, trouble, now + SECOND // 2, expects)
        hub_lag = lag if second == 5 else 1000
        recorder.tick(now + SECOND, {"cpu_s": 0.1, "rss_bytes": 1, "hub_lag_ns": hub_lag})
    recorder.phase(Phase.DRAIN, 10 * SECOND)
    recorder.phase(Phase.OVER, 11 * SECOND)
    recorder.close(11 * SECOND)
    return summarize(folder)


def _happen(recorder: Recorder, trouble: str, now: int, expects: int) -> None:
    if trouble in ("lost", "cut"):
        client = recorder.client()
        recorder.connecting(client, now, expects=expects)
        recorder.connected(client, now, now, now)
        reason = Reason.SERVER_CLOSED if trouble == "lost" else Reason.RESET
        recorder.dropped(client, int(reason), now, now)
    elif trouble == "not let in":
        client = recorder.client()
        recorder.connecting(client, now, expects=expects)
        recorder.connect_failed(client, int(Reason.HTTP_STATUS), now, "403")
    elif trouble == "refused":
        recorder.refuse(1, 5, "the room is full", now)
    elif trouble == "unanswered":
        recorder.unanswer(1, recorder.room("lobby"), now)
    elif trouble == "timed out":
        recorder.sending(1, 1000, 2, now, now, 1)
        recorder.ack_timed_out(1, 1000, now + 1)
    elif trouble == "failed":
        recorder.error(1, "KeyError: 'token'", now)
    elif trouble == "withheld":
        recorder.withheld += 5


def violated(found: Summary) -> set[str]:
    """The properties that do not hold."""
    return {name for name, each in found.properties.items() if each.verdict is False}


def test_run_without_trouble_is_green(tmp_path: Path) -> None:
    found = run(tmp_path)
    assert violated(found) == set()
    assert exit_code(found) == 0
    assert found.reasons == {}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_each_trouble_is_a_verdict_of_its_own(trouble: str, tmp_path: Path) -> None:
    name, _, code = TROUBLES[trouble]
    found = run(tmp_path, trouble)
    assert violated(found) == ({"broken", "disconnected"} if trouble == "cut" else {name})
    assert exit_code(found) == code
    assert found.counts[name] == (5 if trouble == "withheld" else 1)
    assert found.properties[name].exercised > 0
    assert any(name in line and "VIOLATED" in line for line in lines(found))


@pytest.mark.parametrize("trouble", [name for name, told in TROUBLES.items() if told[1]])
def test_what_the_scenario_expects_violates_nothing(trouble: str, tmp_path: Path) -> None:
    name, excuse, _ = TROUBLES[trouble]
    assert excuse is not None
    found = run(tmp_path, trouble, excuse.bit)
    assert violated(found) == set()
    assert found.properties[name].expected == found.counts[name] == 1
    assert exit_code(found) == 0
    assert any(name in line and "1 more expected" in line for line in lines(found))


@pytest.mark.parametrize("trouble", ["lost", "cut", "not let in", "refused", "unanswered"])
def test_other_words_excuse_nothing(trouble: str, tmp_path: Path) -> None:
    excuse = TROUBLES[trouble][1]
    reconnects = trouble in ("lost", "cut", "not let in")
    others = [each for each in Expected if each is not excuse]
    if reconnects:
        others = [Expected.REFUSALS, Expected.TIME_OUTS, Expected.WITHHELD_SENDS]
    assert violated(run(tmp_path, trouble, sum(each.bit for each in others)))


def test_reasons_stand_beside_what_they_are_the_reason_for(tmp_path: Path) -> None:
    found = run(tmp_path, "refused")
    assert found.reasons == {"refused": {"the room is full": 1}}
    assert "    1 times: the room is full" in list(lines(found))


def test_errors_of_the_scenario_are_a_reason(tmp_path: Path) -> None:
    found = run(tmp_path, "failed")
    assert found.generator.reasons == ["1 errors in the scenario; 1 times: KeyError: 'token'"]


def test_who_gave_up_a_generator_that_stood_still_is_not_accused(tmp_path: Path) -> None:
    assert violated(run(tmp_path, "cut", lag=4 * SECOND)) == set()


def test_what_timed_out_while_the_generator_stood_still_is_not_judged(tmp_path: Path) -> None:
    assert violated(run(tmp_path, "timed out", lag=4 * SECOND)) == set()


def test_many_texts_are_bounded(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 7)
    numbers = [recorder.names.why(f"reason {number}") for number in range(MOST_REASONS + 5)]
    assert numbers[-1] == 0
    assert len(set(numbers)) == MOST_REASONS + 1
    recorder.close(1)


def test_unknown_word_is_refused() -> None:
    assert expected_bits({"reconnects", "refusals"}) == 9
    assert expected_bits("reconnects") == 1
    with pytest.raises(ValueError, match="'reconects' is unknown; choose from reconnects, "):
        expected_bits(["reconects"])
