"""What a run writes to its folder and reads back: one JSON line for each thing that happened.

The rules that hold here:

* A line is written and flushed as soon as its case has ended, so that a run which is killed
  leaves what it had done. Reading such a file gives a report that says it was interrupted.
* What is written is ASCII and valid JSON whatever a server sent: lone surrogates, which other
  readers of JSON refuse, are spelt out, and long strings are cut with a mark.
* Readers get the report as one dictionary, the one that `reports/conformance-report.schema.json`
  describes; the renderers need nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

SCHEMA = 1
RUN_FILE = "run.jsonl"
OUTCOMES = ("PASS", "NON_STRICT", "FAIL", "UNSUPPORTED", "INCONCLUSIVE")
SUITES = ("websocket", "deflate", "engineio", "socketio", "rooms", "clients", "abuse")
LEVELS = ("MUST", "SHOULD", "MAY", "DESCRIBED")
ASIDE = ("follows", "did-not-repeat", "too-busy", "control")  # why a case does not count
KEPT_CHARACTERS = 8192

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_CUT = re.compile(r"… \((\d{1,15}) characters more\)\Z", re.ASCII)
_FORBIDS_NAN = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))


class RecordError(Exception):
    """A run folder that cannot be written or a record that cannot be read; one line."""


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

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> WireEntry:
        """The entry that `to_json` wrote; raises `RecordError`."""
        with _telling("a wire entry"):
            fields = {**value, "octets": bytes.fromhex(value["octets"])}
            return cls(**fields)


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
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> CaseRecord:
        """The record that `to_json` wrote; raises `RecordError`."""
        with _telling("a case"):
            return cls(**{**value, "wire": [WireEntry.from_json(e) for e in value["wire"]]})


@contextlib.contextmanager
def _telling(what: str) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise RecordError(f"{what} cannot be read: {type(error).__name__}: {error}") from None


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
    """Appends what happens in a run to a file of JSON lines, each flushed when it is written."""

    def __init__(self, path: Path) -> None:
        try:
            self._file: TextIO = path.open("w", encoding="ascii", newline="\n")
        except OSError as error:
            raise RecordError(f"{path}: cannot be written: {error.strerror}") from None
        self._began = time.monotonic()
        self._cases = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

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
        at = round(time.monotonic() - self._began, 6)
        self._file.write(_FORBIDS_NAN.encode(_spelt({"kind": kind, "at": at, "values": values})))
        self._file.write("\n")
        self._file.flush()


def _spelt(value: Any) -> Any:
    """`value` with its lone surrogates written as `\\udXXX` in every string and key."""
    match value:
        case str():
            return _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", value)
        case Mapping():
            return {_spelt(str(key)): _spelt(item) for key, item in value.items()}
        case list() | tuple():
            return [_spelt(item) for item in value]
        case _:
            return value


def to_json(report: Mapping[str, Any]) -> str:
    """A report as the text of a JSON file: ASCII, indented, ending with a newline."""
    return json.dumps(_spelt(report), indent=1, allow_nan=False) + "\n"


def read_run(path: Path) -> dict[str, Any]:
    """The report of a run: from its folder, from its JSON lines, or from its JSON report.

    A run with no finish line, or with a torn last line, comes back as interrupted, with exit
    code 130. Raises `RecordError` when the file is missing or is none of ours.
    """
    if path.is_dir():
        path = path / RUN_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RecordError(f"{path}: not a run of sockproof: not UTF-8") from None
    whole = _whole_report(path, text)
    if whole is not None:
        return whole
    return _assemble(path, list(_lines(path, text)))


def _whole_report(path: Path, text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None  # JSON lines, as a run writes them
    if isinstance(value, dict) and "cases" in value:
        _check_schema(path, value)
        return value
    return None


def _lines(path: Path, text: str) -> Iterable[dict[str, Any]]:
    lines = text.split("\n")
    torn = len(lines) - 1  # what stands behind the last newline was never finished
    for number, line in enumerate(lines[:torn], start=1):
        try:
            value = json.loads(line)
            yield {"kind": value["kind"], "at": value["at"], "values": dict(value["values"])}
        except (ValueError, KeyError, TypeError):
            if number == torn:
                return
            raise RecordError(f"{path}: line {number} is not a record of sockproof") from None


def _check_schema(path: Path, values: Mapping[str, Any]) -> None:
    if values.get("schema") != SCHEMA:
        raise RecordError(
            f"{path}: has schema {values.get('schema')!r}; this sockproof reads {SCHEMA}"
        )


def _assemble(path: Path, lines: list[dict[str, Any]]) -> dict[str, Any]:
    if not lines or lines[0]["kind"] != "header":
        raise RecordError(f"{path}: not a run of sockproof: it does not begin with a header")
    header = lines[0]["values"]
    _check_schema(path, header)
    cases = [line["values"] for line in lines if line["kind"] == "case"]
    for line in lines:
        if line["kind"] == "revised":
            _revise(path, cases, line["values"])
    finish: dict[str, Any] = {"interrupted": True, "exit_code": 130}
    for line in lines:
        if line["kind"] == "finish":
            finish = {"interrupted": False, **line["values"]}
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "sockproof": "",
        "target": "",
        "server": None,
        "started": "",
        "seconds": lines[-1]["at"],
        "interrupted": False,
        "exit_code": 130,
        "counts": {},
        "coverage": {"with_case": [], "without_case": [], "untestable": {}},
        "stale_expectations": [],
        "remarks": [],
    }
    report.update(header)
    report.update(finish)
    for line in lines:
        if line["kind"] == "also":
            report.update(line["values"])
    report["counts"] = count_outcomes(cases)
    report["cases"] = cases
    return report


def _revise(path: Path, cases: list[dict[str, Any]], values: Mapping[str, Any]) -> None:
    with _telling(f"{path}: a case that was revised"):
        number, fields = int(values["number"]), dict(values["fields"])
        if not 0 <= number < len(cases):
            raise ValueError(f"there is no case {number}")
        cases[number] |= fields


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
        raise RecordError(f"{results}: cannot be written: {error.strerror}") from None
    raise RecordError(f"{results}: holds a thousand runs of this second")


def link_latest(folder: Path, kind: str) -> Path:
    """Point `latest-KIND`, beside the folder, to it; the link is replaced in one step."""
    link = folder.parent / f"latest-{kind}"
    fresh = folder.parent / f".latest-{kind}-{os.getpid()}"
    try:
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(folder.name, target_is_directory=True)
        fresh.replace(link)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise RecordError(f"{link}: cannot be made a link: {error.strerror}") from None
    return link
