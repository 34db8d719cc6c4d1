"""What a process has started, and whether it lives."""

from __future__ import annotations

import contextlib
from pathlib import Path


def lives(pid: int) -> bool:
    """Whether it does, and is not only waited for by somebody."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def descendants(pid: int) -> set[int]:
    """All that a process has started, and what those have."""
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{each}/task").glob("*/children"):
                found += map(int, thread.read_text().split())
    return set(found[1:])
