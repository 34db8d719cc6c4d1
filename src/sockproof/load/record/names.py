"""What the rows of a process refer to by numbers: rooms, messages, users and bodies.

The rules that hold here:

* A message's row has the number of a *place*: a room, and which message was said to it. So names
  cost a message nothing.
* Only rooms and labels are as many as a scenario makes. Of messages, classes and bodies the first
  are told, and what is beyond is `OTHER`, or not told at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from sockproof.runs.load_records import (
    FIRST_ROOM,
    MOST_BODIES,
    MOST_CLASSES,
    MOST_NAMES,
    MOST_REASONS,
    OTHER,
)

_LONGEST = 200  # characters of a label and of a body
LONGEST_REASON = 300
_LOOKED_AT = 10 * _LONGEST  # of a body, so that no secret is cut before it is known
Write = Callable[[dict[str, Any]], None]
Hide = Callable[[str], str]
Counts = defaultdict[int, int]


def counts() -> Counts:
    """Nothing counted."""
    return defaultdict(int)


class Acks:
    """How long acknowledgements took since the last second, of one message and class of users.

    Histograms; `both` and `echo` have those whose intended time was the actual one, until `fold`:
    `echo` those whose acknowledgement held the message, which is a delivery too.
    """

    __slots__ = ("actual", "both", "echo", "intended", "message", "user_class")

    def __init__(self, message: str = "", user_class: str = "") -> None:
        self.message, self.user_class = message, user_class
        self.both, self.echo = counts(), counts()
        self.intended, self.actual = counts(), counts()

    def fold(self, *deliveries: Counts) -> None:
        """Bring `intended` and `actual` up to date, and those of deliveries."""
        for bucket, count in self.echo.items():
            for each in deliveries:
                each[bucket] += count
        for both in (self.both, self.echo):
            for bucket, count in both.items():
                self.intended[bucket] += count
                self.actual[bucket] += count
            both.clear()

    def clear(self) -> None:
        """A new second."""
        for each in (self.both, self.echo, self.intended, self.actual):
            each.clear()


class Places(dict[int | str, int]):
    """The places of one message, by the room that it is said to: its name, or its number."""

    def __init__(self, message: str, number: Callable[[int | str], int]) -> None:
        super().__init__()
        self.message = message
        self._number = number
        self.acks: dict[int, Acks] = {}  # by class of users

    def __missing__(self, room: int | str) -> int:
        number = self[room] = self._number(room)
        return number


class Names:
    """The numbers of one process; `write` writes down what each stands for."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._rooms: dict[str, int] = {}
        self._next = FIRST_ROOM
        self._places: dict[tuple[str, str], Places] = {}
        self._classes: dict[str, int] = {}
        self._bodies: set[int] = set()
        self._reasons: dict[str, int] = {}
        self.nameless = Acks()
        self.all_acks = [self.nameless]

    def room(self, name: str) -> int:
        """The number of a room; rooms of one name are one room in the run."""
        number = self._rooms.get(name)
        if number is None:
            number = self._rooms[name] = self._take()
            self._write({"room": number, "name": name})
        return number

    def _take(self) -> int:
        self._next += 1
        return self._next - 1

    def places(self, called: tuple[str, str]) -> Places:
        """The places of a message of this name and event."""
        found = self._places.get(called)
        if found is None:
            if len(self._places) >= MOST_NAMES:
                called = OTHER, ""
                if called in self._places:
                    return self._places[called]
            found = self._places[called] = Places(
                called[0], lambda room: self._place(room, *called)
            )
        return found

    def _place(self, room: int | str, message: str, event: str) -> int:
        base = room if isinstance(room, int) else self.room(room)
        number = self._take()
        line = {"room": number, "of": base, "message": message}
        self._write(line if event == message else {**line, "event": event})
        return number

    def user_class(self, name: str) -> int:
        """The number of a class of users; 0: there are too many."""
        number = self._classes.get(name)
        if number is None:
            if len(self._classes) >= MOST_CLASSES:
                return 0
            number = self._classes[name] = len(self._classes) + 1
            self._write({"class": number, "name": name})
        return number

    def acks(self, places: Places, user_class: int) -> Acks:
        """Where the acknowledgements of a message are counted that users of a class send."""
        found = places.acks.get(user_class)
        if found is None:
            named = next((n for n, number in self._classes.items() if number == user_class), OTHER)
            found = places.acks[user_class] = Acks(places.message, named)
            self.all_acks.append(found)
        return found

    def label(self, user: int, label: str, hide: Hide) -> None:
        """How a user is to be called; `hide` shows a text without secrets."""
        self._write({"user": user, "label": _shown(label, hide)})

    def body(self, checksum: int, body: str | bytes, hide: Hide) -> None:
        """A body is about to be said, perhaps for the first time."""
        if checksum not in self._bodies and len(self._bodies) < MOST_BODIES:
            self._bodies.add(checksum)
            self._write({"body": checksum, "text": _shown(body, hide)})

    def why(self, words: str) -> int:
        """The number of a reason, which is shown as it is; 0 where there are too many."""
        words = words[:LONGEST_REASON]
        number = self._reasons.get(words)
        if number is None:
            if len(self._reasons) >= MOST_REASONS:
                return 0
            number = self._reasons[words] = len(self._reasons) + 1
            self._write({"why": number, "text": words})
        return number


def _shown(text: str | bytes, hide: Hide) -> str:
    part = text[:_LOOKED_AT]
    octets = part if isinstance(part, bytes) else part.encode("utf-8", "backslashreplace")
    shown = hide(octets.decode("utf-8", "backslashreplace"))
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
