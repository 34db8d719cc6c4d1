"""How long a user waits before it connects again."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds before each attempt to connect again, by default those of socket.io-client.

    `first`, then `factor` times as long each time, each altered by chance by up to a share of
    `jitter`, and never more than `most`. A connection that opens begins anew.
    """

    first: float = 1.0
    most: float = 5.0
    factor: float = 2.0
    jitter: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what is no wait; raises ValueError."""
        if min(self.first, self.most) < 0 or self.factor < 1 or not 0 <= self.jitter <= 1:
            raise ValueError(f"{self} is no backoff: factor is at least 1, jitter at most 1")

    def wait(self, attempt: int) -> float:
        """The seconds before an attempt; the first is 0."""
        try:
            usual = self.first * self.factor**attempt
        except OverflowError:
            return self.most
        return min(self.most, usual * (1 + self.jitter * random.uniform(-1, 1)))
