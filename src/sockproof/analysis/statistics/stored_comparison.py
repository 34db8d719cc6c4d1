"""A stored comparison of two servers, `ab.json`, as far as it can be judged again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import UNSET

from sockproof import files
from sockproof.analysis.statistics.comparison import SCHEMA
from sockproof.analysis.statistics.metrics import METRICS
from sockproof.analysis.summary.stored_summary import up_to_date
from sockproof.formats.judgements import Comparison

MOST_OCTETS = 32 * files.MIB  # some hundred summaries of a few KiB


def read(path: Path) -> dict[str, Any]:
    """The document, with whatever else stands in it; raises `FileError`."""
    value = files.read_json(path, dict[str, Any], MOST_OCTETS)
    if value.get("schema", SCHEMA) != SCHEMA:
        raise files.FileError(f"{path}: is not a comparison that this version reads")
    try:
        wrong = _wrong(files.checked(value, Comparison))
    except ValueError as error:
        raise files.FileError(f"{path}: {error}") from None
    if wrong:
        raise files.FileError(f"{path}: is invalid: {wrong}")
    for run in _runs(value):
        run["summary"] = up_to_date(run["summary"])
    return value


def _runs(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for pair in value.get("pairs", ()):
        yield from (pair[side] for side in ("a", "b") if side in pair)
    for group in value.get("groups", {}).values():
        yield from group


def _wrong(value: Comparison) -> str:
    design, groups = value.design, {} if value.groups is UNSET else value.groups
    if unknown := [each[:80] for each in design.metrics if each not in METRICS]:
        return f"unknown metrics: {unknown[:5]}"
    if len(set(design.metrics)) < len(design.metrics):
        return "it names a metric twice"
    if design.pairs > design.max_pairs:
        return "it has more pairs than at most"
    if value.mode == "pairs":
        return "it has no pairs" if value.pairs is UNSET else ""
    if value.mode == "aa":
        return "" if "a" in groups else "it has no runs"
    if {"a", "b"} - set(groups) or value.paired is UNSET:
        return "it has not two groups of runs"
    if value.paired and len(groups["a"]) != len(groups["b"]):
        return "its runs make no pairs"
    return ""
