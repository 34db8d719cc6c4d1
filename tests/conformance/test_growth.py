"""What is said of how a server's time grows depends on ratios alone, and not on a busy machine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import pytest

from sockproof.conformance.checks.growth import PATIENCE, Clock, Probe, Send, expect_proportion
from sockproof.conformance.context.outcome import Failure, Inconclusive

MOST = 64 * 1024
Cost = Callable[[int], float]


@dataclass
class Simulated(Clock):
    """A clock of a server whose answers take what is said, and no time of ours."""

    crowded: bool = False
    passed: list[float] = field(default_factory=list)

    async def seconds(self, probe: Probe, length: int) -> float:
        await (await probe(length))()
        self.spent += self.passed[-1]
        return self.passed[-1]

    def is_crowded(self) -> bool:
        return self.crowded


def judged(cost: Cost, harmless: Cost, crowded: bool = False) -> None:
    clock = Simulated(crowded=crowded)

    def probe_of(seconds: Cost) -> Probe:
        async def probe(length: int) -> Send:
            async def send() -> None:
                clock.passed.append(seconds(length))

            return send

        return probe

    asyncio.run(expect_proportion("a thing", probe_of(cost), probe_of(harmless), MOST, clock))


def cheap(length: int) -> float:
    return 0.001 + 1e-8 * length


@pytest.mark.parametrize("per_octet", [1e-8, 1e-6, 1e-4])
def test_what_is_linear_is_right_however_slow(per_octet: float) -> None:
    judged(lambda length: 0.001 + per_octet * length, cheap)


def test_what_is_nearly_linear_is_right() -> None:
    judged(lambda length: 0.001 + 1e-6 * length**1.2, cheap)


def test_what_grows_by_the_square_below_the_floor_is_right() -> None:
    judged(lambda length: 0.001 + 5e-12 * length**2, cheap)


def test_what_is_as_slow_as_the_harmless_is_right() -> None:
    judged(lambda length: 1e-8 * length**2, lambda length: 1e-8 * length**2)


@pytest.mark.parametrize("per_square", [2e-11, 1e-9, 1e-7])
def test_what_grows_by_the_square_is_told_with_three_lengths(per_square: float) -> None:
    with pytest.raises(Failure) as told:
        judged(lambda length: 0.001 + per_square * length**2, cheap)
    assert told.value.expected == "time in proportion to the length (a thing)"
    assert told.value.got.count(" in ") == 4


def test_what_never_ends_is_told() -> None:
    with pytest.raises(Failure):
        judged(lambda length: 0.001 if length < 1000 else PATIENCE, cheap)


def test_length_that_is_never_answered_says_nothing() -> None:
    judged(
        lambda length: 0.001 if length < 1000 else PATIENCE,
        lambda length: 0.001 if length < 1000 else PATIENCE,
    )


def hiccups() -> Iterator[float]:
    while True:
        yield from (0.0, 0.0, 0.05, 0.0, 0.0, 0.0, 0.2, 0.0)


def test_pauses_now_and_then_accuse_nobody() -> None:
    pauses = hiccups()
    judged(lambda length: 0.001 + 1e-7 * length + next(pauses), cheap)


def test_busy_machine_that_stretches_what_is_long_accuses_nobody() -> None:
    """One slice comes at once; who needs more waits for the others' turns."""
    with pytest.raises(Inconclusive, match="too busy"):
        judged(lambda length: 0.001 if length < MOST else 0.05, cheap, crowded=True)


def test_what_is_slow_beyond_slices_is_told_of_a_busy_machine_too() -> None:
    with pytest.raises(Failure):
        judged(lambda length: 1e-9 * length**2, cheap, crowded=True)


def test_clock_gives_an_answer_up() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    async def probe(length: int) -> Callable[[], Awaitable[None]]:
        del length
        return never

    clock = Clock()
    assert asyncio.run(clock.seconds(probe, 1)) == PATIENCE
    assert clock.spent == PATIENCE
