"""`python -m docs.site.trophies` writes `docs/trophies.md`, of what is expected of servers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from docs.site.catalogue import Deviation, deviations, requirements
from docs.site.markdown import code

from sockproof.conformance.shelf.requirements import Requirement
from sockproof.render.text import number

FILE = Path(__file__).parents[1] / "trophies.md"
_HEAD = """\
# Faults of well-known servers

What the suites have found in released versions of servers that many people run. Each was checked \
by hand, against the document and in the source. The most serious come first: those that lose or \
change messages, then breaches of a MUST, then of what a document describes. Breaches of mere \
recommendations are not here.

This page is generated from [the expectations](expectations.md) (`python -m docs.site.trophies`). \
The commands start the server and show the fault.
"""


_RANKS = (
    "Messages are lost or changed",
    "A MUST is broken",
    "A described behaviour is not kept",
)


def main() -> int:
    """Write the page."""
    FILE.write_text(text(), encoding="utf-8")
    return 0


def text() -> str:
    """The page."""
    found = _faults()
    told = [_HEAD]
    for rank, title in enumerate(_RANKS):
        chosen = [each for each in found if _rank(each) == rank]
        told.append(f"## {title}\n\n{number(len(chosen), 'fault')}.\n")
        told += [_told(each) for each in chosen]
    return "\n".join(told)


def _faults() -> list[Sequence[Deviation]]:
    """The deviations with one reason in one file, whose servers share what is at fault."""
    together: dict[tuple[str, str], list[Deviation]] = {}
    for each in deviations():
        if each.expectation.outcome == "FAIL" and any(_counts(r) for r in _broken([each])):
            key = (each.expectation.file, each.expectation.reason)
            together.setdefault(key, []).append(each)
    return sorted(together.values(), key=lambda group: (_rank(group), _plain(group)))


def _counts(requirement: Requirement) -> bool:
    return requirement.level in ("MUST", "DESCRIBED")


def _broken(group: Sequence[Deviation]) -> list[Requirement]:
    named = dict.fromkeys(case.requirement for each in group for case in each.cases)
    return [requirements()[name] for name in named]


def _rank(group: Sequence[Deviation]) -> int:
    broken = [each for each in _broken(group) if _counts(each)]
    if any(each.harms for each in broken):
        return 0
    return 1 if any(each.level == "MUST" for each in broken) else 2


def _plain(group: Sequence[Deviation]) -> tuple[str, str]:
    return Path(group[0].expectation.file).stem, group[0].cases[0].id


def _told(group: Sequence[Deviation]) -> str:
    first = group[0]
    broken = [each for each in _broken(group) if _counts(each)]
    targets = list(dict.fromkeys(each.target.name for each in group))
    titles = list(dict.fromkeys(each.target.title for each in group))
    shown = f"sockproof conformance --target {targets[0]} --case {_quoted(first.cases[0].id)}"
    named = len({case.id for each in group for case in each.cases})
    who = titles[0] if len(titles) == 1 else f"{Path(first.expectation.file).stem}"
    seen = f", seen in {first.expectation.version}" if first.expectation.version else ""
    lines = [
        f"* **{who}** {broken[0].broken or broken[0].text}",
        f"  ({broken[0].document} {broken[0].section}, {broken[0].level}{seen}).",
        f"  {first.expectation.reason}",
        *([f"  Also in {', '.join(targets[1:])}."] if len(titles) > 1 else ()),
        f"  {number(named, 'case')}:",
        f"  {code(shown)}",
    ]
    return "\n".join(lines) + "\n"


def _quoted(name: str) -> str:
    return f"'{name}'" if "[" in name else name


if __name__ == "__main__":
    sys.exit(main())
