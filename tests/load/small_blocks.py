"""A locustfile: a chat whose rows are written in small blocks, so that a disk is soon full."""

from sockproof.runs import load_records

load_records.STEP = 1 << 16  # before anything takes it over

from sockproof.load.users import RoomUser, paced  # noqa: E402


class Chatter(RoomUser):
    room_size = 5
    rate = 10

    @paced
    def talk(self) -> None:
        self.say()
