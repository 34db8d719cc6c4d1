"""The time of a load run: seconds since it began, of the nanoseconds that its processes wrote.

The rules that hold here:

* Processes of one boot share a clock. When the run began is in `run.json`, by the clock of the
  process that wrote it; by another clock, a second before the first line that was written by it.
* When a part of the run began for a process, its rows say; where they do not, its lines: the last
  one of a part is written in the moment in which the next part begins.
* The run is measured from when all processes are in their measured part until the first drains.
* Times of two processes are compared as seconds of the run and in no other way. The clock of a
  host that was measured against the run's is a line, see `clock_line`.
"""

from __future__ import annotations

import statistics
import zlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sockproof.formats.load import About
from sockproof.runs.clock_line import ClockLine
from sockproof.runs.load_records import Phase

SECOND = 1_000_000_000
LONGEST = 7 * 24 * 3600  # seconds; what lies farther from the beginning is not believed


def mark_of(boot: str) -> int:
    """The clock of a boot, as the tags of its processes begin with it."""
    return zlib.crc32(boot.encode()) & 0xFFFF or 1


def clock_of(tag: int) -> int:
    """The clock of a process: the first half of its tag."""
    return tag >> 16


@dataclass
class _Times:
    """What is known of a process's time, in nanoseconds of its clock."""

    lines: list[int] = field(default_factory=list)
    ticks: list[int] = field(default_factory=list)  # lines that came of a second's end
    before: tuple[int, Phase] | None = None  # the line before
    by_lines: dict[Phase, int] = field(default_factory=dict)  # when each part began
    by_rows: dict[Phase, int] = field(default_factory=dict)
    first_row: int | None = None

    def begun(self) -> dict[Phase, int]:
        """When each part of the run began."""
        return {**self.by_lines, **self.by_rows}


class Clock:
    """When a run began, when its parts did, and in which second something was."""

    def __init__(self, about: About | None = None) -> None:
        self._started: int | None = None
        self._mark = 0
        self._times: defaultdict[int, _Times] = defaultdict(_Times)
        self._origins: dict[int, int] = {}
        self._shifts: dict[int, float] = {}
        self._measured: dict[int, ClockLine] = {}
        if about is not None:
            self.begins(about)

    # What it learns.

    def begins(self, about: About) -> None:
        """What `run.json` says of when the run began."""
        self._started = about.started_ns
        self._mark = mark_of(str(about.machine.get("boot")))
        self._forget()

    def has_rows(self, tag: int, first: int | None, begun: Mapping[Phase, int]) -> None:
        """A process's rows: the time of the first, and when each part of the run began."""
        times = self._times[tag]
        times.first_row = first
        times.by_rows.update(begun)
        self._forget()

    def has_clock(self, tag: int, line: ClockLine) -> None:
        """A process's clock was measured against that of the run."""
        self._measured[tag] = line
        self._forget()

    def has_line(self, tag: int, time: int, phase: Phase, tick: bool) -> None:
        """A line of a process's health; `tick`: it was written since a second had passed."""
        times = self._times[tag]
        before, then = times.before or (time - SECOND, None)
        if then is None or phase > then:
            times.by_lines.setdefault(phase, before)
        times.before = time, phase
        times.lines.append(time)
        if tick:
            times.ticks.append(time)
        self._forget()

    def _forget(self) -> None:
        """What was computed is computed anew when it is asked for."""
        self._origins.clear()
        self._shifts.clear()

    # What it says.

    def origin(self, tag: int) -> int:
        """When the run began, in nanoseconds of a process's clock."""
        line = self._measured.get(tag)
        if line is not None and self._started is not None:
            return line.to_own(self._started)
        clock = clock_of(tag)
        if clock not in self._origins:
            self._origins[clock] = self._origin(clock)
        return self._origins[clock]

    def _origin(self, clock: int) -> int:
        of_clock = [times for tag, times in self._times.items() if clock_of(tag) == clock]
        lines = [time for times in of_clock for time in times.lines]
        started, longest = self._started, LONGEST * SECOND
        if started is not None and clock == self._mark:
            damaged = lines and not any(0 <= time - started <= longest for time in lines)
            if not damaged:
                return started
        if lines:
            middle = statistics.median_low(lines)
            return min(time for time in lines if middle - time <= longest) - SECOND
        return min((each.first_row for each in of_clock if each.first_row is not None), default=0)

    def seconds(self, tag: int, time: int) -> float:
        """When something was: seconds since the run began."""
        return (time - self.origin(tag)) / SECOND

    def second_of(self, tag: int, time: int) -> int:
        """The second of the run in which something was, from 0 on."""
        return (time - self.origin(tag)) // SECOND

    def believes(self, tag: int, time: int) -> bool:
        """Whether a time can be one of the run."""
        return 0 <= time - self.origin(tag) <= LONGEST * SECOND

    def second_of_line(self, tag: int, time: int) -> int | None:
        """The second that a line covers most of, which was written then; None: of no run."""
        if not self.believes(tag, time):
            return None
        return max(round(self.seconds(tag, time) - self._shift(tag)) - 1, 0)

    def _shift(self, tag: int) -> float:
        """By how much a process's seconds lie behind those of the run."""
        if tag not in self._shifts:
            ticks = self._times[tag].ticks
            parts = [self.seconds(tag, time) % 1.0 for time in ticks if self.believes(tag, time)]
            self._shifts[tag] = _middle(parts) if parts else 0.0
        return self._shifts[tag]

    def begun(self, tag: int) -> dict[Phase, float]:
        """When each part of the run began for a process, in seconds since the run did."""
        return {
            phase: self.seconds(tag, time)
            for phase, time in self._times[tag].begun().items()
            if self.believes(tag, time)
        }

    def phases(self) -> dict[Phase, float]:
        """When each part of the run began: measured, once all processes are; drained, once one.

        Who ended in the ramp is not waited for.
        """
        each = [self.begun(tag) for tag in list(self._times)]
        found = {Phase.RAMP: 0.0}
        for phase, choose in ((Phase.MEASURED, max), (Phase.DRAIN, min), (Phase.OVER, max)):
            times = [begun[phase] for begun in each if phase in begun]
            if times:
                found[phase] = max(choose(times), *found.values())
        return found

    @property
    def measured_from(self) -> float | None:
        """When the measured part began; None: it never did."""
        return self.phases().get(Phase.MEASURED)

    @property
    def measured_to(self) -> float:
        """When the measured part ended: the drain began, or the last process told no more."""
        begins = self.phases()
        later = [begins[phase] for phase in (Phase.DRAIN, Phase.OVER) if phase in begins]
        return min(later, default=self.end)

    @property
    def end(self) -> float:
        """When the last line was written."""
        ends = (self.ended(tag) for tag in list(self._times))
        return max(ends, default=0.0)

    def ended(self, tag: int) -> float:
        """When a process's last line was written."""
        lines = self._times[tag].lines
        last = max(lines, default=self.origin(tag))
        if not self.believes(tag, last):
            known = (time for time in lines if self.believes(tag, time))
            last = max(known, default=self.origin(tag))
        return self.seconds(tag, last)


def _middle(parts: list[float]) -> float:
    """The middle of parts of a second, on a circle, as what is nearest to 0."""
    around = [(part + 0.5) % 1.0 for part in parts]  # what lies around a whole second
    straight = statistics.pstdev(parts) <= statistics.pstdev(around)
    middle = statistics.median(parts if straight else around) - (0 if straight else 0.5)
    return middle - round(middle)
