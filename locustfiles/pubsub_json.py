"""Pub/sub in JSON over plain WebSockets, with a token, heartbeats, and acknowledgements by id.

It fits the server that comes with sockproof as the target `json-pubsub`.
"""

from sockproof.load.users import (
    BODY,
    NUMBER,
    Acknowledgements,
    Heartbeat,
    Message,
    WebSocketUser,
    paced,
)

TARGET = "json-pubsub"  # what is started when no URL is given; take it away for your own


class Subscriber(WebSocketUser):
    rate = 1
    acknowledgements = Acknowledgements({"type": "published"}, id="id")
    heartbeat = Heartbeat({"type": "ping"}, answer={"type": "pong"}, every=10)

    def new_connection(self) -> object:
        self.query = {"token": f"user-{self.number}"}
        self.room = f"room-{self.number // 10}"
        publish = {"type": "publish", "room": self.room, "id": NUMBER, "data": BODY}
        self.message = Message.json(publish)
        return super().new_connection()

    def connected(self) -> None:
        join, joined = ({"type": each, "room": self.room} for each in ("join", "joined"))
        self.enter(self.room, join, answer=joined, then=self.settled)

    @paced
    def publish(self) -> None:
        self.tell(self.message, to=self.room)
