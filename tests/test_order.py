"""The long tests begin first in every process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.order import LONG, dealt, is_long


@pytest.mark.parametrize("processes", [1, 3, 4])
def test_each_slice_begins_with_its_share_of_the_long_ones(processes: int) -> None:
    long = [f"long {number}" for number in range(10)]
    others = [f"other {number}" for number in range(101)]
    found = dealt(long, others, processes)
    assert sorted(found) == sorted(long + others)
    for turn in range(processes):
        start = turn * len(found) // processes + 1
        assert found[start].startswith("long"), found
    assert [each for each in found if each.startswith("long")] == long


def test_long_modules_are_there() -> None:
    here = Path(__file__).parent
    assert [name for name in LONG if not (here / f"{name.replace('.', '/')}.py").exists()] == []
    assert is_long("tests.load.test_hosts")
    assert not is_long(__name__)
