"""Rooms in which every user speaks and hears the others."""

from sockproof.load.users import RoomUser, paced


class Chatter(RoomUser):
    room_size = 10
    rate = 1

    @paced
    def talk(self) -> None:
        self.say()
