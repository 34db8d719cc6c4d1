"""What one connection of a `WebSocketUser` is in the midst of.

The rules that hold here:

* A message is decoded only where somebody may want to know what it says: it carries no stamp, or
  its own sender's, or an answer is waited for.
* Whoever waits for an answer is asked in the order in which they began, before acknowledgements
  are looked for; one message answers one of them.
* Time limits of one kind pass in the order in which they began, so the first of each tells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sockproof.load.messages.answers import Answers
from sockproof.load.messages.matching import Heartbeat, Match, matches
from sockproof.load.net.timer_wheel import wheel
from sockproof.load.record.names import Acks

NEVER = 1 << 62


class Sent(NamedTuple):
    """A message whose acknowledgement is waited for; times are nanoseconds."""

    until: int
    sequence: int
    intended: int
    actual: int
    room: int
    acks: Acks
    answers: Answers | None = None


class Expected(NamedTuple):
    """An answer that is waited for: `done(message)` when it is there, `missed()` when it is not."""

    until: int
    match: Match
    done: Callable[[Any], None]
    missed: Callable[[], None]


class _Presumed(NamedTuple):
    """A move without an answer of its own; `done(now)` when something shows that it was made."""

    room: int
    enters: bool
    since: int
    done: Callable[[int], None]


class Conversation:
    """Who waits for what on one connection; ends with it."""

    def __init__(self, expired: Callable[[int, Sent], None]) -> None:
        """`expired(number, sent)` is called for each acknowledgement that did not come in time."""
        self.waiting: dict[int, Sent] = {}  # by number
        self.expected: list[Expected] = []
        self.rooms: set[int] = set()  # that were ever entered
        self.presumed: list[_Presumed] = []
        self.spoken: dict[int, tuple[int, int]] = {}  # room and time, by sequence, for these
        self.is_over = False
        self._expired = expired
        self._visit = 0
        self._beat: tuple[Heartbeat, Callable[[], Any], Callable[[], None]] | None = None
        self._beat_at = self._answer_by = NEVER

    def wait(self, number: int, sent: Sent) -> None:
        """Wait for an acknowledgement."""
        self.waiting[number] = sent
        if not self._visit or sent.until < self._visit:
            self._visit_by(sent.until)

    def expect(self, expected: Expected) -> None:
        """Wait for an answer."""
        self.expected.append(expected)
        self._visit_by(expected.until)

    def answered(self, message: Any) -> bool:
        """Whether this is an answer to somebody who waits, who is told."""
        for at, each in enumerate(self.expected):
            if matches(each.match, message):
                del self.expected[at]
                each.done(message)
                return True
        return False

    def take_oldest(self) -> int | None:
        """The number of the message that has waited longest."""
        return next(iter(self.waiting), None)

    # Moves without an answer.

    def presume(self, room: int, enters: bool, since: int, done: Callable[[int], None]) -> None:
        """Call `done(now)` when something shows that a move, asked for then, was made."""
        self.presumed.append(_Presumed(room, enters, since, done))

    def proved(self, room: int, sent: int, now: int) -> None:
        """An own message to the room, sent then, was answered: what was asked before it is done."""
        self._settle(lambda each: each.since < sent and (each.room == room or not each.enters), now)

    def heard_another(self, now: int) -> None:
        """Somebody else's message came: to the only room that this one can be in, so it is."""
        if len(self.rooms) == 1:
            self._settle(lambda each: each.enters, now)

    def _settle(self, is_done: Callable[[_Presumed], bool], now: int) -> None:
        done = [each for each in self.presumed if is_done(each)]
        self.presumed = [each for each in self.presumed if each not in done]
        if not self.presumed:
            self.spoken.clear()
        for each in done:
            each.done(now)

    # Heartbeats.

    def beat(
        self, heartbeat: Heartbeat, first: int, send: Callable[[], Any], cut: Callable[[], None]
    ) -> None:
        """Call `send` from `first` on at each beat, and `cut` when one is not answered."""
        self._beat = heartbeat, send, cut
        self._beat_at = first
        self._visit_by(first)

    def beat_answered(self, message: Any) -> bool:
        """Whether this answers a heartbeat."""
        if self._beat is None or self._answer_by == NEVER:
            return False
        match = self._beat[0].answer
        if match is None or not matches(match, message):
            return False
        self._answer_by = NEVER
        return True

    def _heart(self, now: int) -> None:
        if self._beat is None:
            return
        heartbeat, send, cut = self._beat
        if now >= self._answer_by:
            self._beat = None
            self._beat_at = self._answer_by = NEVER
            cut()
        elif now >= self._beat_at:
            self._beat_at = now + int(heartbeat.every * 1e9)
            if heartbeat.answer is not None and self._answer_by == NEVER:
                self._answer_by = now + int(heartbeat.within * 1e9)
            send()

    # Time.

    def _visit_by(self, at: int) -> None:
        if not self._visit or at < self._visit:
            self._visit = at
            wheel.add(self, at)

    def visited(self, now: int) -> None:
        """See what has not come in time."""
        if self.is_over or now < self._visit:
            return
        self._visit = 0
        while self.waiting:
            number, sent = next(iter(self.waiting.items()))
            if sent.until > now:
                break
            del self.waiting[number]
            self._expired(number, sent)
        missed = [each for each in self.expected if each.until <= now]
        self.expected = [each for each in self.expected if each.until > now]
        for each in missed:
            each.missed()
        self._heart(now)
        if self.is_over:
            return
        ends = [each.until for each in self.expected]
        ends += [sent.until for sent in list(self.waiting.values())[:1]]
        following = min([self._beat_at, self._answer_by, *ends])
        if following < NEVER:
            self._visit_by(following)

    def end(self) -> dict[int, Sent]:
        """Nothing is waited for any longer; the messages whose acknowledgement never came."""
        self.is_over = True
        waiting, self.waiting = self.waiting, {}
        self.expected, self.presumed, self._beat = [], [], None
        return waiting
