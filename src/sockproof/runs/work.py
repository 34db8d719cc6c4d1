"""Work on many rows, told while it goes on: to nobody, unless a command has named somebody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Watches(Protocol):
    """Who is told."""

    def begin(self, what: str, rows: int) -> None:
        """Work on so many rows begins."""

    def look(self, done: int) -> None:
        """So many of them are done."""

    def end(self) -> None:
        """The work is over, or was given up."""


_watches: ContextVar[Watches | None] = ContextVar("watches", default=None)


def nobody(more: int) -> None:
    """Is told that further rows are done."""


@contextmanager
def watched(by: Watches) -> Iterator[None]:
    """Have somebody told of all work."""
    token = _watches.set(by)
    try:
        yield
    finally:
        _watches.reset(token)


@contextmanager
def work_on(what: str, rows: int) -> Iterator[Callable[[int], None]]:
    """Gives what is to be called with the number of further rows that are done."""
    by, done = _watches.get(), 0
    if by is None:
        yield nobody
        return

    def goes_on(more: int) -> None:
        nonlocal done
        done += more
        by.look(done)

    by.begin(what, rows)
    try:
        yield goes_on
    finally:
        by.end()
