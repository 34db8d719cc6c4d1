"""`sockproof config`: what holds for each option, and whence."""

from __future__ import annotations

import argparse
import json
from argparse import Namespace
from typing import Any

from sockproof.cli.arguments import COMMANDS, build_parser
from sockproof.cli.configuration import Configuration, options_of, subparser
from sockproof.errors import CommandError
from sockproof.render.text import visible
from sockproof.settings import read_settings
from sockproof.wire.url import masked_url

EXAMPLES = """\
examples:
  sockproof config
  SOCKPROOF_LOAD_USERS=50 sockproof config load"""
SECRET = ("header", "cookie", "auth", "token")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "of", nargs="*", metavar="COMMAND", help="commands to print options for (default: all)"
    )


def config(options: Namespace) -> int:
    """Print the options of commands as TOML; what is not set is a comment."""
    for each in options.of:
        if each not in COMMANDS:
            raise CommandError(f"no command {each!r}; choose one of {', '.join(COMMANDS)}")
    settings = read_settings()
    parser = build_parser()
    found = [
        Configuration(own, command, settings)
        for command in (options.of or COMMANDS)
        if options_of(own := subparser(parser, command)) or settings.tables.get(command) is not None
    ]
    print("\n\n".join("\n".join(lines(each)) for each in found))
    ignored = dict.fromkeys(line for each in found for line in each.ignored())
    if ignored:
        print("\n" + "\n".join(f"# {visible(line)}" for line in ignored))
    return 0


def lines(configuration: Configuration) -> list[str]:
    """The table of one command."""
    told = [f"[{configuration.command}]"]
    for name in configuration.names:
        value, source = configuration.value(name)
        if value is None or value in ("", []):
            told.append(f"# {name} is not set")
        else:
            told.append(f"{name} = {shown(name, value)}  # {source}")
    return told


def shown(name: str, value: Any) -> str:
    """A value as TOML writes it, without what is secret."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(shown(name, each) for each in value)}]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    text = "***" if name in SECRET else masked_url(str(value))
    return json.dumps(text, ensure_ascii=False)
