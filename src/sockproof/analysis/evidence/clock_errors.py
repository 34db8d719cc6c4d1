"""By how much the clocks of two clients can differ from what was measured.

Within one clock times are compared exactly, whatever is known of it. Between two, each can be wrong
by its own error beside the clock of the run; where one was never measured, nothing is compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sockproof.analysis.evidence.row_arrays import Numbers, Process
from sockproof.runs.clock_line import ClockLine

UNKNOWN = 1 << 60  # nanoseconds; beyond any run


class ClockErrors:
    """Of the clients of some processes."""

    def __init__(
        self, processes: Sequence[Process], lines: Mapping[str, ClockLine], clients: int
    ) -> None:
        names = sorted({each.clock for each in processes})
        self.one_clock = len(names) < 2
        self._clock = np.zeros(clients, dtype=np.int64)
        for process in processes:
            here = slice(process.base, process.base + process.clients)
            self._clock[here] = names.index(process.clock)
        known = [lines[name].error if name in lines else UNKNOWN for name in names]
        own = np.array(known, dtype=np.int64)
        self._between = np.minimum(own[:, None] + own[None, :], UNKNOWN)
        np.fill_diagonal(self._between, 0)
        # Which clocks can be compared at all.
        measured = [name for name in names if name in lines]
        self.groups = {name: 0 if name in measured else at + 1 for at, name in enumerate(names)}
        # The largest between any two that are compared.
        self.largest = int(self._between[self._between < UNKNOWN].max(initial=0))

    def between(self, some: Numbers, others: Numbers) -> Numbers:
        """For pairs of clients, which may be broadcast against each other."""
        found: Numbers = self._between[self._clock[some], self._clock[others]]
        return found
