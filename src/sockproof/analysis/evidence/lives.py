"""The connections of a process, which of them are lives of one user, and who was where when.

The rules that hold here:

* A stay ends with its connection. What is said while its user has none is owed to nobody, and no
  leak where it comes anyway: some applications hand it over, and others do not. So the outer span
  goes on until the next connection is open.
* Where nothing is to be missed, since the application replays it or the server has recovered the
  connection's state, one stay goes on over the connections. It is sure only where the last of
  them held to the end of the drain: before, the rest may still be about to come.
* Who leaves a room is out of it, however often it had joined.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sockproof.analysis.evidence.row_arrays import Process
from sockproof.runs.load_records import EVERYONE, FOREVER, Kind, LifeFlag

# What tells who was connected, and who was in which room.
MEMBERSHIP = (*range(Kind.JOIN_ASKED, Kind.CONNECT_FAILED + 1), Kind.LIFE)
Doubts = list[tuple[int, int]]  # from when to when rows of membership could not be written


@dataclass(slots=True)
class Spell:
    """A time in a room, with its inner and its outer span."""

    may_from: int
    sure_from: int = FOREVER
    sure_to: int = FOREVER
    may_to: int = FOREVER
    left: bool = False  # by a request of its own

    @property
    def goes_on(self) -> bool:
        """Whether nothing but the end of its connection ends it."""
        return self.sure_from < FOREVER and not self.left


@dataclass
class Connection:
    """A connection of a process by its number."""

    number: int
    asked: int = 0
    sure_from: int = FOREVER
    sure_to: int = FOREVER
    may_to: int = FOREVER
    ended: int = 0  # the reason, when nobody had asked for it
    failed: bool = False
    expects: int = 0  # bits of `Expected`
    of: tuple[int, int] | None = None  # what names its user, see `names`
    rooms: dict[int, list[Spell]] = field(default_factory=dict)
    user: int = 0  # the number of the first connection of the same user
    series: int = 0  # the number of the first of those over which nothing is to be missed
    before: Connection | None = None  # the same user's last one that was open
    flags: int = 0
    _replayed: set[int] = field(default_factory=set)  # rooms
    _since: dict[int, Spell] = field(default_factory=dict)  # what goes on behind this connection

    def __post_init__(self) -> None:
        self.user = self.series = self.number

    def note(self, kind: int, a: int, b: int, c: int, flags: int) -> None:
        """What a row about a connection or a room says."""
        if kind == Kind.CONNECT_ASKED:
            self.asked, self.of, self.expects = c, (a, b), flags
        elif kind == Kind.CONNECTED:
            self.sure_from = c
        elif kind == Kind.DISCONNECT_ASKED:
            self.sure_to = c
        elif kind in (Kind.DISCONNECTED, Kind.CONNECT_FAILED):
            if kind == Kind.DISCONNECTED and self.sure_to == FOREVER:
                self.ended = a
            self.failed = kind == Kind.CONNECT_FAILED
            self.sure_to = min(self.sure_to, c)
            self.may_to = c
        else:
            if flags & LifeFlag.REPLAYS:
                self._replayed.add(a)
            self._moved(kind, self.rooms.setdefault(a, []), a, c)

    def _moved(self, kind: int, spells: list[Spell], room: int, c: int) -> None:
        if kind == Kind.JOIN_ASKED:
            spells.append(Spell(c))
        elif kind == Kind.JOINED:
            spell = next((each for each in spells if each.sure_from == FOREVER), None)
            if spell is not None:
                spell.sure_from = c
        elif kind == Kind.LEAVE_ASKED:
            if not spells and self.before is not None and self.before.stays_in(room):
                spells.append(Spell(self.asked, self.sure_from if self.flags else FOREVER))
            for spell in spells:
                if not spell.left:
                    spell.left, spell.sure_to = True, c
        else:
            for spell in spells:
                if spell.left and spell.may_to == FOREVER:
                    spell.may_to = c

    def follow(self, before: Connection | None, flags: int) -> None:
        """It is a life of the same user as the one before."""
        if before is None or before.number >= self.number:
            return
        self.before, self.user = before, before.user
        self.flags |= flags
        if flags & LifeFlag.RECOVERED:
            for room in before.rooms:
                if before.stays_in(room):
                    self.rooms.setdefault(room, []).append(Spell(self.asked, self.sure_from))

    def stays_in(self, room: int) -> bool:
        """Whether it was in a room when it ended."""
        return any(spell.goes_on for spell in self.rooms.get(room, ()))

    def misses_nothing(self, room: int) -> bool:
        """Whether what was said while its user had no connection is owed."""
        return bool(self.flags) or room in self._replayed

    def settle(self, doubts: Doubts) -> None:
        """All its rows, and those of earlier ones, are read: end what has not ended."""
        before = self.before if self.sure_from < FOREVER else None
        if before is not None and self.flags & LifeFlag.REPLAYS:
            for room in before.rooms:  # who need not ask again is where it was
                if room not in self.rooms and before.stays_in(room):
                    self.rooms[room] = [Spell(self.asked, self.sure_from)]
        self.rooms[EVERYONE] = [Spell(self.asked, self.sure_from)]
        for spells in self.rooms.values():
            for spell in spells:
                begins = (begin for begin, end in doubts if spell.may_from < end)
                spell.sure_to = min(spell.sure_to, self.sure_to, *begins)
                spell.may_to = min(spell.may_to, self.may_to)
        if before is None:
            return
        for spells in before.rooms.values():
            for spell in spells:
                if not spell.left:
                    spell.may_to = max(spell.may_to, self.sure_from)
        if self.flags or self._replayed:
            self.series = before.series

    def links(self) -> Iterator[tuple[int, Spell]]:
        """The stays that go on from earlier connections to this one, by their rooms."""
        for room, spells in self.rooms.items():
            since = None if self.before is None else self.before._since.get(room)
            here = next((each for each in spells if each.sure_from < FOREVER), None)
            if since is not None and here is not None and self.misses_nothing(room):
                whole = Spell(since.may_from, since.sure_from, here.sure_to, here.may_to)
                if here.goes_on:
                    self._since[room] = whole
                yield room, whole
            going = next((each for each in spells if each.goes_on), None)
            if going is not None:
                self._since.setdefault(room, going)


def connections_of(process: Process) -> list[Connection]:
    """The connections of a process, with their rooms, in the order of their numbers."""
    found: dict[int, Connection] = {}
    rare = process.rows.of(MEMBERSHIP)
    times = process.times(rare["c"]).tolist()
    for (a, b, _, client, _, flags, kind), c in zip(rare.tolist(), times, strict=True):
        connection = found.get(client)
        if connection is None:
            connection = found[client] = Connection(client)
        if kind == Kind.LIFE:
            connection.follow(found.get(a), flags)
        else:
            connection.note(kind, a, b, c, flags)
    return [found[number] for number in sorted(found)]
