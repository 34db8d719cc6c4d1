"""What all users do to send a message and to learn what became of it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from typing import Any

from sockproof.load.locust.run import Run
from sockproof.load.locust.schedule import Turn
from sockproof.load.messages.answers import Answers
from sockproof.load.messages.ephemeral import Ephemeral
from sockproof.load.messages.naming import called
from sockproof.load.record.names import Acks, Places
from sockproof.load.record.recorder import ITSELF, NOBODY, EmitFlag, Recorder
from sockproof.load.traffic import traffic

# Plain numbers: the operators of flags cost a microsecond each.
ACKNOWLEDGED, SKIPS_SENDER = int(EmitFlag.ACKNOWLEDGED), int(EmitFlag.SKIPS_SENDER)
_LETTERS = "sockproof speaks to itself, over and over; "


@functools.cache
def filler(length: int) -> str:
    """A body of this length in bytes, shared by all users."""
    return (_LETTERS * (length // len(_LETTERS) + 1))[:length]


class Sending:
    """The part of a user that sends; the other part has the connection."""

    sockproof: Run
    recorder: Recorder
    client: int
    sequence: int
    at: int
    outstanding: int
    connection: Any
    ephemeral: Sequence[Ephemeral] = ()  # messages without a stamp that it counts
    _class: Any
    _closed_loops: tuple[Turn, ...]
    _shown: Callable[[str], str]
    _named: str | None = None  # what messages without a name are called now
    _said: Any = None  # last
    _places: Places = None  # type: ignore[assignment]  # of it
    _acks: Acks = None  # type: ignore[assignment]

    # Messages without a stamp.

    def notify(
        self, message: Ephemeral, *, to: int | str, by: Any = None, skips_sender: bool = True
    ) -> bool:
        """Send a message that is only counted; returns false when the connection does not take it.

        `to` is a room or `EVERYONE`, `by` the value by which those who hear it know it.
        """
        return self._notify(message, None, to, by, skips_sender)

    def _notify(
        self, message: Ephemeral, namespace: str | None, to: int | str, by: Any, skips_sender: bool
    ) -> bool:
        recorder, client, now = self.recorder, self.client, time.monotonic_ns()
        room = recorder.room(to) if isinstance(to, str) else to
        if room in (ITSELF, NOBODY):
            raise ValueError("a message without a stamp goes to a room or to EVERYONE")
        if not self._send_unstamped(message, namespace):
            return False
        flags = SKIPS_SENDER if skips_sender else 0
        recorder.notified(client, room, message.name, message.mark(by), now, flags)
        return True

    def _send_unstamped(self, message: Ephemeral, namespace: str | None) -> bool:
        raise NotImplementedError

    def _notices(self, client: int, message: Any) -> bool:
        """Whether what came without a stamp is a message that is counted."""
        for each in self.ephemeral:
            mark = each.heard(message)
            if mark is not None:
                self.recorder.noticed(client, each.name, mark, traffic.read_at)
                return True
        return False

    # Sending.

    def _name(self, message: Any, said: Any) -> tuple[Places, Acks]:
        """The places of a message that is said with another body, or by another user, than the
        one before; and where its acknowledgements are counted."""
        names = self.recorder.names
        names.body(said.checksum, said.body, self._shown)
        is_named = self._named is not None and not message.is_named
        places = names.places(
            called(self._named, message.called.event) if is_named else message.called
        )
        return places, names.acks(places, self._class)

    def _take(self, checksum: int, room: int, flags: int) -> tuple[int, int, int, bytes]:
        """Record a message that is about to be sent; returns sequence number, times and stamp."""
        recorder = self.recorder
        actual = time.monotonic_ns()
        intended = self.at or actual
        sequence = self.sequence = self.sequence + 1
        stamp = recorder.sending(self.client, sequence, room, intended, actual, flags, checksum)
        self.outstanding += flags & ACKNOWLEDGED
        return sequence, intended, actual, stamp

    def _withdraw(self, sequence: int, intended: int, actual: int, flags: int) -> None:
        """Record that a message of `_take` was not sent after all."""
        self.recorder.withdrawn(self.client, sequence, intended, actual, flags)
        self.outstanding -= flags & ACKNOWLEDGED

    def _answered(
        self, sequence: int, intended: int, actual: int, acks: Acks, is_there: bool
    ) -> None:
        """Record that an acknowledgement arrived, or did not."""
        self.outstanding -= 1
        if is_there:
            now = traffic.read_at
            self.recorder.ack_received(self.client, sequence, intended, actual, now, acks)
        elif self.connection.is_open:
            self.recorder.ack_timed_out(self.client, sequence, time.monotonic_ns())
        else:
            self.recorder.outstanding -= 1
        for turn in self._closed_loops:
            self.sockproof.schedule.again(turn)


def judge(run: Run, answers: Answers, of: tuple[int, int, str], answer: Any) -> bool:
    """Write down whether the answer accepts a message, and its values; whether it does.

    `of` is the client, the sequence number, and what the message is called.
    """
    client, sequence, name = of
    recorder = run.recorder
    try:
        why = answers.refusal(answer)
        values = [] if why is not None else list(answers.values(answer))
    except Exception as error:  # of the scenario's own functions
        recorder.unjudged(client, sequence, time.monotonic_ns())
        run.failed(error, client)
        return False
    if why is not None:
        run.refused(client, name, why, sequence)
        return False
    for value in values:
        recorder.value(client, sequence, *value, time.monotonic_ns())
    return True
