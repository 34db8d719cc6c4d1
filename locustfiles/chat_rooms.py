"""Chat rooms: everyone sits in a room of fifty, speaks once in two seconds and hears the rest."""

from sockproof.load.users import RoomUser, paced


class Chatter(RoomUser):
    room_size = 50
    rate = 0.5

    @paced
    def talk(self) -> None:
        self.say()
