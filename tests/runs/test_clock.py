"""All that is told of a run's time is told by one clock, whoever asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from sockproof.analysis.gates.gate import Outcome, judge
from sockproof.analysis.gates.live_rules import Follower
from sockproof.analysis.gates.rules import Rule, Rules, condition
from sockproof.analysis.summary.run_summary import summarize
from sockproof.analysis.timeline.frames import read
from sockproof.formats.load import About
from sockproof.load.record.recorder import ITSELF, Recorder
from sockproof.runs.clock import LONGEST, Clock, mark_of
from sockproof.runs.load_records import RUN_FILE, Phase
from sockproof.runs.reader import LoadRunFolder
from tests.runs.runs import SECOND, about, connect, elsewhere, write

HERE, THERE = (mark_of(boot) << 16 for boot in ("here", "there"))
RAMP, MEASURED, DRAIN, OVER = Phase


def clock(started: int | None = None) -> Clock:
    return Clock(About(started_ns=started, machine={"boot": "here"}))


def lines(clock: Clock, tag: int, *times: tuple[float, Phase]) -> Clock:
    """Lines of a process, by seconds of its clock."""
    for time, phase in times:
        clock.has_line(tag, int(time * SECOND), phase, True)
    return clock


# When it began.


def test_run_began_when_it_was_written_down() -> None:
    found = lines(clock(started=100 * SECOND), HERE + 1, (103, RAMP))
    assert found.origin(HERE + 1) == found.origin(HERE + 2) == 100 * SECOND
    assert found.seconds(HERE + 1, 102 * SECOND) == 2
    assert found.second_of(HERE + 1, 104 * SECOND - 1) == 3


def test_by_a_clock_that_nothing_is_known_of_it_began_a_second_before_the_first_line() -> None:
    found = lines(clock(started=100 * SECOND), HERE + 1, (101, RAMP))
    lines(found, THERE + 1, (7001, RAMP), (7002, RAMP))
    lines(found, THERE + 2, (7003, RAMP))
    assert found.origin(THERE + 1) == found.origin(THERE + 2) == 7000 * SECOND
    assert found.origin(HERE + 1) == 100 * SECOND


@pytest.mark.parametrize("started", [0, 10**6 * SECOND, 1 << 62])
def test_beginning_that_no_line_agrees_with_is_not_believed(started: int) -> None:
    found = lines(clock(started), HERE + 1, (8 * 10**5, RAMP), (8 * 10**5 + 1, RAMP))
    assert found.origin(HERE + 1) == (8 * 10**5 - 1) * SECOND


def test_line_that_cannot_be_of_the_run_moves_nothing() -> None:
    found = lines(clock(), HERE + 1, (10**7, RAMP), (10**7 + 1, RAMP), (5, RAMP), (10**9, RAMP))
    assert found.origin(HERE + 1) == (10**7 - 1) * SECOND
    assert found.end == 2
    assert found.second_of_line(HERE + 1, 5 * SECOND) is None
    assert not found.believes(HERE + 1, found.origin(HERE + 1) + (LONGEST + 1) * SECOND)


def test_without_lines_it_began_with_the_first_row() -> None:
    found = clock()
    found.has_rows(HERE + 1, 50 * SECOND, {})
    found.has_rows(HERE + 2, 49 * SECOND, {})
    assert found.origin(HERE + 1) == 49 * SECOND


# Its parts.


def test_part_begins_with_the_last_line_of_the_one_before() -> None:
    found = lines(clock(), HERE, (1, RAMP), (1.3, RAMP), (2, MEASURED), (3, MEASURED), (4, OVER))
    begun = {RAMP: 0, MEASURED: 1.3, OVER: 3}  # it was never drained
    assert found.begun(HERE) == begun
    assert found.phases() == begun
    assert found.measured_to == 3


def test_row_of_a_part_outweighs_its_lines() -> None:
    found = lines(clock(), HERE, (1, RAMP), (9, MEASURED), (10, DRAIN))
    found.has_rows(HERE, SECOND, {MEASURED: 2 * SECOND})
    assert found.begun(HERE) == {RAMP: 0, MEASURED: 2, DRAIN: 9}


def test_measured_part_without_the_line_before_it_begins_a_second_earlier() -> None:
    assert lines(clock(), HERE, (5, MEASURED), (6, MEASURED)).measured_from == 0
    assert lines(clock(SECOND), HERE, (5, MEASURED), (6, MEASURED)).measured_from == 3


def test_run_is_measured_while_all_processes_are() -> None:
    found = lines(clock(0), HERE + 1, (3, RAMP), (4, MEASURED), (20, MEASURED), (21, DRAIN))
    lines(found, HERE + 2, (5, RAMP), (6, MEASURED), (19, MEASURED), (22, DRAIN))
    assert (found.measured_from, found.measured_to) == (5, 19)
    assert found.end == 22


def test_process_that_ended_in_its_ramp_is_not_waited_for() -> None:
    found = lines(clock(0), HERE + 1, (3, RAMP), (4, MEASURED), (20, MEASURED), (21, DRAIN))
    lines(found, HERE + 2, (5, RAMP), (20, RAMP), (21, DRAIN))
    assert (found.measured_from, found.measured_to) == (3, 20)


def test_run_that_was_killed_is_measured_to_its_last_line() -> None:
    found = lines(clock(0), HERE, (3, RAMP), (4, MEASURED), (9, MEASURED))
    assert (found.measured_from, found.measured_to) == (3, 9)


def test_run_that_ended_in_its_ramp_was_never_measured() -> None:
    found = lines(clock(0), HERE, (1, RAMP), (2, RAMP))
    assert found.measured_from is None
    assert found.phases() == {RAMP: 0}


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.49, 0.5, 0.51, 0.98])
def test_lines_that_come_once_a_second_are_of_a_second_each(shift: float) -> None:
    times = [second + shift + 0.03 * (-1) ** second for second in range(1, 30)]
    found = lines(clock(0), HERE, *((time, RAMP) for time in times))
    seconds = [found.second_of_line(HERE, int(time * SECOND)) for time in times]
    first = seconds[0]
    assert first is not None
    assert first in (0, 1)
    assert seconds == list(range(first, first + len(times)))


# Whoever asks.


def two_workers(folder: Path) -> Path:
    """Two processes, of which the second is in its measured part four seconds later.

    Acknowledgements take 90 ms in seconds 8 and 9 of the run.
    """
    about(folder, processes=2, started_ns=100 * SECOND)
    for measured in (1, 4):
        write(Recorder(folder, 7), 100 * SECOND, measured, 14, slow=(8, 9))
    return folder


def test_windows_and_frames_agree_on_the_measured_part(tmp_path: Path) -> None:
    folder = two_workers(tmp_path / "run")
    (measured,) = (span for span in read(folder).spans if span.name == "measured")
    assert (measured.begin, measured.end) == (4, 14)
    slow = Rule(condition("latency.ack.intended.p50_ms <= 20"), window=2.0)
    rate = Rule(condition("generator.achieved_rate >= 100"), window=5.0)
    found, kept = judge(Rules("test", (slow, rate)), {"generator": {"fit": True}}, folder)
    assert found.outcome == Outcome.FAIL
    assert found.text.startswith("1 of 5 windows of 2 s break it; the worst starts at 4 s")
    assert (kept.outcome, kept.value) == (Outcome.PASS, 100)


def test_grace_counts_from_when_the_run_is_measured(tmp_path: Path) -> None:
    folder = two_workers(tmp_path / "run")
    rules = (
        Rule(condition("latency.ack.intended.max_ms <= 20"), grace=grace) for grace in (5.0, 6.0)
    )
    found = judge(Rules("test", tuple(rules)), {"generator": {"fit": True}}, folder)
    assert [each.outcome for each in found] == [Outcome.FAIL, Outcome.PASS]


def test_rule_that_ends_a_run_counts_from_when_the_run_began(tmp_path: Path) -> None:
    about(tmp_path, started_ns=100 * SECOND)
    recorder = Recorder(tmp_path, 7)
    follower = Follower(
        tmp_path, [Rule(condition("counts.disconnected == 0"), abort=True, grace=3)]
    )
    recorder.phase(Phase.MEASURED, 100 * SECOND + SECOND // 4)  # the first line is no second's
    recorder.dropped(1, 1, 0, 101 * SECOND)
    recorder.tick(102 * SECOND + SECOND // 2)
    assert follower.broken() is None  # 2.5 s after it began
    recorder.tick(103 * SECOND + SECOND // 2)
    broken = follower.broken()
    recorder.close(104 * SECOND)
    assert broken is not None
    assert broken[2] == 3.5


def lost_in_second_three(recorder: Recorder, began: int) -> None:
    connect(recorder, began)
    recorder.phase(Phase.MEASURED, began + SECOND)
    recorder.sending(1, 1, ITSELF, began + 3 * SECOND, began + 3 * SECOND, 0)
    recorder.tick(began + 4 * SECOND)
    recorder.phase(Phase.OVER, began + 5 * SECOND)
    recorder.close(began + 5 * SECOND)


def test_violations_stand_in_their_second_by_every_clock(tmp_path: Path) -> None:
    about(tmp_path, processes=2, started_ns=100 * SECOND)
    lost_in_second_three(Recorder(tmp_path, 7), 100 * SECOND)
    lost_in_second_three(elsewhere(tmp_path), 7000 * SECOND)
    assert summarize(tmp_path).violations_each_second["lost"] == {"3": 2}


def test_violations_stand_in_their_second_without_a_run_file(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 7)
    recorder.tick(101 * SECOND)
    lost_in_second_three(recorder, 100 * SECOND)
    (tmp_path / RUN_FILE).write_text("{")
    assert summarize(tmp_path).violations_each_second["lost"] == {"3": 1}


def test_clock_of_a_folder_knows_lines_and_rows(tmp_path: Path) -> None:
    folder = two_workers(tmp_path / "run")
    for path in folder.glob("health-*.jsonl"):
        path.unlink()
    found = LoadRunFolder(folder).clock
    assert (found.measured_from, found.measured_to) == (4, 14)
    other = two_workers(tmp_path / "other")
    for path in other.glob("rows-*.bin"):
        path.write_bytes(b"nonsense")
    found = LoadRunFolder(other).clock
    assert (found.measured_from, found.measured_to) == (4, 14)
