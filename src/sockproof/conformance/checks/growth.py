"""How the time that a server takes grows with the length of what it is sent.

Only ratios count: between a length, its double and its fourfold, and between what is tried and
something harmless of the same length, sent by turns. A time by itself says nothing, and below
`FLOOR` nothing is compared. What grows by the square takes sixteen times as long for four times
the length.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from statistics import median

from sockproof.conformance.context.outcome import Failure, Inconclusive
from sockproof.conformance.targets.target import Target
from sockproof.vocabulary import Seen
from sockproof.wire.http import Request

LEAST = 56  # of the lengths that are tried: their doubles just fit into 8 and 16 KiB
FLOOR = 0.03  # seconds, below which a machine's own noise is too large a part
PATIENCE = 2.0  # seconds; an answer that takes longer counts as one that takes these
BUDGET = 10.0  # seconds of answers, after which no greater length is tried
OF_A_QUARTER = 7.0  # what is linear takes four times as long as a quarter of it
OF_A_HALF = 2.4
OF_THE_HARMLESS = 5.0
TRIES = 3  # of a length, since one pause hides what is looked for
LEAST_ROUNDS, MOST_ROUNDS = 2, 5
ROUNDS_TAKE = 0.3  # seconds, after which the fewest rounds are enough
SLICE = 0.03  # seconds that a busy machine may give to one process before it turns to another
CROWDED = 1.5  # times as long as its own computing takes the harness, on a busy machine

Send = Callable[[], Awaitable[None]]
"""Sends something and returns when the server has answered it, in whatever way."""
Probe = Callable[[int], Awaitable[Send]]
"""Makes ready what is sent, of a length."""


@dataclass(slots=True)
class Clock:
    """Measures; `spent` is the sum."""

    spent: float = 0.0

    async def seconds(self, probe: Probe, length: int) -> float:
        """How long the answer takes, at most `PATIENCE`."""
        send = await probe(length)
        began = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await send()
        passed = min(time.monotonic() - began, PATIENCE)
        self.spent += passed
        return passed

    def is_crowded(self) -> bool:
        """Whether the harness does not get the processor when it wants it."""
        began, own = time.monotonic(), time.thread_time()
        while time.thread_time() - own < 2 * SLICE:
            pass
        return time.monotonic() - began > CROWDED * 2 * SLICE


@dataclass(frozen=True, slots=True)
class _Compared:
    """The seconds of several rounds, by turns."""

    length: int
    quarter: list[float]
    half: list[float]
    whole: list[float]
    harmless: list[float]

    @property
    def is_steep(self) -> bool:
        """Whether the quickest was slower than what is shorter, or harmless, can account for."""
        if min(self.whole) < max(FLOOR, OF_THE_HARMLESS * median(self.harmless)):
            return False
        # What any request takes is taken off; in doubt, for the server.
        any_request = min(self.harmless)
        more = min(self.whole) - median(self.harmless)
        return more > OF_A_QUARTER * (median(self.quarter) - any_request) and more > OF_A_HALF * (
            median(self.half) - any_request
        )

    def __str__(self) -> str:
        several = ((self.length // 4, self.quarter), (self.length // 2, self.half))
        steps = [*several, (self.length, self.whole)]
        told = ", ".join(f"{length} in {_milliseconds(times)}" for length, times in steps)
        return f"{told}; as much that is harmless in {_milliseconds(self.harmless)}"


def _milliseconds(times: Iterable[float]) -> str:
    return f"{min(times) * 1000:.3g} ms"


def request_probe(target: Target, request_of: Callable[[int], Request]) -> Probe:
    """Sends one request of a length on a connection of its own; any answer is one."""

    async def probe(length: int) -> Send:
        peer, request = await target.http(), request_of(length)

        async def send() -> None:
            peer.send(request)
            await peer.response_or_end("an answer")
            peer.stream.close()

        return send

    return probe


async def expect_proportion(
    what: str, hostile: Probe, harmless: Probe, most: int, clock: Clock | None = None
) -> None:
    """The answer to `hostile` takes no longer than its length accounts for, up to `most`.

    INCONCLUSIVE where it seemed to on a machine that is too busy to tell.
    """
    clock = clock or Clock()
    wanted = f"time in proportion to the length ({what})"
    doubtful: _Compared | None = None
    for length in _lengths(most):
        if await clock.seconds(hostile, length) < FLOOR:
            continue
        if await clock.seconds(harmless, length) >= PATIENCE:
            break  # of this length it answers nothing
        for _ in range(TRIES):
            if await _seems_steep(clock, hostile, harmless, length):
                break
        else:
            continue
        found = await _compare(clock, hostile, harmless, length)
        if found.is_steep and (await _compare(clock, hostile, harmless, length)).is_steep:
            # What fits into one slice may be quick on a busy machine, and the rest not.
            if median(found.quarter) > SLICE or not clock.is_crowded():
                raise Failure(wanted, found, seen=Seen.OUT_OF_PROPORTION)
            doubtful = found
        if clock.spent > BUDGET:
            break
    if doubtful is not None:
        raise Inconclusive(wanted, f"the machine was too busy to judge: {doubtful}")


def _lengths(most: int) -> Iterator[int]:
    length = LEAST
    while length < most:
        yield length
        length *= 2
    yield most


async def _seems_steep(clock: Clock, hostile: Probe, harmless: Probe, length: int) -> bool:
    """Whether it is worth while to compare: for most of what is sent this is the end of it."""
    whole = await clock.seconds(hostile, length)
    any_request = await clock.seconds(harmless, length)
    if whole < OF_THE_HARMLESS * any_request:
        return False
    half = await clock.seconds(hostile, length // 2)
    return whole - any_request > OF_A_HALF * (half - any_request)


async def _compare(clock: Clock, hostile: Probe, harmless: Probe, length: int) -> _Compared:
    found = _Compared(length, [], [], [], [])
    before = clock.spent
    while len(found.whole) < MOST_ROUNDS and (
        len(found.whole) < LEAST_ROUNDS or clock.spent - before < ROUNDS_TAKE
    ):
        found.quarter.append(await clock.seconds(hostile, length // 4))
        found.harmless.append(await clock.seconds(harmless, length))
        found.half.append(await clock.seconds(hostile, length // 2))
        found.whole.append(await clock.seconds(hostile, length))
    return found
