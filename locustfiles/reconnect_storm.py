"""All connections cut at once every ten seconds, to reconnect immediately."""

from sockproof.load.users import RoomUser, paced


class Stormy(RoomUser):
    rate = 0.1
    together = True
    reconnect_after = 0.0

    @paced
    def be_cut_off(self) -> None:
        self.lose_connection()
