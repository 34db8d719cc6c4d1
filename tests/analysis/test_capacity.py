"""The search ends at the largest load that is kept, whatever the server is like."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sockproof.analysis.gates.capacity import (
    MOST_PROBES,
    PRECISION,
    Probe,
    next_load,
    outcome_of,
    verdict,
)
from sockproof.analysis.gates.rules import condition
from sockproof.formats.judgements import LoadOutcome as Outcome

KEPT, BROKEN, SATURATED, UNCLEAR = Outcome


def searched(outcome: Any, first: int = 10, most: int = 10_000) -> list[Probe]:
    """All probes of a search on a server of which `outcome` tells the truth."""
    probes: list[Probe] = []
    while (load := next_load(probes, first, most)) is not None:
        assert len(probes) < MOST_PROBES
        assert 1 <= load <= most
        probes.append(Probe(load, outcome(load), f"at {load}", {}))
    return probes


@pytest.mark.parametrize("limit", [1, 2, 9, 10, 11, 97, 640, 1234, 9999])
def test_largest_load_that_is_kept_is_found(limit: int) -> None:
    found = verdict(searched(lambda load: KEPT if load <= limit else BROKEN))
    assert found.kept is not None
    assert found.kept <= limit
    assert found.limit is not None
    assert found.limit > limit
    assert found.limit <= max(found.kept * (1 + PRECISION), found.kept + 1)
    assert found.why == BROKEN


def test_server_that_carries_all_is_tried_no_further() -> None:
    probes = searched(lambda _: KEPT, most=300)
    assert [each.load for each in probes] == [10, 20, 40, 80, 160, 300, 300]
    assert verdict(probes).kept == 300
    assert verdict(probes).limit is None


def test_server_that_carries_nobody_is_said() -> None:
    found = verdict(searched(lambda _: BROKEN))
    assert (found.kept, found.limit, found.why) == (None, 1, BROKEN)


def test_generator_that_gives_out_first_is_said() -> None:
    found = verdict(searched(lambda load: KEPT if load < 500 else SATURATED))
    assert found.why == SATURATED
    assert found.kept is not None
    assert 400 < found.kept < 500


def test_few_data_at_small_loads_do_not_end_the_search() -> None:
    def outcome(load: int) -> Outcome:
        return UNCLEAR if load < 40 else KEPT if load < 500 else BROKEN

    found = verdict(searched(outcome))
    assert found.kept is not None
    assert 440 <= found.kept < 500


def test_server_of_which_nothing_is_known_is_said() -> None:
    found = verdict(searched(lambda _: UNCLEAR, most=100))
    assert (found.kept, found.limit, found.why, found.text) == (None, None, UNCLEAR, "at 100")


def test_what_is_kept_once_and_broken_once_is_not_kept() -> None:
    for seed in range(50):
        chance = random.Random(seed)

        def outcome(load: int, chance: random.Random = chance) -> Outcome:
            return KEPT if chance.random() < 100 / load else BROKEN

        probes = searched(outcome)
        found = verdict(probes)
        broken = {each.load for each in probes if each.outcome == BROKEN}
        assert found.kept is None or found.kept < min(broken)
        assert found.kept is None or [each.load for each in probes].count(found.kept) > 1


def summary(**generator: Any) -> dict[str, Any]:
    health = {"offered_rate": 100.0, "achieved_rate": 100.0, "fit": True, "reasons": []}
    return {
        "counts": {"lost": 0, "connections_opened": 5},
        "latency": {"ack": {"intended": {"p99_ms": 20.0, "p999_ms": None}}},
        "generator": {**health, **generator},
    }


@pytest.mark.parametrize(
    ("slo", "generator", "expected"),
    [
        ("latency.ack.intended.p99_ms <= 20", {}, KEPT),
        ("latency.ack.intended.p99_ms < 20", {}, BROKEN),
        ("latency.ack.intended.p999_ms < 20", {}, UNCLEAR),
        ("counts.lost == 0", {}, KEPT),
        ("counts.lost == 0", {"fit": False, "reasons": ["x"], "withheld_share": 0.1}, BROKEN),
        # A paced method that sends nothing withholds nothing.
        ("counts.lost == 0", {"achieved_rate": 90.0}, KEPT),
        ("counts.lost == 0", {"fit": False, "reasons": ["x"]}, UNCLEAR),
        ("counts.lost == 0", {"fit": False, "saturated": True, "reasons": ["x"]}, SATURATED),
        ("latency.ack.intended.p99_ms < 20", {"saturated": True, "fit": False}, SATURATED),
    ],
)
def test_what_a_run_says_of_its_load(slo: str, generator: dict[str, Any], expected: str) -> None:
    assert outcome_of(summary(**generator), [condition(slo)])[0] == expected
