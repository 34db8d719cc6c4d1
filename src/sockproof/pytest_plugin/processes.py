"""Asking a process of its own for a run of cases or of load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from sockproof import leash

_CHILD = [sys.executable, "-P", "-m", "sockproof.pytest_plugin.child"]


class Failed(Exception):
    """Nothing was found; one line."""


def call(function: str, arguments: Mapping[str, Any]) -> bytes:
    """What `sockproof.judge` or `sockproof.load` gives, as JSON; raises `Failed`."""
    try:
        told = {"call": function, "arguments": arguments}
        asked = json.dumps(told, default=os.fspath).encode()
    except TypeError as error:
        raise pytest.UsageError(f"sockproof.{function}: {error}") from None
    leash.ready()
    with (
        subprocess.Popen(
            _CHILD,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process,
        leash.held(process.pid),
    ):
        try:
            said, complained = process.communicate(asked)
        except BaseException:
            leash.kill(process.pid)
            raise
    if process.returncode:
        lines = complained.decode("utf-8", "replace").strip().splitlines()
        raise Failed(f"sockproof.{function}: {lines[-1] if lines else process.returncode}")
    if said.startswith(b'{"error":'):
        raise Failed(json.loads(said)["error"])
    return said.removeprefix(b'{"found":').removesuffix(b"}")
