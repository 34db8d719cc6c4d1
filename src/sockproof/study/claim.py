"""A claim: a file on the shelf `study/`, what it may say, and what it comes to.

A file has a `title`; the number `claim`, by which `--claim` names it; what it `says`, in a
sentence; `method`, how it is measured; a `caption` that says how to read the figure; `order`; and
three functions: `measure(bench)`, which gives plain values for JSON, `conclude(found)` and
`draw(found)`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sockproof.shelves import ShelfError, load_module
from sockproof.study.bench import Bench

_TEXTS = ("claim", "title", "says", "method", "caption")
_FUNCTIONS = ("measure", "conclude", "draw")


class Verdict(enum.StrEnum):
    """What measuring made of a claim."""

    HOLDS = "holds"
    IN_PART = "holds in part"
    FAILS = "does not hold"
    OPEN = "not shown"
    UNKNOWN = "not measured"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A claim's verdict with its reason, and the figures as a table, units in its head."""

    verdict: Verdict
    sentence: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Claim:
    """One file of the shelf."""

    name: str
    number: str
    title: str
    says: str
    method: str
    caption: str
    order: int
    measure: Callable[[Bench], Mapping[str, Any]]
    conclude: Callable[[Mapping[str, Any]], Conclusion]
    draw: Callable[[Mapping[str, Any]], Any]


def load_claims(shelf: Path) -> list[Claim]:
    """The claims of a shelf, in their order; raises `ShelfError`."""
    claims = [_load(path) for path in sorted(shelf.glob("*.py"))]
    return sorted(claims, key=lambda each: (each.order, each.name))


def _load(path: Path) -> Claim:
    module = load_module(path, f"sockproof_study_{path.stem}")
    texts = {each: getattr(module, each, None) for each in _TEXTS}
    functions = {each: getattr(module, each, None) for each in _FUNCTIONS}
    for field, text in texts.items():
        if not isinstance(text, str):
            raise ShelfError(f"{path}: a claim needs a text {field!r}")
    for field, function in functions.items():
        if not callable(function):
            raise ShelfError(f"{path}: a claim needs a function {field}()")
    told = {field: " ".join(str(text).split()) for field, text in texts.items()}
    number, order = told.pop("claim"), int(getattr(module, "order", 1000))
    return Claim(name=path.stem, number=number, order=order, **told, **functions)  # type: ignore[arg-type]
