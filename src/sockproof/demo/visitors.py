"""Visitors of the chat: each talks in a room, loses its connection, and comes back to another."""

from __future__ import annotations

from typing import Any

from sockproof.load.users import BODY, Message, RoomUser, paced

ROOMS = 4
PATIENCE = 8  # messages until a visitor loses its connection
SAY = [Message("say", f"room {number}", BODY) for number in range(ROOMS)]


class Visitor(RoomUser):
    transport = "upgrade"
    rate = 4
    reconnect_after = 0.1

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.auth = {"name": f"visitor {self.number}"}
        self.place = self.number % ROOMS
        self.said = 0

    def connected(self) -> None:
        self.place = (self.place + 1) % ROOMS
        self.said = 0
        self.room = f"room {self.place}"
        self.join(self.room, self.settled)

    @paced
    def talk(self) -> None:
        self.said += 1
        if self.said > PATIENCE:
            self.lose_connection()
        else:
            self.tell(SAY[self.place], to=self.room)
