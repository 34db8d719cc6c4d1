"""What a run of cases writes: the lines of `run.jsonl`, and its report."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta

from sockproof.formats import Count, ExitCode, Level, Moment, Outcome, Seconds, Written
from sockproof.vocabulary import DOCS_URL, Seen

Id = Annotated[
    str,
    Meta(
        pattern=r"^[^/]+/[^/]+/",
        max_length=1000,
        description="suite/file/function, with [variant] behind it where there are several.",
    ),
]
Octets = Annotated[str, Meta(pattern=r"^([0-9a-f]{2})*$", max_length=1 << 20)]
# Why a case does not count.
AsideKind = Literal["follows", "did-not-repeat", "too-busy", "control", "no-time"]

Came = Annotated[
    str,
    Meta(
        max_length=100,
        description="What kind of thing came instead: TEXT, CLOSE 1007, EVENT, HTTP 400; or empty.",
    ),
]
SeenInstead = Annotated[
    Seen | None,
    Meta(
        description="What was seen instead of what was expected; null where nothing is to be told."
        " `expected` and `got` say it in words, which may change."
    ),
]

Lacks = Annotated[
    list[str],
    Meta(description="What the target would have to offer, or a `limits.NAME` of its profile."),
]


class Entry(TypedDict):
    """One thing that crossed a connection."""

    connection: Count
    ns: Annotated[Count, Meta(description="Since the case began.")]
    direction: Literal["sent", "received"]
    octets: Octets
    cut: Annotated[bool, Meta(description="Whether `octets` is the beginning only.")]
    length: Annotated[Count, Meta(description="In octets, uncut.")]
    text: Annotated[str, Meta(description="The decoded frame or packet.")]


class Known(TypedDict):
    """The expectation that names a case."""

    file: str
    reason: str
    sometimes: bool
    version: NotRequired[
        Annotated[str | None, Meta(description="Of the server on which it was read.")]
    ]


class Aside(TypedDict):
    """Why a case does not count."""

    kind: AsideKind
    of: Annotated[
        str,
        Meta(
            description="The requirement that it follows from, the control that failed, or empty."
        ),
    ]
    text: Annotated[str, Meta(description="The reason in one sentence.")]


class Case(TypedDict):
    """How one case ended; the last five are missing in reports of earlier versions."""

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
    rerun: Annotated[str, Meta(description="The command that runs this case again.")]
    wire: list[Entry]
    notes: NotRequired[
        Annotated[
            list[str], Meta(description="What the case saw and does not judge, such as a limit.")
        ]
    ]
    aside: NotRequired[
        Annotated[
            Aside | None,
            Meta(
                description="Why it counts as nothing, in exit code and `counts`; null: it counts."
            ),
        ]
    ]
    seen: NotRequired[SeenInstead]
    came: NotRequired[Came]
    lacks: NotRequired[Lacks]


class CasePart(TypedDict, total=False):
    """What may be new of a case that is revised."""

    requirement: str
    level: Level
    outcome: Outcome
    summary: str
    expected: str
    got: str
    seconds: Seconds
    expectation: Known | None
    wire: list[Entry]
    notes: list[str]
    aside: Aside | None
    seen: SeenInstead
    came: Came
    lacks: Lacks


class Coverage(TypedDict):
    """Ids of requirements."""

    with_case: list[str]
    without_case: list[str]
    untestable: Annotated[
        dict[str, str], Meta(description="Why nobody outside the server can see it, by id.")
    ]


class Sentence(TypedDict):
    """A requirement, as a report repeats it."""

    document: str
    section: str
    level: Level
    text: str
    broken: NotRequired[
        Annotated[
            str,
            Meta(
                description="What is said of a server that breaks it; several requirements may say"
                " the same, and are one fault then."
            ),
        ]
    ]
    harms: NotRequired[
        Annotated[
            Literal["data"], Meta(description="Where it is broken, messages are lost or changed.")
        ]
    ]
    fix: NotRequired[
        Annotated[str, Meta(description="How a server that breaks it is usually fixed.")]
    ]


DocsUrl = Annotated[
    str,
    Meta(
        pattern=DOCS_URL,
        max_length=500,
        description="Of the documentation, which has a page for each requirement:"
        " requirements/ID.html.",
    ),
]


class Stale(TypedDict):
    """An expectation that no longer holds."""

    file: str
    case: str
    reason: str
    expected: NotRequired[str]
    outcome: NotRequired[str]


class Proposal(TypedDict):
    """Shipped expectations that name most of what fails."""

    expect: Annotated[str, Meta(description="What --expect takes.")]
    title: Annotated[str, Meta(description="Which server they are of.")]
    known: Annotated[Count, Meta(description="How many faults they name.")]
    faults: Annotated[Count, Meta(description="Of how many.")]


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
    docs_url: DocsUrl
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
    driver_log: str


class Counts(TypedDict):
    """How many cases had each outcome."""

    PASS: Count
    NON_STRICT: Count
    FAIL: Count
    UNSUPPORTED: Count
    INCONCLUSIVE: Count


class Report(TypedDict):
    """What sockproof found out about one server, the JSON report of `sockproof conformance`.

    Keys that are not listed may appear in later versions with the same `schema`; those that are
    listed keep their meaning.
    """

    schema: int
    sockproof: Annotated[str, Meta(description="The version that judged.")]
    target: Annotated[str, Meta(description="The URL, its secrets masked.")]
    server: Annotated[str | None, Meta(description="What the server says that it is.")]
    started: Moment
    seconds: Seconds
    interrupted: bool
    exit_code: ExitCode
    counts: Counts
    coverage: Coverage
    stale_expectations: Annotated[
        list[Stale], Meta(description="Expectations that name what no longer happens.")
    ]
    cases: list[Case]
    strict: NotRequired[
        Annotated[bool, Meta(description="Whether SHOULD and NON_STRICT count too.")]
    ]
    problem: NotRequired[Annotated[str | None, Meta(description="Why the run is inconclusive.")]]
    suites: NotRequired[list[str]]
    excluded: NotRequired[
        Annotated[list[str], Meta(description="Globs of the cases that were left out on request.")]
    ]
    docs_url: NotRequired[DocsUrl]
    requirements: NotRequired[
        Annotated[
            dict[str, Sentence],
            Meta(description="The sentences that the cases and the coverage speak of, by id."),
        ]
    ]
    remarks: NotRequired[
        Annotated[
            list[str],
            Meta(description="What is to be said of the run as a whole, a sentence each."),
        ]
    ]
    damage: NotRequired[
        Annotated[
            list[str], Meta(description="What could not be read of the records, a line each.")
        ]
    ]
    not_run: NotRequired[
        Annotated[list[str], Meta(description="The cases that were chosen and did not run.")]
    ]
    died: NotRequired[Annotated[bool, Meta(description="Whether the server died of a case.")]]
    max_time: NotRequired[
        Annotated[Seconds, Meta(description="Seconds after which the run would have ended.")]
    ]
    proposal: NotRequired[Annotated[Proposal, Meta(description="Absent where there are none.")]]
    server_log: NotRequired[
        Annotated[
            str,
            Meta(description="The end of the standard error of a server that sockproof started."),
        ]
    ]
    driver_log: NotRequired[
        Annotated[str, Meta(description="The end of what the driver of a client printed.")]
    ]


class Revision(TypedDict):
    """New fields of the case with this number."""

    number: Count
    fields: CasePart


class Line(Written):
    """A line of `run.jsonl`, as far as it says of which kind it is."""

    kind: str


class _Timed(Written):
    """A line, and when it was written."""

    at: Seconds


class HeaderLine(_Timed, tag_field="kind", tag="header"):
    """What is known before the first case; it comes first."""

    values: Values


class CaseLine(_Timed, tag_field="kind", tag="case"):
    """How a case ended."""

    values: Case


class RevisedLine(_Timed, tag_field="kind", tag="revised"):
    """What was found later about a case."""

    values: Revision


class FinishLine(_Timed, tag_field="kind", tag="finish"):
    """What is known after the last case."""

    values: Values


class AlsoLine(_Timed, tag_field="kind", tag="also"):
    """What was concluded from the whole run."""

    values: Values


RunLine = HeaderLine | CaseLine | RevisedLine | FinishLine | AlsoLine
