"""What load runs write: `run.json`, `summary.json`, `ended.json`, and each process's lines."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from sockproof.formats import Count, Name, Number, Seconds, Text, Written

Plain = None | bool | int | float | str
Group = dict[str, Plain | list[Plain | list[Plain]] | dict[str, Plain]]


class Source(Written):
    """A locustfile, as it was when the run began; what looks like a secret is masked."""

    name: str
    text: Text
    left_out: Annotated[Count, Meta(description="Characters beyond those that are kept.")] = 0


class Revision(Written):
    """The commit of the directory in which the run was started."""

    commit: str
    dirty: Annotated[
        bool | None, Meta(description="Whether tracked files differed from it; null: unknown.")
    ] = None


class About(Written):
    """`run.json`: what was run, with what, and where. One that was killed early knows little."""

    schema: int = 1
    run: Annotated[Count | None, Meta(description="The number in the stamps of its messages.")] = (
        None
    )
    target: str | None = None
    scenario: str | None = None
    parameters: Group = {}
    versions: Group = {}
    machine: Group = {}
    started: Text | None = None
    ended: Text | None = None
    started_ns: Annotated[Count | None, Meta(description="By the clock of its records.")] = None
    processes: Annotated[Count | None, Meta(description="How many were to leave records.")] = None
    apart: Annotated[
        bool, Meta(description="Of a worker's own host, which sent its records to the master.")
    ] = False
    command: Annotated[Text | None, Meta(description="What runs it again; secrets are masked.")] = (
        None
    )
    locustfiles: list[Source] = []
    revision: Revision | None = None
    server: Annotated[Text | None, Meta(description="The field Server of its first response.")] = (
        None
    )
    serves: Annotated[Text | None, Meta(description="Of a bundled server: what it is.")] = None


class PropertyFound(Written):
    """Whether a target kept a property, and how often it could have broken it."""

    verdict: bool | Literal["not exercised"] | None
    exercised: Count = 0
    violations: Annotated[
        Count | None, Meta(description="But for those that the scenario expects.")
    ] = None
    expected: Annotated[Count, Meta(description="What the scenario declares by `expects`.")] = 0


class Outage(Written):
    """A span of time in which the target served nobody; times in seconds of the run."""

    begin: float
    seconds: Number
    end: Annotated[float | None, Meta(description="None: it lasted to the end.")] = None
    seen: Annotated[
        float | None,
        Meta(description="When it was last seen to be gone; it came back between then and `end`."),
    ] = None
    connections: Annotated[Count, Meta(description="That were open before.")] = 0
    dropped: Annotated[dict[str, Count], Meta(description="Connections, by the reason.")] = {}
    failed: Annotated[dict[str, Count], Meta(description="Connects, by the reason.")] = {}
    unanswered: Annotated[Count, Meta(description="Messages that were sent into silence.")] = 0
    expected: bool = False
    text: Annotated[Text, Meta(description="All of it, in a sentence.")] = ""


class Generator(Written):
    """How the generator was: nothing is judged by a run that is not `fit`, its records or its
    connections being amiss; lateness spoils only what it can have changed."""

    fit: bool
    reasons: Annotated[list[Text], Meta(description="Why the run is inconclusive.")]
    lateness: Annotated[
        list[Text],
        Meta(description="What its own lateness may have changed: latencies and rates, no counts."),
    ] = []
    late_share: Annotated[Number | None, Meta(description="Of the messages, those sent late.")] = (
        None
    )
    saturated: Annotated[bool, Meta(description="Whether it could do no more itself.")] = False
    cpu_s: Number | None = None
    max_rss_bytes: Number | None = None
    max_lag_ms: Number | None = None
    offered_rate: Annotated[Number | None, Meta(description="Messages a second.")] = None
    achieved_rate: Annotated[Number | None, Meta(description="Messages a second.")] = None
    measured_s: Number | None = None
    withheld: Number | None = None
    withheld_share: Annotated[Number | None, Meta(description="Of the sends that were due.")] = None


class TargetCost(Written):
    """The target, and what it cost where its processes were watched."""

    url: Text | None = None
    cpu_s: Number | None = None
    measured_cpu_s: Annotated[Number | None, Meta(description="Of the measured part.")] = None
    max_rss_bytes: Number | None = None


Latency = dict[str, Number | None]


class Part(Written):
    """The messages of one name, or the users of one class."""

    counts: dict[str, Count] = {}
    exercised: Annotated[
        dict[str, Count], Meta(description="How often it could have broken each property.")
    ] = {}
    latency: dict[str, dict[str, Latency]] = {}
    latency_less_lag: dict[str, dict[str, Latency]] = {}


class Violation(Written, omit_defaults=True):
    """A line of `violations.jsonl`: a message that was lost, or heard by the wrong ones, and so on.

    Or, as the last line, how many messages have no line of their own.
    """

    time: Annotated[
        str | None,
        Meta(description="When it was sent, or, where nobody sent it, heard: RFC 3339, in UTC."),
    ] = None
    second: Annotated[float | None, Meta(description="The same since the run began.")] = None
    kinds: Annotated[
        list[str], Meta(description="lost, duplicated, reordered, leaked, corrupted, …")
    ] = []
    name: Annotated[Name, Meta(description="Of the message, as the scenario calls it.")] = ""
    event: Name = ""
    sender: Annotated[Name, Meta(description="The label of the user; its class and number.")] = ""
    number: Annotated[Count, Meta(description="Its number among those of its connection.")] = 0
    room: Name = ""
    body: Annotated[
        Name | None, Meta(description="The first 200 characters, where they were written down.")
    ] = None
    receivers: Annotated[
        dict[str, list[Name]], Meta(description="Labels by kind, at most 20 of each.")
    ] = {}
    counts: Annotated[dict[str, Count], Meta(description="For how many receivers, by kind.")] = {}
    left_out: Annotated[
        Count, Meta(description="On the last line alone: messages without a line.")
    ] = 0

    def said(self) -> str:
        """The same in a line for people."""
        what = f"{self.name} ({self.event})" if self.event not in ("", self.name) else self.name
        parts = [self.time or "", f"{', '.join(self.kinds)}:", what or "message"]
        if self.sender:
            parts.append(f"{self.number} of {self.sender}" if self.number else f"of {self.sender}")
        if self.room:
            parts.append(f"to {self.room}")
        if self.receivers:
            parts.append(f"({self.whom()})")
        if self.body:
            parts.append(repr(self.body[:60]))
        return " ".join(part for part in parts if part)

    def whom(self) -> str:
        """For whom it was amiss."""
        told = []
        for kind, labels in self.receivers.items():
            some, most = labels[:3], self.counts.get(kind, 0)
            more = f" and {most - len(some):,} more" if most > len(some) else ""
            told.append(f"{kind} for {', '.join(some)}{more}")
        return "; ".join(told)


class Violations(Written):
    """What `violations.jsonl` holds: how many messages, how many of them have a line, and some."""

    messages: Count = 0
    listed: Count = 0
    first: list[Violation] = []


class MissingRecords(Written):
    """What could not be written down, by what it would have been, and in which seconds."""

    rows: dict[str, Count] = {}
    lines: dict[str, Count] = {}
    seconds: list[list[Number | None]] = []


class HostClock(Written):
    """A clock of a run's hosts beside that of the run, and by how much that can be wrong."""

    boot: Text
    processes: Count
    error_ms: Annotated[Number | None, Meta(description="None: it was never measured.")]
    drift_ppm: Number = 0.0
    round_trips: Count = 0


class EphemeralPart(Written):
    """Messages of a name that carry no stamp: counted, and timed where all of them came."""

    sent: Count = 0
    received: Count = 0
    due: Count = 0
    missing: Count = 0
    surplus: Count = 0
    latency: Latency = {}
    untold: Annotated[list[Text], Meta(description="What cannot be told of them.")] = []


class Summary(Written, kw_only=True):
    """`summary.json`: what became of every message of a load run."""

    schema: int = 1
    scenario: Text | None = None
    started: Text | None = None
    counts: Annotated[dict[str, Count], Meta(description="By the name of the counter.")]
    unrecorded: MissingRecords | UnsetType = UNSET
    properties: dict[str, PropertyFound] = {}
    outages: list[Outage] = []
    ephemeral: Annotated[
        dict[str, EphemeralPart], Meta(description="Messages without a stamp, by their name.")
    ] = {}
    empty_rooms: Annotated[
        list[Name],
        Meta(description="Rooms that messages were said to and no user entered; the first 20."),
    ] = []
    slow_readers: Annotated[
        Count, Meta(description="Users that read slowly by their scenario's will.")
    ] = 0
    examples: dict[str, list[Text]] = {}
    violations: Annotated[Violations, Meta(description="The first of violations.jsonl.")] = (
        msgspec.field(default_factory=Violations)
    )
    reasons: Annotated[
        dict[str, dict[str, Count]],
        Meta(description="By property: what was said of violations, and how often."),
    ] = {}
    violations_each_second: Annotated[
        dict[str, dict[str, Count]], Meta(description="By property and second of the run.")
    ] = {}
    latency: Annotated[
        dict[str, dict[str, Latency]],
        Meta(description="By kind and origin: samples, percentiles and maximum, in milliseconds."),
    ]
    latency_less_lag: Annotated[
        dict[str, dict[str, Latency]],
        Meta(description="The same, from each the largest lag of the generator in its second."),
    ] = {}
    names: Annotated[
        dict[str, Part],
        Meta(description="By the name of the message, at most 200; (other) are the rest."),
    ] = {}
    classes: Annotated[
        dict[str, Part],
        Meta(
            description="By the class of the user: of the sender, for what was sent and"
            " acknowledged; of the receiver, for what was heard or was not."
        ),
    ] = {}
    clocks: Annotated[
        list[HostClock], Meta(description="Those of the hosts, where there are several.")
    ] = []
    delivery_error_ms: Annotated[
        Number,
        Meta(description="By how much latencies of deliveries between hosts may be wrong."),
    ] = 0.0
    unknown_share: Annotated[
        Number | None,
        Meta(description="Of the receipts that were due: those of clients whose process died."),
    ] = None
    target: TargetCost
    generator: Generator


class Ended(Written):
    """`ended.json`: the rule that has ended a run, its value, and the second."""

    that: str
    value: Annotated[float, Meta(ge=-1e18, le=1e18)]
    second: Seconds


Bucket = Annotated[str, Meta(pattern="^[0-9]{1,4}$")]
Buckets = dict[Bucket, Annotated[int, Meta(ge=-(1 << 50), le=1 << 50)]]
Whole = Annotated[int, Meta(ge=-(1 << 50), le=1 << 62)]
# Keys are the names of counters and gauges, and with `t` (nanoseconds) and `phase` in each line;
# `rows` and `rows_crc32` in those of health, to say what the file of rows holds by then.
HealthLine = dict[str, Whole | Annotated[float, Meta(ge=-1e18, le=1e18)] | Buckets]
LatencyLine = dict[str, Whole | dict[str, Buckets]]  # by kind and origin
RoomLine = dict[str, Whole | str]


class ClockLine(Written):
    """A line of `clock-TAG.jsonl`: what the run's clock showed between two times of a process's."""

    sent: Whole
    received: Whole
    there: Whole
