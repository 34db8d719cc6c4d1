"""The summary of a load run as lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sockproof.formats.load import PropertyFound, Summary
from sockproof.render.load import parts
from sockproof.render.text import number, short
from sockproof.runs.exit_code import held, is_violated
from sockproof.vocabulary import (
    CONNECTIONS,
    LABELS,
    LATENCY_COLUMNS,
    MESSAGES,
    P99,
    SAMPLES,
    STRAYS,
    Counter,
    LatencyKind,
    Origin,
    Property,
)

_REASONS = 3  # of a property that is violated


def lines(summary: Summary) -> Iterator[str]:
    """What a person wants to know first, first."""
    counts, generator = summary.counts, summary.generator
    yield ""
    yield headline(summary)
    for note in below_headline(summary):
        yield f"  {note}"
    for reason in generator.reasons:
        yield f"  {reason}"
    for late in generator.lateness:
        yield f"  latencies and rates: {late}"
    yield ""
    for name, each in exercised(summary).items():
        found = f"{violations(summary, name):,}"
        yield f"  {name:20} {told(each):14} {found:>9} of {each.exercised:,}{_expected(each)}"
        if each.verdict is False:
            for text, count in list(summary.reasons.get(name, {}).items())[:_REASONS]:
                yield f"    {count:,} times: {short(text, 300)}"
    if rest := unexercised(summary):
        yield f"  not exercised: {', '.join(rest)}"
    yield ""
    yield f"  {'latency, ms':12} {'samples':>10}" + "".join(
        f"{LABELS[c]:>10}" for c in LATENCY_COLUMNS
    )
    for kind in LatencyKind:
        row = summary.latency[kind][Origin.INTENDED]
        if row[SAMPLES]:
            values = "".join(f"{_milliseconds(row[column]):>10}" for column in LATENCY_COLUMNS)
            yield f"  {kind:12} {row[SAMPLES]:>10,}{values}"
    yield from parts.lines(summary)
    yield ""
    for title, group in (("connections", CONNECTIONS), ("messages", MESSAGES)):
        yield f"  {title:12} " + ", ".join(f"{counts[each]:,} {each.label}" for each in group)
    for name, part in summary.ephemeral.items():
        yield (
            f"  {short(name, 40)}, without a stamp: {part.sent:,} sent, {part.received:,} received,"
            f" {part.due:,} due, {part.missing:,} missing, {part.surplus:,} too many;"
            f" p99 {_milliseconds(part.latency.get(P99.ms))} ms"
        )
        for text in part.untold:
            yield f"    {text}"
    yield from _aside(counts)
    memory = (generator.max_rss_bytes or 0) / 2**20
    yield (
        f"  generator    {generator.cpu_s or 0:.1f} s of CPU, {memory:.0f} MiB,"
        f" at most {generator.max_lag_ms or 0:.1f} ms lag;"
        f" offered {_rate(generator.offered_rate)},"
        f" achieved {_rate(generator.achieved_rate)} messages per second"
    )
    yield from _hosts(summary)
    target = summary.target
    if target.cpu_s is not None:
        memory = (target.max_rss_bytes or 0) / 2**20
        yield f"  target       {target.cpu_s:.1f} s of CPU, {memory:.0f} MiB"


def _hosts(summary: Summary) -> Iterator[str]:
    """The clocks of the hosts, where there are several, and what is known of them."""
    if not summary.clocks:
        return
    known = [each.error_ms for each in summary.clocks if each.error_ms is not None]
    line = f"  hosts        {len(summary.clocks)} clocks"
    if known:
        line += f", known to within {max(known):.3g} ms"
    if summary.delivery_error_ms:
        line += f"; latencies of deliveries between hosts are ± {summary.delivery_error_ms:.3g} ms"
    yield line


def _aside(counts: Mapping[str, int]) -> Iterator[str]:
    """What counts for nothing, or as something else than it is called, where there is any."""
    late, late_acks = counts.get(Counter.LATE, 0), counts.get(Counter.LATE_ACKS, 0)
    if late or late_acks:
        yield f"  late         {late:,} received, {late_acks:,} acknowledged, after the time limit"
    if unrecorded := counts.get(Counter.UNRECORDED):
        yield f"  unrecorded   {unrecorded:,} received without a record of the send"
    kinds = [
        f"{counts[each]:,} {each.removesuffix('_acks')}" for each in STRAYS if counts.get(each)
    ]
    if kinds:
        yield f"  wrong acks   {', '.join(kinds)}"


def headline(summary: Summary) -> str:
    """The verdict in a line: what the target did at first, where it was not there at all."""
    if first := said_of_outages(summary) or _violated(summary):
        return first
    if not summary.generator.fit:
        return "Inconclusive:"
    kept = held(summary)
    return f"Nothing was {_either(kept)}" if kept else "Inconclusive: no property was exercised"


def below_headline(summary: Summary) -> list[str]:
    """What belongs to the verdict and has no room in its line."""
    violated = _violated(summary, beside=Property.OUTAGES)
    notes = [violated] if violated and said_of_outages(summary) else []
    if summary.empty_rooms:
        some = ", ".join(short(name, 60) for name in summary.empty_rooms[:_REASONS])
        more = " and others" if summary.empty_rooms[_REASONS:] else ""
        notes.append(
            f"messages were said to {some}{more}, which no user did enter(): nobody was to hear"
            " them"
        )
    if summary.slow_readers:
        notes.append(
            f"{number(summary.slow_readers, 'user')} read slowly (read_rate): latencies include"
            " what that made late, and acknowledgements that it made too late are expected"
        )
    return notes


def said_of_outages(summary: Summary) -> str:
    """What the target did, the longest outage first; empty where it served all the time."""
    found = [each for each in summary.outages if not each.expected]
    if not found:
        return ""
    longest = max(found, key=lambda each: each.seconds)
    more = f"; {number(len(found) - 1, 'more outage')}" if len(found) > 1 else ""
    return short(longest.text, 500) + more


def exercised(summary: Summary) -> dict[str, PropertyFound]:
    """What the run had an occasion to violate."""
    return {
        name: each for name, each in summary.properties.items() if isinstance(each.verdict, bool)
    }


def unexercised(summary: Summary) -> list[str]:
    """The names of the others."""
    return [name for name in summary.properties if name not in exercised(summary)]


def violations(summary: Summary, name: str) -> int:
    """How often a property was violated, but for what the scenario expects."""
    found = summary.properties[name].violations
    return summary.counts.get(name, 0) if found is None else found


def _violated(summary: Summary, beside: str = "") -> str:
    told = ((name, each) for name, each in summary.properties.items() if name != beside)
    broken = [name for name, each in told if is_violated(name, each)]
    if not broken:
        return ""
    parts = (f"{violations(summary, name):,} {_said(name)}" for name in broken)
    return f"Violations: {', '.join(parts)}"


def _said(name: str) -> str:
    return Property(name).said if name in set(Property) else name


def _expected(each: PropertyFound) -> str:
    return f", {each.expected:,} more expected" if each.expected else ""


def _either(names: Sequence[str]) -> str:
    """`lost, duplicated or leaked`."""
    first = ", ".join(names[:-1])
    return f"{first} or {names[-1]}" if first else names[-1]


def told(each: PropertyFound) -> str:
    """The verdict of a property, in a word or two."""
    if each.verdict is None or isinstance(each.verdict, str):
        return "not exercised"
    return "ok" if each.verdict else "VIOLATED"


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"
