"""What a process has started, and whether it lives."""

from __future__ import annotations

import contextlib

import psutil


def lives(process: psutil.Process) -> bool:
    """Whether it does, and is not only waited for by somebody; another one may have its number."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def descendants(pid: int) -> set[psutil.Process]:
    """All that a process has started, and what those have."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return set(psutil.Process(pid).children(recursive=True))
    return set()
