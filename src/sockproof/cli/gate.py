"""`sockproof gate`: does a run keep the rules?"""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

from sockproof import files
from sockproof.analysis.gates.gate import Outcome, worst
from sockproof.analysis.gates.rules import Rules
from sockproof.api.ab import TOLERANCE, compare_stored
from sockproof.api.plans import ComparisonPlan
from sockproof.cli.ab import show as show_comparison
from sockproof.cli.arguments import add_results, add_shelf
from sockproof.cli.rules import find_rules
from sockproof.cli.rules_kept import beside, judge_report, judge_summary, show, write
from sockproof.errors import CommandError
from sockproof.formats.judgements import Gate
from sockproof.formats.load import Summary
from sockproof.runs import records
from sockproof.runs.load_records import RUN_FILE, SUMMARY_FILE, is_load_run

_REPORT_FILE = "report.json"
EXAMPLES = """\
examples:
  sockproof gate results/latest-load --rules smoke
  sockproof gate results/latest-load --baseline stored/run-1 stored/run-2"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    parser.epilog = EXAMPLES
    add(
        "run",
        nargs="+",
        type=Path,
        metavar="RUN",
        help="run folder, e.g. results/latest-load, or report.json; each one must pass",
    )
    add(
        "--rules",
        metavar="NAME",
        help="gate to apply: a TOML file with rules, or the name of a bundled one, e.g. smoke; "
        "required without --baseline",
    )
    add(
        "--baseline",
        nargs="+",
        type=Path,
        metavar="RUN",
        help="earlier load runs; the gate also fails when the median acknowledgement latency of "
        f"the new ones is worse by more than {TOLERANCE * 100:g}%%",
    )
    for name, kind in (("json", "JSON"), ("junit", "JUnit XML"), ("markdown", "Markdown")):
        place = "gate.xml" if name == "junit" else "gate.md" if name == "markdown" else "gate.json"
        add(
            f"--{name}",
            type=Path,
            metavar="FILE",
            help=f"file for all results as {kind} (default: a {place} in each run folder)",
        )
    add_results(parser, " of comparisons with --baseline")
    add_shelf(parser)


def gate(options: Namespace) -> int:
    """Judge each run by the rules, and all against a baseline; what is worst decides."""
    if options.rules is None and options.baseline is None:
        raise CommandError("name the rules with --rules, or earlier runs with --baseline")
    formats = {"json": options.json, "junit": options.junit, "markdown": options.markdown}
    named = {name: path for name, path in formats.items() if path is not None}
    outcomes = []
    if options.rules is not None:
        rules = find_rules(options.rules, options.shelf)
        outcomes += _by_rules(rules, options.run, named)
    if options.baseline is not None:
        print("\nagainst the baseline:")
        told = ComparisonPlan()  # what `sockproof ab` has unless told otherwise
        compared = compare_stored(told, options.baseline, options.run, options.results)
        outcomes.append(Outcome(show_comparison(compared)))
    return int(worst(outcomes))


def _by_rules(rules: Rules, runs: Sequence[Path], named: Mapping[str, Path]) -> list[Outcome]:
    for path in named.values():
        if not path.parent.is_dir():
            raise CommandError(f"{path}: there is no folder {path.parent}")
    all_judged = []
    for folder in (each for run in runs for each in _runs(run)):
        judged = _judged(rules, folder)
        show(judged)
        all_judged.append(judged)
        places = beside(folder if folder.is_dir() else folder.parent)
        write([judged], {name: places[name] for name in places if name not in named})
    write(all_judged, named)
    return [Outcome(judged.exit_code) for judged in all_judged]


def _runs(run: Path) -> list[Path]:
    """The run itself; where it is the folder of several targets, that of each."""
    if not run.is_dir() or _is_run(run):
        return [run]
    return sorted(each for each in run.iterdir() if (each / records.RUN_FILE).is_file()) or [run]


def _is_run(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (RUN_FILE, records.RUN_FILE, _REPORT_FILE))


def _judged(rules: Rules, folder: Path) -> Gate:
    if is_load_run(folder):
        return judge_summary(rules, _summary(folder), folder)
    has_lines = files.is_there(folder / records.RUN_FILE) or not files.is_there(
        folder / _REPORT_FILE
    )
    report = records.read_run(folder if has_lines else folder / _REPORT_FILE)
    return judge_report(rules, report, folder)


def _summary(folder: Path) -> Summary:
    from sockproof.analysis.summary import stored_summary  # numpy takes its time to import
    from sockproof.analysis.summary.run_summary import write_summary

    path = folder / SUMMARY_FILE
    if not files.is_there(path):
        return write_summary(folder)
    return stored_summary.read(path)
