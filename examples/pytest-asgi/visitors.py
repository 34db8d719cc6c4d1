"""Everybody enters the lobby; every second visitor leaves it for a table. All talk."""

from sockproof.load.users import BODY, Message, SocketIOUser, paced

LOBBY = Message("chat message", {"room": "lobby", "text": BODY})
TABLE = Message("chat message", {"room": "table", "text": BODY})


class Visitor(SocketIOUser):
    rate = 5

    def connected(self) -> None:
        self.enter("lobby", "enter", "lobby", then=self.go_on)

    def go_on(self) -> None:
        if self.number % 2:
            self.exit("lobby", "leave", "lobby", then=self.sit_down)
        else:
            self.settled()

    def sit_down(self) -> None:
        self.enter("table", "enter", "table", then=self.settled)

    @paced
    def talk(self) -> None:
        if self.number % 2:
            self.tell(TABLE, to="table")
        else:
            self.tell(LOBBY, to="lobby")
