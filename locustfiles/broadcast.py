"""One user broadcasts to everyone in the namespace."""

from sockproof.load.users import BODY, EVERYONE, Message, SocketIOUser, paced

SAY_ALL = Message("say-all", BODY)


class Speaker(SocketIOUser):
    fixed_count = 1
    rate = 10

    @paced
    def speak(self) -> None:
        self.tell(SAY_ALL, to=EVERYONE, ack=False)


class Hearer(SocketIOUser):
    """Receives, and sends nothing."""
