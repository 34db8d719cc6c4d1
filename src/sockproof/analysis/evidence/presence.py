"""Who was surely, or maybe, where, asked of many clients and times at once.

Each time it is asked whether some stay of a client began by one time and ended not before another.
Among those that began by then the latest end tells: so a client that came and went a hundred
thousand times costs a search, and no more room than its stays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sockproof.analysis.evidence.row_arrays import Numbers, Stays

FEW = 4  # stays of one client up to which looking at each is faster than a search
_NEVER = 1 << 62


class Presence:
    """The stays of clients, one room's for instance; `members` are those who have any."""

    def __init__(self, stays: Stays) -> None:
        self.members, place = np.unique(stays.client, return_inverse=True)
        self._sure = _Spans(place, len(self.members), stays.sure_from, stays.sure_to)
        self._may = _Spans(place, len(self.members), stays.may_from, stays.may_to)

    def places(self, clients: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
        """Where clients stand among the members, and whether they do; 0 for those who do not."""
        place = np.searchsorted(self.members, clients)
        known = place < len(self.members)
        known[known] = self.members[place[known]] == clients[known]
        return np.where(known, place, 0), known

    def sure(self, clients: Numbers, since: Numbers, until: Numbers) -> NDArray[np.bool_]:
        """Which clients were surely there, each from one time to another."""
        place, known = self.places(clients)
        return known & self._sure.any(place, since, until)

    def maybe(self, clients: Numbers, since: Numbers, until: Numbers) -> NDArray[np.bool_]:
        """Which clients may have been there at some moment from one time to another."""
        place, known = self.places(clients)
        return known & self._may.any(place, until, since)

    def all_of(self, since: Numbers, until: Numbers) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """For each pair of times a row, for each member a column: sure, and maybe.

        Where times have two dimensions, those of a row differ by its columns.
        """
        since, until = (each if each.ndim > 1 else each[:, None] for each in (since, until))
        return self._sure.any(None, since, until), self._may.any(None, until, since)


class Connected:
    """From when to when, in all, each client was surely connected."""

    def __init__(self, links: Stays, clients: int) -> None:
        self._from = np.full(clients, _NEVER)
        self._to = np.zeros(clients, dtype=np.int64)
        np.minimum.at(self._from, links.client, links.sure_from)
        np.maximum.at(self._to, links.client, links.sure_to)

    def number(self, clients: Numbers, times: Numbers) -> Numbers:
        """How many of the clients were there at each time."""
        begun = np.searchsorted(np.sort(self._from[clients]), times, side="right")
        ended = np.searchsorted(np.sort(self._to[clients]), times, side="left")
        found: Numbers = np.maximum(begun - ended, 0)
        return found


class _Spans:
    """Spans of time by the places of those whom they belong to."""

    def __init__(self, place: Numbers, count: int, begin: Numbers, end: Numbers) -> None:
        self._count = count
        order = np.lexsort((begin, place))
        place, begin = place[order], begin[order]
        self._first = np.searchsorted(place, np.arange(count))
        # Ends become the latest so far, of one place each: ranks behind the place's number.
        ends, rank = np.unique(end[order], return_inverse=True)
        latest = np.maximum.accumulate(place * len(ends) + rank) - place * len(ends)
        self._end = ends[latest]
        self._begins, rank = np.unique(begin, return_inverse=True)
        self._keys = place * (len(self._begins) + 1) + rank + 1
        nth = np.arange(len(place)) - self._first[place]
        self._layers: list[tuple[Numbers, Numbers]] | None = None
        if not len(nth) or nth.max() < FEW:
            self._layers = [
                self._layer(place[nth == number], begin[nth == number], self._end[nth == number])
                for number in range(int(nth.max(initial=-1)) + 1)
            ]

    def _layer(self, place: Numbers, begin: Numbers, end: Numbers) -> tuple[Numbers, Numbers]:
        begins = np.full(self._count, _NEVER, dtype=np.int64)
        ends = np.full(self._count, -1, dtype=np.int64)
        begins[place], ends[place] = begin, end
        return begins, ends

    def any(self, place: Numbers | None, begun: Numbers, not_ended: Numbers) -> NDArray[np.bool_]:
        """Whether one began by then and ended not before; of each place where none is named."""
        if not self._count:
            return np.zeros(np.broadcast_shapes(begun.shape, (0,) if place is None else ()), bool)
        where = np.arange(self._count) if place is None else place
        if self._layers is None:
            rank = np.searchsorted(self._begins, begun, side="right")
            wanted = where * (len(self._begins) + 1) + rank
            at = np.searchsorted(self._keys, wanted, side="right") - 1
            found: NDArray[np.bool_] = (at >= self._first[where]) & (self._end[at] >= not_ended)
            return found
        found = np.zeros(np.broadcast_shapes(begun.shape, where.shape), dtype=bool)
        for begins, ends in self._layers:
            begin, end = (begins, ends) if place is None else (begins[place], ends[place])
            found |= (begin <= begun) & (end >= not_ended)
        return found
