"""How long tests wait: long. What stands still is ended sooner, by `watchdog`."""

from __future__ import annotations

import time
from collections.abc import Callable

LIMIT = 600.0  # seconds, for anything
SOON = 120.0  # for what comes at once where the machine has time


def until(condition: Callable[[], object]) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)
