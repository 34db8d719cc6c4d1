"""What processes cost: this one, and the target's with all that it has started."""

from __future__ import annotations

import contextlib
import os
import resource
from typing import Any

import psutil

from sockproof.vocabulary import Gauge

_PAGE = os.sysconf("SC_PAGE_SIZE")


def own() -> dict[str, Any]:
    """CPU seconds and resident octets of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {Gauge.CPU_S: usage.ru_utime + usage.ru_stime, Gauge.RSS_BYTES: _rss()}


def _rss() -> int:
    with contextlib.suppress(OSError), open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * _PAGE
    with contextlib.suppress(OSError, psutil.Error):
        return int(psutil.Process().memory_info().rss)
    # No file can be opened any more: the most that it has been is known without one.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class TargetProcess:
    """The target's process and its descendants."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._gone: dict[int, float] = {}  # CPU seconds of processes, as they were seen last

    def usage(self) -> dict[str, Any]:
        """CPU seconds so far, of processes that have ended too, and resident octets now."""
        rss = 0
        with contextlib.suppress(psutil.Error, OSError):
            for process in (self._process, *self._process.children(recursive=True)):
                with contextlib.suppress(psutil.Error, OSError):
                    times = process.cpu_times()
                    self._gone[process.pid] = times.user + times.system
                    rss += process.memory_info().rss
        return {Gauge.TARGET_CPU_S: sum(self._gone.values()), Gauge.TARGET_RSS_BYTES: rss}


def watch(pid: int | None) -> TargetProcess | None:
    """The process with this number; None when there is none."""
    if pid is None:
        return None
    try:
        return TargetProcess(pid)
    except (psutil.Error, OSError):
        return None
