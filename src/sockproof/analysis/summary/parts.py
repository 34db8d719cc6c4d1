"""The parts of a run: what became of the messages of each name, and of the users of each class."""

from __future__ import annotations

from sockproof.analysis.delivery.findings import Delivery, Tally
from sockproof.analysis.evidence.names import UNNAMED
from sockproof.analysis.summary.latency import Kinds, percentiles
from sockproof.formats.load import Latency, Part
from sockproof.runs.breakdown import By, Group
from sockproof.runs.histogram import Histogram
from sockproof.vocabulary import BY_CLASS, BY_NAME, MESSAGE_KINDS, PROPERTIES

Latencies = dict[str, dict[str, Latency]]


def percentiles_of(found: Kinds) -> Latencies:
    """The percentiles of the whole."""
    return {
        kind: {origin: percentiles(each) for origin, each in origins.items()}
        for kind, origins in found.items()
        if "[" not in kind
    }


def parts_of(delivery: Delivery, found: Kinds, less_lag: Kinds) -> dict[By, dict[str, Part]]:
    """All of them, in the order in which they were met."""
    told: dict[By, dict[str, Part]] = {}
    for by, tally, names in (
        (By.NAME, delivery.by_message, delivery.names.messages),
        (By.CLASS, delivery.by_class, delivery.names.classes),
    ):
        numbers: dict[str, list[int]] = {}
        for number, name in enumerate(names):
            if number != UNNAMED:
                numbers.setdefault(name, []).append(number)
        keys = [str(Group(by, name)) for name in numbers]
        parted = any(f"{kind}{key}" in found for kind in MESSAGE_KINDS for key in keys)
        told[by] = {
            name: _part(
                *(Group(by, name), tally, each),
                *(_latencies(kinds, Group(by, name), parted) for kinds in (found, less_lag)),
            )
            for name, each in numbers.items()
        }
    return told


def _part(
    group: Group, tally: Tally, numbers: list[int], latency: Latencies, less_lag: Latencies
) -> Part:
    names = BY_NAME if group.by is By.NAME else BY_CLASS
    counts = {name.value: 0 for name in names}
    chances = {name.value: 0 for name in PROPERTIES if name.value in counts}
    for number in numbers:
        some, occasions = tally.part(number)
        for total, part in ((counts, some), (chances, occasions)):
            for name in total:
                total[name] += part.get(name, 0)
    return Part(
        counts=counts,
        exercised=chances,
        latency=latency,
        latency_less_lag=less_lag,
    )


def _latencies(found: Kinds, group: Group, parted: bool) -> Latencies:
    """Those of one part; where it is the only one, they are not told beside the whole."""
    told = {}
    for kind in MESSAGE_KINDS:
        origins = found.get(f"{kind}{group}") if parted else found[kind]
        told[kind.value] = {
            origin: percentiles(histogram)
            for origin, histogram in (origins or _nothing(found[kind])).items()
        }
    return told


def _nothing(origins: dict[str, Histogram]) -> dict[str, Histogram]:
    return {origin: Histogram() for origin in origins}
