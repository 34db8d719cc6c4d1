"""Cases that mostly wait, which a driver may run beside others.

The rules that hold here:

* Such a case is about a client that does nothing for a second, so the next ones need not wait for
  it. Drivers are told which ones they are (`waits`), and may go on meanwhile.
* Where another case kept the client busy meanwhile, what was seen of one that waits is no evidence:
  it is looked at again, alone.
* Of a driver that dies while several cases are on it is not known which one it was: they run again,
  one by one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sockproof.conformance.shelf.case import Case

WAITS: Mapping[str, Any] = {"waits": True}  # what the driver is told of such a case
BUSY = 0.3  # seconds of one case, after which a client may have been slow in another
KEPT = 60.0  # seconds for which a case is remembered, longer than any waits
RECENT = 2.0  # seconds for which a case may have been on when a driver died


@dataclass(slots=True)
class Beside:
    """Which cases were on at the same time."""

    allowed: bool = True
    doubted: set[str] = field(default_factory=set)  # cases that are looked at again for that
    clock: Callable[[], float] = time.monotonic
    _on: dict[str, tuple[Case, float, float]] = field(default_factory=dict)  # beginning and end

    def told(self, case: Case) -> dict[str, Any]:
        """What the driver is told about the case."""
        told = dict(case.told)
        if not self.allowed:
            told.pop("waits", None)
        return told

    def begins(self, case: Case) -> None:
        """The case is on."""
        now = self.clock()
        self._on = {name: each for name, each in self._on.items() if now - each[2] < KEPT}
        self._on[case.id] = (case, now, float("inf"))

    def ends(self, case: Case) -> bool:
        """The case has ended; gives whether another one kept the client busy meanwhile."""
        now = self.clock()
        began = self._on[case.id][1]
        self._on[case.id] = (case, began, now)
        return "waits" in case.told and any(
            min(end, now) - max(start, began) > BUSY
            for other, start, end in self._on.values()
            if "waits" not in other.told
        )

    def on(self) -> list[str]:
        """The ids of what may be on, the latest first, where that is more than one case; all are
        alone from now on.

        Empty where only one was.
        """
        now = self.clock()
        found = [name for name, (_, _, end) in self._on.items() if now - end < RECENT]
        waits = [name for name in found if "waits" in self._on[name][0].told]
        if not self.allowed or not waits or len(found) < 2:
            return []
        self.allowed = False
        return found[::-1]
