"""The folder of a load run, read: its processes, what each wrote, and the run's clock.

The rules that hold here:

* Whoever reads a run folder asks here: no other module knows how its files are named or parsed.
* What is damaged costs itself and is told in one line: a line that cannot be read, the rows of a
  process from the first that cannot be, a process whose first page cannot be. See `rows` and
  `load_lines`, which say what that is.
* Nothing is read before it is asked for, and nothing of a file is kept: an hour of many processes
  takes no more memory than a minute of one.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from sockproof import files
from sockproof.formats.load import About
from sockproof.runs import load_lines
from sockproof.runs.clock import SECOND, Clock
from sockproof.runs.clock_line import SAME, ClockLine, RoundTrip, fit
from sockproof.runs.load_records import (
    LINE_FILES,
    ROW,
    ROWS,
    ROWS_AT,
    ROWS_CHECKSUM,
    RUN_FILE,
    LoadRecordError,
    Phase,
    RowFile,
    record_file,
)
from sockproof.runs.work import work_on
from sockproof.vocabulary import Gauge, LatencyKind, Origin, before_key, renamed

if TYPE_CHECKING:  # numpy takes its time to import, and who follows a run needs no rows
    from sockproof.runs.rows import Rows

STILL = 3 * SECOND  # nanoseconds
MOST_ABOUT = 16 * files.MIB  # octets of `run.json`
_NAME = re.compile(r"(rows|health|latency|delivery|rooms|clock)-([0-9a-f]{8})\.\w+")


class HealthLine(NamedTuple):
    """What a process wrote of itself and the target: all that it had counted until then."""

    time: int
    phase: Phase
    values: Mapping[str, float]  # by counter and gauge
    lag: Mapping[str, int]  # of the sends since the line before: how many fell into each bucket

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Self:
        """A line of `health-TAG.jsonl`."""
        values = {key: value for key, value in line.items() if key not in ("t", "phase", "lag")}
        return cls(line["t"], Phase(line["phase"]), values, line.get("lag", {}))

    @property
    def tick(self) -> bool:
        """Whether it was written since a second had passed, not since a part of the run ended."""
        return Gauge.HUB_LAG_NS in self.values


class LatencyLine(NamedTuple):
    """What took how long, of what ended since the line before: numbers by bucket."""

    time: int
    phase: Phase
    kinds: Mapping[str, Mapping[str, Mapping[str, int]]]

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Self:
        """A line of `latency-TAG.jsonl` or `delivery-TAG.jsonl`."""
        kinds = {key: value for key, value in line.items() if key not in ("t", "phase")}
        return cls(line["t"], Phase(line["phase"]), kinds)

    def counts(self, kind: str, origin: str) -> Mapping[str, int]:
        """Of what was due in the part of the run in which the line stands."""
        return self.kinds.get(kind, {}).get(origin, {})

    def before(self, kind: LatencyKind, origin: Origin) -> Mapping[str, int]:
        """Of what was due before the measured part."""
        return self.kinds.get("before", {}).get(before_key(kind, origin), {})

    def parts(self) -> Iterator[str]:
        """The kinds of single messages and classes: `delivery["private"]`."""
        return (kind for kind in self.kinds if "[" in kind)

    def without_deliveries(self) -> LatencyLine:
        """What stays when deliveries are told by who knows better."""
        kinds = {key: value for key, value in self.kinds.items() if key != LatencyKind.DELIVERY}
        if "before" in kinds:
            kinds["before"] = {
                key: value
                for key, value in kinds["before"].items()
                if not key.startswith(LatencyKind.DELIVERY)
            }
        return self._replace(kinds=kinds)


class Place(NamedTuple):
    """Where a message is said: in a room, by its number, and which message, of which event."""

    room: int
    message: str = ""
    event: str = ""


class RowNames:
    """What the rows of a process refer to by numbers."""

    def __init__(self) -> None:
        self.rooms: dict[int, str] = {}
        self.places: dict[int, Place] = {}
        self.classes: dict[int, str] = {}  # of users
        self.labels: dict[int, str] = {}  # of users, the last of each
        self.bodies: dict[int, str] = {}  # by their checksums
        self.reasons: dict[int, str] = {}

    def take(self, line: Mapping[str, Any]) -> None:
        """A line of `rooms-TAG.jsonl`."""
        if "room" not in line:
            for key, name, of in (
                ("class", "name", self.classes),
                ("user", "label", self.labels),
                ("body", "text", self.bodies),
                ("why", "text", self.reasons),
            ):
                number, text = line.get(key), line.get(name)
                if isinstance(number, int) and isinstance(text, str):
                    of[number] = text
            return
        number, message = line["room"], line.get("message")
        if isinstance(message, str) and isinstance(line.get("of"), int):
            event = line.get("event", message)
            self.places[number] = Place(line["of"], message, event if type(event) is str else "")
        elif isinstance(line.get("name"), str):
            self.rooms[number] = line["name"]

    def place(self, number: int) -> Place:
        """The place of a message's row; older versions wrote the room's own number."""
        return self.places.get(number) or Place(number)


_LINES = {"health": HealthLine, "latency": LatencyLine}


class RunProcess:
    """One process of a load run; what it wrote is read each time that it is asked for."""

    def __init__(self, folder: Path, tag: int, kinds: Iterable[str]) -> None:
        """`kinds` are those of the files that there are."""
        self._folder = folder
        self.tag = tag
        self.kinds = frozenset(kinds)
        self._rows: Rows | None = None

    def has_read(self, rows: Rows) -> None:
        """Its rows could be read."""
        self._rows = rows

    def path(self, kind: str) -> Path:
        """Where it has written, or would have, its `health`, `latency`, `rooms` or `rows`."""
        return self._folder / record_file(kind, self.tag)

    @property
    def has_rows(self) -> bool:
        """Whether its rows can be read, be there any or not."""
        return self._rows is not None

    @property
    def rows(self) -> Rows:
        """Its rows as far as they can be read; only where `has_rows`."""
        assert self._rows is not None
        return self._rows

    @property
    def file(self) -> RowFile:
        """What the page before its rows says; only where `has_rows`."""
        return self.rows.file

    def health(self) -> Iterator[HealthLine]:
        """How it was, and all that it had counted, about once a second."""
        return map(HealthLine.of, load_lines.read(self.path("health")))

    def stood_still(self) -> list[tuple[int, int]]:
        """From when to when, by its clock, it did nothing for so long that peers may give it up."""
        lags = ((line.time, int(line.values.get(Gauge.HUB_LAG_NS, 0))) for line in self.health())
        return [(time - lag, time + SECOND) for time, lag in lags if lag >= STILL]

    def latencies(
        self, deliveries: Iterable[Mapping[str, Any]] | None = None
    ) -> Iterator[LatencyLine]:
        """What took how long, about once a second, in the order of time.

        What its deliveries took is taken from `deliveries`, or from the file that the summary has
        written; only where there is neither, the times in stamps are believed.
        """
        own = map(LatencyLine.of, load_lines.read(self.path("latency")))
        if deliveries is None:
            if "delivery" not in self.kinds:
                return own
            deliveries = load_lines.read(self.path("delivery"))
        kept = (line.without_deliveries() for line in own)
        return heapq.merge(kept, map(LatencyLine.of, deliveries), key=lambda line: line.time)

    def checksums(self) -> Iterator[tuple[int, int]]:
        """How many rows it had written, and their checksum, each time that it told."""
        for line in self.health():
            count, checksum = line.values.get(ROWS), line.values.get(ROWS_CHECKSUM)
            if isinstance(count, int) and count > 0 and isinstance(checksum, int):
                yield count, checksum

    def names(self) -> RowNames:
        """What its rows refer to by numbers."""
        found = RowNames()
        for line in load_lines.read(self.path("rooms")):
            found.take(line)
        return found

    def round_trips(self) -> Iterator[RoundTrip]:
        """How its clock was measured against that of the run."""
        for line in load_lines.read(self.path("clock")):
            yield RoundTrip(line["sent"], line["received"], line["there"])

    def rooms(self) -> dict[int, str]:
        """The names of its rooms, by number."""
        return self.names().rooms


class LoadRunFolder:
    """A run folder, whole or not, of a run that is over or goes on."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def about(self) -> About:
        """What is known of the run, from `run.json`; raises `FileError`."""
        return read_about(self.path)

    @cached_property
    def _named(self) -> dict[int, set[str]]:
        """The kinds of files that there are of each process, in the order of their names."""
        try:
            names = sorted(os.listdir(self.path))  # noqa: PTH208
        except OSError:
            return {}
        found: dict[int, set[str]] = {}
        for name in names:
            if match := _NAME.fullmatch(name):
                kind, tag = match[1], int(match[2], 16)
                if name == record_file(kind, tag):
                    found.setdefault(tag, set()).add(kind)
        return dict(sorted(found.items()))

    def files(self) -> list[Path]:
        """What its processes wrote."""
        return [
            self.path / record_file(kind, tag)
            for tag, kinds in self._named.items()
            for kind in sorted(kinds - {"delivery"})
        ]

    @cached_property
    def _read(self) -> tuple[list[RunProcess], list[str]]:
        from sockproof.runs import rows

        processes = [RunProcess(self.path, tag, kinds) for tag, kinds in self._named.items()]
        problems: list[str] = []
        written = [process for process in processes if "rows" in process.kinds]
        with work_on("reading", sum(map(_rows_at_most, written))) as done:
            for process in written:
                checksums = list(process.checksums())  # first: the process may be writing on
                try:
                    process.has_read(rows.read(process.path("rows"), checksums, problems, done))
                except LoadRecordError as error:
                    problems.append(f"{error}; its process is left out")
        return processes, problems

    @property
    def processes(self) -> list[RunProcess]:
        """All processes that left anything, in the order of their tags."""
        return self._read[0]

    @property
    def recorded(self) -> list[RunProcess]:
        """Those whose rows can be read."""
        return [each for each in self.processes if each.has_rows]

    @property
    def left_out(self) -> int:
        """How many processes have rows that cannot be read at all."""
        return sum("rows" in each.kinds and not each.has_rows for each in self.processes)

    @property
    def row_problems(self) -> list[str]:
        """What is damaged of rows, a line each."""
        return self._read[1]

    @cached_property
    def clock_lines(self) -> dict[str, ClockLine]:
        """The clocks that can be compared with that of the run, by the boot that has each."""
        try:
            boot = str(self.about.machine.get("boot"))
        except files.FileError:
            return {}
        found = {boot: SAME}
        for name in {each.file.boot for each in self.recorded} - {boot}:
            of_clock = [each for each in self.recorded if each.file.boot == name]
            times = [line.time for each in of_clock for line in each.health()]
            times += [each.rows.first for each in of_clock if each.rows.first is not None]
            trips = [trip for each in of_clock for trip in each.round_trips()]
            line = fit(trips, min(times, default=0), max(times, default=0))
            if line is not None:
                found[name] = line
        return found

    @cached_property
    def clock(self) -> Clock:
        """The time of the run."""
        try:
            clock = Clock(self.about)
        except files.FileError:
            clock = Clock()
        for process in self.recorded:
            measured = self.clock_lines.get(process.file.boot, SAME)
            if measured is not SAME:
                clock.has_clock(process.tag, measured)
        for process in self.processes:
            if process.has_rows:
                clock.has_rows(process.tag, process.rows.first, process.rows.begun)
            for line in process.health():
                clock.has_line(process.tag, line.time, line.phase, line.tick)
        return clock

    @cached_property
    def problems(self) -> list[str]:
        """All that is damaged or missing of what processes wrote, a line each."""
        lines: list[str] = []
        missing: list[str] = []
        for process in self.processes:
            for kind in ("rows", *LINE_FILES):
                if kind not in process.kinds:
                    missing.append(f"there is no {process.path(kind).name}")
            closed = process.has_rows and process.file.closed
            for kind in sorted(process.kinds - {"rows"}):
                lines += _damage(process.path(kind), closed)
        return [*self.row_problems, *sorted(lines), *missing]


class GrowingRun:
    """The folder of a run that goes on, read again and again, each line once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock()
        self.about: About | None = None  # None: it is not there yet
        self._read: dict[Path, int] = {}

    def health(self) -> Iterator[tuple[int, HealthLine]]:
        """The lines that are new since the last look, and of which process each is."""
        if self.about is None:
            with contextlib.suppress(files.FileError):
                self.about = read_about(self.path)
                self.clock.begins(self.about)
        for tag, line in self._lines("health"):
            found = HealthLine.of(line)
            self.clock.has_line(tag, found.time, found.phase, found.tick)
            yield tag, found

    def latencies(self) -> Iterator[tuple[int, LatencyLine]]:
        """The same of latencies, by the times in stamps."""
        for tag, line in self._lines("latency"):
            yield tag, LatencyLine.of(line)

    def names(self) -> Iterator[tuple[int, load_lines.Line]]:
        """What rows refer to by numbers, for `RowNames`."""
        return self._lines("rooms")

    def _lines(self, kind: str) -> Iterator[tuple[int, load_lines.Line]]:
        """A line that is not whole waits, one that is damaged is passed over."""
        for path in sorted(self.path.glob(f"{kind}-*.jsonl")):
            if not (match := _NAME.fullmatch(path.name)):
                continue
            octets = self._new(path)
            for line in octets.split(b"\n")[:-1]:
                try:
                    yield int(match[2], 16), load_lines.decode(path.name, line)
                except ValueError:
                    continue

    def _new(self, path: Path) -> bytes:
        """The whole lines that a file has grown by."""
        since = self._read.get(path, 0)
        try:
            with files.opened(path, load_lines.MOST_OCTETS) as handle:
                octets = os.pread(handle, max(os.fstat(handle).st_size - since, 0), since)
        except (files.FileError, OSError):
            return b""
        whole = octets[: octets.rfind(b"\n") + 1]
        self._read[path] = since + len(whole)
        return whole


def read_about(folder: Path) -> About:
    """What is known of a run; raises `FileError`."""
    found = files.read_json(folder / RUN_FILE, About, MOST_ABOUT)
    found.parameters = renamed(found.parameters)
    return found


def _rows_at_most(process: RunProcess) -> int:
    """How many rows there is space for."""
    with contextlib.suppress(OSError):
        return max(process.path("rows").stat().st_size - ROWS_AT, 0) // ROW.size
    return 0


def _damage(path: Path, closed: bool) -> Iterator[str]:
    """What is damaged of a file of lines, whose process has ended in order, or not."""
    problems: list[str] = []
    for _ in load_lines.read(path, problems):
        pass
    yield from problems
    if closed and not problems and _is_torn(path):
        yield f"{path.name}: its last line is torn"


def _is_torn(path: Path) -> bool:
    with files.opened(path, load_lines.MOST_OCTETS) as handle:
        length = os.fstat(handle).st_size
        return length > 0 and os.pread(handle, 1, length - 1) != b"\n"


def said(problems: Iterable[str], most: int = 5) -> list[str]:
    """The first of them, and how many more there are."""
    told = list(problems)
    more = [f"{len(told) - most:,} more files are damaged"] if len(told) > most else []
    return told[:most] + more
