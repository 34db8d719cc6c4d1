"""Loads `newsroom`: authors, and readers whose connections break off and come back."""

import requests

from sockproof.load.users import *


class Reader(WebSocketUser):
    abstract, path, cursor = True, "/feed", None
    acknowledgements = Acknowledgements({"op": "ok"}, id="ref")
    heartbeat = Heartbeat({"op": "ping"}, answer={"op": "pong"}, every=5)

    def new_connection(self):
        self.on({"op": "item"}, lambda item: setattr(self, "cursor", item["cursor"]))
        self.name, self.topic = f"user {self.number}", f"topic {self.number % 2}"
        token = requests.post(f"{self.host}login", json={"user": self.name}).json()["token"]
        self.headers = {"Authorization": f"Bearer {token}"}
        self.item = Message.json({"op": "pub", "topic": self.topic, "ref": NUMBER, "payload": BODY})
        mail = {"op": "dm", "user": f"user {self.number ^ 1}", "ref": NUMBER, "payload": BODY}
        self.mail = Message.json(mail)
        return super().new_connection()

    def connected(self):
        self.enter(f"@{self.name}", {"op": "ping"}, answer={"op": "pong"})
        asked, how = {"op": "sub", "topic": self.topic, "from": self.cursor}, {"op": "subbed"}
        self.enter(self.topic, asked, answer=how, then=self.settled, replays=True, history=True)


class Author(Reader):
    weight, rate = 2, 3

    @paced
    def write(self):
        self.tell(self.item, to=self.topic)
        self.tell(self.mail, to=f"@user {self.number ^ 1}")


class Drifter(Reader):
    rate, reconnect_after = 0.5, 0.5
    blink = paced(lambda self: self.lose_connection() if self.cursor else None)
