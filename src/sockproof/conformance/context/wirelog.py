"""The wire log: every octet a case sends and receives, with its time and what it means.

The rules that hold here:

* Secrets are masked before anything is kept: a `Redactor` knows their values, and an entry's
  octets and text are searched for them, whatever they travel in.
* A log is bounded: long octets are cut, and of very many entries the first and the last stay.
"""

from __future__ import annotations

import time
from collections import deque

from sockproof.runs.records import WireEntry
from sockproof.wire.redaction import Redactor
from sockproof.wire.websocket import Frame, apply_mask

KEPT_OCTETS = 256
KEPT_TEXT = 400
KEPT_FIRST = 40
KEPT_LAST = 60

SENT = "sent"
RECEIVED = "received"


class WireLog:
    """What one case sent and received, on all its connections."""

    def __init__(self, redactor: Redactor | None = None) -> None:
        self.redactor = redactor or Redactor()
        self._began = time.perf_counter_ns()
        self._connections = 0
        self._first: list[WireEntry] = []
        self._last: deque[WireEntry] = deque(maxlen=KEPT_LAST)
        self._count = 0

    def new_connection(self) -> int:
        """The number of a new connection, counted from 1."""
        self._connections += 1
        return self._connections

    @property
    def connections(self) -> int:
        """How many there have been."""
        return self._connections

    def add(
        self, connection: int, direction: str, octets: bytes, text: str, *, head: bool = False
    ) -> None:
        """Note octets with their meaning; `head` says that they begin with an HTTP head."""
        shown = octets[: KEPT_OCTETS + 4096]  # a secret may begin inside and end behind the cut
        shown = self.redactor.head(shown) if head else self.redactor.octets(shown)
        self._keep(connection, direction, shown, len(octets), text)

    def _keep(self, connection: int, direction: str, octets: bytes, length: int, text: str) -> None:
        entry = WireEntry(
            connection=connection,
            ns=time.perf_counter_ns() - self._began,
            direction=direction,
            octets=octets[:KEPT_OCTETS],
            cut=length > KEPT_OCTETS,
            length=length,
            text=self.redactor.text(text)[:KEPT_TEXT],
        )
        self._count += 1
        (self._first if len(self._first) < KEPT_FIRST else self._last).append(entry)

    def frame(self, connection: int, direction: str, frame: Frame, meaning: str = "") -> None:
        """Note one frame; secrets are blotted out before it is masked, or the key would tell."""
        header = frame.header()
        payload = self.redactor.octets(frame.payload[: KEPT_OCTETS + 4096])
        octets = header + (apply_mask(payload, frame.mask_key) if frame.mask_key else payload)
        text = f"{frame}  {meaning}" if meaning else str(frame)
        self._keep(connection, direction, octets, len(header) + len(frame.payload), text)

    def passed_over(self, count: int) -> None:
        """Count entries that would not be kept anyway."""
        self._count += count

    def note(self, connection: int, direction: str, text: str) -> None:
        """Note something that has no octets: a stream that ends, a reset."""
        self.add(connection, direction, b"", text)

    def entries(self) -> list[WireEntry]:
        """What was kept, oldest first, with an entry that says how many were left out."""
        left_out = self._count - len(self._first) - len(self._last)
        if not left_out:
            return [*self._first, *self._last]
        gap = WireEntry(
            connection=self._last[0].connection,
            ns=self._last[0].ns,
            direction=self._last[0].direction,
            octets=b"",
            cut=True,
            length=0,
            text=f"… {left_out} entries left out …",
        )
        return [*self._first, gap, *self._last]
