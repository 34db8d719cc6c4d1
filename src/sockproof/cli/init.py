"""`sockproof init`: a project of one's own to begin with."""

from __future__ import annotations

import argparse
from argparse import Namespace
from pathlib import Path

from sockproof import files, shelves
from sockproof.cli.arguments import add_shelf
from sockproof.errors import CommandError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add(
        "folder",
        nargs="?",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="directory of the project (default: %(default)s)",
    )
    add("--force", action="store_true", help="overwrite existing files")
    add_shelf(parser)


def init(options: Namespace) -> int:
    """Write what a project begins with, and what goes into CI, into a folder."""
    folder: Path = options.folder
    named = _files(options.shelf)
    there = [name for name in named if (folder / name).exists()]
    if there and not options.force:
        raise CommandError(f"{folder / there[0]} already exists; --force overwrites it")
    for name, source in named.items():
        path = folder / name
        files.make_folder(path.parent)
        files.write(path, files.read_octets(source, files.MIB))
        print(path)
    place = "" if folder == Path() else f"cd {folder} && "
    print(f"\nTry it: {place}make gate (README.md explains how to adapt it)")
    return 0


def _files(shelf: Path | None) -> dict[str, Path]:
    """Where each file comes from."""
    ci = shelves.shelf("ci", shelf)
    return {
        "locustfile.py": shelves.shelf("locustfiles", shelf) / "own_application.py",
        "gate.toml": ci / "project" / "gate.toml",
        "Makefile": ci / "project" / "Makefile",
        "README.md": ci / "project" / "README.md",
        "grafana-dashboard.json": ci / "grafana-dashboard.json",
        ".github/workflows/sockproof.yml": ci / "github-workflow.yml",
    }
