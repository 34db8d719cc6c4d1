"""Which expectations a run is given, and those of a library that it had better been given."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sockproof.conformance.shelf.expectations import (
    Expectation,
    load_expectations,
    stale_expectations,
)
from sockproof.errors import CommandError
from sockproof.render.conformance.causes import Group, answer
from sockproof.targets.drivers import EXPECTATIONS
from sockproof.targets.spec import load_targets

SHARE = 0.8  # of the faults, from which on a library is named that does not show what it is
LEAST = 4  # of them, since some library has any single one
_COMMON = {"python", "node", "socketio", "engineio", "server", "sansio", "polling"}


def load_named(words: Sequence[str], shelf: Path) -> list[Expectation]:
    """What `--expect` names, each a file or the name of a shipped one; raises `CommandError`.

    Those that are shipped are lent: an application of the library need not show all its faults.
    """
    found = []
    for word in words:
        path = _file(word, shelf)
        lent = path.parent == shelf / "expectations"
        found += [replace(each, lent=lent) for each in load_expectations(path)]
    return found


def _file(word: str, shelf: Path) -> Path:
    path = Path(word)
    if path.is_file():
        return path
    shipped = {each.stem: each for each in sorted((shelf / "expectations").glob("*.toml"))}
    if word in shipped:
        return shipped[word]
    if path.name != word or path.suffix == ".toml" or path.exists():
        raise CommandError(f"--expect {word}: {'not a' if path.exists() else 'no such'} file")
    near = difflib.get_close_matches(word, shipped, n=3, cutoff=0.5)
    near += [name for name in shipped if word and word in name and name not in near]
    told = ", ".join(near[:6] or shipped)
    raise CommandError(
        f"--expect {word}: no such file, and not the name of a bundled list; similar: {told}"
    )


def load_of_clients(words: Sequence[str], drivers: Path) -> list[Expectation]:
    """What `--expect` names of clients, each a file or the name of a driver of the shelf."""
    found = []
    for word in words:
        path, own = Path(word), drivers / word / EXPECTATIONS
        if not path.is_file() and (Path(word).name != word or not own.is_file()):
            raise CommandError(f"--expect {word}: no such file, and no driver with expectations")
        found += load_expectations(path if path.is_file() else own)
    return found


@dataclass(frozen=True, slots=True)
class _Shipped:
    """The expectations of one server that are shipped."""

    name: str
    title: str
    entries: list[Expectation]

    def explains(self, group: Group) -> bool:
        """Whether it names every case of a fault."""
        return all(
            any(each.outcome == case["outcome"] and each.names(case["id"]) for each in self.entries)
            for case in group.cases
        )

    def shows(self, server: str) -> bool:
        """Whether what a server says that it is names a part of this one."""
        versions = " ".join(each.version or "" for each in self.entries[:1] + self.entries[-1:])
        return bool(_words(server) & _words(f"{self.name} {versions}"))


def _words(text: str) -> set[str]:
    found = (word.removesuffix("server") for word in re.findall(r"[a-z]{3,}", text.lower()))
    return set(found) - _COMMON


def propose(
    report: Mapping[str, Any],
    known: Sequence[str],
    used: Sequence[Expectation],
    shelf: Path,
    targets: Path,
) -> dict[str, Any] | None:
    """The shipped expectations that the run had better been given, as the report has it.

    `known` are the ids of all cases, `used` the expectations that the run had; what it had is
    not proposed. `targets` is the shelf that knows the titles.
    """
    faults = answer(report).faults
    if not faults:
        return None
    ran = [(case["id"], case["outcome"]) for case in report["cases"]]
    best: tuple[tuple[int, bool, int], _Shipped] | None = None
    for shipped in _all_shipped(used, shelf, targets):
        named = sum(shipped.explains(group) for group in faults)
        shows = shipped.shows(report.get("server") or "")
        if not named or (not shows and named < max(LEAST, SHARE * len(faults))):
            continue
        stale = len(stale_expectations(shipped.entries, ran, known))
        score = (named, shows, -stale)
        if best is None or score > best[0]:
            best = (score, shipped)
    if best is None:
        return None
    (named, _, _), shipped = best
    return {
        "expect": shipped.name,
        "title": shipped.title,
        "known": named,
        "faults": len(faults),
    }


def _all_shipped(used: Sequence[Expectation], shelf: Path, targets: Path) -> list[_Shipped]:
    titles = {name: spec.title for name, spec in load_targets(targets).items()}
    had = {Path(each.file).resolve() for each in used}
    return [
        _Shipped(path.stem, titles.get(path.stem, path.stem), load_expectations(path))
        for path in sorted((shelf / "expectations").glob("*.toml"))
        if path.resolve() not in had
    ]
