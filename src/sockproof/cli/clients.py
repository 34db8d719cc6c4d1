"""`sockproof clients`: serve cases on one port and judge the client that comes for them."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sockproof.api.clients import ClientPlan, client_job, judge_client
from sockproof.cli.arguments import add_results, add_shelf
from sockproof.cli.client_plans import client_plan
from sockproof.cli.judging import (
    add_limits,
    add_reports,
    add_selection,
    add_verbose,
    add_verdict,
    list_cases,
    recorded,
    write_known,
)
from sockproof.cli.outputs import Outputs, autobahn_files
from sockproof.clients.run import SUITES
from sockproof.render.conformance.terminal import Progress

EXAMPLES = """\
examples:
  sockproof clients --driver websockets
  sockproof clients --run 'python my_driver.py' --agent my-client
  sockproof clients --listen 127.0.0.1:9001 --json report.json
  sockproof clients --spec fuzzingserver.json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.epilog = EXAMPLES
    add_verbose(parser)
    add = parser.add_argument_group("client").add_argument
    add(
        "--driver",
        metavar="NAME",
        help="bundled driver to start, whose client library is checked (any unknown name prints "
        "the list)",
    )
    add(
        "--run",
        metavar="'COMMAND'",
        help="command that starts the driver of the client, with SOCKPROOF_URL and SOCKPROOF_AGENT "
        "in its environment; it is started again if it ends before the last case (default: none; "
        "serve until interrupted)",
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
    add_selection(
        selection,
        SUITES,
        "websocket and deflate, or engineio and socketio, depending on the driver",
    )
    add = selection.add_argument
    add(
        "--spec",
        type=Path,
        metavar="FILE",
        help="Autobahn|Testsuite fuzzingserver.json that sets address, output directory and cases",
    )
    add("--list", action="store_true", help="list the cases without running them")
    add_verdict(parser, "the name of a bundled driver, e.g. websockets", "the list of --driver")
    add_limits(parser)
    add_reports(parser)
    add_results(parser)
    add_shelf(parser)


def clients(options: Namespace) -> int:
    """Carry the command out; gives its exit code."""
    plan, outdir = client_plan(options)
    if options.list:
        job = client_job(plan)
        list_cases(job.chosen, job.requirements)
        return 0
    outputs = Outputs.asked_for(
        options.shelf,
        json=options.json,
        junit=options.junit,
        html=options.html,
        markdown=options.markdown,
    )
    autobahn = options.autobahn or outdir
    with (
        recorded(
            "clients",
            options.results,
            options.shelf,
            outputs,
            lambda each: _Written(each, autobahn),
        ) as place,
        Progress(verbose=options.verbose) as progress,
    ):
        judged = judge_client(plan, place, progress, on_listening=_Listening(plan))
        progress.finish(judged.report, judged.written)
    job = judged.job
    write_known(options.write_expectations, judged.report, job.all_cases, job.requirements)
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
