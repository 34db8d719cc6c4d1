"""Acknowledgements that answer nothing: how many of which kind, when, and to whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sockproof.analysis.evidence.row_arrays import Numbers, Process
from sockproof.runs.load_records import Stray

EXAMPLES = 10  # of each kind of violation that are told
_WHY = {
    Stray.UNASKED: "of a number that it had not given",
    Stray.DOUBLED: "of a message that was acknowledged before",
    Stray.FOREIGN: "of another client's number",
}


def _none() -> Numbers:
    return np.zeros(0, dtype=np.int64)


@dataclass
class Strays:
    """Those of all processes; `seconds` of the run and `clients` have a place for each."""

    counts: Counter[int] = field(default_factory=Counter)  # by `Stray`
    seconds: Numbers = field(default_factory=_none)
    clients: Numbers = field(default_factory=_none)
    examples: list[str] = field(default_factory=list)

    def note(
        self,
        process: Process,
        rows: NDArray[np.void],
        seconds_of: Callable[[Numbers, Numbers], Numbers],
        name_of: Callable[[int], str],
    ) -> None:
        """Add the rows of a process that tell of them."""
        kinds, counts = np.unique(rows["a"], return_counts=True)
        self.counts.update(dict(zip(kinds.tolist(), counts.tolist(), strict=True)))
        # Of what turned out to be early, the time is told by the row that does not know it yet.
        amiss = rows[(rows["a"] != Stray.LATE) & (rows["a"] != Stray.EARLY)]
        clients = process.base + amiss["client"].astype(np.int64) - 1
        seconds = seconds_of(clients, process.times(amiss["c"]))
        self.seconds = np.concatenate((self.seconds, seconds))
        self.clients = np.concatenate((self.clients, clients))
        for a, b, _, client, *_ in amiss[:EXAMPLES].tolist():
            who = name_of(process.base + client - 1)
            self.examples.append(f"{who} got an acknowledgement {_WHY.get(a, '')} ({b})")
