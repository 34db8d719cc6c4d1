"""What a driver prints, of which the beginning and the end are kept, however much it is."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

KEPT_FIRST = 4 * 1024  # octets that are kept of what was printed first
KEPT_LAST = 16 * 1024  # and last
_PIECE = 64 * 1024


class Log:
    """Takes what processes print through a pipe; nothing is written to a disk."""

    def __init__(self) -> None:
        self._beginning = bytearray()
        self._end = bytearray()
        self._left_out = 0

    @contextmanager
    def taken(self) -> Iterator[int]:
        """A file descriptor for what a process prints, which is read while the loop runs.

        When the context ends, what lies in the pipe is read, and whoever still prints is not heard.
        """
        loop = asyncio.get_running_loop()
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        loop.add_reader(reading, self._read, reading)
        try:
            yield writing
        finally:
            loop.remove_reader(reading)
            os.close(writing)
            for _ in range(1 + (1 << 20) // _PIECE):  # no pipe holds more
                if not self._read(reading):
                    break
            os.close(reading)

    def _read(self, reading: int) -> bool:
        """Take what has come; gives whether there was anything."""
        data = b""
        with contextlib.suppress(BlockingIOError):
            data = os.read(reading, _PIECE)
        self.write(data)
        return bool(data)

    def write(self, data: bytes) -> None:
        """Keep the beginning and the end of all that was ever written."""
        room = KEPT_FIRST - len(self._beginning)
        self._beginning += data[:room]
        self._end += data[room:]
        over = len(self._end) - KEPT_LAST
        if over > 0:
            self._left_out += over
            del self._end[:over]

    def text(self) -> str:
        """The beginning and the end, with a line between them that says how much is left out."""
        parts = [bytes(self._beginning).decode("utf-8", "replace")]
        if self._left_out:
            parts.append(f"\n… {self._left_out} octets left out …\n")
        parts.append(bytes(self._end).decode("utf-8", "replace"))
        return "".join(parts)
