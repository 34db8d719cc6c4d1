"""Feeding Locust's own statistics, so that its web page, its files and its exit code are right.

Firing its `request` event for each message would cost as much as the message itself. What the
recorder has counted in a second is added to Locust's entries at once: the same numbers and, in
its own rounding, the same response times. Verdicts never come from there.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from locust.stats import StatsEntry

from sockproof.runs.histogram import value_of
from sockproof.vocabulary import LatencyKind

LONGEST = 500  # characters of a failure's text
MAX_TEXTS = 200  # different ones


class LocustStats:
    """Locust's statistics of this process."""

    def __init__(self, environment: Any) -> None:
        self._environment = environment
        self._told: set[str] = set()

    def add(self, kind: str, counts: Mapping[int, int], name: str = "") -> None:
        """Add latencies of a second, as buckets of nanoseconds, under the type `kind`.

        `name` is that of the messages, where they have one.
        """
        if not counts:
            return
        stats = self._environment.stats
        second = int(time.time())
        _add(stats.get(name or "sockproof", kind), counts, second)
        if kind != LatencyKind.DELIVERY:  # one message may be heard by thousands: it is no request
            _add(stats.total, counts, second)

    def failed(self, kind: str, text: str) -> None:
        """A failure, which Locust lists with how often it occurred.

        It keeps each text: so they are cut, and of very many different ones the rest is one.
        """
        text = text[:LONGEST]
        if text not in self._told:
            if len(self._told) >= MAX_TEXTS:
                text = "for other reasons"
            self._told.add(text)
        self._environment.events.request.fire(
            request_type=kind,
            name="sockproof",
            response_time=0,
            response_length=0,
            exception=RuntimeError(text),
            context={},
        )


def _add(entry: StatsEntry, counts: Mapping[int, int], second: int) -> None:
    number = 0
    for bucket, count in counts.items():
        milliseconds = value_of(bucket) / 1e6
        rounded = _rounded(milliseconds)
        entry.response_times[rounded] = entry.response_times.get(rounded, 0) + count
        entry.total_response_time += int(milliseconds * count)
        least = entry.min_response_time
        entry.min_response_time = rounded if least is None else min(least, rounded)
        entry.max_response_time = max(entry.max_response_time, rounded)
        number += count
    entry.num_requests += number
    entry.num_reqs_per_sec[second] = entry.num_reqs_per_sec.get(second, 0) + number
    entry.last_request_timestamp = time.time()


def _rounded(milliseconds: float) -> int:
    """As Locust rounds: whole milliseconds below 100, else two digits."""
    if milliseconds < 100:
        return round(milliseconds)
    digits = len(str(int(milliseconds)))
    return int(round(milliseconds, 2 - digits))
