"""What of a long test runs today: a share that rotates by date, or all of it.

`SOCKPROOF_TEST_ALL=1`, which `make test-all` sets, runs everything. Else each thing has its turn
once in so many days. `SOCKPROOF_TEST_SEED` stands for the day: the number that a test printed
draws the same again.
"""

from __future__ import annotations

import os
import random
import zlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TypeVar

Thing = TypeVar("Thing")

ALL = os.environ.get("SOCKPROOF_TEST_ALL", "") not in ("", "0")
SEED = int(os.environ.get("SOCKPROOF_TEST_SEED") or datetime.now(UTC).date().toordinal())


def rotating(
    things: Iterable[Thing],
    share: int,
    purpose: str = "",
    name: Callable[[Thing], str] = str,
    days: int = 1,
) -> list[Thing]:
    """Today's `1/share` of the things, all of them within `share` days; all where all is asked.

    `purpose` shifts the turn, so that two tests do not draw the same things on the same day. What
    draws these has a turn itself once in so many `days`: each time it does it draws others.
    """
    if ALL or share <= 1:
        return list(things)
    turn = SEED // days % share
    return [each for each in things if _turn(purpose, name(each)) % share == turn]


def _turn(purpose: str, name: str) -> int:
    return zlib.crc32(f"{purpose} {name}".encode())


def is_due(name: str, share: int) -> bool:
    """Whether something that runs every so many days runs today."""
    return bool(rotating([name], share, "due"))


def chance(purpose: str) -> random.Random:
    """Today's dice for this purpose; where all is asked the day still decides what is drawn."""
    return random.Random(f"{SEED} {purpose}")


def said() -> str:
    """The line that a test prints, so that its sample can be drawn again."""
    if ALL:
        return f"all of it; dice of SOCKPROOF_TEST_SEED={SEED}"
    return f"the sample of SOCKPROOF_TEST_SEED={SEED}; SOCKPROOF_TEST_ALL=1 runs all"
