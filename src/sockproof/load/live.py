"""The numbers of a run while it goes on: what a process tells, and what several come to.

A process tells all that it has counted so far, not what was added: a report that is lost costs
nothing. Histograms add up exactly, so percentiles are those of all processes together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sockproof.histogram import Histogram
from sockproof.load_records import Phase

WINDOW = 5.0  # seconds that count as now
SILENCE = 10.0  # seconds without a report, due every three, after which a worker counts as lost
COUNTS = (
    *("offered", "emits", "withheld", "receipts", "acks"),
    *("connections_opened", "connect_failures", "disconnected"),
    *("corrupted", "unreadable", "ack_timeouts", "misacknowledged"),
)
SPANS = ("now", "measured", "start")
_MIB = 1 << 20
_SLACK = 0.5  # seconds by which a sample may come early or late
_FRACTIONS = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
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
        self._first = _Sample(now, dict.fromkeys(COUNTS, 0), Histogram(), Histogram())
        self._recent = deque([self._first])
        self._phase = Phase.RAMP
        self._base: _Sample | None = None  # where the measured part began
        self._until = now  # and where it has come to
        self._ack, self._delivery = Histogram(), Histogram()
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
    ) -> None:
        """Counters so far, and the latencies since the last call as buckets; once a second.

        The last call before a phase begins is at its beginning.
        """
        sample = _Sample(now, counters, Histogram(ack), Histogram(delivery))
        if phase == Phase.MEASURED:
            self._base = self._base or self._recent[-1]
            self._until = now
        if self._base is not None and phase in (Phase.MEASURED, Phase.DRAIN):
            self._ack.add(sample.ack)
            self._delivery.add(sample.delivery)
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
        self._worst_lag = max(self._worst_lag, state["hub_lag_ns"])
        self._most = max(self._most, state["rss_bytes"])
        self._target_most = max(self._target_most, state.get("target_rss_bytes", 0))

    def told(self) -> Told:
        """All of it, as JSON and msgpack know it."""
        last, window = self._recent[-1], list(self._recent)[1:]
        since = {"now": self._recent[0], "measured": self._base, "start": self._first}
        until = {"measured": self._until}
        spans = {
            name: {
                "seconds": _seconds(sample.at, until.get(name, last.at)),
                **{each: last.counters[each] - sample.counters[each] for each in COUNTS},
            }
            for name, sample in since.items()
            if sample is not None
        }
        return {
            "run": self._run,
            "phase": int(self._phase),
            "live": last.counters.get("live", 0),
            "spans": spans,
            "latency": {
                "now": {
                    "ack": Histogram.sum(each.ack for each in window).to_json(),
                    "delivery": Histogram.sum(each.delivery for each in window).to_json(),
                },
                "measured": {"ack": self._ack.to_json(), "delivery": self._delivery.to_json()},
            },
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
        lags = [each["hub_lag_ns"] for _, each in list(self._states)[-int(WINDOW) :]]
        found["now"] |= {"lag_ms": max(lags) / 1e6, "rss_mib": state["rss_bytes"] / _MIB}
        found["start"] |= {"lag_ms": self._worst_lag / 1e6, "rss_mib": self._most / _MIB}
        if "target_rss_bytes" in state:
            found["now"]["target_rss_mib"] = state["target_rss_bytes"] / _MIB
            found["start"]["target_rss_mib"] = self._target_most / _MIB
        return found

    def _cost(self, since: tuple[int, Mapping[str, Any]]) -> dict[str, float | None]:
        """CPU time since then, in percent of a core."""
        (then, before), (now, state) = since, self._states[-1]
        return {
            f"{whose}cpu_percent": (state[key] - before[key]) / _seconds(then, now) * 100
            for whose, key in (("", "cpu_seconds"), ("target_", "target_cpu_seconds"))
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
                {"name": name, "lost": name in lost, "live": each["live"]}
                for name, (_, each) in self._told.items()
            ],
            "now": {"live": sum(each["live"] for each in here), **_span("now", going)},
            "measured": _span("measured", told),
            "start": _span("start", told),
        }


def _span(name: str, told: list[Told]) -> dict[str, Any]:
    """What processes have seen within a span; None stands for what is not known."""
    parts = [each["spans"][name] for each in told if name in each["spans"]]
    seconds = max((part["seconds"] for part in parts), default=None)
    found: dict[str, Any] = {"seconds": seconds}
    for key in COUNTS:
        found[key] = sum(part[key] for part in parts) if parts else None
    for rate, key in (("offered_rate", "offered"), ("achieved_rate", "emits")):
        found[rate] = found[key] / seconds if seconds else None
    found["receipts_per_emit"] = found["receipts"] / found["emits"] if found["emits"] else None
    for kind in ("ack", "delivery"):
        counts = [each["latency"][name][kind] for each in told if name in each["latency"]]
        merged = Histogram.sum(Histogram.from_json(each) for each in counts)
        for percentile, fraction in _FRACTIONS.items():
            found[f"{kind}_{percentile}_ms"] = _milliseconds(merged.percentile(fraction))
        found[f"{kind}_max_ms"] = _milliseconds(merged.maximum())
        found[f"{kind}_samples"] = merged.samples if counts else None
    felt = [each["health"].get(name, {}) for each in told]
    for key in _HEALTH:
        values = [each[key] for each in felt if key in each]
        # Memory adds up; all else is the worst process's, and the target is one for all.
        found[key] = (sum if key == "rss_mib" else max)(values) if values else None
    return found


def _milliseconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 1e6


def _seconds(since: int, until: int) -> float:
    return (until - since) / 1e9
