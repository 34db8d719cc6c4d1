"""Which cases are tests, the one run in which all of a test function are judged, and what each
comes to.

The rules that hold here:

* The cases of a test function are judged together, when the first of its tests begins: those that
  were collected and not deselected. Workers of xdist share the run.
* What an expectation names is xfail, and a fault of its own where it no longer holds.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sockproof.conformance.running.run import choose_cases
from sockproof.conformance.shelf.case import load_cases
from sockproof.conformance.shelf.expectations import glob_matches
from sockproof.errors import WrongInput
from sockproof.files import write
from sockproof.pytest_plugin.processes import Failed, call
from sockproof.pytest_plugin.serving import Served
from sockproof.render.text import last_wire_lines, short
from sockproof.runs.records import weighs
from sockproof.shelves import shelf
from sockproof.vocabulary import SUITES

_WIRE_LINES = 8
_CHOICE = {"suites": "suite", "cases": "case", "expect": "expect"}  # arguments, by options
_NAMES = ("suites", "cases", "exclude", "expect")


@dataclass(frozen=True, slots=True)
class Case:
    """A case of a run. `found` is its record as the report has it; None where it did not run."""

    id: str
    report: Mapping[str, Any]
    found: Mapping[str, Any] | None
    strict: bool

    def check(self) -> None:
        """Pass where the case did; else fail, skip or xfail."""
        case = self.found
        if case is None:
            why = "did not run" if self.id in self.report.get("not_run", ()) else "not concerned"
            pytest.skip(f"{why}: {self.report.get('problem') or self.report['target']}")
        for stale in self.report["stale_expectations"]:
            if glob_matches(stale["case"], self.id):
                pytest.fail(
                    f"{self.id}: {stale.get('expected', 'FAIL')} was expected, and is no more:"
                    f" {short(stale['reason'])} ({stale['file']})",
                    pytrace=False,
                )
        if case["expectation"] is not None:
            pytest.xfail(short(case["expectation"]["reason"]))
        if weighs(case, self.strict):
            pytest.fail("\n".join(self._story(case)), pytrace=False)
        if case.get("aside"):
            pytest.skip(f"set aside: {short(case['aside']['text'])}")
        if case["outcome"] == "INCONCLUSIVE" and case["level"] == "MUST":
            pytest.fail(f"{self.id}: inconclusive: {short(case['got'])}", pytrace=False)
        if case["outcome"] in ("INCONCLUSIVE", "UNSUPPORTED"):
            pytest.skip(f"{case['outcome'].lower()}: {short(case['got'] or case['summary'])}")

    def _story(self, case: Mapping[str, Any]) -> Iterator[str]:
        about = self.report["requirements"].get(case["requirement"], {})
        yield f"{self.id}: {short(about.get('text') or case['summary'])}"
        yield f"{short(about.get('document'))} {short(about.get('section'))}, {case['level']}"
        if case["expected"]:
            yield f"expected  {short(case['expected'])}"
        yield f"got       {short(case['got'] or case['summary'])}"
        yield from last_wire_lines(case, _WIRE_LINES, 100)
        if about.get("fix"):
            yield f"fix       {short(about['fix'])}"
        yield f"repeat    {short(case['rerun'])}"


def chosen(config: pytest.Config, function: pytest.Function) -> list[str]:
    """The ids of the cases that a test function runs."""
    wanted = _wanted(config, function)
    if not wanted["suites"] and not wanted["cases"]:
        raise pytest.UsageError(
            f"{function.nodeid}: say which cases: @pytest.mark.sockproof(suites=[…]),"
            " --sockproof-suite or --sockproof-case"
        )
    for name in wanted["suites"]:
        if name not in SUITES:
            raise pytest.UsageError(f"no suite {name!r}; choose one of {', '.join(SUITES)}")
    try:
        known = load_cases(shelf("conformance"), wanted["suites"] or SUITES)
    except WrongInput as error:
        raise pytest.UsageError(str(error)) from None
    ids = [case.id for case in choose_cases(known, wanted["cases"], wanted["exclude"])]
    if not ids:
        raise pytest.UsageError(f"{function.nodeid}: no case matches {wanted['cases']}")
    return ids


def _wanted(config: pytest.Config, function: pytest.Function) -> dict[str, Any]:
    """The arguments of the marker; what is typed replaces them."""
    marker = function.get_closest_marker("sockproof")
    wanted: dict[str, Any] = {name: [] for name in _NAMES}
    wanted.update(marker.kwargs if marker else {})
    wanted["expect"] = [_beside(function.path.parent, each) for each in wanted["expect"]]
    for name, option in _CHOICE.items():
        wanted[name] = config.getoption(f"--sockproof-{option}") or list(wanted[name])
    return wanted


def _beside(folder: Path, name: str | Path) -> str:
    """A file of known deviations beside the test, or the name of a bundled list."""
    path = folder / name
    return str(path) if path.is_file() else str(name)


def judged(request: pytest.FixtureRequest, target: Served) -> Case:
    """The case of a test, judged together with the others of its function."""
    node = request.node
    function = node.nodeid.partition("[")[0]
    ids = [
        str(each.callspec.params["sockproof_case"])
        for each in request.session.items
        if isinstance(each, pytest.Function) and each.nodeid.partition("[")[0] == function
    ]
    wanted = _wanted(request.config, node)
    arguments = {**wanted, "cases": sorted(set(ids)), "exclude": [], "suites": _suites(ids)}
    report = _report(request, f"{function} {target.name}", target, arguments)
    case = next((each for each in report["cases"] if each["id"] == request.param), None)
    return Case(request.param, report, case, bool(wanted.get("strict")))


def _suites(ids: list[str]) -> list[str]:
    named = {each.partition("/")[0] for each in ids}
    return [name for name in SUITES if name in named]


_REPORTS = pytest.StashKey[dict[str, Mapping[str, Any]]]()


def _report(
    request: pytest.FixtureRequest, run: str, target: Served, arguments: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The report of a run, which one of the processes makes for all."""
    asked = json.dumps([run, arguments], sort_keys=True, default=str)
    key = hashlib.sha256(asked.encode()).hexdigest()[:16]
    reports = request.config.stash.setdefault(_REPORTS, {})
    if key not in reports:
        folder = request.getfixturevalue("tmp_path_factory").getbasetemp()
        if hasattr(request.config, "workerinput"):  # a worker's folder lies in the run's
            folder = folder.parent
        path = folder / f"sockproof-{key}.json"
        with _alone(path.with_suffix(".lock")):
            if not path.exists():
                write(path, _judge(target, arguments).decode())
        reports[key] = msgspec.json.decode(path.read_bytes())
    report = reports[key]
    if "failed" in report:
        pytest.fail(report["failed"], pytrace=False)
    return report


def _judge(target: Served, arguments: Mapping[str, Any]) -> bytes:
    try:
        return call("judge", {"url": target.url, **arguments})
    except Failed as error:
        return msgspec.json.encode({"failed": str(error)})


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
