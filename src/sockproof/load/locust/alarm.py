"""A timer of gevent's loop that rings to within a tenth of a millisecond.

libev waits in whole milliseconds, which is too coarse for intended send times. Where the system
has timerfd, its file descriptor is watched instead; elsewhere the loop's own timer serves.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable

import gevent

_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1
_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC if sys.platform == "linux" else 0


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class Alarm:
    """Calls `ring` in the hub once each time that it has been set, not before that time."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._fd = -1
        self._at: int | None = None
        loop = gevent.get_hub().loop
        if sys.platform == "linux":
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._fd = self._libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC)
        if self._fd >= 0:
            self._spec = _Itimerspec()
            self._pointer = ctypes.byref(self._spec)
            self._watcher = loop.io(self._fd, 1)
            self._watcher.start(self._expired)
        else:
            self._loop = loop
            self._watcher = loop.timer(0)

    def set(self, at: int) -> None:
        """Ring at this time, in nanoseconds of CLOCK_MONOTONIC, instead of any set before."""
        if at == self._at:
            return
        self._at = at
        if self._fd >= 0:
            value = self._spec.value
            value.seconds, value.nanoseconds = divmod(max(at, 1), 1_000_000_000)
            self._libc.timerfd_settime(self._fd, _ABSOLUTE, self._pointer, None)
        else:
            self._watcher.close()
            self._watcher = self._loop.timer(max(0.0, (at - time.monotonic_ns()) / 1e9))
            self._watcher.start(self._expired, update=True)  # from now, not the loop's last look

    def _expired(self) -> None:
        self._at = None
        if self._fd >= 0:
            try:
                os.read(self._fd, 8)
            except BlockingIOError:
                return
        self._ring()

    def close(self) -> None:
        """Never ring again, and let go of the file descriptor."""
        self._watcher.stop()
        self._watcher.close()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
