"""Rooms whose users are split evenly among WebSocket, polling and upgrade."""

from sockproof.load.users import RoomUser, paced

TRANSPORTS = ("websocket", "polling", "upgrade")


class Mixed(RoomUser):
    room_size = 12
    rate = 0.5

    def new_connection(self) -> object:
        self.transport = TRANSPORTS[self.number % 3]
        return super().new_connection()

    @paced
    def talk(self) -> None:
        self.say()
