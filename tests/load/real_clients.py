"""What real clients hand over of what a server sends, beside what the lean connections do.

All are told the same by a server of the test's own; a marker is looked for in what they hand over.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sockproof.shelves import shelf
from sockproof.targets.install import node_modules
from sockproof.targets.spec import TargetError
from sockproof.wire.http import Request
from tests.load.peers import Link, Server
from tests.waiting import SOON

MARKERS = ("mark-0", "mark-1", "mark-2", "fence")
Handed = dict[str, list[str]]


def case_of(request: Request | None) -> str:
    """The name of the case that a client asks for."""
    assert request is not None
    return parse_qs(urlsplit(request.target).query)["name"][0]


def marked(handed: Iterable[Any]) -> list[str]:
    """The markers in what was handed over, in order."""
    found = []
    for each in handed:
        shown = each if isinstance(each, str) else repr(each)
        found += [marker for marker in MARKERS if marker in shown]
    return found


def in_node(kind: str, script: Callable[[Link], None], names: Iterable[str]) -> Handed:
    """What a client in node hands over in each case."""
    drivers = shelf("conformance") / "clients" / "drivers"
    try:
        modules = node_modules("clients", drivers)
    except TargetError as error:
        if os.environ.get("SOCKPROOF_REQUIRE_TARGETS") == "1":
            raise
        pytest.skip(str(error))
    program = Path(__file__).with_name("real_clients.js")
    return _run(["node", str(program), str(modules)], kind, script, names)


def in_python(kind: str, script: Callable[[Link], None], names: Iterable[str]) -> Handed:
    """What a client in Python hands over in each case."""
    program = Path(__file__).with_name("real_python_clients.py")
    return _run([sys.executable, str(program)], kind, script, names)


def _run(
    command: list[str], kind: str, script: Callable[[Link], None], names: Iterable[str]
) -> Handed:
    with Server(script) as server:
        done = subprocess.run(
            [*command, kind, server.url, *names],
            capture_output=True,
            text=True,
            timeout=SOON,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return {name: marked(handed) for name, handed in json.loads(done.stdout).items()}
