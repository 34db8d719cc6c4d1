"""The summary of a load run as lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_KINDS = ("ack", "delivery", "connect")
_COLUMNS = ("p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms")


def verdict(summary: Mapping[str, Any]) -> int:
    """The exit code: 1 where a property does not hold, 2 where the run is not fit to judge or
    nothing of it was judged."""
    if any(each["verdict"] is False for each in summary["properties"].values()):
        return 1
    return 0 if summary["generator"]["fit"] and _held(summary) else 2


def _held(summary: Mapping[str, Any]) -> list[str]:
    """What holds; that connections held is nothing of itself where messages were sent."""
    held = [name for name, each in summary["properties"].items() if each["verdict"] is True]
    return [] if held == ["broken"] and summary["counts"]["emitted"] else held


def lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """What a person wants to know first, first."""
    counts, generator = summary["counts"], summary["generator"]
    yield ""
    yield headline(summary)
    for reason in generator["reasons"]:
        yield f"  {reason}"
    yield ""
    for name, each in summary["properties"].items():
        yield f"  {name:15} {_told(each):14} {each['exercised']:>12,} times exercised"
    yield ""
    yield f"  {'latency, ms':12} {'samples':>10}" + "".join(f"{_short(c):>10}" for c in _COLUMNS)
    for kind in _KINDS:
        row = summary["latency"][kind]["intended"]
        if row["samples"]:
            values = "".join(f"{_milliseconds(row[column]):>10}" for column in _COLUMNS)
            yield f"  {kind:12} {row['samples']:>10,}{values}"
    yield ""
    yield (
        f"  connections  {counts['connections_opened']:,} opened,"
        f" {counts['connect_failures']:,} failed, {counts['disconnected']:,} lost"
    )
    yield (
        f"  messages     {counts['emitted']:,} emitted, {counts['acknowledged']:,} acknowledged,"
        f" {counts['ack_timeouts']:,} acknowledgements timed out, {counts['receipts']:,} received"
    )
    yield from _aside(counts)
    yield (
        f"  generator    {generator['cpu_seconds']:.1f} s of CPU,"
        f" {generator['max_rss_bytes'] / 2**20:.0f} MiB, at most {generator['max_lag_ms']:.1f} ms"
        f" behind; offered {_rate(generator['offered_rate'])},"
        f" achieved {_rate(generator['achieved_rate'])} messages a second"
    )
    target = summary.get("target") or {}
    if target.get("cpu_seconds") is not None:
        yield (
            f"  target       {target['cpu_seconds']:.1f} s of CPU,"
            f" {target['max_rss_bytes'] / 2**20:.0f} MiB"
        )


def _aside(counts: Mapping[str, int]) -> Iterator[str]:
    """What counts for nothing, or as something else than it is called, where there is any."""
    late, late_acks = counts.get("late", 0), counts.get("late_acks", 0)
    if late or late_acks:
        yield f"  late         {late:,} received, {late_acks:,} acknowledgements: nobody waited"
    if counts.get("unrecorded"):
        yield f"  unrecorded   {counts['unrecorded']:,} received of which no send was written down"
    kinds = [
        f"{counts[f'{name}_acks']:,} {name}"
        for name in ("stray", "early", "doubled", "foreign")
        if counts.get(f"{name}_acks")
    ]
    if kinds:
        yield f"  wrong acks   {', '.join(kinds)}"


def headline(summary: Mapping[str, Any]) -> str:
    """The verdict in a line."""
    counts = summary["counts"]
    broken = [name for name, each in summary["properties"].items() if each["verdict"] is False]
    if broken:
        told = ", ".join(f"{counts.get(name, 0):,} {name}" for name in broken)
        return f"Violations: {told}"
    if not summary["generator"]["fit"]:
        return "Not fit to judge:"
    held = _held(summary)
    return f"Nothing {', '.join(held)}" if held else "No property was exercised"


def _told(each: Mapping[str, Any]) -> str:
    if each["verdict"] is None or isinstance(each["verdict"], str):
        return "not exercised"
    return "holds" if each["verdict"] else "VIOLATED"


def _short(column: str) -> str:
    return {"p999_ms": "p99.9", "max_ms": "max"}.get(column, column.removesuffix("_ms"))


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"
