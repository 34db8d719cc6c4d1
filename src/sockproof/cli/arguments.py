"""What can be typed behind `sockproof`; a wrong word is one line and exit code 3."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, TextIO

from sockproof import __version__, shelves, signals
from sockproof.errors import WRONG_COMMAND
from sockproof.form import form

# What each command does. It is the function of its name in the module of its name, which is
# imported when it is chosen, and adds its options by `add_arguments`.
COMMANDS = {
    "demo": "Find three bugs in a bundled chat server, in half a minute",
    "conformance": "Check a WebSocket or Socket.IO server against the standards",
    "clients": "Check a WebSocket or Socket.IO client against the standards",
    "target": "Run one of the bundled servers, or list them",
    "matrix": "Check all bundled servers and show the results side by side",
    "site": "Build a static site from stored matrix runs: servers, requirements, badges, feeds",
    "compare": "Show what changed between two conformance runs or two groups of load runs",
    "load": "Run a load scenario and account for every message",
    "ab": "Test whether one server is slower than another",
    "summary": "Recompute the summary of a load run",
    "gate": "Check stored runs against rules or against a baseline",
    "calibrate": "Measure the accuracy of the load generator on this machine",
    "capacity": "Find the largest number of users for which all objectives hold",
    "study": "Test common claims about WebSocket and Socket.IO on real servers",
    "export": "Export the data of a load run as CSV, Parquet, OpenMetrics or HdrHistogram",
    "init": "Create a load test project: locustfile, gate, Makefile and CI workflow",
    "doctor": "Check whether this machine has what sockproof needs",
    "config": "Print the value of each option and its source: file, variable or default",
    "completion": "Print a completion script for bash, zsh or fish",
    "report": "Regenerate the reports of a run",
    "schema": "Print the JSON schema of a file that sockproof reads or writes",
}

DESCRIPTION = "Conformance and load tests for WebSocket and Socket.IO servers."
EXIT_CODES = """\
exit codes:
  0    pass: nothing unexpected, all rules hold
  1    fail: a failed case, a violation or a broken rule
  2    inconclusive: server unreachable, no data, or load generator saturated
  3    usage error: a wrong option, file or rule
  130  interrupted; the results so far are written

Run 'sockproof COMMAND --help' for the options of a command."""


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Help with a column for options, and examples as they are written."""

    def __init__(self, prog: str) -> None:
        width = min(shutil.get_terminal_size().columns, 100)
        super().__init__(prog, max_help_position=26, width=width)
        self._action_max_length = 17  # argparse forgets how far commands are indented

    def add_usage(
        self, usage: str | None, actions: Iterable[argparse.Action], *others: Any, **more: Any
    ) -> None:
        """Options stand in their groups, so that one word stands for all that may be left out."""
        needed = [each for each in actions if each.required or not each.option_strings]
        options = argparse.Action([], "options", nargs="?", metavar="OPTIONS")
        super().add_usage(usage, [options, *needed], *others, **more)


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, with the exit code of a wrong command.

    `ending` makes what stands at the end of the help, where that takes reading files.
    """

    ending: Callable[[], str] | None = None

    def format_help(self) -> str:
        """The help, with its ending."""
        if self.ending is not None:
            self.epilog = self.ending()
        if _takes_colours(sys.stdout):
            from sockproof.cli.colour import ColouredFormatter  # rich takes its time to import

            self.formatter_class = ColouredFormatter
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        from sockproof.load.locust.options import without_value  # needed by this alone

        told = without_value(message)
        self.exit(WRONG_COMMAND, f"{self.prog}: {told} (see {self.prog} --help)\n")


def _takes_colours(stream: TextIO) -> bool:
    """Whether it is a terminal whose user has not said otherwise (no-color.org)."""
    is_dumb = os.environ.get("TERM", "") in ("", "dumb", "unknown")
    return stream.isatty() and not is_dumb and not os.environ.get("NO_COLOR")


def whole(low: int, high: int) -> Callable[[str], int]:
    """Reads whole numbers in a range."""

    def number(text: str) -> int:
        value = int(text) if text.isascii() and text.isdigit() else -1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"a whole number from {low} to {high}, not {text!r}")
        return value

    return number


def seconds(text: str) -> float:
    """A limit of time."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.05 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"seconds from 0.05 to 3600, not {text!r}")
    return value


def time_span(text: str) -> float:
    """Seconds, as 90, 90s, 5m or 1h30m: what Locust takes, too."""
    found = re.fullmatch(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,7})s?)?", text.strip(), re.ASCII)
    hours, minutes, seconds = (int(each or 0) for each in found.groups()) if found else (0, 0, 0)
    value = hours * 3600 + minutes * 60 + seconds
    if not 1 <= value <= 10_000_000:
        raise argparse.ArgumentTypeError(
            f"a time of at least 1 s, e.g. 30s, 5m or 1h30m, not {text!r}"
        )
    return float(value)


def run_time(text: str) -> str:
    """The same as Locust is told it."""
    return f"{time_span(text):.0f}s"


def positive(text: str) -> float:
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1e6:
        raise argparse.ArgumentTypeError(f"a number above 0, not {text!r}")
    return value


def share(text: str) -> float:
    """A share, as 5% or 0.05."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 10:
        raise argparse.ArgumentTypeError(f"a share like 5% or 0.05, not {text!r}")
    return value


def add_results(parser: argparse.ArgumentParser, of: str = "") -> None:
    """The option for the directory that run folders are created in, if only those `of` some."""
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help=f"directory in which run folders{of} are created (default: %(default)s)",
    )


def add_shelf(parser: argparse.ArgumentParser) -> None:
    """The option for shelves other than our own."""
    parser.add_argument(
        "--shelf",
        type=Path,
        metavar="DIR",
        help="directory to use instead of the installed data; must contain "
        f"{', '.join(f'{name}/' for name in shelves.SHELVES)} (default: the installed data)",
    )


def module_of(command: str) -> ModuleType:
    """The module of a command."""
    with signals.held():  # a module that is interrupted half-way says anything
        return importlib.import_module(f"sockproof.cli.{command}")


def build_parser(chosen: Iterable[str] = COMMANDS) -> Parser:
    """All commands, those that are chosen with their options."""
    parser = Parser(
        prog="sockproof", description=DESCRIPTION, epilog=EXIT_CODES, formatter_class=Formatter
    )
    parser.add_argument(
        "--version", action="version", version=f"sockproof {__version__} ({form()})"
    )
    commands = parser.add_subparsers(
        dest="command", required=True, title="commands", metavar="COMMAND", prog=parser.prog
    )
    for name, purpose in COMMANDS.items():
        command = commands.add_parser(
            name, help=purpose, description=f"{purpose}.", formatter_class=Formatter
        )
        if name in chosen:
            module_of(name).add_arguments(command)
    return parser
