"""Which tests begin first: a long one that begins last leaves the other processes without work.

xdist deals a slice of the list to each process, which steals from the others when it has none
left. So each slice begins with its share of the long ones. Shares are not shuffled: a module's
tests stay together, and the processor is wanted by one while another waits for a run to end.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

Thing = TypeVar("Thing")

# Modules whose tests take ten seconds and more, or wait for what one of them prepares.
LONG = {
    "conformance.test_death",
    "conformance.test_growth",
    "load.test_ab",
    "load.test_applications",
    "load.test_counts",
    "load.test_failures",
    "load.test_full_disk",
    "load.test_hosts",
    "load.test_lives",
    "load.test_parts",
    "load.test_pubsub",
    "load.test_recovery",
    "study.test_study",
    "test_blind",
    "test_compiled",
    "test_freedoms_socketio",
    "test_freedoms_websocket",
    "test_hostile",
    "test_mutants",
    "test_ordinary_user",
}


def is_long(module: str) -> bool:
    """Whether a module's tests begin first, by its name."""
    return module.removeprefix("tests.") in LONG


def dealt(long: Iterable[Thing], others: Iterable[Thing], processes: int) -> list[Thing]:
    """All of them, so that each process's slice begins with its share of the long ones."""
    first, then = list(long), list(others)
    found: list[Thing] = []
    for left in range(processes, 0, -1):
        for each in (first, then):
            share = len(each) // left
            found += each[:share]
            del each[:share]
    return found
