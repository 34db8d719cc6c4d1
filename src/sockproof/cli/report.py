"""`sockproof report`: the reports of a run folder, written again."""

from __future__ import annotations

import argparse
from argparse import Namespace
from pathlib import Path

from sockproof.cli.arguments import add_shelf
from sockproof.cli.load_report import write_load_report
from sockproof.cli.outputs import Outputs
from sockproof.cli.speech import warn
from sockproof.cli.study_report import is_study, write_study
from sockproof.runs import records
from sockproof.runs.load_records import is_load_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "run", type=Path, metavar="RUN", help="run folder of any kind, e.g. results/latest-load"
    )
    add_shelf(parser)


def report(options: Namespace) -> int:
    """Write them, by what the folder is of."""
    if is_load_run(options.run):
        for path in write_load_report(options.run, options.shelf, png=True):
            print(f"report: {path}")
        return 0
    if is_study(options.run):
        for path in write_study(options.run, options.shelf):
            print(f"report: {path}")
        return 0
    found = records.read_run(options.run)
    for line in found.get("damage", ()):
        warn(line)
    folder = options.run if options.run.is_dir() else options.run.parent
    for path in Outputs.in_folder(folder, options.shelf).write(found):
        print(f"report: {path}")
    return 0
