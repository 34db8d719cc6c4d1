"""What can be typed behind `sockproof`; a wrong word is one line and exit code 3."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from sockproof import __version__, signals
from sockproof.errors import WRONG_COMMAND

# What each command is for. It is the function of its name in the module of its name, which is
# imported when it is chosen, and says by `add_arguments` what else can be typed.
COMMANDS = {
    "conformance": "check a server, case by case",
    "target": "run one of the servers that come with sockproof",
    "matrix": "judge all targets, and show them side by side",
    "compare": "what changed between two runs",
    "load": "load a server, and account for every message",
    "ab": "whether one server is slower than another",
    "summary": "sum up the folder of a load run again",
    "gate": "does a run keep the rules?",
    "calibrate": "how right the harness is on this machine",
    "capacity": "the largest load that keeps objectives",
    "study": "what is claimed of WebSocket, measured",
    "export": "a load run's numbers for other programs",
    "init": "begin a project: a locustfile, a gate, a workflow",
    "report": "write the reports of a run folder again",
    "schema": "print the JSON schema of a file that sockproof reads or writes",
}


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, with the exit code of a wrong command."""

    def error(self, message: str) -> NoReturn:
        from sockproof.load.locust.options import without_value  # needed by this alone

        told = without_value(message)
        self.exit(WRONG_COMMAND, f"{self.prog}: {told} (see {self.prog} --help)\n")


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
            f"a time of at least 1 s, as 30s, 5m or 1h30m, not {text!r}"
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


def add_results(parser: argparse.ArgumentParser) -> None:
    """Where runs are written."""
    where = Path("results")
    parser.add_argument("--results", type=Path, default=where, metavar="DIR", help="(results/)")


def add_shelf(parser: argparse.ArgumentParser) -> None:
    """Where shelves are, which no help shows."""
    parser.add_argument("--shelf", type=Path, metavar="DIR", help=argparse.SUPPRESS)


def module_of(command: str) -> ModuleType:
    """The module of a command."""
    with signals.held():  # a module that is interrupted half-way says anything
        return importlib.import_module(f"sockproof.cli.{command}")


def build_parser(chosen: Iterable[str] = COMMANDS) -> Parser:
    """All commands, those that are chosen with their options."""
    parser = Parser(prog="sockproof", description="Judges WebSocket and Socket.IO servers.")
    parser.add_argument("--version", action="version", version=f"sockproof {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, purpose in COMMANDS.items():
        command = commands.add_parser(name, help=purpose)
        if name in chosen:
            module_of(name).add_arguments(command)
    return parser
