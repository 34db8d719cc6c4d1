"""Commands as somebody who owns nothing here, and without what a machine may lack."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NOBODY = 65534
NAMELESS = 54321  # of whom no list of users knows


def as_user(number: int) -> list[str]:
    """What goes before a command that this user is to run; nothing where the tests are not root's.

    The right to read is left to it: root's Python may lie where nobody else can go. Skips where
    nobody can become another one.
    """
    if os.geteuid() != 0:
        return []
    rights = [f"--{kind}-caps=+dac_read_search" for kind in ("inh", "ambient")]
    return _or_skip("setpriv", f"--reuid={number}", f"--regid={number}", "--clear-groups", *rights)


def without_shared_memory() -> list[str]:
    """What goes before a command for which /dev/shm is empty and cannot be written to."""
    if os.geteuid() != 0:
        pytest.skip("only root can take /dev/shm away")
    mounts = 'mount -t tmpfs -o ro,size=4k tmpfs /dev/shm && exec "$@"'
    return _or_skip("unshare", "--mount", "sh", "-c", mounts, "sh")


def _or_skip(program: str, *words: str) -> list[str]:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"no {program}")
    done = subprocess.run([path, *words, "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{program} cannot do it here: {done.stderr.strip()}")
    return [path, *words]


def own_folder(place: Path, number: int) -> Path:
    """A new folder that is this user's own."""
    place.mkdir()
    if os.geteuid() == 0:
        os.chown(place, number, number)
    return place
