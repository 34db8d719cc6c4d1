"""`sockproof compare`: what changed between two runs, of cases or of load."""

from __future__ import annotations

import argparse
from argparse import Namespace
from pathlib import Path

from sockproof.analysis.changes import Change, changes
from sockproof.cli.arguments import add_results, add_shelf
from sockproof.cli.compare_load import compare_load
from sockproof.errors import CommandError
from sockproof.render.text import number, short
from sockproof.runs import records
from sockproof.runs.load_records import is_load_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    for name, which in (("before", "first"), ("after", "second")):
        parser.add_argument(
            name,
            metavar=name.upper(),
            help=f"the {which} run: a run folder or report.json, or several load runs, "
            "separated by commas",
        )
    add_results(parser, " of comparisons of load runs")
    add_shelf(parser)


def compare(options: Namespace) -> int:
    """Print what changed; 1 when anything got worse, 2 when the runs have nothing in common."""
    groups = [
        [Path(word) for word in given.split(",") if word]
        for given in (options.before, options.after)
    ]
    if not all(groups):
        raise CommandError("name two runs, or two lists of load runs as A1,A2 B1,B2")
    loads = [is_load_run(folder) for group in groups for folder in group]
    if all(loads):
        return compare_load(groups[0], groups[1], options.results, options.shelf)
    if any(loads):
        raise CommandError("a load run can only be compared with a load run")
    if len(loads) > 2:
        raise CommandError("only two conformance runs can be compared")
    return _cases(groups[0][0], groups[1][0])


def _cases(path_before: Path, path_after: Path) -> int:
    before, after = (records.read_run(path) for path in (path_before, path_after))
    found = changes(before, after)
    for path, report in ((path_before, before), (path_after, after)):
        who = short(report.get("server") or report["target"], 200)
        print(f"{path}: {who}, {short(report['started'], 40)}, {_count(report)}")
    for title, each in (("worse", found.worse), ("better", found.better)):
        if each:
            print(f"\n{title}:")
        for change in each:
            print(f"  {_line(change)}")
    for title, cases in (("only in the first", found.gone), ("only in the second", found.new)):
        if cases:
            print(f"\n{title}:")
        for case_id, outcome in cases:
            print(f"  {outcome:12} {short(case_id, 300)}")
    changed = len(found.worse) + len(found.better)
    print(
        f"\n{number(changed, 'outcome')} changed ({len(found.worse)} for the worse), "
        f"{found.same} unchanged, {len(found.gone)} removed, {len(found.new)} added"
    )
    if found.worse:
        return 1
    return 0 if found.same or changed else 2


def _count(report: dict[str, object]) -> str:
    cases = report["cases"]
    assert isinstance(cases, list)
    return number(len(cases), "case") + (", interrupted" if report.get("interrupted") else "")


def _line(change: Change) -> str:
    got = f": {short(change.got, 200)}" if change.got else ""
    return f"{change.before} → {change.after}  {short(change.case, 300)}{got}"
