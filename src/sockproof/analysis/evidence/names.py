"""What messages, users and bodies of a load run are called, over all processes."""

from __future__ import annotations

import numpy as np

from sockproof.runs.load_records import MOST_CLASSES, MOST_NAMES, OTHER
from sockproof.runs.reader import RowNames

UNNAMED = 0  # the number of messages and classes that have no name: older versions wrote none


class Names:
    """Numbers are indexes of `messages` and `classes`; users are counted over all processes."""

    def __init__(self, clients: int) -> None:
        self.messages = [""]
        self.events = [""]
        self.classes = [""]
        self.class_of = np.zeros(clients, dtype=np.int64)  # by client
        self._user_of = np.zeros(clients, dtype=np.int64)  # by client; 0: unknown
        self._numbers: dict[tuple[str, str], int] = {("", ""): UNNAMED}
        self._class_numbers: dict[str, int] = {"": UNNAMED}
        self._labels: dict[int, str] = {}  # by user
        self._own: dict[int, str] = {}  # classes of the process that is being read
        self.bodies: dict[int, str] = {}  # by checksum

    def take(self, own: RowNames) -> None:
        """What a process has written down; `connects` tells of its clients then."""
        self._own = own.classes
        self._labels |= own.labels
        self.bodies = {**own.bodies, **self.bodies}

    def connects(self, client: int, user_class: int, user: int) -> None:
        """A client belongs to a user of a class, by their numbers in its process's rows."""
        self._user_of[client] = min(user, 1 << 62)
        name = self._own.get(user_class, OTHER if self._own else "")
        number = self._class_numbers.get(name)
        if number is None:
            if len(self.classes) > MOST_CLASSES:
                name = OTHER
            number = self._class_numbers.setdefault(name, len(self.classes))
            if number == len(self.classes):
                self.classes.append(name)
        self.class_of[client] = number

    def message(self, name: str, event: str) -> int:
        """The number of a message of this name and event."""
        number = self._numbers.get((name, event))
        if number is None:
            if len(self.messages) > MOST_NAMES:
                name, event = OTHER, ""
            number = self._numbers.setdefault((name, event), len(self.messages))
            if number == len(self.messages):
                self.messages.append(name)
                self.events.append(event)
        return number

    def label(self, client: int) -> str:
        """What a client's user is called; "" where nobody knows which it was."""
        user = int(self._user_of[client])
        if not user:
            return ""
        return self._labels.get(user - 1) or f"{self.classes[self.class_of[client]]} {user}"
