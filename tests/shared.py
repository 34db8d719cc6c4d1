"""What all processes of one run of the tests need is made by the first that asks for it."""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Thing = TypeVar("Thing")
FOLDER = "SOCKPROOF_TEST_SHARED"  # the environment variable with the folder of this run


def begin() -> None:
    """Have a folder, which processes that are started from here on know."""
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="sockproof-tests-")


def end() -> None:
    """Nobody asks any more."""
    shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True)


def once(name: str, make: Callable[[], Thing]) -> Thing:
    """What `make` gives, or has given to another process of this run."""
    path = Path(os.environ[FOLDER]) / name
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            found = make()
            path.write_bytes(pickle.dumps(found))
            return found
    made: Thing = pickle.loads(path.read_bytes())
    return made
