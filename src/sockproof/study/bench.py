"""What a claim measures on: targets of the shelf, started for it, and load runs against them."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sockproof.targets import launch
from sockproof.targets.spec import TargetError, TargetSpec


class NotMeasured(Exception):
    """Something that the claim needs is not here, or did not answer; one line."""


@dataclass(frozen=True, slots=True)
class Bench:
    """`quick` asks for fewer repetitions. `load` runs a scenario in a process of its own:
    `load(scenario, url, pid, users=…, run_time=…, more=[…])` gives the run's summary.
    """

    targets: Mapping[str, TargetSpec]
    quick: bool
    load: Callable[..., dict[str, Any]]
    say: Callable[[str], None]

    @contextlib.contextmanager
    def target(self, name: str) -> Iterator[launch.RunningTarget]:
        """Start a target; raises `NotMeasured` when it cannot be."""
        if name not in self.targets:
            raise NotMeasured(f"there is no target {name}")
        try:
            running = launch.launch(self.targets[name])
        except TargetError as error:
            raise NotMeasured(str(error)) from None
        with running:
            yield running

    def title(self, name: str) -> str:
        """A target's title with the version of what it runs on."""
        return self.targets[name].described()

    def few(self, whole: int, quick: int) -> int:
        """How often something is done: `whole`, or `quick` when it has to be."""
        return quick if self.quick else whole


def median_seconds(act: Callable[[], object], times: int) -> float:
    """The median time of an act."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)
