"""Loads `newsroom`: authors, and readers whose connections break off and come back."""

import requests

from sockproof.load import users as load


class Reader(load.WebSocketUser):
    abstract, path, cursor = True, "/feed", None
    acknowledgements = load.Acknowledgements({"op": "ok"}, id="ref")
    content = {"ref": load.NUMBER, "payload": load.BODY}
    heartbeat = load.Heartbeat({"op": "ping"}, answer={"op": "pong"}, every=5)

    def new_connection(self):
        self.on({"op": "item"}, lambda item: setattr(self, "cursor", item["cursor"]))
        self.name, self.topic = f"user {self.number}", f"topic {self.number % 2}"
        token = requests.post(f"{self.host}login", json={"user": self.name}).json()["token"]
        self.headers = {"Authorization": f"Bearer {token}"}
        item = {"op": "pub", "topic": self.topic, **self.content}
        self.item = load.Message.json(item, ack=load.Increasing("cursor", within="room"))
        self.partner = f"user {self.number ^ 1}"
        self.mail = load.Message.json({"op": "dm", "user": self.partner, **self.content})
        return super().new_connection()

    def connected(self):
        self.enter(f"@{self.name}", {"op": "ping"}, answer={"op": "pong"})
        asked, how = {"op": "sub", "topic": self.topic, "from": self.cursor}, {"op": "subbed"}
        self.enter(self.topic, asked, answer=how, then=self.settled, replays=True, history=True)


class Author(Reader):
    weight, rate = 2, 3
    publish = load.paced(lambda self: self.tell(self.item, to=self.topic))
    write = load.paced(lambda self: self.tell(self.mail, to=f"@{self.partner}"))


class Drifter(Reader):
    rate, reconnect_after = 0.5, 0.5
    blink = load.paced(lambda self: self.lose_connection() if self.cursor else None)
