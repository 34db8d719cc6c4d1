"""What a recorded comparison, `ab.json`, means: computed from the summaries in it alone.

The document has a `mode`: `pairs` of runs of A and B, `aa` (runs of A alone), or `stored` (two
groups of runs that were made before). Each run in it has its whole summary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from sockproof.analysis.statistics.metrics import is_spoiled, value
from sockproof.analysis.statistics.noise import measure
from sockproof.analysis.statistics.sequential import (
    INCONCLUSIVE,
    NO_REGRESSION,
    REGRESSION,
    Design,
    Look,
    compare_groups,
    hard_facts,
    replay,
)

SCHEMA = 1
VIOLATION, MEASURED = "violation", "measured"
EXIT_CODES = {VIOLATION: 1, REGRESSION: 1, NO_REGRESSION: 0, MEASURED: 0, INCONCLUSIVE: 2}
Summary = Mapping[str, Any]


def design_of(document: Mapping[str, Any]) -> Design:
    """The design that the document was made with."""
    known = {each.name for each in fields(Design)}
    found = {name: value for name, value in document["design"].items() if name in known}
    return Design(**{**found, "metrics": tuple(found["metrics"])})


def complete(pair: Mapping[str, Any]) -> bool:
    """Whether both runs of a pair went to their end."""
    return all(side in pair and not pair[side].get("interrupted") for side in ("a", "b"))


def unfit(pair: Mapping[str, Any], metrics: Sequence[str]) -> list[str]:
    """Why a complete pair cannot be judged: what was wrong with either run's generator."""
    return [
        f"{side.upper()}: {reason}"
        for side in ("a", "b")
        for reason in reasons(pair[side]["summary"], metrics)
    ]


def reasons(summary: Summary, metrics: Sequence[str]) -> list[str]:
    """Why a run says nothing about these metrics."""
    generator = summary["generator"]
    if not generator["fit"]:
        return list(generator["reasons"]) or ["the run is inconclusive"]
    spoiled = generator.get("saturated") or any(is_spoiled(summary, name) for name in metrics)
    return list(generator.get("lateness", ())) if spoiled else []


def counted(document: Mapping[str, Any]) -> list[tuple[Summary, Summary]]:
    """The pairs of summaries that count: complete, fit, and no warm-up."""
    metrics = document["design"]["metrics"]
    return [
        (pair["a"]["summary"], pair["b"]["summary"])
        for pair in document["pairs"]
        if complete(pair) and not pair["warm_up"] and not unfit(pair, metrics)
    ]


def missing(metrics: Sequence[str], summaries: Sequence[Summary]) -> list[str]:
    """Which metrics none of the runs has a value of."""
    return [each for each in metrics if all(value(s, each) is None for s in summaries)]


def facts(document: Mapping[str, Any]) -> tuple[dict[str, int], dict[str, int]]:
    """`hard_facts` of all runs that went to their end, warm-up or not."""
    groups: list[list[Summary]] = [[], []]
    for side, run in _runs(document):
        if not run.get("interrupted"):
            groups[side == "b"].append(run["summary"])
    if not groups[0]:  # interrupted in the first pair: nobody knows what A would have done
        return {}, {}
    return hard_facts(groups[0], groups[1])


def _runs(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for pair in document.get("pairs", ()):
        yield from ((side, pair[side]) for side in ("a", "b") if side in pair)
    for side in ("a", "b"):
        yield from ((side, run) for run in document.get("groups", {}).get(side, ()))


def result(document: Mapping[str, Any], final: bool = True) -> dict[str, Any]:
    """The judgement of a document, as JSON knows it; `final` says that no more runs come."""
    if document["mode"] == "aa":
        return _noise(document)
    design = design_of(document)
    of_b, of_a = facts(document)
    notes: list[str] = []
    if document["mode"] == "stored":
        a, b, notes = _fit_groups(document)
        looks = [compare_groups(a, b, design, document["paired"])] if a and b else []
    else:
        looks = replay(design, counted(document), final)
        notes = _left_out(document)
    verdict = VIOLATION if of_b else looks[-1].verdict if looks else INCONCLUSIVE
    if verdict == NO_REGRESSION and document.get("stopped"):
        verdict = INCONCLUSIVE  # whatever it stopped for may be B's doing
    return {
        "verdict": verdict,
        "exit_code": EXIT_CODES[verdict],
        "violations": of_b,
        "violations_of_a": of_a,
        "notes": notes,
        "looks": [{**each.to_json(), "means": _means(document, design, each)} for each in looks],
    }


def _left_out(document: Mapping[str, Any]) -> list[str]:
    metrics = document["design"]["metrics"]
    return [
        f"pair {pair['number']} does not count: {'; '.join(told)}"
        for pair in document["pairs"]
        if complete(pair) and (told := unfit(pair, metrics))
    ]


def _fit_groups(document: Mapping[str, Any]) -> tuple[list[Summary], list[Summary], list[str]]:
    """The stored runs that are fit; where they were made in pairs, both of a pair or neither."""
    groups, notes = document["groups"], []
    bad: dict[str, set[int]] = {"a": set(), "b": set()}
    for side in ("a", "b"):
        for index, run in enumerate(groups[side]):
            if told := reasons(run["summary"], document["design"]["metrics"]):
                bad[side].add(index)
                notes.append(f"{run['folder']} does not count: {'; '.join(told)}")
    if document["paired"]:
        bad["a"] = bad["b"] = bad["a"] | bad["b"]
    a, b = (
        [run["summary"] for index, run in enumerate(groups[side]) if index not in bad[side]]
        for side in ("a", "b")
    )
    return a, b, notes


def _means(document: Mapping[str, Any], design: Design, look: Look) -> dict[str, Any]:
    """For each metric the geometric mean of A's runs and of B's, in the metric's own unit."""
    if document["mode"] == "stored":
        a, b, _ = _fit_groups(document)
    else:
        pairs = counted(document)[: look.pairs]
        a, b = [each for each, _ in pairs], [each for _, each in pairs]
    return {name: [_mean(group, name) for group in (a, b)] for name in design.metrics}


def _mean(summaries: Sequence[Summary], metric: str) -> float | None:
    found = [value(each, metric) for each in summaries]
    known = [each for each in found if each is not None]
    if not known or len(known) < len(found):
        return None
    product = 1.0
    for each in known:
        product *= each ** (1 / len(known))
    return product


def _noise(document: Mapping[str, Any]) -> dict[str, Any]:
    design = design_of(document)
    runs = [run for run in document["groups"]["a"] if not run.get("interrupted")]
    fit = [
        run["summary"]
        for run in runs
        if not run.get("warm_up") and not reasons(run["summary"], design.metrics)
    ]
    notes = [
        f"{run['folder']}: {why}" for run in runs for why in reasons(run["summary"], design.metrics)
    ]
    _, of_a = facts(document)
    told: dict[str, Any] = {"violations": {}, "violations_of_a": of_a, "notes": notes}
    told["runs"] = len(fit)
    try:
        noise = measure(fit, design)
    except ValueError as error:
        notes.append(str(error))
        return {"verdict": INCONCLUSIVE, "exit_code": EXIT_CODES[INCONCLUSIVE], **told}
    return {
        "verdict": MEASURED,
        "exit_code": EXIT_CODES[MEASURED],
        **told,
        "noise": {**asdict(noise), "false_positives": noise.false_positives},
    }
