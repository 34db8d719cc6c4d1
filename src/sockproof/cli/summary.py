"""`sockproof summary`: what a load run comes to, from its folder."""

from __future__ import annotations

import argparse
from argparse import Namespace
from pathlib import Path

from sockproof.cli.arguments import add_shelf
from sockproof.cli.load import conclude, draw
from sockproof.cli.speech import warn
from sockproof.errors import CANNOT_BE_JUDGED
from sockproof.runs.gathered import gather


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "run", type=Path, metavar="RUN", help="run folder, e.g. results/latest-load"
    )
    parser.add_argument(
        "others", type=Path, nargs="*", metavar="OTHER",
        help="folders of the same run on other hosts, whose records are copied into the first one",
    )  # fmt: skip
    parser.add_argument("--report", action="store_true", help="write the report, too")
    add_shelf(parser)


def summary(options: Namespace) -> int:
    """Write `summary.json` of a run folder again and show it."""
    if options.others:
        for problem in gather(options.run, options.others):
            warn(problem)
    _, meaning = conclude(options.run)
    if options.report and not draw(options.run, options.shelf):
        return meaning or CANNOT_BE_JUDGED
    return meaning
