"""How far a server carries, as lines for the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from sockproof.formats.judgements import Capacity, CapacityProbe
from sockproof.render.markdown_page import escape
from sockproof.render.text import short
from sockproof.vocabulary import MESSAGE_KINDS, P99

OUTCOMES = {"kept": "ok", "generator": "saturated", "unclear": "inconclusive"}
_ENDS = {
    "broken": "With {limit:,} users they do not: {text}.",
    "generator": "With {limit:,} users the load generator saturated first, so the server may handle"
    " more: {text}.",
}


def sentence(value: Capacity) -> str:
    """The answer."""
    kept, why = value.kept, value.why
    asked = " and ".join(value.objectives)
    text = short(value.text, 300).rstrip(".")
    if kept is None and value.limit is None:
        told = f": {text}" if text else ""
        return f"Inconclusive: the capacity could not be determined{told}."
    end = ""
    if value.limit is not None and why is not None:
        end = _ENDS[why].format(limit=value.limit, text=text)
    if kept is None:
        return f"At no number of users did the objectives hold twice ({asked}). {end}".rstrip()
    more = "" if end else " Larger numbers were not tried."
    return f"With {kept:,} users all objectives hold ({asked}).{more} {end}".rstrip()


def row(probe: CapacityProbe) -> str:
    """What came of one load."""
    ack, delivery = (probe.latency[kind] for kind in MESSAGE_KINDS)
    return (
        f"  {probe.users:>7,} users  {OUTCOMES.get(probe.outcome, probe.outcome):12}"
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
        outcome = OUTCOMES.get(each.outcome, each.outcome)
        cells = (f"{each.users:,}", outcome, _rate(each.achieved_rate), ack, delivery)
        told.append(f"| {' | '.join(cells)} | {each.lost:,} | {escape(each.text, 300)} |")
    return "\n".join(told) + "\n"


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f} ms"


def _rate(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f} messages/s"
