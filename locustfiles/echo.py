"""Acknowledged round trips of text."""

from sockproof.load.users import SocketIOUser, paced


class Echo(SocketIOUser):
    rate = 0  # closed loop: the next message is sent when the last is acknowledged

    @paced
    def ask(self) -> None:
        self.round_trip()
