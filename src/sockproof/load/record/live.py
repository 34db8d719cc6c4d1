"""The numbers of a run while it goes on: what a process tells, and what several come to.

A process tells all that it has counted so far, not what was added: a report that is lost costs
nothing. Histograms add up exactly, so percentiles are those of all processes together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sockproof.load.record.names import Acks
from sockproof.runs.breakdown import By
from sockproof.runs.histogram import Histogram
from sockproof.runs.load_records import Phase
from sockproof.vocabulary import (
    CONNECTIONS,
    MAX_MS,
    OF_A_SECOND,
    SAMPLES,
    TRAFFIC,
    Counter,
    Gauge,
    LatencyKind,
)

WINDOW = 5.0  # seconds that count as now
SILENCE = 10.0  # seconds without a report, due every three, after which a worker counts as lost
COUNTS = (
    *(Counter.OFFERED, Counter.EMITTED, Counter.WITHHELD, Counter.RECEIPTS),
    *(Counter.ACKNOWLEDGED, *CONNECTIONS),
    *(Counter.CORRUPTED, Counter.UNREADABLE, Counter.ACK_TIMEOUTS, Counter.MISACKNOWLEDGED),
    *TRAFFIC,
)
MOST_TEXT = 200  # characters of what a target says of itself
SPANS = ("now", "measured", "start")
_MIB = 1 << 20
_SLACK = 0.5  # seconds by which a sample may come early or late
_ACK, _DELIVERY = LatencyKind.ACK.value, LatencyKind.DELIVERY.value
_LIVE = Counter.LIVE.value
_HEALTH = ("cpu_percent", "lag_ms", "rss_mib", "target_cpu_percent", "target_rss_mib")

Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Sample:
    """The counters at one time, and the latencies since the sample before."""

    at: int
    counters: Mapping[str, int]
    ack: Histogram
    delivery: Histogram


class Live:
    """The numbers of one process; times are `time.monotonic_ns()`."""

    def __init__(self, run: int, now: int) -> None:
        """`run` is the number that tells this run from those before it."""
        self._run = run
        self.server = ""  # what the target says that it is
        self._first = _Sample(now, dict.fromkeys(COUNTS, 0), Histogram(), Histogram())
        self._recent = deque([self._first])
        self._phase = Phase.RAMP
        self._base: _Sample | None = None  # where the measured part began
        self._until = now  # and where it has come to
        self._ack, self._delivery = Histogram(), Histogram()
        self._all = {kind: Histogram() for kind in (_ACK, _DELIVERY)}  # since the start
        self._parts: dict[tuple[str, str], Histogram] = {}  # acks by message and class of users
        self._states: deque[tuple[int, Mapping[str, Any]]] = deque()
        self._first_state: tuple[int, Mapping[str, Any]] | None = None
        self._worst_lag = self._most = self._target_most = 0

    def take(
        self,
        now: int,
        phase: Phase,
        counters: Mapping[str, int],
        ack: Mapping[int, int],
        delivery: Mapping[int, int],
        parts: Iterable[Acks] = (),
    ) -> None:
        """Counters so far, and the latencies since the last call as buckets; once a second.

        The last call before a phase begins is at its beginning. `parts` are the acknowledgements
        by the name of their message and the class of its sender.
        """
        for each in parts:
            if each.intended and each.message:
                part = self._parts.setdefault((each.message, each.user_class), Histogram())
                part.add(Histogram(each.intended))
        sample = _Sample(now, counters, Histogram(ack), Histogram(delivery))
        if phase == Phase.MEASURED:
            self._base = self._base or self._recent[-1]
            self._until = now
        if self._base is not None and phase in (Phase.MEASURED, Phase.DRAIN):
            self._ack.add(sample.ack)
            self._delivery.add(sample.delivery)
        self._all[_ACK].add(sample.ack)
        self._all[_DELIVERY].add(sample.delivery)
        self._phase = phase
        self._recent.append(sample)
        while len(self._recent) > 2 and _seconds(self._recent[1].at, now) > WINDOW - _SLACK:
            self._recent.popleft()

    def feel(self, now: int, state: Mapping[str, Any]) -> None:
        """How the process is, as `Recorder.tick` takes it; once a second."""
        self._first_state = self._first_state or (now, state)
        self._states.append((now, state))
        while len(self._states) > 2 and _seconds(self._states[1][0], now) > WINDOW - _SLACK:
            self._states.popleft()
        self._worst_lag = max(self._worst_lag, state[Gauge.HUB_LAG_NS])
        self._most = max(self._most, state[Gauge.RSS_BYTES])
        self._target_most = max(self._target_most, state.get(Gauge.TARGET_RSS_BYTES, 0))

    def told(self) -> Told:
        """All of it, as JSON and msgpack know it."""
        last, window = self._recent[-1], list(self._recent)[1:]
        since = {"now": self._recent[0], "measured": self._base, "start": self._first}
        until = {"measured": self._until}
        spans = {
            name: {
                "seconds": _seconds(sample.at, until.get(name, last.at)),
                **{each.value: last.counters[each] - sample.counters[each] for each in COUNTS},
            }
            for name, sample in since.items()
            if sample is not None
        }
        return {
            "run": self._run,
            "phase": int(self._phase),
            "server": self.server[:MOST_TEXT],
            _LIVE: last.counters.get(_LIVE, 0),
            "spans": spans,
            "latency": {
                "now": {
                    _ACK: Histogram.sum(each.ack for each in window).to_json(),
                    _DELIVERY: Histogram.sum(each.delivery for each in window).to_json(),
                },
                "measured": {_ACK: self._ack.to_json(), _DELIVERY: self._delivery.to_json()},
            },
            "histograms": {kind: each.to_json() for kind, each in self._all.items()},
            "parts": [[*names, each.to_json()] for names, each in self._parts.items()],
            "health": self._health(),
        }

    def _health(self) -> dict[str, dict[str, float | None]]:
        if self._first_state is None:
            return {}
        _, state = self._states[-1]
        found = {
            "now": self._cost(self._states[0]),
            "start": self._cost(self._first_state),
        }
        lags = [each[Gauge.HUB_LAG_NS] for _, each in list(self._states)[-int(WINDOW) :]]
        found["now"] |= {"lag_ms": max(lags) / 1e6, "rss_mib": state[Gauge.RSS_BYTES] / _MIB}
        found["start"] |= {"lag_ms": self._worst_lag / 1e6, "rss_mib": self._most / _MIB}
        if Gauge.TARGET_RSS_BYTES in state:
            found["now"]["target_rss_mib"] = state[Gauge.TARGET_RSS_BYTES] / _MIB
            found["start"]["target_rss_mib"] = self._target_most / _MIB
        return found

    def _cost(self, since: tuple[int, Mapping[str, Any]]) -> dict[str, float | None]:
        """CPU time since then, in percent of a core."""
        (then, before), (now, state) = since, self._states[-1]
        return {
            f"{whose}cpu_percent": (state[key] - before[key]) / _seconds(then, now) * 100
            for whose, key in (("", Gauge.CPU_S), ("target_", Gauge.TARGET_CPU_S))
            if now > then and key in state and key in before
        }


class Gathered:
    """What all processes of a run have told, by their names; times are in seconds."""

    def __init__(self, run: int) -> None:
        self.run = run
        self._told: dict[str, tuple[float, Told]] = {}

    def hear(self, name: str, told: Told, now: float) -> None:
        """A process has told its numbers; those of another run are passed over."""
        if told["run"] == self.run:
            self._told[name] = now, told

    def server(self) -> str:
        """What the target says that it is, where it says so to any process."""
        return next((each["server"] for _, each in self._told.values() if each["server"]), "")

    def histograms(self) -> dict[str, dict[str, int]]:
        """Latencies since the start, by kind: the buckets of all processes together."""
        told = [each["histograms"] for _, each in self._told.values()]
        return {
            kind: Histogram.sum(Histogram.from_json(each[kind]) for each in told).to_json()
            for kind in (_ACK, _DELIVERY)
        }

    def named_histograms(self) -> list[tuple[str, str, dict[str, int]]]:
        """Acknowledgements since the start, by the name of their message and the class of its
        sender, as buckets."""
        found: dict[tuple[str, str], Histogram] = {}
        for _, each in self._told.values():
            for message, user_class, counts in each["parts"]:
                part = found.setdefault((message, user_class), Histogram())
                part.add(Histogram.from_json(counts))
        return [(*names, histogram.to_json()) for names, histogram in found.items()]

    def numbers(self, now: float) -> dict[str, Any]:
        """The numbers of all together.

        What a lost process had counted stays in the sums; of what is now, it has no part.
        """
        told = [each for _, each in self._told.values()]
        lost = {
            name
            for name, (at, each) in self._told.items()
            if now - at > SILENCE and each["phase"] < Phase.OVER
        }
        here = [each for name, (_, each) in self._told.items() if name not in lost]
        going = [each for each in here if each["phase"] < Phase.OVER]
        phase = min((each["phase"] for each in going or told), default=None)
        return {
            "phase": None if phase is None else Phase(phase).name.lower(),
            "processes": [
                {"name": name, "lost": name in lost, _LIVE: each[_LIVE]}
                for name, (_, each) in self._told.items()
            ],
            "now": {_LIVE: sum(each[_LIVE] for each in here), **_span("now", going)},
            "measured": _span("measured", told),
            "start": _span("start", told),
            "acks": _parts(self.named_histograms(), Counter.ACKNOWLEDGED),
        }


def by_part(
    delivered: Iterable[tuple[str, str, int, Mapping[str, int]]],
) -> dict[str, dict[str, dict[str, float | None]]]:
    """Receipts since the start, by the name of their message and by class."""
    told = list(delivered)
    found = _parts([(message, of, counts) for message, of, _, counts in told], Counter.RECEIPTS)
    for by, at in ((By.NAME, 0), (By.CLASS, 1)):
        for name, part in found[by].items():  # some have no latency: they came from another clock
            part[Counter.RECEIPTS] = sum(each[2] for each in told if each[at] == name)
    return found


def _parts(
    named: Iterable[tuple[str, str, Mapping[str, int]]], counter: Counter
) -> dict[str, dict[str, dict[str, float | None]]]:
    found: dict[str, dict[str, Histogram]] = {By.NAME: {}, By.CLASS: {}}
    for message, user_class, counts in named:
        for by, name in ((By.NAME, message), (By.CLASS, user_class)):
            if name:
                found[by].setdefault(name, Histogram()).add(Histogram.from_json(counts))
    return {
        by: {
            name: {
                counter: each.samples,
                **{of.ms: _milliseconds(each.percentile(of.fraction)) for of in OF_A_SECOND},
                MAX_MS: _milliseconds(each.maximum()),
            }
            for name, each in sorted(parts.items(), key=lambda part: -part[1].samples)
        }
        for by, parts in found.items()
    }


def _span(name: str, told: list[Told]) -> dict[str, Any]:
    """What processes have seen within a span; None stands for what is not known."""
    parts = [each["spans"][name] for each in told if name in each["spans"]]
    seconds = max((part["seconds"] for part in parts), default=None)
    found: dict[str, Any] = {"seconds": seconds}
    for key in COUNTS:
        found[key.value] = sum(part[key] for part in parts) if parts else None
    emitted, heard = found[Counter.EMITTED], found[Counter.RECEIPTS]
    for rate, sends in (("offered_rate", found[Counter.OFFERED]), ("achieved_rate", emitted)):
        found[rate] = sends / seconds if seconds else None
    found["receipts_per_emit"] = heard / emitted if emitted else None
    for kind in (_ACK, _DELIVERY):
        counts = [each["latency"][name][kind] for each in told if name in each["latency"]]
        merged = Histogram.sum(Histogram.from_json(each) for each in counts)
        for each in OF_A_SECOND:
            found[f"{kind}_{each.ms}"] = _milliseconds(merged.percentile(each.fraction))
        found[f"{kind}_{MAX_MS}"] = _milliseconds(merged.maximum())
        found[f"{kind}_{SAMPLES}"] = merged.samples if counts else None
    felt = [each["health"].get(name, {}) for each in told]
    for state in _HEALTH:
        values = [each[state] for each in felt if state in each]
        # Memory adds up; all else is the worst process's, and the target is one for all.
        found[state] = (sum if state == "rss_mib" else max)(values) if values else None
    return found


def _milliseconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 1e6


def _seconds(since: int, until: int) -> float:
    return (until - since) / 1e9
