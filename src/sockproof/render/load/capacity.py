"""How far a server carries, as lines for the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from sockproof.formats.judgements import Capacity, CapacityProbe
from sockproof.render.markdown_page import escape
from sockproof.render.text import short
from sockproof.vocabulary import MESSAGE_KINDS, P99

_ENDS = {
    "broken": "At {limit:,} it is broken: {text}.",
    "generator": "At {limit:,} the generator gave out first, so the server may carry more: {text}.",
}


def sentence(value: Capacity) -> str:
    """The answer."""
    kept, why = value.kept, value.why
    asked = " and ".join(value.objectives)
    text = short(value.text, 300).rstrip(".")
    if kept is None and value.limit is None:
        told = f": {text}" if text else ""
        return f"It cannot be told how many users the server carries{told}."
    end = ""
    if value.limit is not None and why is not None:
        end = _ENDS[why].format(limit=value.limit, text=text)
    if kept is None:
        return f"No number of users was kept twice with {asked}. {end}".rstrip()
    more = "" if end else " No more were tried."
    return f"{kept:,} users are carried with {asked}.{more} {end}".rstrip()


def row(probe: CapacityProbe) -> str:
    """What came of one load."""
    ack, delivery = (probe.latency[kind] for kind in MESSAGE_KINDS)
    return (
        f"  {probe.users:>7,} users  {probe.outcome:9}"
        f" {_rate(probe.achieved_rate):>16}  ack p99 {_ms(ack[P99.ms]):>10}"
        f"  delivery p99 {_ms(delivery[P99.ms]):>10}  lost {probe.lost:,}"
        f"  {short(probe.text, 200)}"
    ).rstrip()


def lines(value: Capacity) -> Iterator[str]:
    """The answer, behind the loads that were tried."""
    yield ""
    yield sentence(value)


def markdown(value: Capacity) -> str:
    """For a CI step's summary."""
    told = [
        f"### {escape(sentence(value), 1000)}",
        "",
        "| users | outcome | achieved | ack p99 | delivery p99 | lost | |",
        "|---:|---|---:|---:|---:|---:|---|",
    ]
    for each in value.probes:
        ack, delivery = (_ms(each.latency[kind][P99.ms]) for kind in MESSAGE_KINDS)
        cells = (f"{each.users:,}", each.outcome, _rate(each.achieved_rate), ack, delivery)
        told.append(f"| {' | '.join(cells)} | {each.lost:,} | {escape(each.text, 300)} |")
    return "\n".join(told) + "\n"


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f} ms"


def _rate(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f} messages/s"
