"""How users of plain WebSockets get into rooms, and out of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic_ns
from typing import Any

from sockproof.load.messages.matching import Match, matches
from sockproof.load.traffic import traffic
from sockproof.load.users.connected_user import ConnectedUser
from sockproof.load.users.conversation import Conversation, Expected
from sockproof.vocabulary import Step


class WebSocketRooms(ConnectedUser):
    """The part of a user that is in rooms: whoever is in one is owed what is said to it."""

    abstract = True
    _conversation: Conversation

    def send(self, message: Any) -> bool:
        """Send what nobody counts."""
        raise NotImplementedError

    def enter(
        self,
        room: str,
        request: Any = None,
        *,
        answer: Match | None = None,
        refused: Match | None = None,
        then: Callable[[], None] | None = None,
        replays: bool = False,
        history: Match | bool = False,
    ) -> None:
        """Let this user into a room by a request: a string, octets, or JSON.

        Without a request it came in with the connection. It is a member when `answer` has come,
        and then `then` is called; an answer that is `refused` is said, and it stays outside.
        Without `answer` `then` is called at once, and it is a member for sure as soon as a message
        of its own to the room is answered, or, while it is in no other, something of another's
        is heard. `replays`: what was said to the room while the user had no connection is owed.
        `history` says which messages repeat what was said before: the answer (True), or those
        that match.
        """
        number = self.recorder.room(room)
        self._misses_nothing |= replays
        match = answer if history is True else history
        if match is None:
            raise ValueError("history=True means what `answer` matches, and there is none")
        if match is not False:
            self._histories.append(match)
        asked = monotonic_ns() if request is not None else self._asked
        self.recorder.joining(self.client, number, asked, replays)
        self._conversation.rooms.add(number)
        done = partial(self.recorder.joined, self.client, number)
        if answer is None:
            self._conversation.presume(number, True, asked, done)
        self._move(f"enter {room}", number, done, request, answer, refused, then)

    def exit(
        self,
        room: str,
        request: Any,
        *,
        answer: Match | None = None,
        refused: Match | None = None,
        then: Callable[[], None] | None = None,
    ) -> None:
        """Let this user out of a room; see `enter`."""
        number, asked = self.recorder.room(room), monotonic_ns()
        self.recorder.leaving(self.client, number, asked)
        done = partial(self.recorder.left, self.client, number)
        if answer is None:
            self._conversation.presume(number, False, asked, done)
        self._move(f"exit {room}", number, done, request, answer, refused, then)

    def _move(
        self,
        what: str,
        room: int,
        done: Callable[[int], None],
        request: Any,
        answer: Match | None,
        refused: Match | None,
        then: Callable[[], None] | None,
    ) -> None:
        if answer is not None:
            self._expect_move(what, room, done, answer, refused, then)
        if request is not None:
            self.send(request)
        if answer is None and then is not None:
            then()

    def _expect_move(
        self,
        what: str,
        room: int,
        done: Callable[[int], None],
        answer: Match,
        refused: Match | None,
        then: Callable[[], None] | None,
    ) -> None:
        run, client = self.sockproof, self.client
        run.steps[Step.AWAITED] += 1

        def either(message: Any) -> bool:
            return matches(answer, message) or (refused is not None and matches(refused, message))

        def answered(message: Any) -> None:
            run.steps[Step.AWAITED] -= 1
            if refused is not None and matches(refused, message):
                self._prepared()
                run.refused(client, f"to {what}", f"{message!r:.200}")
                return
            done(traffic.read_at)
            if then is not None:
                then()

        def late() -> None:
            self._prepared()
            text = f"no message has answered to {what}: {answer!r:.200}"
            run.unanswered(client, room, text)

        until = monotonic_ns() + run.ack_limit
        self._conversation.expect(Expected(until, either, answered, late))
