"""Stays laid in layers: a client that was somewhere several times has one in each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sockproof.analysis.row_arrays import Numbers, Stays


def layers_of(stays: Stays) -> tuple[Numbers, list[Numbers]]:
    """The members, and the n-th stay of each: sure from and to, may from and to, by member."""
    members, place = np.unique(stays.client, return_inverse=True)
    order = np.lexsort((stays.may_from, place))
    place = place[order]
    first = np.searchsorted(place, np.arange(len(members)))
    nth = np.arange(len(place)) - first[place]
    layers = []
    columns = (stays.sure_from, stays.sure_to, stays.may_from, stays.may_to)
    never = (1 << 62, -1, 1 << 62, -1)
    for number in range(int(nth.max()) + 1 if len(nth) else 0):
        chosen = nth == number
        layer = np.empty((4, len(members)), dtype=np.int64)
        for row, (column, value) in enumerate(zip(columns, never, strict=True)):
            layer[row] = value
            layer[row, place[chosen]] = column[order][chosen]
        layers.append(layer)
    return members, layers


def sure_of(
    members: Numbers, layers: list[Numbers], clients: Numbers, since: Numbers, until: Numbers
) -> NDArray[np.bool_]:
    """Which clients were surely there, each from one time to another."""
    sure = np.zeros(len(clients), dtype=bool)
    if not len(members):
        return sure
    place = np.minimum(np.searchsorted(members, clients), len(members) - 1)
    known = members[place] == clients
    for sure_from, sure_to, _, _ in layers:
        sure |= known & (sure_from[place] <= since) & (sure_to[place] >= until)
    return sure
