"""`sockproof target`: one of the servers that come with sockproof, in the foreground."""

from __future__ import annotations

import argparse
from argparse import Namespace
from pathlib import Path
from tempfile import TemporaryDirectory

from sockproof import shelves
from sockproof.cli.arguments import add_shelf, whole
from sockproof.cli.speech import say
from sockproof.errors import CommandError
from sockproof.render.text import short
from sockproof.targets import launch
from sockproof.targets.certificates import make_certificates
from sockproof.targets.spec import load_targets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add(
        "name",
        nargs="?",
        metavar="NAME",
        help="server to run until it is interrupted (default: list all servers)",
    )
    add(
        "--port",
        type=whole(0, 65535),
        metavar="PORT",
        help="TCP port to listen on (default: any free port)",
    )
    add(
        "--tls",
        action="store_true",
        help="serve over TLS with a new certificate; the path of its CA is printed, for --ca",
    )
    add_shelf(parser)


def target(options: Namespace) -> int:
    """Run a target, or list all of them."""
    targets = load_targets(shelves.shelf("targets", options.shelf))
    if options.name is None:
        for spec in targets.values():
            needs = "; ".join(spec.needs())
            print(short(f"{spec.name:28} {spec.title}" + (f"  (needs {needs})" if needs else "")))
        return 0
    if options.name not in targets:
        raise CommandError(f"no target {options.name!r}; choose one of {', '.join(targets)}")
    spec = targets[options.name]
    if not options.tls:
        return launch.run_in_foreground(spec, say, options.port)
    if not spec.tls:
        raise CommandError(f"the target {spec.name} does not speak TLS")
    with TemporaryDirectory(prefix="sockproof-") as folder:
        return launch.run_in_foreground(spec, say, options.port, make_certificates(Path(folder)))
