"""Acknowledged round trips with a binary attachment."""

from sockproof.load.users import BINARY_BODY, Message, SocketIOUser, paced

OCTETS = Message("message-with-ack", {"octets": BINARY_BODY})


class Binary(SocketIOUser):
    rate = 0

    @paced
    def ask(self) -> None:
        self.tell(OCTETS)
