"""What the commands that judge servers or clients share: options, and what becomes of a run."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sockproof.api.judge import Place
from sockproof.cli.arguments import seconds, time_span
from sockproof.cli.outputs import Outputs
from sockproof.conformance.shelf.case import Case
from sockproof.conformance.shelf.expectations_writer import write_expectations
from sockproof.conformance.shelf.requirements import Requirement
from sockproof.render.text import number
from sockproof.runs import records

Writes = Callable[[Mapping[str, Any]], list[Path]]
Group = argparse._ArgumentGroup


def add_verbose(parser: argparse.ArgumentParser) -> None:
    """The option that shows each case."""
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="list every case in the terminal"
    )


def add_selection(selection: Group, suites: Sequence[str], default: str) -> None:
    """The options that choose cases; `default` says which suites run without any."""
    add = selection.add_argument
    add(
        "--suite",
        action="append",
        default=[],
        choices=suites,
        metavar="NAME",
        help=f"suite to run: {', '.join(suites)}; may be repeated (default: {default})",
    )
    add(
        "--case",
        action="append",
        default=[],
        metavar="GLOB",
        help="pattern of case ids to run; may be repeated (default: all)",
    )
    add(
        "--exclude",
        action="append",
        default=[],
        metavar="GLOB",
        help="pattern of case ids to leave out; may be repeated (default: none)",
    )


def add_verdict(parser: argparse.ArgumentParser, known: str, default: str) -> None:
    """The options of what counts; `known` says what else than a file has known deviations.

    `default` says which ones are known without any.
    """
    add = parser.add_argument_group("verdict").add_argument
    add(
        "--expect",
        action="append",
        default=[],
        metavar="FILE",
        help=f"known deviations: a file, or {known}; may be repeated (default: {default})",
    )
    add(
        "--strict",
        action="store_true",
        help="also fail on SHOULD requirements that are not met, and on NON_STRICT outcomes, which "
        "are allowed but not recommended",
    )
    add(
        "--docs-url",
        metavar="URL",
        help="documentation site to link requirements to in reports (default: sockproof's)",
    )


def add_limits(parser: argparse.ArgumentParser) -> Group:
    """The options of how long cases and runs may take, and their group."""
    group = parser.add_argument_group("execution")
    group.add_argument(
        "--timeout",
        type=seconds,
        default=5.0,
        metavar="S",
        help="time limit for each case, in seconds (default: %(default)g)",
    )
    group.add_argument(
        "--max-time",
        type=time_span,
        metavar="T",
        help="time limit for the run against one server or client, e.g. 90, 90s or 5m; cases "
        "that it cuts off make the run inconclusive (default: derived from the cases)",
    )
    return group


def add_reports(parser: argparse.ArgumentParser) -> None:
    """The options that name files to be written."""
    add = parser.add_argument_group(
        "reports",
        "With any of these, only the named files are written, for one server or client, and no run "
        "folder.",
    ).add_argument
    for name, kind in (("json", "JSON"), ("junit", "JUnit XML"), ("html", "HTML")):
        add(f"--{name}", type=Path, metavar="FILE", help=f"file for the report as {kind}")
    add("--markdown", type=Path, metavar="FILE", help="file for the report as Markdown")
    add(
        "--autobahn",
        type=Path,
        metavar="DIR",
        help="directory for index.json and case files in the format of Autobahn|Testsuite",
    )
    add(
        "--write-expectations",
        type=Path,
        metavar="FILE",
        help="file for the deviations found; fill in your reasons, then pass it to --expect",
    )


@contextlib.contextmanager
def recorded(
    command: str,
    results: Path,
    shelf: Path | None,
    outputs: Outputs | None,
    writing: Callable[[Outputs], Writes] = lambda outputs: outputs.write,
) -> Iterator[Place]:
    """Where one run is recorded; `writing` makes what writes its reports.

    With a file option, which `outputs` has, the records go into a folder that does not outlive the
    run.
    """
    if outputs is not None:
        with TemporaryDirectory(prefix="sockproof-") as name:
            yield Place(Path(name), writing(outputs), stays=False)
        return
    folder = records.new_run_folder(results, command)
    try:
        yield Place(folder, writing(Outputs.in_folder(folder, shelf)))
        records.link_latest(folder, command)
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()  # only when nothing was written


def list_cases(cases: Iterable[Case], catalogue: Mapping[str, Requirement]) -> None:
    """A line for each case."""
    for case in cases:
        requirement = catalogue[case.requirement]
        print(f"{requirement.level:9} {case.id}  ({requirement.document}, {requirement.section})")


def write_known(
    path: Path | None,
    report: Mapping[str, Any],
    cases: Iterable[Case],
    catalogue: Mapping[str, Requirement],
) -> None:
    """Write the deviations of a run that came to its end, where a file for them is named."""
    if path is None or report["interrupted"]:
        return
    known = [case.id for case in cases]
    count = write_expectations(path, report["cases"], known, catalogue, report["started"][:10])
    print(f"{number(count, 'expectation')} in {path}")
