"""Example for your own application, with a login and events of its own.

It is written for the bundled chat server `own-application`; the comments say what to replace.
"""

import requests

from sockproof.load.users import BODY, Message, SocketIOUser, paced

TARGET = "own-application"  # bundled server to start without a URL; remove for yours
# Your event and its arguments; BODY marks where the text goes, with the stamp.
HELLO = Message("chat message", {"room": "lobby", "text": BODY})


class Visitor(SocketIOUser):
    rate = 0.5  # messages a second of each user

    # Your login: gets whatever the server requires of a client. Remove it if there is none.
    def new_connection(self) -> object:
        name = {"name": f"visitor {self.number}"}
        url = f"{(self.host or '').rstrip('/')}/login"
        answer = requests.post(url, json=name, timeout=10)
        self.auth = {"token": answer.json()["token"]}
        return super().new_connection()

    # Your event that joins a room, and its arguments; the user starts to send when it is answered.
    def connected(self) -> None:
        self.enter("lobby", "enter", "lobby", then=self.settled)

    # Called `rate` times per second: sends your event to a room, whose members must receive it.
    @paced
    def greet(self) -> None:
        self.tell(HELLO, "hello, lobby", to="lobby")
