"""The numbers of a run while it goes on: of one process, of several, of one that was lost."""

from __future__ import annotations

import json
from typing import Any

from sockproof.load.record.live import COUNTS, SILENCE, Gathered, Live
from sockproof.load.record.live_rows import rows
from sockproof.runs.histogram import bucket_of
from sockproof.runs.load_records import Phase

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
RUN = 7


def counters(**more: int) -> dict[str, int]:
    return {**dict.fromkeys((*COUNTS, "live"), 0), **more}


def told(milliseconds: int, messages: int = 0, **more: int) -> dict[str, Any]:
    """A process in its second 12, of which 10 are measured; all its latencies are the same."""
    live = Live(RUN, 0)
    live.take(2 * SECOND, Phase.RAMP, counters(live=10), {bucket_of(1): 50}, {})
    bucket = bucket_of(milliseconds * MILLISECOND)
    for second in range(3, 13):
        done = messages * (second - 2)
        state = counters(live=10, offered=done, emitted=done, receipts=5 * done, **more)
        latencies = {bucket: messages} if messages else {}
        live.take(second * SECOND, Phase.MEASURED, state, latencies, latencies)
        lag = 3 * MILLISECOND
        live.feel(
            second * SECOND,
            {"cpu_s": second * 0.25, "rss_bytes": 64 << 20, "hub_lag_ns": lag},
        )
    value: dict[str, Any] = json.loads(json.dumps(live.told()))
    return value


def gathered(**processes: dict[str, Any]) -> Gathered:
    found = Gathered(RUN)
    for name, each in processes.items():
        found.hear(name, each, now=100.0)
    return found


def row(numbers: dict[str, Any], what: str) -> dict[str, str]:
    (found,) = [each for each in rows(numbers) if each["what"] == what]
    return found


def test_one_process_tells_rates_and_latencies() -> None:
    numbers = gathered(one=told(20, messages=200)).numbers(101.0)
    assert numbers["phase"] == "measured"
    assert numbers["now"]["live"] == 10
    assert numbers["now"]["seconds"] == 5.0
    assert numbers["measured"]["seconds"] == 10.0
    assert numbers["start"]["seconds"] == 12.0
    assert numbers["now"]["offered_rate"] == numbers["measured"]["achieved_rate"] == 200.0
    assert numbers["measured"]["receipts_per_emit"] == 5.0
    assert numbers["now"]["ack_samples"] == 1000
    assert numbers["measured"]["ack_samples"] == 2000  # none of the ramp
    assert abs(numbers["measured"]["ack_p99_ms"] - 20) < 0.1
    assert numbers["start"]["ack_p50_ms"] is None
    assert numbers["now"]["cpu_percent"] == 25.0
    assert numbers["now"]["lag_ms"] == 3.0
    assert numbers["now"]["rss_mib"] == 64.0


def test_two_processes_add_up_exactly() -> None:
    numbers = gathered(
        one=told(10, messages=200, connect_failures=1), two=told(40, messages=200, corrupted=2)
    ).numbers(101.0)
    measured = numbers["measured"]
    assert numbers["now"]["live"] == 20
    assert measured["achieved_rate"] == 400.0
    assert measured["delivery_samples"] == 4000
    assert abs(measured["delivery_p50_ms"] - 10) < 0.1
    assert abs(measured["delivery_p90_ms"] - 40) < 0.2
    assert numbers["start"]["connect_failures"] == 1
    assert numbers["start"]["corrupted"] == 2
    assert numbers["now"]["cpu_percent"] == 25.0  # of one
    assert numbers["now"]["rss_mib"] == 128.0  # of both


def test_a_later_report_takes_the_place_of_the_one_before() -> None:
    found = gathered(one=told(10, messages=100))
    found.hear("one", told(10, messages=200), now=103.0)
    assert found.numbers(104.0)["start"]["emitted"] == 2000


def test_a_report_of_another_run_is_passed_over() -> None:
    found = gathered()
    found.hear("one", {**told(10, messages=100), "run": RUN + 1}, now=100.0)
    assert found.numbers(100.0)["processes"] == []


def test_lost_worker_is_marked_and_its_counts_stay() -> None:
    found = gathered(one=told(10, messages=200), two=told(40, messages=200))
    now = 101.0 + SILENCE
    found.hear("one", told(10, messages=200), now)
    numbers = found.numbers(now)
    assert [(each["name"], each["lost"]) for each in numbers["processes"]] == [
        ("one", False),
        ("two", True),
    ]
    assert numbers["measured"]["delivery_samples"] == 4000
    assert numbers["now"]["live"] == 10
    assert numbers["now"]["achieved_rate"] == 200.0
    assert row(numbers, "Processes")["remark"].startswith("lost: two (10 connections)")
    found.hear("two", told(40, messages=200), now)
    assert not any(each["lost"] for each in found.numbers(now)["processes"])


def test_worker_that_is_done_is_not_lost() -> None:
    live = Live(RUN, 0)
    live.take(SECOND, Phase.OVER, counters(emitted=3), {}, {})
    numbers = gathered(one=live.told()).numbers(200.0)
    assert numbers["phase"] == "over"
    assert not numbers["processes"][0]["lost"]
    assert numbers["start"]["emitted"] == 3
    assert numbers["now"]["achieved_rate"] is None


def test_percentiles_are_null_without_data() -> None:
    for numbers in (gathered().numbers(0.0), gathered(one=told(10)).numbers(101.0)):
        for span in ("now", "measured"):
            assert numbers[span]["ack_p50_ms"] is None
            assert numbers[span]["delivery_max_ms"] is None
        assert row(numbers, "Delivery latency, p99")["measured"] == "–"
    few = gathered(one=told(10, messages=10)).numbers(101.0)
    assert few["measured"]["ack_p90_ms"] is not None
    assert few["measured"]["ack_p99_ms"] is None  # a hundred samples say nothing of it


def test_rows_say_what_is_not_known_before_the_end() -> None:
    numbers = gathered(one=told(10, messages=200)).numbers(101.0)
    found = row(numbers, "Not known yet")  # in one row
    assert found["now"] == found["start"] == "–"
    for what in ("lost", "leaked", "unacknowledged", "broken", "when the run is over"):
        assert what in found["remark"]
    assert not any(each["what"] == "Lost" for each in rows(numbers))
    assert not any(each["what"].startswith(("Target", "Verdict")) for each in rows(numbers))


def test_rows_begin_with_the_verdict_once_it_is_known() -> None:
    numbers = gathered(one=told(10, messages=200)).numbers(101.0)
    found = {"sentence": "Violations: 3 lost", "exit_code": 1, "counts": {"lost": 3, "leaked": 0}}
    numbers["verdict"] = found
    first = rows(numbers)[0]
    assert first["what"] == "Verdict"
    assert first["start"] == "1"
    assert first["remark"].startswith("Violations: 3 lost")
    assert row(numbers, "Lost")["start"] == "3"
    assert row(numbers, "Lost")["remark"] == ""
    assert row(numbers, "Leaked")["start"] == "0"
    assert not any(each["what"] in ("Forged", "Not known yet") for each in rows(numbers))
    part = {"receipts": 7, "p50_ms": 2.0, "p99_ms": None, "max_ms": 5.0}
    numbers["verdict"] = {**found, "deliveries": {"names": {"private": part, "public": part}}}
    assert row(numbers, "Received, message private")["start"] == "7"
    assert "p50 2.00" in row(numbers, "Received, message private")["remark"]


def test_target_shows_when_it_is_known() -> None:
    live = Live(RUN, 0)
    for second in (1, 2, 3):
        state = {"cpu_s": 0, "rss_bytes": 0, "hub_lag_ns": 0}
        target = {"target_cpu_s": second * 0.5, "target_rss_bytes": 32 << 20}
        live.take(second * SECOND, Phase.RAMP, counters(), {}, {})
        live.feel(second * SECOND, {**state, **target})
    numbers = gathered(one=live.told(), two=live.told()).numbers(101.0)
    assert row(numbers, "Target: CPU")["now"] == "50.0"  # it is one for all
    assert row(numbers, "Target: memory")["now"] == "32.0"
    assert row(numbers, "Target: memory")["unit"] == "MiB"
