"""What is written about runs: gate, capacity, comparisons, calibration, matrix, study."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from sockproof.formats import (
    Count,
    ExitCode,
    Level,
    Moment,
    Name,
    Number,
    Outcome,
    Seconds,
    Text,
    Written,
)
from sockproof.formats.load import Summary

GateOutcome = Literal["pass", "fail", "inconclusive"]


class JudgedRule(Written):
    """What came of one rule."""

    that: str
    why: str
    outcome: GateOutcome
    value: Number | bool | None
    text: Text
    violations: Annotated[
        list[Text], Meta(description="The first three messages that a broken rule is about.")
    ] = []


class Gate(Written, kw_only=True):
    """What came of a run's rules."""

    schema: int = 1
    title: str
    run: Name
    about: Annotated[str, Meta(description="What the run did.")]
    outcome: GateOutcome
    exit_code: ExitCode
    rules: list[JudgedRule]
    left_out: Annotated[Count, Meta(description="Rules about runs of another kind.")] = 0


class Gates(Written, kw_only=True):
    """What came of several runs together."""

    schema: int = 1
    exit_code: ExitCode
    gates: list[Gate]


class LoadOutcome(StrEnum):
    """What came of a load."""

    KEPT = "kept"
    BROKEN = "broken"  # an objective, or sends that the target's silence held back
    SATURATED = "generator"  # the generator could do no more: of the server nothing is known
    UNCLEAR = "unclear"  # no data for an objective


class CapacityProbe(Written):
    """One run at one load."""

    users: Count
    outcome: LoadOutcome
    text: Text
    offered_rate: Number | None
    achieved_rate: Number | None
    heard_rate: Number | None
    lost: Count
    latency: dict[str, dict[str, Number | None]]


class Capacity(Written, kw_only=True):
    """`capacity.json`: how many users a server carries."""

    schema: int = 1
    scenario: str
    objectives: list[str]
    kept: Count | None
    limit: Count | None
    why: LoadOutcome | None
    text: Text
    probes: list[CapacityProbe]


Milliseconds = Annotated[float, Meta(ge=-1e12, le=1e12)]


class CalibrationError(Written):
    """What the harness reports beyond the server's own figure and the floor."""

    delay_ms: Milliseconds
    p50_ms: Milliseconds
    p99_ms: Milliseconds | None


class CalibrationPoint(Written):
    """One run: what the server did, and what the harness reported."""

    delay_ms: Milliseconds
    rate: Annotated[float, Meta(ge=0, le=1e12, description="Messages a second.")]
    server_p50_ms: Milliseconds
    server_p99_ms: Milliseconds | None
    told_p50_ms: Milliseconds
    told_p99_ms: Milliseconds | None
    fit: bool


class Calibration(Written):
    """`calibration.json`: what the harness adds to a latency on a machine."""

    schema: int
    started: Moment
    machine: dict[str, str | int | None]
    floor_ms: Milliseconds
    errors: list[CalibrationError]
    highest_rate: Annotated[float, Meta(ge=0, le=1e12)] | None
    reached_limit: bool
    points: list[CalibrationPoint]


ChangeVerdict = Literal["slower", "faster", "alike", "inconclusive"]


class Change(Written):
    """A latency of two runs, B's as a ratio to A's with its interval."""

    metric: str
    a: Number
    b: Number
    ratio: Number
    low: Number
    high: Number
    verdict: ChangeVerdict


class Compared(Written, kw_only=True):
    """`compare.json`: two load runs, or two groups of them."""

    schema: int = 1
    a: list[Name]
    b: list[Name]
    ran: dict[str, dict[str, list[str]]]
    differing: Annotated[
        dict[str, tuple[list[str], list[str]]], Meta(description="Conditions, with A's and B's.")
    ]
    unfit: list[Name]
    violations: Annotated[dict[str, tuple[Count, Count]], Meta(description="Of A and of B.")]
    changes: list[Change]


Pairs = Annotated[int, Meta(ge=1, le=1000)]
Share = Annotated[float, Meta(gt=0, lt=1)]


class Design(Written):
    """What was decided before anything ran."""

    metrics: Annotated[list[str], Meta(min_length=1, max_length=100)]
    pairs: Pairs = 8
    max_pairs: Pairs = 12
    tolerance: Annotated[float, Meta(ge=0, le=10)] = 0.05
    alpha: Share = 0.05
    confidence: Share = 0.95
    seed: Annotated[int, Meta(ge=0, lt=1 << 32)] = 0


class ComparedRun(Written):
    """One run of one of the two."""

    folder: Name
    summary: Summary
    interrupted: bool = False
    warm_up: bool = False


class ComparedPair(Written):
    """A run of each, as far as it came to that."""

    number: Annotated[int, Meta(ge=0, le=1 << 32)]
    order: Literal["AB", "BA"]
    warm_up: bool
    a: ComparedRun | UnsetType = UNSET
    b: ComparedRun | UnsetType = UNSET


class Comparison(Written):
    """`ab.json`: whether one server is slower than another, or the noise of one."""

    schema: int
    mode: Annotated[
        Literal["pairs", "aa", "stored"],
        Meta(description="Interleaved pairs, one server alone, or runs that were there."),
    ]
    design: Design
    pairs: list[ComparedPair] | UnsetType = UNSET
    groups: dict[Literal["a", "b"], list[ComparedRun]] | UnsetType = UNSET
    paired: bool | UnsetType = UNSET
    stopped: str | UnsetType = UNSET
    interrupted: bool = False
    started: Text | UnsetType = UNSET
    result: Annotated[
        dict[str, Any] | UnsetType, Meta(description="The judgement; made anew by `--again`.")
    ] = UNSET


class MatrixColumn(Written):
    """A server, or a client."""

    name: str
    title: str
    kind: str
    report: Annotated[Name, Meta(description="Where its own report is.")]
    seconds: Seconds
    exit_code: ExitCode
    interrupted: bool
    counts: dict[Outcome, Count]
    stale_expectations: list[dict[str, Any]]


class MatrixCell(Written):
    """How a case ended there."""

    outcome: Outcome
    standing: str
    expected: str | UnsetType = UNSET
    got: str | UnsetType = UNSET
    reason: str | UnsetType | None = UNSET
    version: str | UnsetType | None = UNSET
    sometimes: bool | UnsetType = UNSET
    aside: str | UnsetType | None = UNSET


class MatrixRow(Written):
    """A case; a cell for each column, null where it did not run."""

    case: str
    requirement: str
    document: str
    section: str
    level: Level
    cells: list[MatrixCell | None]


class Skipped(Written):
    """A target, or a driver, that did not run."""

    name: str
    reason: str


class PairFault(Written):
    """What went wrong between a client and a server, and who is at fault where that is known."""

    case: str
    side: Literal["client", "server", "both"]
    document: str
    section: str
    got: str


class PairCell(Written):
    """How a client and a server get on; `extension` is what they agreed on."""

    passed: Count
    cases: Count
    extension: str
    faults: list[PairFault]


class PairTable(Written):
    """Servers and the clients that met them; `cells` has a row for each server."""

    kind: str
    servers: list[str]
    clients: list[str]
    cells: list[list[PairCell | None]]


class Matrix(Written):
    """`matrix.json`: all targets side by side, all clients, or all clients that met servers."""

    schema: int
    kind: Literal["matrix"]
    sockproof: str
    started: Moment
    columns: list[MatrixColumn]
    skipped: list[Skipped]
    rows: list[MatrixRow]
    of: Literal["servers", "clients", "pairs"] = "servers"
    pairs: list[PairTable] = []


Short = Annotated[str, Meta(max_length=1 << 16)]
Row = Annotated[list[str], Meta(max_length=99)]


class StudiedClaim(Written):
    """A claim, how it was measured, and what came of it."""

    name: Annotated[str, Meta(pattern=r"^[^\W\d]\w*$")]
    number: Short
    title: Short
    says: Short
    method: Short
    seconds: Annotated[float, Meta(gt=-1e12, lt=1e12)]
    verdict: Short
    sentence: Short
    head: Row
    rows: list[Row]
    found: Any


class StudyMachine(Written):
    """Where it was measured."""

    system: str
    cpus: Annotated[float, Meta(gt=-1e12, lt=1e12)]
    processor: str | None = None
    python: str | None = None


class Study(Written):
    """`study.json`: claims about WebSocket and Socket.IO, measured."""

    schema: Literal[1]
    started: str
    machine: StudyMachine
    quick: bool
    claims: list[StudiedClaim]
    sockproof: str = ""
