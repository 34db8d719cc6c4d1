"""What a run could not write down: how many rows and lines, and when."""

from __future__ import annotations

import collections
from collections.abc import Iterator

from sockproof.formats.load import MissingRecords
from sockproof.runs.load_records import FOREVER, Kind
from sockproof.runs.reader import LoadRunFolder
from sockproof.vocabulary import Counter

_ROWS = {
    Kind.EMIT: "sends",
    Kind.ACK: "acknowledgements",
    Kind.ACK_TIMEOUT: "acknowledgements that timed out",
    Kind.RECEIPT: Counter.RECEIPTS.value,
    Kind.STRAY_ACK: "stray acknowledgements",
    Kind.WITHDRAWN: "withheld sends",
    Kind.REFUSED: "refusals",
    Kind.UNANSWERED: "requests without an answer",
    Kind.ERROR: "errors in the scenario",
    Kind.LIFE: "reconnects",
    Kind.VALUE: "values in answers",
    Kind.EPHEMERAL: "sends without a stamp",
    Kind.EPHEMERAL_HEARD: "receipts without a stamp",
}
_ROOMS = range(Kind.JOIN_ASKED, Kind.LEFT + 1)
_CONNECTIONS = range(Kind.CONNECT_ASKED, Kind.CONNECT_FAILED + 1)
_LINES = {"rooms": "names of rooms", "latency": "latencies", "health": "counters"}


def missing_records(run: LoadRunFolder) -> MissingRecords:
    """How many of each, in words, and in which seconds of the run rows are missing."""
    rows: collections.Counter[str] = collections.Counter()
    lines: collections.Counter[str] = collections.Counter()
    gaps: list[list[float | None]] = []
    for process in run.recorded:
        file = process.file
        for kind, count in file.missing.items():
            if name := _name(kind):
                rows[name] += count
        for name, count in file.missing_lines.items():
            lines[_LINES[name]] += count
        gaps += [
            [_second(run, file.tag, gap.begin), _second(run, file.tag, gap.end)]
            for gap in file.gaps
            if gap.kinds
        ]
    return MissingRecords(dict(rows), dict(lines), sorted(gaps, key=lambda gap: gap[0] or 0.0))


def _second(run: LoadRunFolder, tag: int, time: int) -> float | None:
    return None if time == FOREVER else round(max(0.0, run.clock.seconds(tag, time)), 3)


def _name(kind: int) -> str | None:
    if kind in _ROOMS:
        return "joins and leaves"
    if kind in _CONNECTIONS:
        return "connects and disconnects"
    if kind == Kind.PHASE:
        return "phases"
    return next((name for known, name in _ROWS.items() if known == kind), None)


def said_of_missing(missing: MissingRecords) -> Iterator[str]:
    """Why a run is inconclusive by what is missing, a line each."""
    if missing.rows:
        what = ", ".join(f"{count:,} {name}" for name, count in missing.rows.items())
        yield f"not recorded, because of missing space or a limit: {what}{_when(missing)}"
    if missing.lines:
        what = ", ".join(f"{count:,} of {name}" for name, count in missing.lines.items())
        yield f"lines that could not be written: {what}"


def _when(missing: MissingRecords) -> str:
    spans = [
        f"{begin:.1f} s to " + ("the end" if end is None else f"{end:.1f} s")
        for begin, end in missing.seconds[:5]
    ]
    more = " and others" if len(missing.seconds) > 5 else ""
    return f"; from {', '.join(spans)}{more}, of the run" if spans else ""
