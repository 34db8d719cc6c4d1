"""`sockproof schema`: the JSON schema of a file that sockproof reads or writes."""

from __future__ import annotations

import argparse
from argparse import Namespace

from sockproof.errors import CommandError
from sockproof.formats.schema import FORMATS, path_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="name of the format (default: list all formats)"
    )


def schema(options: Namespace) -> int:
    """Print a schema, or list all of them."""
    if options.name is None:
        for name, each in FORMATS.items():
            print(f"{name:20} {each.of}")
        return 0
    if options.name not in FORMATS:
        raise CommandError(f"no schema {options.name!r}; choose one of {', '.join(FORMATS)}")
    print(path_of(options.name).read_text(encoding="utf-8"), end="")
    return 0
