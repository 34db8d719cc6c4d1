"""`sockproof load`: Locust without its web page, and the summary of what it did."""

from __future__ import annotations

import argparse
import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from sockproof import shelves
from sockproof.analysis.gates.live_rules import Follower
from sockproof.api.load import (
    DEFAULT_TARGET,
    ended_with,
    find_scenario,
    load_target,
    nothing_recorded,
    run_scenario,
)
from sockproof.cli.arguments import (
    add_results,
    add_shelf,
)
from sockproof.cli.hosts import add_hosts, work
from sockproof.cli.load_plans import load_plan, worker_words
from sockproof.cli.load_report import write_load_report
from sockproof.cli.progress import Progress
from sockproof.cli.rules import chosen, find_rules
from sockproof.cli.scenario_options import add_load, add_scenario, add_scenario_options, add_url
from sockproof.cli.speech import warn
from sockproof.errors import CANNOT_BE_JUDGED, WRONG_COMMAND
from sockproof.files import FileError, WriteError
from sockproof.formats.load import Summary
from sockproof.load.locust.options import masked
from sockproof.runs import records
from sockproof.runs.load_records import LoadRecordError

KILLED = 2  # the exit code where Locust was killed, or has ended, before it recorded anything


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_scenario(parser, "not with --worker")
    add_url(parser)
    add = parser.add_argument
    add(
        "--target",
        metavar="NAME",
        help="bundled server to start when there is no URL "
        f"(default: the scenario's own, or {DEFAULT_TARGET})",
    )
    add(
        "--rules",
        metavar="NAME",
        help="gate that the run must pass: a TOML file with rules, or the name of a bundled one, "
        "e.g. smoke; a rule with `abort = true` ends the run once it is broken (default: none)",
    )
    add("--no-report", action="store_true", help="skip the HTML report and its figures")
    add_load(parser, users=20, time="10s")
    add_hosts(parser)
    add_results(parser)
    add_shelf(parser)
    add_scenario_options(parser)


def load(options: Namespace) -> int:
    """Run a scenario against a URL, or against its default target, which is started for it."""
    if options.worker:
        work(worker_words(options), options.secrets)
    plan = load_plan(options)
    scenario = find_scenario(plan)
    rules = find_rules(options.rules, options.shelf) if options.rules else None
    if rules is not None:
        chosen(rules, None, cases=False)
    target = load_target(plan, scenario)
    folder = records.new_run_folder(options.results, "load")
    records.link_latest(folder, "load")
    follower = None if rules is None else Follower(folder, rules.rules)
    progress = Progress(options.quiet)
    with target.running() as (url, pid):
        origin = {"command": typed(plan.scenario, options.configured), "serves": target.serves}
        ran = run_scenario(
            plan, scenario, url, folder, pid, None, progress.say, follower, origin, progress
        )
    if ran.complaint:
        warn(ran.complaint)
    if not folder.exists():
        raise WriteError(f"the run folder {folder} no longer exists")
    if missing := nothing_recorded(folder, ran):
        ended = "interrupted" if ran.interrupted else f"Locust {ended_with(ran.code)}"
        print(f"sockproof: {ended} before {missing}", file=sys.stderr)
        return 130 if ran.interrupted else KILLED if ran.code <= 0 else WRONG_COMMAND
    try:
        value, meaning = conclude(folder)
    except (FileError, LoadRecordError) as error:  # of a run of our own: not the user's doing
        raise WriteError(f"the run cannot be summarised: {error}") from None
    if rules is not None:
        from sockproof.cli.rules_kept import judge_load  # as the summary does, it needs numpy

        meaning = judge_load(rules, value, folder)
        print()
    drawn = options.no_report or draw(folder, options.shelf)
    if not drawn:
        meaning = meaning or CANNOT_BE_JUDGED
    return 130 if ran.interrupted else meaning


def typed(scenario: str, configured: Sequence[str]) -> str:
    """The command that was typed, with what files and variables added, without its secrets."""
    return shlex.join(["sockproof", *masked([*sys.argv[1:], *configured], {"load", scenario})])


def draw(folder: Path, shelf: Path | None) -> bool:
    """Write the report; False where it could not be written."""
    try:
        page, _ = write_load_report(folder, shelf)
    except (FileError, WriteError, LoadRecordError, shelves.ShelfError, ImportError) as error:
        print(f"sockproof: no report: {error}", file=sys.stderr)
        return not isinstance(error, WriteError)
    print(f"report:     {page}", flush=True)
    return True


def conclude(folder: Path) -> tuple[Summary, int]:
    """Write the summary, show it, and give it with the exit code that it means."""
    from sockproof.analysis.summary.run_summary import (
        write_summary,  # numpy takes its time to import
    )
    from sockproof.render.load.summary import lines
    from sockproof.runs.exit_code import exit_code

    value = write_summary(folder)
    for line in lines(value):
        print(line)
    print(f"\nrun folder: {folder}", flush=True)
    return value, exit_code(value)
