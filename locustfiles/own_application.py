"""An application with a login and events of its own, as it is: the example to copy.

Its server is in `targets/own-application/`.
"""

import requests

from sockproof.load.users import BODY, Message, SocketIOUser, paced

TARGET = "own-application"
HELLO = Message("chat message", {"room": "lobby", "text": BODY})


class Visitor(SocketIOUser):
    rate = 0.5

    def new_connection(self) -> object:
        name = {"name": f"visitor {self.number}"}
        answer = requests.post(f"{self.host.rstrip('/')}/login", json=name, timeout=10)
        self.auth = {"token": answer.json()["token"]}
        return super().new_connection()

    def connected(self) -> None:
        self.enter("lobby", "enter", "lobby", then=self.settled)

    @paced
    def greet(self) -> None:
        self.tell(HELLO, "hello, lobby", to="lobby")
