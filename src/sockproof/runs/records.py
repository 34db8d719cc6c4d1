"""What a run writes to its folder and reads back: one JSON line for each thing that happened.

The rules that hold here:

* A line is written as soon as its case has ended, so that a run which is killed leaves what it
  had done. Reading such a file gives a report that says it was interrupted.
* What is written is valid JSON whatever a server sent (`files.json_text`), and long strings are
  cut with a mark. What is read has the shape that `formats.report` says.
* Readers get the report as one dictionary, the one that `sockproof schema conformance-report`
  describes; the renderers need nothing else.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, get_args

from sockproof import files
from sockproof.formats import Level, Outcome
from sockproof.formats.report import (
    AlsoLine,
    AsideKind,
    CaseLine,
    FinishLine,
    HeaderLine,
    Line,
    Report,
    RevisedLine,
    Revision,
    RunLine,
)
from sockproof.vocabulary import Seen

SCHEMA = 1
RUN_FILE = "run.jsonl"
OUTCOMES: tuple[str, ...] = get_args(Outcome)
LEVELS: tuple[str, ...] = get_args(Level)
ASIDE: tuple[str, ...] = get_args(AsideKind)
KEPT_CHARACTERS = 8192
MOST_OCTETS = 128 << 20  # of a run's records, which come to ten MiB where much goes wrong

_CUT = re.compile(r"… \((\d{1,15}) characters more\)\Z", re.ASCII)


def cut(text: str, limit: int) -> str:
    """`text` with at most `limit` characters of its own, and a mark that says what is missing.

    What was cut before and is cut again counts the characters of the first time too.
    """
    if len(text) <= limit:
        return text
    missing = len(text) - limit
    before = _CUT.search(text[-40:])
    if before is not None:
        if missing <= len(before[0]):
            return text
        missing += int(before[1]) - len(before[0])
    return f"{text[:limit]}… ({missing} characters more)"


@dataclass(slots=True)
class WireEntry:
    """One thing that crossed a connection; `ns` counts from when the case began.

    `octets` may be the beginning only: then `cut` is true, and `length` is the whole length.
    """

    connection: int
    ns: int
    direction: str
    octets: bytes
    cut: bool
    length: int
    text: str

    def to_json(self) -> dict[str, Any]:
        """The entry as JSON knows it, octets in hexadecimal."""
        return {
            "connection": self.connection,
            "ns": self.ns,
            "direction": self.direction,
            "octets": self.octets.hex(),
            "cut": self.cut,
            "length": self.length,
            "text": cut(self.text, KEPT_CHARACTERS),
        }


@dataclass(slots=True)
class CaseRecord:
    """How one case ended, with its evidence."""

    id: str
    requirement: str
    level: str
    outcome: str
    summary: str = ""
    expected: str = ""
    got: str = ""
    seconds: float = 0.0
    expectation: dict[str, Any] | None = None
    autobahn: list[str] = field(default_factory=list)
    rerun: str = ""
    wire: list[WireEntry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what was seen and is not judged
    aside: dict[str, str] | None = None  # why it does not count: `kind`, what it is `of`, `text`
    seen: Seen | None = None  # what was seen instead of what was expected; words are for people
    lacks: list[str] = field(default_factory=list)  # what the target would have to offer
    came: str = ""  # what kind of thing that was: `CLOSE 1007`, `HTTP 400`, `TEXT`

    @property
    def timed_out(self) -> bool:
        """Whether the case's own limit ended it."""
        return self.seen == Seen.TIMED_OUT

    def set_aside(self, kind: str, of: str, text: str) -> None:
        """Have it count as nothing: `kind` is one of `ASIDE`, `of` a requirement, a case or ""."""
        self.aside = {"kind": kind, "of": of, "text": cut(text, KEPT_CHARACTERS)}

    def to_json(self) -> dict[str, Any]:
        """The record as JSON knows it, its strings bounded."""
        return {
            "id": self.id,
            "requirement": self.requirement,
            "level": self.level,
            "outcome": self.outcome,
            "summary": cut(self.summary, KEPT_CHARACTERS),
            "expected": cut(self.expected, KEPT_CHARACTERS),
            "got": cut(self.got, KEPT_CHARACTERS),
            "seconds": round(self.seconds, 6),
            "expectation": self.expectation,
            "autobahn": list(self.autobahn),
            "rerun": self.rerun,
            "wire": [entry.to_json() for entry in self.wire],
            "notes": [cut(note, KEPT_CHARACTERS) for note in self.notes],
            "aside": self.aside,
            "seen": self.seen,
            "came": self.came,
            "lacks": list(self.lacks),
        }


def weighs(case: Mapping[str, Any], strict: bool = False) -> bool:
    """Whether a case, as JSON knows it, makes the exit code 1 by itself.

    A FAIL does that no expectation names and whose requirement binds: MUST or DESCRIBED, under
    `strict` SHOULD as well, and NON_STRICT besides FAIL. A MAY never does, nor what is set aside.
    """
    if case.get("aside") is not None:
        return False
    levels = ("MUST", "DESCRIBED", "SHOULD") if strict else ("MUST", "DESCRIBED")
    outcomes = ("FAIL", "NON_STRICT") if strict else ("FAIL",)
    return (
        case["outcome"] in outcomes and case["level"] in levels and case.get("expectation") is None
    )


def count_outcomes(cases: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many cases had each outcome, but for those set aside; every outcome is named."""
    counts = dict.fromkeys(OUTCOMES, 0)
    for case in cases:
        if case.get("aside") is None:
            counts[case["outcome"]] = counts.get(case["outcome"], 0) + 1
    return counts


class RunWriter:
    """Appends what happens in a run to a file of JSON lines.

    A line is there when it was written, or not at all: where the disk is full nothing torn is
    left behind, `WriteError` is raised, and all that was written before can be read.
    """

    def __init__(self, path: Path) -> None:
        self._lines = files.LineWriter(path, anew=True)
        self._began = time.monotonic()
        self._cases = 0
        self._failed: files.WriteError | None = None  # after which nothing more is written

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._lines.close()

    def header(self, values: Mapping[str, Any]) -> None:
        """Note what is known before the first case; to be called once, first."""
        self._write("header", {"schema": SCHEMA, **values})

    def case(self, record: CaseRecord) -> int:
        """Note how a case ended; gives the number by which `revise` may name it."""
        self._write("case", record.to_json())
        self._cases += 1
        return self._cases - 1

    def revise(self, number: int, fields: Mapping[str, Any]) -> None:
        """Note that some fields, as JSON knows them, of a case which has been noted are new."""
        self._write("revised", {"number": number, "fields": fields})

    def finish(self, values: Mapping[str, Any]) -> None:
        """Note what is known after the last case; its keys replace those of the header."""
        self._write("finish", values)

    def also(self, values: Mapping[str, Any]) -> None:
        """Note what was concluded from the whole run; its keys replace all others."""
        self._write("also", values)

    def _write(self, kind: str, values: Mapping[str, Any]) -> None:
        if self._failed is not None:
            raise self._failed
        at = round(time.monotonic() - self._began, 6)
        try:
            self._lines.write({"kind": kind, "at": at, "values": values})
        except files.WriteError as error:
            self._failed = error
            raise


def to_json(report: Mapping[str, Any]) -> str:
    """A report as the text of a JSON file: ASCII, indented, ending with a newline."""
    return files.json_text(report, indent=1)


def read_run(path: Path) -> dict[str, Any]:
    """The report of a run: from its folder, from its JSON lines, or from its JSON report.

    A run with no finish line, or with a torn last line, comes back as interrupted, with exit
    code 130. A line that is damaged is left out; `damage` then says which, and the exit code is
    never 0. Raises `FileError` when the file is missing, is none of ours or is damaged so that
    nothing of it can be told.
    """
    if path.is_dir():
        path = path / RUN_FILE
    if path.suffix == ".jsonl":
        return _Assembly(path).report()
    report = files.read_json(path, Report, MOST_OCTETS)
    _check_schema(path, report)
    return dict(report)


def _check_schema(path: Path, values: Mapping[str, Any]) -> None:
    if values.get("schema") != SCHEMA:
        raise files.FileError(
            f"{path}: has schema {values.get('schema')!r}; this version reads {SCHEMA}"
        )


class _Assembly:
    """The lines of a run, put together."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header: Mapping[str, Any] | None = None
        self.finish: Mapping[str, Any] = {"interrupted": True, "exit_code": 130}
        self.also: dict[str, Any] = {}
        self.cases: list[dict[str, Any] | None] = []  # None: its line is damaged
        self.seconds = 0.0
        self._damaged: list[str] = []
        try:
            for number, line in files.read_lines(path, MOST_OCTETS):
                self._line(number, line)
        except files.FileError as error:
            if self.header is None:
                raise
            self._damaged.append(str(error))  # and whatever is behind it
        if self.header is None:
            raise files.FileError(
                f"{path}: not a run of sockproof: it does not begin with a header"
            )

    def _line(self, number: int, line: bytes) -> None:
        try:
            self._take(line)
        except ValueError as error:
            if self.header is None:
                raise files.FileError(f"{self.path}: line {number} {error}") from None
            if b'"kind":"case"' in line[:100]:
                self.cases.append(None)
            self._damaged.append(f"{self.path}: line {number} {error}")

    def _take(self, octets: bytes) -> None:
        if self.header is None and files.decode(octets, Line).kind != "header":
            raise ValueError("is not a record of sockproof: there is no header before it")
        line: RunLine = files.decode(octets, RunLine)  # type: ignore[arg-type]
        match line:
            case HeaderLine(values=header):
                _check_schema(self.path, header)
                self.header = header
            case CaseLine(values=case):
                self.cases.append(dict(case))
            case RevisedLine(values=revision):
                self._revise(revision)
            case FinishLine(values=finish):
                self.finish = {"interrupted": False, **finish}
            case AlsoLine(values=also):
                self.also.update(also)
        self.seconds = line.at

    def _revise(self, revision: Revision) -> None:
        number = revision["number"]
        if number >= len(self.cases):
            raise ValueError(f"is invalid: there is no case {number}")
        case = self.cases[number]
        if case is not None:
            case |= revision["fields"]

    def report(self) -> dict[str, Any]:
        """All that is known."""
        cases = [case for case in self.cases if case is not None]
        report: dict[str, Any] = {
            "schema": SCHEMA,
            "sockproof": "",
            "target": "",
            "server": None,
            "started": "",
            "seconds": self.seconds,
            "interrupted": False,
            "exit_code": 130,
            "counts": {},
            "coverage": {"with_case": [], "without_case": [], "untestable": {}},
            "stale_expectations": [],
            "remarks": [],
            **(self.header or {}),
            **self.finish,
            **self.also,
        }
        report["counts"] = count_outcomes(cases)
        report["cases"] = cases
        if self._damaged:
            report["damage"] = [self._told(len(cases))]
            report["exit_code"] = report["exit_code"] or 2
        return report

    def _told(self, left: int) -> str:
        others = len(self._damaged) - 1
        more = f", and {others:,} more of its lines are damaged" if others else ""
        return f"{self._damaged[0]}{more}; {left:,} cases can be read"


def now() -> str:
    """The time as RFC 3339 writes it, in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_run_folder(results: Path, kind: str) -> Path:
    """A new folder `results/STAMP-KIND`; a second run in one second gets `-2` behind it."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    try:
        results.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, 1000):
            folder = results / (f"{stamp}-{kind}" + (f"-{attempt}" if attempt > 1 else ""))
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
                return folder
    except OSError as error:
        raise files.WriteError(f"{results}: cannot be written: {error.strerror}") from None
    raise files.WriteError(f"{results}: already has a thousand runs from this second")


def link_latest(folder: Path, kind: str) -> Path:
    """Point `latest-KIND`, beside the folder, to it; the link is replaced in one step."""
    link = folder.parent / f"latest-{kind}"
    fresh = folder.parent / f".latest-{kind}-{os.getpid()}"
    try:
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(folder.name, target_is_directory=True)
        fresh.replace(link)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise files.WriteError(f"{link}: cannot be made a link: {error.strerror}") from None
    return link
