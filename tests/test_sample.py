"""What runs by turns: all of it within so many days, and the same again for the same seed."""

from __future__ import annotations

import pytest

from tests import sample

THINGS = [f"thing {number}" for number in range(300)]


def test_everything_has_its_turn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "ALL", False)
    seen: list[str] = []
    for day in range(7000, 7003):
        monkeypatch.setattr(sample, "SEED", day)
        seen += sample.rotating(THINGS, 3)
    assert sorted(seen) == sorted(THINGS)


def test_all_runs_where_all_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "ALL", True)
    assert sample.rotating(THINGS, 3) == THINGS


def test_two_purposes_draw_differently_and_one_draws_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sample, "ALL", False)
    monkeypatch.setattr(sample, "SEED", 7000)
    one, other = sample.rotating(THINGS, 3, "one"), sample.rotating(THINGS, 3, "other")
    assert one == sample.rotating(THINGS, 3, "one") != other
    assert sample.chance("one").random() == sample.chance("one").random()
