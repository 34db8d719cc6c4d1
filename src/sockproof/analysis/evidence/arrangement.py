"""Messages and receipts by rooms, each sorted once, and receipts in the order of their numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sockproof.analysis.evidence.row_arrays import Numbers, Stays


class RoomIndex:
    """Which messages of a partition, and which receipts of them, are of which room."""

    def __init__(self, rooms: Numbers, chosen: NDArray[np.bool_]) -> None:
        """`rooms` are those of all messages; the `chosen` ones have members."""
        index = np.flatnonzero(chosen)
        self._rooms, rank, counts = np.unique(rooms[index], return_inverse=True, return_counts=True)
        small = len(self._rooms) < 1 << 15  # numbers of 16 bits are sorted many times as fast
        self._rank = np.full(len(rooms), -1, dtype=np.int16 if small else np.int64)
        self._rank[index] = rank
        self._messages = index[np.argsort(self._rank[index], kind="stable")]
        self._ends = np.cumsum(counts)

    def messages(self, room: int) -> Numbers:
        """Those that were said in a room."""
        at = int(np.searchsorted(self._rooms, room))
        return self._messages[self._ends[at - 1] if at else 0 : self._ends[at]]

    def each(self, at: Numbers, stays: Stays) -> Iterator[tuple[int, Numbers, Stays]]:
        """Each room that has receipts or stays: which ones.

        `at` is where the message of each receipt stands.
        """
        heard = self._rank[at]
        order = np.argsort(heard, kind="stable")
        ranks = np.arange(len(self._rooms) + 1)
        ends = np.searchsorted(heard[order], ranks)
        stays = stays.where(np.argsort(stays.room, kind="stable"))
        begins, behind = (
            np.searchsorted(stays.room, self._rooms, side=side) for side in ("left", "right")
        )
        some = (ends[1:] > ends[:-1]) | (behind > begins)
        for rank in np.flatnonzero(some).tolist():
            here = order[ends[rank] : ends[rank + 1]]
            yield int(self._rooms[rank]), here, stays.where(slice(begins[rank], behind[rank]))


def first_receipts(client: Numbers, at: Numbers, messages: int) -> Numbers:
    """The first receipt of each message by each client, as they came; there are `messages`."""
    key = client * messages + at
    order = np.argsort(key, kind="stable")
    first = np.ones(len(key), dtype=bool)
    first[order[1:]] = np.diff(key[order]) != 0
    return np.flatnonzero(first)


def out_of_order(
    series: Numbers, sender: Numbers, room: Numbers, sequence: Numbers
) -> tuple[Numbers, Numbers]:
    """Which receipts follow others of the same sender in the same room, and which are too late.

    `series` is where each came in, in that order.
    """
    group = np.lexsort((room, series * (sender.max(initial=0) + 1) + sender))
    change = np.ones(len(group), dtype=bool)
    change[1:] = False
    for each in (series, sender, room):
        change[1:] |= np.diff(each[group]) != 0
    lifted = sequence[group] + (np.cumsum(change) << 33)
    late = np.zeros(len(group), dtype=bool)
    late[1:] = ~change[1:] & (lifted[1:] < np.maximum.accumulate(lifted)[:-1])
    return group[~change], group[late]
