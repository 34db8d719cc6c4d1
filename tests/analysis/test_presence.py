"""Who was where when, against looking at each stay, and with very many stays of one client."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from sockproof.analysis.evidence.presence import FEW, Presence
from sockproof.analysis.evidence.row_arrays import Stays


def stays(dice: np.random.Generator, clients: int, most: int) -> Stays:
    client = np.repeat(np.arange(clients) * 3, dice.integers(0, most + 1, clients))
    dice.shuffle(client)
    times = np.sort(dice.integers(0, 200, (4, len(client))), axis=0)
    return Stays(client, np.zeros(len(client), dtype=np.int64), times[1], times[2], *times[[0, 3]])


@pytest.mark.parametrize("most", [0, 1, FEW, 40])
@pytest.mark.parametrize("seed", range(5))
def test_answers_are_those_of_looking_at_each_stay(most: int, seed: int) -> None:
    dice = np.random.default_rng(seed)
    all_of_them = stays(dice, 12, most)
    presence = Presence(all_of_them)
    asked = dice.integers(-1, 40, 300)
    since, until = np.sort(dice.integers(0, 200, (2, 300)), axis=0)

    def each(client: int, since: int, until: int) -> tuple[bool, bool]:
        own = all_of_them.where(all_of_them.client == client)
        sure = (own.sure_from <= since) & (own.sure_to >= until)
        may = (own.may_from <= until) & (own.may_to >= since)
        return bool(sure.any()), bool(may.any())

    expected = [each(*one) for one in zip(asked, since, until, strict=True)]
    assert presence.sure(asked, since, until).tolist() == [sure for sure, _ in expected]
    assert presence.maybe(asked, since, until).tolist() == [may for _, may in expected]
    sure, may = presence.all_of(since, until)
    for column, member in enumerate(presence.members.tolist()):
        expected = [each(member, *one) for one in zip(since, until, strict=True)]
        assert sure[:, column].tolist() == [one for one, _ in expected]
        assert may[:, column].tolist() == [one for _, one in expected]


def test_client_that_comes_and_goes_costs_the_room_of_its_stays() -> None:
    often, others = 100_000, 1_000
    begin = np.arange(often, dtype=np.int64) * 10
    restless = Stays(np.zeros(often, dtype=np.int64), begin * 0, begin, begin + 5, begin, begin + 6)
    steady = np.arange(1, others + 1)
    zero = steady * 0
    calm = Stays(steady, zero, zero, zero + often * 10, zero, zero + often * 10)
    tracemalloc.start()
    presence = Presence(restless.and_also(calm))
    sure, may = presence.all_of(np.array([4, 27, 999_991]), np.array([5, 28, 999_992]))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sure[:, 0].tolist() == [True, False, True]
    assert may[:, 0].tolist() == [True, False, True]
    assert sure[:, 1:].all()
    assert most < 50 * 8 * (often + others)
