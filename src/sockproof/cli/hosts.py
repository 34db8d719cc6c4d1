"""Options of `sockproof load` for several hosts: a master, and the workers that it waits for."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from sockproof.cli.arguments import whole
from sockproof.load.locust.options import SECRET_ARGUMENTS

PORT = whole(1, 65535)


def add_hosts(parser: argparse.ArgumentParser) -> None:
    """Add the options of masters and workers."""
    group = parser.add_argument_group("many machines")
    add = group.add_argument
    add(
        "--master",
        action="store_true",
        help="run as master: workers on other hosts generate the load",
    )
    add(
        "--expect-workers",
        type=whole(1, 100_000),
        metavar="N",
        help="number of workers that the master waits for before it begins (default: 1)",
    )
    add(
        "--worker",
        action="store_true",
        help="run as a worker: the master supplies scenario and options",
    )
    add(
        "--master-host",
        metavar="HOST",
        help="host of the master, with --worker (default: 127.0.0.1)",
    )
    add("--master-port", type=PORT, metavar="PORT", help="port of the master (default: 5557)")


def work(words: Sequence[str], secrets: Mapping[str, str]) -> NoReturn:
    """Become a worker of Locust."""
    secret = {SECRET_ARGUMENTS[name]: value for name, value in secrets.items()}
    sys.stdout.flush()
    command = [sys.executable, "-m", "locust", "--worker", *words]
    # What holds is in the words; plain Locust would read what is for this command alone.
    others = {k: v for k, v in os.environ.items() if not k.startswith("SOCKPROOF_LOAD_")}
    os.execve(command[0], command, {**others, **secret})  # noqa: S606
