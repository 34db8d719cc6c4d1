"""How far a server carries: the largest load that keeps all objectives, and what ended it.

Loads are tried by doubling until one is too much, then between the largest that was kept and the
smallest that was not, until the two are close; the largest is then tried once more. A load that
was kept once and broken once is not kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sockproof.analysis.gates.rules import Condition
from sockproof.formats.judgements import LoadOutcome as Outcome
from sockproof.runs.breakdown import look_up
from sockproof.vocabulary import Counter

MOST_WITHHELD = 0.01  # of the sends that were due, above which the server does not keep up
AGAIN = 2  # times that a load is tried again whose run says nothing of the server
PRECISION = 0.1  # by which the smallest broken load may be above the largest kept one
MOST_PROBES = 30


@dataclass(frozen=True, slots=True)
class Probe:
    """One run at one load."""

    load: int  # users
    outcome: Outcome
    text: str  # which objective was broken, or why nothing is known
    summary: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The largest load that was kept twice, and the smallest above it that was not."""

    kept: int | None
    limit: int | None  # None: the search ended at the load beyond which it was not to go
    why: Outcome | None
    text: str


def outcome_of(summary: Mapping[str, Any], objectives: Iterable[Condition]) -> tuple[Outcome, str]:
    """What a run says of its load: the outcome, and a line."""
    generator = summary["generator"]
    broken, unknown, lagged = [], [], []
    for asked in objectives:
        value = look_up(summary, asked.metric)
        if isinstance(value, bool) is isinstance(asked.bound, bool) and isinstance(
            value, int | float
        ):
            least = look_up(summary, asked.metric.replace("latency.", "latency_less_lag.", 1))
            if asked.is_latency and isinstance(least, int | float) and asked.holds(least):
                if not asked.holds(value):
                    lagged.append(f"{asked}: {value:,.4g}, which the generator's lag may have done")
            elif not asked.holds(value):
                told = f"{value:,.4g}" if not isinstance(value, bool) else str(value).lower()
                broken.append(f"{asked}: {told}")
        else:
            unknown.append(str(asked))
    reasons = "; ".join(str(each) for each in generator["reasons"])
    if generator.get("saturated"):
        told = "; ".join(str(each) for each in generator.get("lateness") or generator["reasons"])
        return Outcome.SATURATED, told
    if broken:
        return Outcome.BROKEN, "; ".join(broken)
    if not summary["counts"][Counter.CONNECTIONS_OPENED]:
        return Outcome.BROKEN, reasons
    if (generator.get("withheld_share") or 0) > MOST_WITHHELD:
        return Outcome.BROKEN, reasons
    if lagged:
        return Outcome.UNCLEAR, "; ".join(lagged)
    if unknown or not generator["fit"]:
        return Outcome.UNCLEAR, reasons or f"too few data for {', '.join(unknown)}"
    return Outcome.KEPT, ""


def is_by_chance(outcome: Outcome, summary: Mapping[str, Any]) -> bool:
    """Whether another run may say of the server what this one's generator has hidden."""
    generator = summary["generator"]
    unfit = not generator["fit"] or bool(generator.get("lateness"))
    return outcome == Outcome.SATURATED or (outcome == Outcome.UNCLEAR and unfit)


def next_load(probes: Sequence[Probe], first: int, most: int) -> int | None:
    """The load to try next; None when it is known how far the server carries."""
    if not probes:
        return min(first, most)
    if len(probes) >= MOST_PROBES:
        return None
    broken = {each.load for each in probes if each.outcome in (Outcome.BROKEN, Outcome.SATURATED)}
    kept = {each.load for each in probes if each.outcome == Outcome.KEPT} - broken
    ceiling = min(broken, default=None)
    floor = max((load for load in kept if ceiling is None or load < ceiling), default=None)
    if ceiling is None:
        highest = max(each.load for each in probes)
        if highest < most:
            return min(2 * highest, most)
        return _once_more(probes, floor)
    below = [each.load for each in probes if each.load < ceiling]
    low = floor if floor is not None else max(below, default=0)
    if ceiling - low > 1 and ceiling > (1 + PRECISION) * low:
        between = round(math.sqrt(low * ceiling)) if low else ceiling // 2
        between = min(max(between, low + 1), ceiling - 1)
        if between not in {each.load for each in probes}:
            return between
    return _once_more(probes, floor)


def _once_more(probes: Sequence[Probe], load: int | None) -> int | None:
    times = sum(each.load == load for each in probes)
    return load if load is not None and times < 2 else None


def verdict(probes: Sequence[Probe]) -> Verdict:
    """What all probes together say."""
    against = [each for each in probes if each.outcome in (Outcome.BROKEN, Outcome.SATURATED)]
    limit = min(against, key=lambda each: each.load, default=None)
    loads = [each.load for each in probes if each.outcome == Outcome.KEPT]
    kept = max(
        (
            load
            for load in set(loads)
            if loads.count(load) > 1 and (limit is None or load < limit.load)
        ),
        default=None,
    )
    if limit is None:
        unclear = [each.text for each in probes if each.outcome == Outcome.UNCLEAR]
        why = Outcome.UNCLEAR if kept is None else None
        return Verdict(kept, None, why, unclear[-1] if unclear and kept is None else "")
    return Verdict(kept, limit.load, limit.outcome, limit.text)
