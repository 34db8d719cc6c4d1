"""Acknowledgements that are still to come, with their time limits, and those that answer nothing.

Each connection gives numbers of a range of its own, as far as there are ranges: so one that was
meant for another client is known.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable
from typing import Any, Final

from sockproof.runs.load_records import Stray
from sockproof.wire import WireError

# JSON of the list of arguments as it came, or the list itself where it had attachments; None when
# the time limit passed or the connection ended before.
Reply = bytes | list[Any] | None
OnAck = Callable[[Reply], None]
OnTokenAck = Callable[[Reply, Any], None]
# Until when it is waited for, who waits (an `OnAck`), and what that one wants to be told besides;
# not None: then it is an `OnTokenAck`.
Waiting = tuple[int, Callable[..., None], Any]
# By their numbers; in a namespace that is not the connection's first one, by its prefix, too.
Key = int | tuple[bytes, int]
Acks = dict[Key, Waiting]

NEVER: Final = 1 << 62
RANGE: Final = 100_000  # numbers of a connection
_RANGES: Final = 20_000  # so that every number has 31 bits
_MOST: Final = 10_000  # numbers that one connection remembers, and answers to nothing that it takes
_next_range: Final = itertools.count(random.randrange(_RANGES))
_given: set[int] = set()
NO_NUMBERS: frozenset[int] = frozenset()  # of all connections that need none
OnStray = Callable[[int, Stray], None]


def new_range() -> int:
    """The number behind which a connection's own ones begin."""
    found = next(_next_range) % _RANGES
    _given.add(found)
    return found * RANGE


class Strays:
    """Tells what an acknowledgement is that nobody waits for; one for each connection.

    Who calls says how far its numbers have come: `last`.
    """

    __slots__ = ("_ahead", "_expired", "_first", "_left", "_range", "on_stray")

    def __init__(self, first: int) -> None:
        self._range = self._first = first
        # Most connections need neither: what came and was not given yet, and what nobody waits
        # for any longer.
        self._ahead: set[int] | frozenset[int] = NO_NUMBERS
        self._expired: set[int] | frozenset[int] = NO_NUMBERS
        self.on_stray: OnStray | None = None
        self._left = _MOST

    def begin(self, last: int) -> None:
        """The connection is opened, perhaps again: what came before is no concern of it."""
        self._first, self._left = last, _MOST
        self._ahead = self._expired = NO_NUMBERS

    def expired(self, number: int) -> None:
        """Its time limit has passed, or the message did not leave."""
        self._expired = _with(self._expired, number)

    def strayed(self, key: Key, last: int, waiting: Acks | None = None) -> Stray:
        """It came, and nobody waits for it; perhaps `waiting` has it in another namespace.

        Returns what it is.
        `WireError` where there are so many that they would fill memory and disk.
        """
        self._left -= 1
        if self._left < 0:
            raise WireError(f"more than {_MOST:,} acknowledgements that answer nothing")
        number = number_of(key)
        elsewhere = waiting and any(number_of(each) == number for each in waiting)
        kind = Stray.UNASKED if elsewhere else self._kind(number, last)
        if self.on_stray is not None:
            self.on_stray(number, kind)
        return kind

    def _kind(self, number: int, last: int) -> Stray:
        if self._first < number <= last:
            forgotten = number in self._expired or len(self._expired) >= _MOST
            return Stray.LATE if forgotten else Stray.DOUBLED
        if self._range < number <= self._first:
            return Stray.LATE  # of the connection before
        own = (last + 1) // RANGE
        if number > last and number // RANGE == own:
            self._ahead = _with(self._ahead, number)
            return Stray.UNASKED
        return Stray.FOREIGN if number // RANGE in _given else Stray.UNASKED

    def end(self, last: int) -> None:
        """The connection has ended: what came before it was asked for is known now."""
        early = sorted(number for number in self._ahead if number <= last)
        self._ahead = NO_NUMBERS
        if self.on_stray is not None:
            for number in early:
                self.on_stray(number, Stray.EARLY)


def number_of(key: Key) -> int:
    """The number alone."""
    return key if isinstance(key, int) else key[1]


def key_of(number: int, prefix: bytes, own: bytes) -> Key:
    """Under which an acknowledgement in the namespace of this prefix is waited for."""
    return number if prefix == own else (prefix, number)


def key_in(data: bytes, bracket: int, own: bytes) -> Key:
    """The same of a packet whose content begins at the bracket; raises `WireError`."""
    at = data.find(b",", 2, bracket) + 1 if data[2:3] == b"/" else 2
    number = data[at:bracket] if bracket >= at else b""
    if not number.isdigit() or len(number) > 20:
        raise WireError(f"not the number of an acknowledgement: {data[:60]!r}")
    return key_of(int(number), data[2:at], own)


def _with(numbers: set[int] | frozenset[int], number: int) -> set[int] | frozenset[int]:
    """One more number, unless there are too many."""
    if isinstance(numbers, frozenset):
        return {number}
    if len(numbers) < _MOST:
        numbers.add(number)
    return numbers


def arguments(reply: Reply) -> list[Any]:
    """The arguments of an acknowledgement; raises ValueError when they are no JSON list."""
    found = json.loads(reply) if isinstance(reply, bytes) else reply
    if not isinstance(found, list):
        raise ValueError(f"an acknowledgement must be a list, not {found!r:.60}")
    return found


def answer(waiting: Waiting, reply: Reply) -> None:
    """Tell who waits."""
    if waiting[2] is None:
        waiting[1](reply)
    else:
        waiting[1](reply, waiting[2])


def take_expired(acks: Acks, now: int, strays: Strays) -> tuple[list[Waiting], int]:
    """Take out those whose time has passed; also when the next one's will have."""
    expired = []
    following = NEVER
    for number, waiting in list(acks.items()):
        if waiting[0] <= now:
            expired.append(acks.pop(number))
            strays.expired(number_of(number))
        elif waiting[0] < following:
            following = waiting[0]
    return expired, following
