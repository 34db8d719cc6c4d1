"""Chat rooms: everyone sits in a room of ten, speaks once a second and hears the rest."""

from sockproof.load.users import RoomUser, paced


class Chatter(RoomUser):
    room_size = 10
    rate = 1

    @paced
    def talk(self) -> None:
        self.say()
