"""`sockproof clients`: serve cases on one port and judge the client that comes for them."""

from __future__ import annotations

import argparse
import contextlib
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sockproof.api.clients import ClientJudged, ClientPlan, client_job, judge_client
from sockproof.api.judge import Place
from sockproof.cli.arguments import add_results, add_shelf, seconds, time_span
from sockproof.cli.client_plans import client_plan
from sockproof.cli.outputs import Outputs, autobahn_files
from sockproof.clients.run import SUITES
from sockproof.conformance.shelf.expectations_writer import write_expectations
from sockproof.render.conformance.terminal import Progress
from sockproof.render.text import number
from sockproof.runs import records

EXAMPLES = """\
examples:
  sockproof clients --driver websockets
  sockproof clients --run 'python my_driver.py' --agent my-client
  sockproof clients --listen 127.0.0.1:9001 --json report.json
  sockproof clients --spec fuzzingserver.json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="list every case in the terminal"
    )
    add = parser.add_argument_group("client").add_argument
    add(
        "--driver",
        metavar="NAME",
        help="bundled client library to start and check",
    )
    add(
        "--run",
        metavar="'COMMAND'",
        help="command that starts the driver of the client, with SOCKPROOF_URL and SOCKPROOF_AGENT "
        "in its environment; it is started again when it dies (default: serve until interrupted)",
    )
    add(
        "--listen",
        metavar="HOST:PORT",
        help="address to serve the cases on (default: 127.0.0.1:9001; a free port "
        "with --run or --driver)",
    )
    add(
        "--agent",
        metavar="NAME",
        help="name of the client in reports (default: the name that its driver sends)",
    )
    selection = parser.add_argument_group("selection")
    add = selection.add_argument
    add(
        "--suite",
        action="append",
        default=[],
        choices=SUITES,
        metavar="NAME",
        help=f"suite to run: {', '.join(SUITES)}; may be repeated "
        "(default: those for the kind of client)",
    )
    add(
        "--case",
        action="append",
        default=[],
        metavar="GLOB",
        help="pattern of ids of cases to run; may be repeated (default: all)",
    )
    add(
        "--exclude",
        action="append",
        default=[],
        metavar="GLOB",
        help="pattern of ids of cases to leave out; may be repeated",
    )
    add(
        "--spec",
        type=Path,
        metavar="FILE",
        help="Autobahn|Testsuite's fuzzingserver.json: url, outdir, cases, exclude-cases, "
        "exclude-agent-cases",
    )
    add("--list", action="store_true", help="list the cases without running them")
    add = parser.add_argument_group("verdict").add_argument
    add(
        "--expect",
        action="append",
        default=[],
        metavar="FILE",
        help="known deviations: a file, or the name of a driver, as websockets; may be repeated",
    )
    add("--strict", action="store_true", help="fail also on SHOULD and NON_STRICT")
    add(
        "--docs-url",
        metavar="URL",
        help="documentation whose pages of requirements the reports link (default: sockproof's)",
    )
    add = parser.add_argument_group("execution").add_argument
    add(
        "--timeout",
        type=seconds,
        default=5.0,
        metavar="S",
        help="time limit for each case, in seconds (default: %(default)g)",
    )
    add(
        "--max-time",
        type=time_span,
        metavar="T",
        help="time limit for the whole run, as 90s or 5m (default: derived from the cases)",
    )
    add = parser.add_argument_group(
        "reports", "With any of these, only the named files are written, and no run folder."
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
        help="file for the deviations found, to be completed and passed to --expect",
    )
    add_results(parser)
    add_shelf(parser)


def clients(options: Namespace) -> int:
    """Carry the command out; gives its exit code."""
    plan, outdir = client_plan(options)
    if options.list:
        return _list(plan)
    outputs = Outputs.asked_for(
        options.shelf,
        json=options.json,
        junit=options.junit,
        html=options.html,
        markdown=options.markdown,
    )
    with (
        _place(options.results, options.shelf, outputs, options.autobahn or outdir) as place,
        Progress(verbose=options.verbose) as progress,
    ):
        judged = judge_client(plan, place, progress, on_listening=_Listening(plan))
        progress.finish(judged.report, judged.written)
    if options.write_expectations is not None and not judged.report["interrupted"]:
        _write_expectations(options.write_expectations, judged)
    return judged.exit_code


class _Listening:
    """Says where the cases are served, where somebody else has to start the driver."""

    def __init__(self, plan: ClientPlan) -> None:
        self._waits = plan.driver is None

    def __call__(self, authority: str) -> None:
        if self._waits:
            print(
                f"ws://{authority} and http://{authority}: waiting for a client; "
                "Ctrl-C ends the run",
                flush=True,
            )


@contextlib.contextmanager
def _place(
    results: Path, shelf: Path | None, outputs: Outputs | None, autobahn: Path | None
) -> Iterator[Place]:
    """Where the run is recorded: with a file option, in a folder that does not outlive it."""
    if outputs is not None:
        with TemporaryDirectory(prefix="sockproof-") as name:
            yield Place(Path(name), _Written(outputs, autobahn), stays=False)
        return
    folder = records.new_run_folder(results, "clients")
    try:
        yield Place(folder, _Written(Outputs.in_folder(folder, shelf), autobahn))
        records.link_latest(folder, "clients")
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()  # only when nothing was written


@dataclass(frozen=True, slots=True)
class _Written:
    """Writes the reports, Autobahn's among them, whenever a driver asks for that and at the end."""

    outputs: Outputs
    autobahn: Path | None

    def __call__(self, report: Mapping[str, Any]) -> list[Path]:
        written = self.outputs.write(report)
        if self.autobahn is not None:
            written.append(autobahn_files([(report["target"], report)], self.autobahn))
        return written


def _list(plan: ClientPlan) -> int:
    job = client_job(plan)
    for case in job.chosen:
        requirement = job.requirements[case.requirement]
        print(f"{requirement.level:9} {case.id}  ({requirement.document}, {requirement.section})")
    return 0


def _write_expectations(path: Path, judged: ClientJudged) -> None:
    count = write_expectations(
        path,
        judged.report["cases"],
        [case.id for case in judged.job.all_cases],
        judged.job.requirements,
        judged.report["started"][:10],
    )
    print(f"{number(count, 'expectation')} in {path}")
