"""The summary of a load run, `summary.json`, from its folder alone.

A run is *fit* when its generator was not the bottleneck and its records are whole: whatever a
inconclusive run shows may be the generator's doing and not the target's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sockproof import files
from sockproof.analysis.delivery.checker import Delivery, check
from sockproof.analysis.delivery.latency import DeliveryLatencies
from sockproof.analysis.delivery.latency import write as write_deliveries
from sockproof.analysis.summary.latency import latencies, percentiles
from sockproof.analysis.summary.missing_records import missing_records, said_of_missing
from sockproof.files import FileError
from sockproof.formats.load import (
    About,
    Generator,
    MissingRecords,
    PropertyFound,
    Summary,
    TargetCost,
)
from sockproof.runs.clock import SECOND
from sockproof.runs.histogram import Histogram
from sockproof.runs.load_records import (
    SCHEMA,
    SUMMARY_FILE,
    LoadRecordError,
    Phase,
)
from sockproof.runs.reader import HealthLine, LoadRunFolder, RunProcess, said
from sockproof.vocabulary import CONNECTIONS, PROPERTIES, TRAFFIC, Counter, Gauge

LATE_NS = 10_000_000  # a send that leaves so long behind its intended time is late
MOST_LATE = 0.01  # of all sends
LEAST_ACHIEVED = 0.99  # of the offered rate
MOST_CPU = 0.9  # of one core, in the measured part
_UNKNOWN = 1 << 30  # how many processes there were, where nothing tells it


def write_summary(folder: Path) -> Summary:
    """Write `summary.json` into the run folder and give what is in it; may raise."""
    run, deliveries = LoadRunFolder(folder), DeliveryLatencies()
    value = _summarize(run, deliveries)
    write_deliveries(run.recorded, deliveries)
    files.write(folder / SUMMARY_FILE, files.json_text(value, indent=1), durable=True)
    return value


def summarize(folder: Path) -> Summary:
    """The summary of a run folder; raises `LoadRecordError`."""
    return _summarize(LoadRunFolder(folder), DeliveryLatencies())


def _summarize(folder: LoadRunFolder, deliveries: DeliveryLatencies) -> Summary:
    """What messages took to arrive is left in `deliveries`."""
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
    found = latencies(folder.recorded, deliveries)
    missing = missing_records(folder)
    counts = dict(delivery.counts)
    for name in (*CONNECTIONS, *TRAFFIC):
        counts[name.value] = sum(int(each.last.get(name, 0)) for each in health)
    return Summary(
        schema=SCHEMA,
        scenario=run.scenario,
        started=run.started,
        counts=counts,
        unrecorded=missing,
        properties=_properties(delivery),
        examples=delivery.examples,
        violations_each_second={
            name: {str(second): count for second, count in sorted(when.items())}
            for name, when in delivery.when.items()
        },
        latency={
            kind: {origin: percentiles(each) for origin, each in origins.items()}
            for kind, origins in found.items()
        },
        target=_target(run, health),
        generator=_generator(run, delivery, health, counts, missing, problems),
    )


def _properties(delivery: Delivery) -> dict[str, PropertyFound]:
    told = {}
    for name in PROPERTIES:
        exercised = delivery.exercised[name]
        holds = delivery.counts[name] == 0
        told[name.value] = PropertyFound(
            "not exercised" if holds and not exercised else holds, exercised
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
    counts: dict[str, int],
    missing: MissingRecords,
    problems: list[str],
) -> Generator:
    seconds = max((each.seconds for each in health), default=0.0)
    offered = sum(each.grown(Counter.OFFERED) for each in health)
    achieved = sum(each.grown(Counter.EMITTED) for each in health)
    withheld = sum(int(each.last.get(Counter.WITHHELD, 0)) for each in health)
    lag = Histogram.sum(each.lag for each in health)
    reasons = said(problems) + _reasons(run, delivery, health, counts, missing)
    if offered and achieved < LEAST_ACHIEVED * offered:
        share = achieved / offered
        reasons.append(
            f"only {share:.1%} of the offered rate was achieved: {withheld:,} sends were withheld,"
            " because acknowledgements or connections were missing"
        )
    late = lag.share_above(LATE_NS)
    if late > MOST_LATE:
        reasons.append(f"{late:.1%} of the messages left more than {LATE_NS / 1e6:g} ms late")
    worst = max([lag.maximum() or 0, *(each.worst_lag for each in health)])
    return Generator(
        fit=not reasons,
        reasons=reasons,
        # Whether it could not do more itself, whatever else there is: its core was full, or it
        # sent late.
        saturated=late > MOST_LATE or any(_is_busy(each) for each in health),
        cpu_s=round(sum(float(each.last.get(Gauge.CPU_S, 0)) for each in health), 3),
        max_rss_bytes=sum(each.rss for each in health),
        max_lag_ms=round(worst / 1e6, 3),
        offered_rate=round(offered / seconds, 3) if seconds else None,
        achieved_rate=round(achieved / seconds, 3) if seconds else None,
        measured_s=round(seconds, 3),
        withheld=withheld,
    )


def _is_busy(health: _Health) -> bool:
    return health.seconds > 0 and health.grown(Gauge.CPU_S) > MOST_CPU * health.seconds


def _reasons(
    run: About,
    delivery: Delivery,
    health: list[_Health],
    counts: dict[str, int],
    missing: MissingRecords,
) -> list[str]:
    """Why the run is inconclusive, except for its rates."""
    reasons = []
    if not counts[Counter.CONNECTIONS_OPENED]:
        reasons.append(f"no connection was opened; {counts[Counter.CONNECT_FAILURES]:,} failed")
    if delivery.killed:
        reasons.append(
            f"the records of {delivery.killed} of {len(health)} processes end abruptly;"
            " what they had written counts"
        )
    reasons += said_of_missing(missing)
    if run.processes is not None and len(health) < run.processes < _UNKNOWN:
        reasons.append(f"{run.processes} processes were expected, {len(health)} left records")
    if not any(each.seconds for each in health) and counts[Counter.CONNECTIONS_OPENED]:
        reasons.append("the measured part is missing or shorter than two seconds")
    for each in health:
        if _is_busy(each):
            share = each.grown(Gauge.CPU_S) / each.seconds
            reasons.append(f"a process of the generator used {share:.0%} of a core")
    return reasons
