"""A stored `summary.json`, as far as it has the shape that reports and comparisons rely on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sockproof import files
from sockproof.formats.load import Summary
from sockproof.vocabulary import (
    CONNECTIONS,
    LATENCY_COLUMNS,
    MESSAGES,
    PROPERTIES,
    SAMPLES,
    Counter,
    LatencyKind,
    Origin,
    renamed,
)

MOST_OCTETS = 16 * files.MIB  # of a summary, which has a few KiB, and examples of messages


def read(path: Path) -> dict[str, Any]:
    """The summary in a file, with whatever else stands in it; raises `FileError`."""
    value = up_to_date(files.read_json(path, dict[str, Any], MOST_OCTETS))
    try:
        files.checked(value, Summary)
    except ValueError as error:
        raise files.FileError(f"{path}: {error}") from None
    return value


def up_to_date(value: dict[str, Any]) -> dict[str, Any]:
    """The summary by the names of now."""
    named = ((name, value.get(name)) for name in ("counts", "generator", "target"))
    return {**value, **{name: renamed(group) for name, group in named if isinstance(group, dict)}}


_COUNTS = (*MESSAGES, Counter.DUE, Counter.UNDETERMINED, *PROPERTIES, *CONNECTIONS)
_NUMBERS = ("cpu_s", "max_rss_bytes", "max_lag_ms")
_RATES = ("offered_rate", "achieved_rate")


def whole(summary: Mapping[str, Any]) -> str | None:
    """What is wrong with it, in words; None when nothing is."""
    try:
        return _wrong(summary)
    except (AttributeError, KeyError, TypeError) as error:
        return f"{type(error).__name__}: {error}"[:200]


def _wrong(summary: Mapping[str, Any]) -> str | None:
    for name in _COUNTS:
        if not _is_count(summary["counts"][name]):
            return f"counts.{name} is no number"
    for name in PROPERTIES:
        each = summary["properties"][name]
        if each["verdict"] not in (True, False, "not exercised"):
            return f"properties.{name} has no verdict"
        if not _is_count(each["exercised"]):
            return f"properties.{name} is no number"
        examples = summary["examples"].get(name, [])
        if not isinstance(examples, list) or not all(isinstance(e, str) for e in examples):
            return f"examples.{name} are no texts"
    for kind in LatencyKind:
        for origin in Origin:
            row = summary["latency"][kind][origin]
            if not _is_count(row[SAMPLES]):
                return f"latency.{kind} has no samples"
            if not all(_is_number(row[name], True) for name in LATENCY_COLUMNS):
                return f"latency.{kind} has a percentile that is no number"
    generator = summary["generator"]
    if not all(_is_number(generator[name]) for name in _NUMBERS):
        return "what the generator cost is no number"
    if not all(_is_number(generator[name], True) for name in _RATES):
        return "a rate is no number"
    if not isinstance(generator["fit"], bool):
        return "nothing says whether the run is fit"
    if not all(isinstance(reason, str) for reason in generator["reasons"]):
        return "a reason is no text"
    target = summary["target"]
    if not all(_is_number(target[name], True) for name in ("cpu_s", "max_rss_bytes")):
        return "what the target cost is no number"
    return None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def _is_number(value: object, or_none: bool = False) -> bool:
    if value is None:
        return or_none
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and -1e18 < value < 1e18  # type: ignore[operator]
