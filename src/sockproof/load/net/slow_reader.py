"""Reading no faster than so many octets a second, so that the other side feels it.

The rules that hold here:

* Only streams whose endpoint has a `read_rate` have a reader of this kind: others pay nothing.
* Between two reads the socket is not watched; nothing waits, and the hub goes on.
* Handshakes, endings and whatever else has a time limit are read as fast as they come: so are the
  answers to POSTs of long-polling.
* What is held back must be small: the system's own buffer for the socket is cut.
"""

from __future__ import annotations

import _socket
import socket
from typing import Any

import gevent

from sockproof.load.traffic import traffic

_PORTIONS = 10  # a second
_LEAST_BUFFER, _MOST_BUFFER = 4096, 64 * 1024


def limit_buffer(connecting: _socket.socket, rate: float | None) -> None:
    """Have the system hold about a second back; before it connects, since windows are scaled by it.

    Nothing says how small a system lets it be.
    """
    if rate is None:
        return
    octets = int(max(_LEAST_BUFFER, min(rate, _MOST_BUFFER)))
    connecting.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, octets)


class SlowReader:
    """What is called when a stream is readable; it reads slowly while it is in one state."""

    __slots__ = ("_portion", "_rate", "_state", "_stream", "_timer")

    def __init__(self, stream: Any, rate: float, state: int) -> None:
        self._stream = stream
        self._state = state
        self._rate = rate
        self._portion = max(1, int(rate / _PORTIONS))
        self._timer: Any = None

    def readable(self) -> None:
        """Read a portion, and look away for as long as it is worth."""
        stream = self._stream
        reader = stream._reader
        if stream.state != self._state or stream.deadline or not traffic.reads_slowly:
            stream._readable()
            return
        before = traffic.bytes_received
        stream._readable(self._portion)
        octets = traffic.bytes_received - before
        if octets and stream._reader is reader and reader is not None:
            reader.stop()
            self._timer = gevent.get_hub().loop.timer(octets / self._rate)
            self._timer.start(self._again)

    def _again(self) -> None:
        self.close()
        if self._stream._reader is not None:
            self._stream._reader.start(self.readable)

    def close(self) -> None:
        """Let go of the timer."""
        if self._timer is not None:
            self._timer.close()
            self._timer = None
