"""Reconnect storms: all connections are cut off at once every ten seconds, and come back."""

from sockproof.load.users import RoomUser, paced


class Stormy(RoomUser):
    rate = 0.1
    together = True
    reconnect_after = 0.0

    @paced
    def be_cut_off(self) -> None:
        self.lose_connection()
