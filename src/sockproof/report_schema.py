"""The shape of a conformance run's records: what a reader takes of them, and within which ranges.

`reports/conformance-report.schema.json` says the same to other programs.
"""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

import msgspec
from msgspec import Meta

from sockproof.vocabulary import Seen

Count = Annotated[int, Meta(ge=0, le=1 << 62)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]
Id = Annotated[str, Meta(pattern=r"^[^/]+/[^/]+/", max_length=1000)]
Moment = Annotated[str, Meta(max_length=100)]
Octets = Annotated[str, Meta(pattern=r"^([0-9a-f]{2})*$", max_length=1 << 20)]
Outcome = Literal["PASS", "NON_STRICT", "FAIL", "UNSUPPORTED", "INCONCLUSIVE"]
Level = Literal["MUST", "SHOULD", "MAY", "DESCRIBED"]
# Why a case does not count.
AsideKind = Literal["follows", "did-not-repeat", "too-busy", "control", "no-time"]
ExitCode = Literal[0, 1, 2, 3, 130]
Came = Annotated[str, Meta(max_length=100)]


class Entry(TypedDict):
    """One thing that crossed a connection."""

    connection: Count
    ns: Count
    direction: Literal["sent", "received"]
    octets: Octets
    cut: bool
    length: Count
    text: str


class Known(TypedDict):
    """The expectation that names a case."""

    file: str
    reason: str
    sometimes: bool
    version: NotRequired[str | None]


class Aside(TypedDict):
    """Why a case does not count."""

    kind: AsideKind
    of: str
    text: str


class Case(TypedDict):
    """How one case ended; the last four are missing in reports of earlier versions."""

    id: Id
    requirement: str
    level: Level
    outcome: Outcome
    summary: str
    expected: str
    got: str
    seconds: Seconds
    expectation: Known | None
    autobahn: list[str]
    rerun: str
    wire: list[Entry]
    notes: NotRequired[list[str]]
    aside: NotRequired[Aside | None]
    seen: NotRequired[Seen | None]
    came: NotRequired[Came]


class CasePart(TypedDict, total=False):
    """What may be new of a case that is revised."""

    outcome: Outcome
    summary: str
    expected: str
    got: str
    seconds: Seconds
    expectation: Known | None
    wire: list[Entry]
    notes: list[str]
    aside: Aside | None
    seen: Seen | None
    came: Came


class Coverage(TypedDict):
    """Ids of requirements."""

    with_case: list[str]
    without_case: list[str]
    untestable: dict[str, str]


class Sentence(TypedDict):
    """A requirement, as a report repeats it."""

    document: str
    section: str
    level: Level
    text: str
    broken: NotRequired[str]
    harms: NotRequired[Literal["data"]]


class Stale(TypedDict):
    """An expectation that no longer holds."""

    file: str
    case: str
    reason: str
    expected: NotRequired[str]
    outcome: NotRequired[str]


class Proposal(TypedDict):
    """Shipped expectations that name most of what fails."""

    expect: str
    title: str
    known: Count
    faults: Count


class Values(TypedDict, total=False):
    """What a header, a finish or a conclusion may say of a run."""

    schema: int
    sockproof: str
    target: str
    server: str | None
    started: Moment
    seconds: Seconds
    interrupted: bool
    exit_code: ExitCode
    strict: bool
    problem: str | None
    suites: list[str]
    excluded: list[str]
    coverage: Coverage
    requirements: dict[str, Sentence]
    stale_expectations: list[Stale]
    remarks: list[str]
    damage: list[str]
    not_run: list[str]
    died: bool
    max_time: Seconds
    proposal: Proposal
    server_log: str


class Counts(TypedDict):
    """How many cases had each outcome."""

    PASS: Count
    NON_STRICT: Count
    FAIL: Count
    UNSUPPORTED: Count
    INCONCLUSIVE: Count


class Report(TypedDict):
    """A whole report."""

    schema: int
    sockproof: str
    target: str
    server: str | None
    started: Moment
    seconds: Seconds
    interrupted: bool
    exit_code: ExitCode
    counts: Counts
    coverage: Coverage
    stale_expectations: list[Stale]
    cases: list[Case]
    strict: NotRequired[bool]
    problem: NotRequired[str | None]
    suites: NotRequired[list[str]]
    excluded: NotRequired[list[str]]
    requirements: NotRequired[dict[str, Sentence]]
    remarks: NotRequired[list[str]]
    damage: NotRequired[list[str]]
    not_run: NotRequired[list[str]]
    died: NotRequired[bool]
    max_time: NotRequired[Seconds]
    proposal: NotRequired[Proposal]
    server_log: NotRequired[str]


class Revision(TypedDict):
    """New fields of the case with this number."""

    number: Count
    fields: CasePart


class Line(msgspec.Struct):
    """A line of a run's file."""

    kind: str
    at: Seconds
    values: msgspec.Raw
