"""A locustfile: each user says the same number of messages, once all are in their rooms."""

from sockproof.load.record.recorder import Phase
from sockproof.load.users import RoomUser, paced

NUMBER = 30


class Counting(RoomUser):
    room_size = 5
    rate = 20

    @paced
    def talk(self) -> None:
        if self.recorder.phase_now == Phase.MEASURED and self.sequence < NUMBER:
            self.say()
