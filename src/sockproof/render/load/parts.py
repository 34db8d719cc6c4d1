"""The parts of a load run as a table, by message and by class of users, and its violations."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sockproof.formats.load import Latency, Part, Summary, Violation
from sockproof.render.text import aligned, number, short
from sockproof.vocabulary import (
    MESSAGE_KINDS,
    P50,
    P99,
    VIOLATIONS,
    Counter,
    Origin,
)

MOST = 50  # parts of one sort; those with the most messages
SHOWN = 10  # violations
COLUMNS = (
    *(Counter.EMITTED.label, Counter.ACKNOWLEDGED.label, Counter.RECEIPTS.label),
    *(f"{kind}, {each.label}" for kind in MESSAGE_KINDS for each in (P50, P99)),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One message, or one class of users; latencies in milliseconds."""

    name: str
    cells: list[str]  # those of COLUMNS
    amiss: str  # what was lost and so on; "" for nothing


@dataclass(frozen=True, slots=True)
class Table:
    """The parts of one sort."""

    title: str
    first: str  # what the first column has
    rows: list[Row]
    more: str


def tables(summary: Summary, most: int = MOST) -> list[Table]:
    """By message and by class; none of the sort where the run has no names."""
    found = []
    for title, first, parts in (
        ("By message", "message", summary.names),
        ("By class of users", "class", summary.classes),
    ):
        if parts:
            order = sorted(parts.items(), key=lambda each: -_amount(each[1]))
            expected = {
                name for name, each in summary.properties.items() if each.expected and each.verdict
            }
            rows = [_row(name, part, expected) for name, part in order[:most]]
            left = len(order) - len(rows)
            more = f"… and {left:,} more in summary.json" if left > 0 else ""
            found.append(Table(title, first, rows, more))
    return found


def _amount(part: Part) -> int:
    return max(part.counts.get(Counter.EMITTED, 0), part.counts.get(Counter.RECEIPTS, 0))


def _row(name: str, part: Part, expected: Collection[str]) -> Row:
    counts = part.counts
    cells = [
        f"{counts.get(each, 0):,}"
        for each in (Counter.EMITTED, Counter.ACKNOWLEDGED, Counter.RECEIPTS)
    ]
    for kind in MESSAGE_KINDS:
        latency = part.latency.get(kind, {}).get(Origin.INTENDED, {})
        cells += [_milliseconds(latency, each.ms) for each in (P50, P99)]
    amiss = [
        f"{counts[each]:,} {each.label}{' (expected)' if each in expected else ''}"
        for each in VIOLATIONS
        if counts.get(each)
    ]
    return Row(short(name, 60), cells, ", ".join(amiss))


def _milliseconds(latency: Latency, name: str) -> str:
    value = latency.get(name)
    return "–" if value is None else f"{value:,.2f}"


def lines(summary: Summary) -> Iterator[str]:
    """For the terminal: those of a sort where there are several, and what was amiss."""
    for table in tables(summary, SHOWN):
        if len(table.rows) > 1:
            heading = (f"by {table.first}", *COLUMNS, "violations")
            rows = [(each.name, *each.cells, each.amiss or "none") for each in table.rows]
            yield ""
            yield from aligned([heading, *rows], left=(0, len(heading) - 1))
            if table.more:
                yield f"  {table.more}"
    if amiss := violations(summary):
        yield ""
        yield f"  violations.jsonl has {_listed(summary)}:"
        yield from (f"    {line}" for line in amiss)


def violations(summary: Summary) -> list[str]:
    """The ten that are shown, a line each: of each kind one before there are two of another."""
    return [short(each.said(), 300) for each in shown(summary)]


def shown(summary: Summary) -> list[Violation]:
    """The same as records, in the order of their times."""
    first = summary.violations.first
    rank: dict[str, int] = {}
    order = []
    for at, each in enumerate(first):
        kind = each.kinds[0] if each.kinds else ""
        rank[kind] = rank.get(kind, 0) + 1
        order.append((rank[kind], at))
    return [first[at] for at in sorted(at for _, at in sorted(order)[:SHOWN])]


def _listed(summary: Summary) -> str:
    amiss = summary.violations
    if amiss.listed < amiss.messages:
        return f"{amiss.listed:,} of {number(amiss.messages, 'message')}"
    return number(amiss.messages, "message")


def heading(summary: Summary) -> str:
    """How many messages were amiss, and how many of them are shown here, and listed."""
    here, amiss = len(shown(summary)), summary.violations
    listed = "all are" if amiss.listed == amiss.messages else f"{amiss.listed:,} are"
    return f"{here:,} of {number(amiss.messages, 'message')}; {listed} in"
