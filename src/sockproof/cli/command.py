"""The command that is chosen, and which errors are one line and an exit code."""

from __future__ import annotations

import io
import os
import re
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from sockproof.cli.arguments import COMMANDS, Parser, build_parser, module_of
from sockproof.cli.live_line import RowsLine
from sockproof.cli.speech import warn
from sockproof.errors import CANNOT_BE_JUDGED, WRONG_COMMAND, NotJudged, WrongInput
from sockproof.runs.work import watched

if TYPE_CHECKING:
    from sockproof.cli.configuration import Configuration

_UNCONFIGURED = ("config", "completion", "schema")  # they are about options, and have none


def execute(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files may be no text
            stream.reconfigure(errors="backslashreplace")
    try:
        options = _options(sys.argv[1:] if arguments is None else arguments)
        command = getattr(module_of(options.command), options.command)
        with nullcontext() if getattr(options, "quiet", False) else watched(RowsLine()):
            return int(command(options))
    except WrongInput as error:
        warn(error)
        return WRONG_COMMAND
    except NotJudged as error:
        warn(error)
        return CANNOT_BE_JUDGED
    except BrokenPipeError:
        # Whoever read our lines went away; what is written to files is complete.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 130
    except OSError as error:  # the machine's limits: a full disk under our own output, open files
        where = f"{error.filename}: " if error.filename else ""
        warn(f"{where}{error.strerror or error}")
        return CANNOT_BE_JUDGED


def _options(words: Sequence[str]) -> Namespace:
    """What was typed; a wrong word ends the command."""
    # No option that stands before the command takes a value.
    chosen = [word for word in words if not word.startswith("-")][:1]
    parser = build_parser(chosen)
    configuration = None if {"-h", "--help"} & set(words) else _configuration(parser, chosen)
    options, more = parser.parse_known_args(words)
    options.configured = []
    of_load = options.command in ("load", "ab", "capacity")
    more = _without_url(options, more) if of_load else more
    if configuration is not None:
        configuration.fill(options)
    if of_load:
        # For Locust, which knows the scenario's own arguments.
        options.more = [*options.passed, *more]
    elif more:
        from sockproof.load.locust.options import names_alone

        parser.error(f"unrecognized arguments: {names_alone(more)}")
    return options


def _configuration(parser: Parser, chosen: Sequence[str]) -> Configuration | None:
    """What is set beside the command line, for a command that has options."""
    for command in chosen:
        if command in COMMANDS and command not in _UNCONFIGURED:
            from sockproof.cli.configuration import configuration

            return configuration(parser, command)
    return None


def _without_url(options: Namespace, more: list[str]) -> list[str]:
    """What was not understood, but for the URL: it may stand behind options, too."""
    found = next((word for word in more if re.match(r"(?i)(ws|http)s?://", word)), None)
    if found is None or getattr(options, "url", "") is not None:
        return more
    options.url = found
    return [word for word in more if word is not found]
