"""An application with a login and events of its own, as it is: the example to copy.

It fits the chat server that comes with sockproof as the target `own-application`; the comments
say what to put in the place of what.
"""

import requests

from sockproof.load.users import BODY, Message, SocketIOUser, paced

TARGET = "own-application"  # what is started when no URL is given; take it away for your own
# An event of yours and its arguments; BODY is where the text goes, and with it the stamp.
HELLO = Message("chat message", {"room": "lobby", "text": BODY})


class Visitor(SocketIOUser):
    rate = 0.5  # messages a second of each user

    # Your login: whatever gives a user what the server lets it in for. Without one, take it away.
    def new_connection(self) -> object:
        name = {"name": f"visitor {self.number}"}
        answer = requests.post(f"{self.host.rstrip('/')}/login", json=name, timeout=10)
        self.auth = {"token": answer.json()["token"]}
        return super().new_connection()

    # Where a user has to be before it speaks: your event that enters a room, and its arguments.
    def connected(self) -> None:
        self.enter("lobby", "enter", "lobby", then=self.settled)

    # What a user says `rate` times a second, and to which room; who is in it has to hear it.
    @paced
    def greet(self) -> None:
        self.tell(HELLO, "hello, lobby", to="lobby")
