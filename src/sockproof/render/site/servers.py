"""What servers and client libraries keep, by requirement, over the matrix runs stored of them.

The rules that hold here:

* A requirement is judged by its worst case that counts: a FAIL outweighs all, and what could not
  be judged outweighs what passed.
* A server is its name. Its runs are in the order in which they started, and the last is how it is.
* So is a client library: one name may stand for a server and for a client.
* What a run did not look at is as the one before found it, if that was of the same version.
* What changed is what two runs of a server that follow each other both judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from msgspec import UNSET

from sockproof.formats.judgements import Matrix, MatrixCell, MatrixRow

SERVERS, CLIENTS = "servers", "clients"  # what a matrix is of, and the folder of their pages
WEIGHT = ("FAIL", "INCONCLUSIVE", "NON_STRICT", "PASS", "UNSUPPORTED")  # the first one counts
JUDGED = ("FAIL", "NON_STRICT", "PASS")
_PARTS = 16  # of a section's number


@dataclass(frozen=True, slots=True)
class Requirement:
    """A requirement, as the rows of a matrix tell of it."""

    id: str
    document: str
    section: str
    level: str
    suites: frozenset[str]


@dataclass(frozen=True, slots=True)
class Deviation:
    """A case that is no PASS."""

    case: str
    outcome: str
    expected: str
    got: str
    reason: str


@dataclass(slots=True)
class Standing:
    """How a server stands to one requirement in one run."""

    outcome: str
    deviating: list[Deviation] = field(default_factory=list)
    known: bool = True  # each FAIL has a reason


@dataclass(frozen=True, slots=True)
class Version:
    """One run of a server: `title` has its version, `place` is which of the runs it is of."""

    title: str
    started: str
    kind: str
    standings: dict[str, Standing]
    counts: dict[str, int]
    place: int


@dataclass(frozen=True, slots=True)
class Change:
    """A requirement that a server's next run judged otherwise."""

    requirement: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Step:
    """From one run of a server to its next: what changed."""

    page: str
    before: Version
    after: Version
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class History:
    """All runs of a server, or of a client library, the oldest first."""

    name: str
    versions: tuple[Version, ...]
    of: str = SERVERS  # or CLIENTS

    @property
    def page(self) -> str:
        """Its page, without the suffix, as its feed has it too."""
        return f"{self.of}/{self.name}"

    @property
    def now(self) -> Version:
        """How it is."""
        return self.versions[-1]

    def since(self, requirement: str) -> tuple[Version, bool]:
        """The first of the last runs that agree on it, and whether one before said otherwise."""
        outcome = self.now.standings[requirement].outcome
        first = self.now
        for version in reversed(self.versions):
            standing = version.standings.get(requirement)
            if standing is None or standing.outcome not in JUDGED:
                continue
            if standing.outcome != outcome:
                return first, True
            first = version
        return first, False

    def steps(self) -> Iterable[Step]:
        """Where something changed, the latest first."""
        pairs = list(zip(self.versions, self.versions[1:], strict=False))
        for before, after in reversed(pairs):
            found = tuple(_changes(before, after))
            if found:
                yield Step(self.page, before, after, found)


def histories(matrices: Sequence[Matrix]) -> list[History]:
    """The servers of some matrices, by kind and name, and then the client libraries."""
    order = sorted(range(len(matrices)), key=lambda at: matrices[at].started)
    runs: dict[tuple[str, str], list[Version]] = {}
    for at in order:
        matrix = matrices[at]
        for column, each in enumerate(matrix.columns):
            if each.interrupted:  # of what was left out nothing is known
                continue
            key = matrix.of, each.name
            earlier = runs.get(key, [])
            is_same = bool(earlier) and earlier[-1].title == each.title
            version = Version(
                each.title,
                matrix.started,
                each.kind,
                (earlier[-1].standings if is_same else {}) | _standings(matrix.rows, column),
                {str(name): count for name, count in each.counts.items()},
                at,
            )
            runs.setdefault(key, []).append(version)
    found = [History(name, tuple(versions), of) for (of, name), versions in runs.items()]
    return sorted(
        found, key=lambda each: (each.of == CLIENTS, each.now.kind != "websocket", each.name)
    )


def requirements(matrices: Iterable[Matrix]) -> dict[str, Requirement]:
    """The requirements that any row is about, by document and section."""
    found: dict[str, Requirement] = {}
    suites: dict[str, set[str]] = {}
    for matrix in sorted(matrices, key=lambda each: each.started, reverse=True):
        for row in matrix.rows:
            suites.setdefault(row.requirement, set()).add(row.case.partition("/")[0])
            if row.requirement not in found:
                found[row.requirement] = Requirement(
                    row.requirement, row.document, row.section, row.level, frozenset()
                )
    documents: dict[str, int] = {}
    for each in found.values():
        documents.setdefault(each.document, len(documents))

    def place(each: Requirement) -> tuple[object, ...]:
        parts = re.split(r"(\d+)", each.section)[:_PARTS]
        numbers = [(len(part), part) if at % 2 else part for at, part in enumerate(parts)]
        return documents[each.document], numbers, each.id

    return {
        each.id: replace(each, suites=frozenset(suites[each.id]))
        for each in sorted(found.values(), key=place)
    }


def _standings(rows: Iterable[MatrixRow], column: int) -> dict[str, Standing]:
    found: dict[str, Standing] = {}
    for row in rows:
        cell = row.cells[column] if column < len(row.cells) else None
        if cell is None or cell.standing == "aside":
            continue
        standing = found.setdefault(row.requirement, Standing(cell.outcome))
        if WEIGHT.index(cell.outcome) < WEIGHT.index(standing.outcome):
            standing.outcome = cell.outcome
        if cell.outcome != "PASS":
            standing.deviating.append(_deviation(row.case, cell))
        if cell.outcome == "FAIL" and cell.standing != "known":
            standing.known = False
    return found


def _deviation(case: str, cell: MatrixCell) -> Deviation:
    def told(value: object) -> str:
        return "" if value is UNSET or value is None else str(value)

    return Deviation(case, cell.outcome, told(cell.expected), told(cell.got), told(cell.reason))


def _changes(before: Version, after: Version) -> Iterable[Change]:
    for name, standing in after.standings.items():
        earlier = before.standings.get(name)
        if earlier is None or earlier.outcome == standing.outcome:
            continue
        if earlier.outcome in JUDGED and standing.outcome in JUDGED:
            yield Change(name, earlier.outcome, standing.outcome)
