"""`sockproof summary`: what a load run comes to, from its folder."""

from __future__ import annotations

import argparse
from argparse import Namespace
from pathlib import Path

from sockproof.cli.load import conclude


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder, as results/latest-load")


def summary(options: Namespace) -> int:
    """Write `summary.json` of a run folder again and show it."""
    return conclude(options.run)[1]
