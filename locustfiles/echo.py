"""Acknowledged round trips: everyone sends its body and has it acknowledged with itself."""

from sockproof.load.users import SocketIOUser, paced


class Echo(SocketIOUser):
    rate = 0  # a closed loop: the next leaves when the last is acknowledged

    @paced
    def ask(self) -> None:
        self.round_trip()
