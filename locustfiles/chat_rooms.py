"""Rooms in which every user sends to all the others."""

from sockproof.load.users import RoomUser, paced


class Chatter(RoomUser):
    room_size = 10
    rate = 1

    @paced
    def talk(self) -> None:
        self.say()
