"""A stored comparison of two servers, `ab.json`, as far as it can be judged again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from sockproof import files
from sockproof.analysis.comparison import SCHEMA
from sockproof.analysis.metrics import METRICS
from sockproof.analysis.stored_summary import Summary

MOST_OCTETS = 32 * files.MIB  # some hundred summaries of a few KiB

Pairs = Annotated[int, Meta(ge=1, le=1000)]
Share = Annotated[float, Meta(gt=0, lt=1)]
Name = Annotated[str, Meta(max_length=4096)]


class Design(TypedDict):
    """What was decided before anything ran."""

    metrics: Annotated[list[str], Meta(min_length=1, max_length=len(METRICS))]
    pairs: NotRequired[Pairs]
    max_pairs: NotRequired[Pairs]
    tolerance: NotRequired[Annotated[float, Meta(ge=0, le=10)]]
    alpha: NotRequired[Share]
    confidence: NotRequired[Share]
    seed: NotRequired[Annotated[int, Meta(ge=0, lt=1 << 32)]]


class Run(TypedDict):
    """One run of one of the two."""

    folder: Name
    summary: Summary
    interrupted: NotRequired[bool]
    warm_up: NotRequired[bool]


class Pair(TypedDict):
    """A run of each, as far as it came to that."""

    number: Annotated[int, Meta(ge=0, le=1 << 32)]
    order: Literal["AB", "BA"]
    warm_up: bool
    a: NotRequired[Run]
    b: NotRequired[Run]


class Comparison(TypedDict):
    """The whole document; `result` is made anew."""

    schema: int
    mode: Literal["pairs", "aa", "stored"]
    design: Design
    pairs: NotRequired[list[Pair]]
    groups: NotRequired[dict[Literal["a", "b"], list[Run]]]
    paired: NotRequired[bool]
    stopped: NotRequired[str]
    interrupted: NotRequired[bool]


def read(path: Path) -> dict[str, Any]:
    """The document, with whatever else stands in it; raises `FileError`."""
    value = files.read_json(path, dict[str, Any], MOST_OCTETS)
    if value.get("schema", SCHEMA) != SCHEMA:
        raise files.FileError(f"{path}: is no comparison that this sockproof reads")
    try:
        wrong = _wrong(files.checked(value, Comparison))
    except ValueError as error:
        raise files.FileError(f"{path}: {error}") from None
    if wrong:
        raise files.FileError(f"{path}: is not what it should be: {wrong}")
    return value


def _wrong(value: Comparison) -> str:
    design, groups = value["design"], value.get("groups", {})
    if unknown := [each[:80] for each in design["metrics"] if each not in METRICS]:
        return f"it names metrics that this sockproof does not know: {unknown[:5]}"
    if len(set(design["metrics"])) < len(design["metrics"]):
        return "it names a metric twice"
    if design.get("pairs", 8) > design.get("max_pairs", 12):
        return "it has more pairs than at most"
    if value["mode"] == "pairs":
        return "" if "pairs" in value else "it has no pairs"
    if value["mode"] == "aa":
        return "" if "a" in groups else "it has no runs"
    if {"a", "b"} - set(groups) or "paired" not in value:
        return "it has not two groups of runs"
    if value["paired"] and len(groups["a"]) != len(groups["b"]):
        return "its runs make no pairs"
    return ""
