"""A stored `summary.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sockproof import files
from sockproof.formats.load import Summary
from sockproof.vocabulary import (
    CONNECTIONS,
    LATENCY_COLUMNS,
    MESSAGES,
    OF_MESSAGES,
    SAMPLES,
    Counter,
    LatencyKind,
    Origin,
    renamed,
)

MOST_OCTETS = 16 * files.MIB  # of a summary, which has a few KiB, and examples of messages
_COUNTS = (*MESSAGES, Counter.DUE, Counter.UNDETERMINED, *OF_MESSAGES, *CONNECTIONS)
_COST = ("cpu_s", "max_rss_bytes", "max_lag_ms")


def read(path: Path) -> Summary:
    """The summary in a file; raises `FileError`."""
    value = up_to_date(files.read_json(path, dict[str, Any], MOST_OCTETS))
    try:
        return files.checked(value, Summary)
    except ValueError as error:
        raise files.FileError(f"{path}: {error}") from None


def up_to_date(value: dict[str, Any]) -> dict[str, Any]:
    """The summary by the names of now."""
    named = ((name, value.get(name)) for name in ("counts", "generator", "target"))
    return {**value, **{name: renamed(group) for name, group in named if isinstance(group, dict)}}


def lacks(summary: Summary) -> str | None:
    """What a report shows and the summary has not; None where it has all."""
    missing = [f"counts.{name}" for name in _COUNTS if name not in summary.counts]
    for name in OF_MESSAGES:
        each = summary.properties.get(name)
        if each is None or each.verdict is None:
            missing.append(f"properties.{name}")
    for kind in LatencyKind:
        for origin in Origin:
            row = summary.latency.get(kind, {}).get(origin, {})
            if row.get(SAMPLES) is None or not {*LATENCY_COLUMNS} <= set(row):
                missing.append(f"latency.{kind}.{origin}")
    missing += [f"generator.{name}" for name in _COST if getattr(summary.generator, name) is None]
    return missing[0] if missing else None
