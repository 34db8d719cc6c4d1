"""All connections cut every ten seconds; they reconnect as socket.io-client does."""

from sockproof.load.users import RoomUser, paced


class Stormy(RoomUser):
    rate = 0.1
    together = True

    @paced
    def be_cut_off(self) -> None:
        self.lose_connection()
