"""Loads the chat `parlour`: talkers, and guests whose connections break off and come back."""

import requests

from sockproof.load.users import BODY, Ephemeral, Increasing, Message, SocketIOUser, paced


class Visitor(SocketIOUser):
    abstract, last = True, None  # id of the last line that was seen
    ids = ({"ok": True}, Increasing("id", within="room"))

    def new_connection(self):
        self.name, self.room = f"user {self.number}", f"room {self.number % 2}"
        self.auth = requests.post(f"{self.host}api/session", json={"user": self.name}).json()
        self.ephemeral = [Ephemeral("typing", self.room, by="1.by")]
        self.line = Message("line", {"room": self.room, "text": BODY}, ack=self.ids)
        self.partner = f"user {self.number ^ 1}"
        self.whisper = Message("whisper", {"to": self.partner, "text": BODY})
        return super().new_connection()

    def connected(self):
        self.on("line", lambda line: setattr(self, "last", line["id"]))
        self.enter(f"@{self.name}")  # it is there from the start
        opened = self.room, "open", self.room, self.last
        self.enter(*opened, then=self.settled, replays=True, history=True)


class Talker(Visitor):
    weight, rate = 2, 3

    @paced
    def talk(self):
        self.notify(self.ephemeral[0], to=self.room, by=self.name)
        self.tell(self.line, to=self.room)
        self.tell(self.whisper, to=f"@{self.partner}")


class Guest(Visitor):
    rate, reconnect_after = 0.5, 0.5
    blink = paced(lambda self: self.lose_connection() if self.last else None)
