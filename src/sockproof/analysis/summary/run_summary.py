"""The summary of a load run, `summary.json`, from its folder alone.

A run is *fit* when its records are whole and it was long enough: its counts can be judged. That
the generator was late or busy spoils only what it can have changed, which is latencies and rates:
each latency is told again less the lag of its own second, and whoever judges one looks at both.
"""

from __future__ import annotations

import math
from collections import Counter as Counted
from dataclasses import dataclass
from pathlib import Path

from sockproof import files
from sockproof.analysis.delivery import violations
from sockproof.analysis.delivery.checker import Delivery, check
from sockproof.analysis.delivery.latency import DeliveryLatencies
from sockproof.analysis.delivery.latency import write as write_deliveries
from sockproof.analysis.summary.lag import Lags, max_lag
from sockproof.analysis.summary.latency import latencies
from sockproof.analysis.summary.missing_records import missing_records, said_of_missing
from sockproof.analysis.summary.outages import outages
from sockproof.analysis.summary.parts import parts_of, percentiles_of
from sockproof.analysis.summary.unheard import (
    empty_rooms,
    said_of_unheard,
    said_of_unsettled,
    set_unheard_aside,
)
from sockproof.analysis.summary.unstamped import ephemeral_of
from sockproof.files import FileError
from sockproof.formats.load import (
    About,
    Generator,
    HostClock,
    MissingRecords,
    Outage,
    PropertyFound,
    Summary,
    TargetCost,
    Violation,
    Violations,
)
from sockproof.runs.breakdown import By
from sockproof.runs.clock import SECOND
from sockproof.runs.histogram import Histogram
from sockproof.runs.load_records import (
    SCHEMA,
    SUMMARY_FILE,
    VIOLATIONS_FILE,
    LoadRecordError,
    Phase,
)
from sockproof.runs.reader import HealthLine, LoadRunFolder, RunProcess, said
from sockproof.vocabulary import (
    CONNECTIONS,
    MESSAGE_KINDS,
    PROPERTIES,
    TRAFFIC,
    Counter,
    Gauge,
    Origin,
    Property,
    Step,
)

LATE_MS = 10.0  # a send that leaves so long behind its intended time is late
MOST_LATE = 0.01  # of all sends
FEWEST_LATE = 10  # sends; fewer say nothing about a share
MOST_WITHHELD = 0.01  # of the sends that were due
MOST_REASONS = 20  # of a property
MOST_CPU = 0.9  # of one core, in the measured part
_LEAST = 0.9  # seconds of it: an older run has two lines, which are about one apart
_UNKNOWN = 1 << 30  # how many processes there were, where nothing tells it


def write_summary(folder: Path) -> Summary:
    """Write `summary.json` into the run folder and give what is in it; may raise."""
    run, deliveries = LoadRunFolder(folder), DeliveryLatencies()
    value, entries = _summarize(run, deliveries)
    write_deliveries(run.recorded, deliveries)
    left_out = value.violations.messages - value.violations.listed
    files.write(folder / VIOLATIONS_FILE, "".join(violations.lines(entries, left_out)))
    files.write(folder / SUMMARY_FILE, files.json_text(value, indent=1), durable=True)
    return value


def summarize(folder: Path) -> Summary:
    """The summary of a run folder; raises `LoadRecordError`."""
    return _summarize(LoadRunFolder(folder), DeliveryLatencies())[0]


def _summarize(
    folder: LoadRunFolder, deliveries: DeliveryLatencies
) -> tuple[Summary, list[Violation]]:
    """And the violations, each; what messages took to arrive is left in `deliveries`."""
    problems = list(folder.problems)
    try:
        run = folder.about
    except FileError as error:
        if not folder.recorded:
            raise LoadRecordError(
                f"{folder.path} is not the folder of a load run: {error}"
            ) from None
        run = About(processes=_UNKNOWN)
        problems.insert(0, str(error))
    delivery = check(folder, run.processes or 0, deliveries)
    health = [_Health.of(process) for process in folder.recorded]
    lags = Lags.of(folder.recorded, ignored_ms=max_lag(run) or 0.0)
    found, less_lag = latencies(folder.recorded, deliveries, lags)
    missing = missing_records(folder)
    steps = {step: sum(int(each.last.get(step, 0)) for each in health) for step in Step}
    set_unheard_aside(delivery, steps)
    told = outages(folder, _usual(found))
    withheld = _Withheld.of(health)
    _note(delivery, told, withheld, health)
    parts = parts_of(delivery, found, less_lag)
    clocks = _clocks(folder)
    unmeasured = sum(each.error_ms is None for each in clocks)
    counts = dict(delivery.counts)
    for name in (*CONNECTIONS, *TRAFFIC, Counter.WITHHELD, Counter.EXCUSED):
        counts[name.value] = sum(int(each.last.get(name, 0)) for each in health)
    entries = delivery.violations.entries() if delivery.violations is not None else []
    amiss = delivery.violations.messages if delivery.violations is not None else 0
    summary = Summary(
        schema=SCHEMA,
        scenario=run.scenario,
        started=run.started,
        counts=counts,
        unrecorded=missing,
        properties=_properties(delivery),
        outages=told,
        ephemeral=ephemeral_of(delivery),
        empty_rooms=empty_rooms(delivery),
        slow_readers=steps[Step.SLOW],
        examples=delivery.examples,
        violations=Violations(amiss, len(entries), violations.first(entries)),
        reasons=_why(delivery),
        violations_each_second={
            name: {str(second): count for second, count in sorted(when.items())}
            for name, when in delivery.when.items()
        },
        latency=percentiles_of(found),
        latency_less_lag=percentiles_of(less_lag),
        names=parts[By.NAME],
        classes=parts[By.CLASS],
        clocks=clocks,
        delivery_error_ms=round(deliveries.error / 1e6, 4),
        unknown_share=_unknown_share(delivery),
        target=_target(run, health),
        generator=_generator(
            run, delivery, health, steps, counts, missing, problems, unmeasured, withheld
        ),
    )
    return summary, entries


def _clocks(folder: LoadRunFolder) -> list[HostClock]:
    """The clocks of the hosts, the run's own first; none where there is but one."""
    lines = folder.clock_lines
    boots = Counted(process.file.boot for process in folder.recorded)
    if len(boots) < 2:
        return []
    found = []
    for boot, processes in sorted(boots.items(), key=lambda each: each[0] not in lines):
        line = lines.get(boot)
        if line is None:
            found.append(HostClock(boot, processes, None))
        else:
            error, drift = round(line.error / 1e6, 4), round(line.drift * 1e6, 3)
            found.append(HostClock(boot, processes, error, drift, line.round_trips))
    return found


def _usual(found: dict[str, dict[str, Histogram]]) -> float | None:
    """What a quarter of all answers, or else of all deliveries, take at most, in ms."""
    for kind in MESSAGE_KINDS:
        # Not the median: half of all messages may have met the silence.
        quick = found[kind][Origin.ACTUAL].at(0.25)
        if quick is not None:
            return quick / 1e6
    return None


def _why(delivery: Delivery) -> dict[str, dict[str, int]]:
    return {
        name: dict(texts.most_common(MOST_REASONS)) for name, texts in delivery.why.items() if texts
    }


@dataclass(frozen=True, slots=True)
class _Withheld:
    """Sends that were due and skipped, but for those that the scenario expects."""

    share: float  # of those that were due in the measured part
    total: int
    expected: int

    @classmethod
    def of(cls, health: list[_Health]) -> _Withheld:
        """Those of all processes."""
        offered, due, excused = (
            sum(each.grown(name) for each in health)
            for name in (Counter.OFFERED, Counter.WITHHELD, Counter.EXCUSED)
        )
        share = min((due - excused) / offered, 1.0) if offered else 0.0
        total, expected = (
            sum(int(each.last.get(name, 0)) for each in health)
            for name in (Counter.WITHHELD, Counter.EXCUSED)
        )
        return cls(share, total, expected)


def _note(
    delivery: Delivery, told: list[Outage], withheld: _Withheld, health: list[_Health]
) -> None:
    """Add what is not counted by rows to what was found."""
    seconds = max((each.seconds for each in health), default=0.0)
    offered = sum(int(each.last.get(Counter.OFFERED, 0)) for each in health)
    users = sum(int(each.last.get(Step.USERS, 0)) for each in health)
    delivery.counts[Counter.OUTAGES] = len(told)
    delivery.expected[Property.OUTAGES] = sum(each.expected for each in told)
    opened = delivery.exercised[Property.DISCONNECTED]
    delivery.exercised[Property.OUTAGES] = math.ceil(seconds) if opened else 0
    delivery.counts[Counter.WITHHELD] = withheld.total
    few = withheld.share <= MOST_WITHHELD
    delivery.expected[Property.WITHHELD] = withheld.total if few else withheld.expected
    delivery.exercised[Property.WITHHELD] = offered
    delivery.exercised[Property.ERRORS] = users


def _properties(delivery: Delivery) -> dict[str, PropertyFound]:
    told = {}
    for name in PROPERTIES:
        count, expected = delivery.counts[name], delivery.expected[name]
        # What was violated was exercised, whoever was to notice.
        exercised = max(delivery.exercised[name], count)
        told[name.value] = PropertyFound(
            "not exercised" if not exercised else count <= expected,
            exercised,
            violations=max(count - expected, 0),
            expected=expected,
        )
    return told


@dataclass
class _Health:
    """What one process wrote about itself; the measured part is from `begun` to `ended`."""

    last: dict[str, float]
    begun: HealthLine | None
    ended: HealthLine | None
    lag: Histogram
    worst_lag: int
    rss: int
    target_cpu: tuple[float, float] | None
    target_rss: int

    @classmethod
    def of(cls, process: RunProcess) -> _Health:
        """The lines of one process."""
        health = cls({}, None, None, Histogram(), 0, 0, None, 0)
        for line in process.health():
            health.take(line)
        return health

    def take(self, line: HealthLine) -> None:
        """One line more."""
        values, measured = line.values, line.phase == Phase.MEASURED
        if Gauge.CPU_S in values:
            if measured:
                self.begun = self.begun or line
                self.ended = line
            elif line.phase == Phase.RAMP and not line.tick:
                self.begun = line  # where the measured part begins, which is within a second
            self.rss = max(self.rss, int(values.get(Gauge.RSS_BYTES, 0)))
        if measured:
            self.lag.add(Histogram.from_json(line.lag))
        self.worst_lag = max(self.worst_lag, int(values.get(Gauge.HUB_LAG_NS, 0)))
        if Gauge.TARGET_CPU_S in values:
            now = float(values[Gauge.TARGET_CPU_S])
            self.target_cpu = (self.target_cpu[0] if self.target_cpu else now, now)
            self.target_rss = max(self.target_rss, int(values.get(Gauge.TARGET_RSS_BYTES, 0)))
        self.last.update(values)

    @property
    def seconds(self) -> float:
        """How long the measured part is."""
        if self.begun is None or self.ended is None:
            return 0.0
        return (self.ended.time - self.begun.time) / SECOND

    def grown(self, name: str) -> float:
        """By how much a counter grew in the measured part."""
        if self.begun is None or self.ended is None:
            return 0.0
        return float(self.ended.values.get(name, 0)) - float(self.begun.values.get(name, 0))


def _target(run: About, health: list[_Health]) -> TargetCost:
    known = [each.target_cpu for each in health if each.target_cpu is not None]
    if not known:
        return TargetCost(run.target)
    # All workers watch the same processes.
    return TargetCost(
        run.target,
        cpu_s=round(max(last - first for first, last in known), 3),
        # Of the part that the achieved rate is of, so that the two give the cost of a message.
        measured_cpu_s=round(max(each.grown(Gauge.TARGET_CPU_S) for each in health), 3),
        max_rss_bytes=max(each.target_rss for each in health),
    )


def _generator(
    run: About,
    delivery: Delivery,
    health: list[_Health],
    steps: dict[Step, int],
    counts: dict[str, int],
    missing: MissingRecords,
    problems: list[str],
    unmeasured: int,
    withheld: _Withheld,
) -> Generator:
    seconds = max((each.seconds for each in health), default=0.0)
    offered = sum(each.grown(Counter.OFFERED) for each in health)
    achieved = sum(each.grown(Counter.EMITTED) for each in health)
    lag = Histogram.sum(each.lag for each in health)
    reasons = said(problems)
    reasons += _reasons(run, delivery, health, steps, counts, missing, unmeasured)
    if withheld.share > MOST_WITHHELD:
        reasons.append(
            f"{withheld.share:.1%} of the sends that were due were withheld, because"
            " acknowledgements or connections were missing"
        )
    most = max_lag(run)
    limit = int((LATE_MS if most is None else most) * 1e6)
    late_share = lag.share_above(limit)
    is_late = late_share > MOST_LATE and late_share * lag.samples >= FEWEST_LATE
    told = [f"{late_share:.1%} of the messages left more than {limit / 1e6:g} ms late"]
    told = told if is_late else []
    for each in filter(_is_busy, health):
        busy = each.grown(Gauge.CPU_S) / each.seconds
        told.append(f"a process of the generator used {busy:.0%} of a core")
    worst = max([lag.maximum() or 0, *(each.worst_lag for each in health)])
    return Generator(
        fit=not reasons,
        reasons=reasons,
        lateness=told,
        late_share=round(late_share, 6),
        # Its core was full, or it was behind all the time: a neighbour that takes the processor
        # now and then makes some messages late, and no more.
        saturated=(is_late and late_share > 0.5) or any(map(_is_busy, health)),
        cpu_s=round(sum(float(each.last.get(Gauge.CPU_S, 0)) for each in health), 3),
        max_rss_bytes=sum(each.rss for each in health),
        max_lag_ms=round(worst / 1e6, 3),
        offered_rate=round(offered / seconds, 3) if seconds else None,
        achieved_rate=round(achieved / seconds, 3) if seconds else None,
        measured_s=round(seconds, 3),
        withheld=withheld.total,
        withheld_share=round(withheld.share, 6),
    )


def _unknown_share(delivery: Delivery) -> float | None:
    if not delivery.killed:
        return None
    known = delivery.counts[Counter.DUE]
    return delivery.unknown / max(known + delivery.unknown, 1)


def _unknown(delivery: Delivery) -> str:
    share = _unknown_share(delivery)
    if not share:
        return ""
    return f", what their clients heard later is unknown: {share:.1%} of the receipts"


def _mostly(delivery: Delivery, name: Property) -> str:
    """The reason that is told most often, behind what it is the reason for."""
    texts = delivery.why[name].most_common(1)
    return "".join(f"; {count:,} times: {text}" for text, count in texts)


def _is_busy(health: _Health) -> bool:
    return health.seconds > 0 and health.grown(Gauge.CPU_S) > MOST_CPU * health.seconds


def _reasons(
    run: About,
    delivery: Delivery,
    health: list[_Health],
    steps: dict[Step, int],
    counts: dict[str, int],
    missing: MissingRecords,
    unmeasured: int,
) -> list[str]:
    """Why the run is inconclusive, except for its rates."""
    reasons = []
    if not counts[Counter.CONNECTIONS_OPENED]:
        why = _mostly(delivery, Property.CONNECT_FAILURES)
        failed = counts[Counter.CONNECT_FAILURES]
        reasons.append(f"no connection was opened; {failed:,} failed{why}")
    if counts[Counter.ERRORS]:
        why = _mostly(delivery, Property.ERRORS)
        reasons.append(f"{counts[Counter.ERRORS]:,} errors in the scenario{why}")
    if delivery.killed:
        reasons.append(
            f"the records of {delivery.killed} of {len(health)} processes end abruptly;"
            f" what they had written counts{_unknown(delivery)}"
        )
    reasons += said_of_missing(missing)
    if unmeasured:
        reasons.append(
            f"the clocks of {unmeasured} hosts were not measured: between them and the others"
            " nothing can be compared"
        )
    if run.processes is not None and len(health) < run.processes < _UNKNOWN:
        reasons.append(f"{run.processes} processes were expected, {len(health)} left records")
    longest = max((each.seconds for each in health), default=0.0)
    if longest < _LEAST and counts[Counter.CONNECTIONS_OPENED]:
        reasons.append("the measured part is missing or shorter than a second")
    reasons += said_of_unheard(delivery, counts, steps)
    begun = sum(int(each.begun.values.get(Step.STARTED, 0)) for each in health if each.begun)
    reasons += said_of_unsettled(counts, begun, steps[Step.SETTLED])
    return reasons
