"""Where users of Socket.IO are: in rooms of the application, and in several namespaces.

The rules that hold here:

* `connected` is called once all namespaces are connected. One that is refused, does not answer in
  time or is disconnected by the server ends the connection: the user is not where it has to be.
* Who is in a further namespace is in a room of that name. A room of the application in there is
  another one than a room of the same name elsewhere.
* Who came into a room with its connection is in there for sure when the server has acknowledged
  anything: then it has called what it calls for a new connection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic_ns
from typing import Any

import gevent

from sockproof.load.messages.matching import Match
from sockproof.load.record.recorder import EVERYONE
from sockproof.load.socketio.acks import Reply, arguments
from sockproof.load.users.connected_user import ConnectedUser
from sockproof.runs.load_records import Reason


class Namespaces(ConnectedUser):
    """The part of a user that is in namespaces."""

    abstract = True
    namespaces: Sequence[str] = ()  # further ones, beside that which it connects to
    auth: Any = None
    _asked_at: dict[str, int] = {}  # noqa: RUF012  # when namespaces were asked for
    _presumed: tuple[tuple[int, Callable[[int], None]], ...] = ()  # memberships, by client

    def further(self, namespace: str | None) -> str | None:
        """The namespace where it is a further one, None where it is the first."""
        if namespace is None or namespace == self.connection.namespace:
            return None
        if namespace not in self.namespaces:
            raise ValueError(f"{namespace!r} is not in namespaces of {type(self).__name__}")
        return namespace

    def room_in(self, namespace: str, room: int | str) -> int | str:
        """What a room of the application in a further namespace is called."""
        if room == EVERYONE:
            return namespace
        return f"{namespace} {room}" if isinstance(room, str) else room

    def _welcome(self) -> None:
        connection = self.connection
        wanted = [each for each in self.namespaces if each != connection.namespace]
        if not wanted:
            super()._welcome()
            return
        options = self.sockproof.options
        auth = options.auth if self.auth is None else self.auth
        connection.on_namespace = self._namespace_told
        self._asked_at = asked = {}
        for each in wanted:
            asked[each] = monotonic_ns()
            self.recorder.joining(self.client, self.recorder.room(each), asked[each])
            connection.join_namespace(each, auth)
        limit = self.sockproof.ack_limit / 1e9
        gevent.spawn_later(limit, self._namespaces_late, self.client)

    def _namespace_told(self, namespace: str, sid: str | None) -> None:
        if sid is None:
            refused = namespace in self._asked_at
            reason = Reason.NAMESPACE_REFUSED if refused else Reason.SERVER_DISCONNECTED
            what = "refused" if refused else "disconnected"
            self.connection.give_up(reason, f"the server {what} {namespace}")
        elif self._asked_at.pop(namespace, None) is not None:
            room, now = self.recorder.room(namespace), self.connection.last_received
            self.recorder.joined(self.client, room, now)
            if not self._asked_at:
                super()._welcome()

    def _namespaces_late(self, client: int) -> None:
        if client == self.client and self._asked_at and self.connection.is_open:
            late = ", ".join(self._asked_at)
            self.connection.give_up(Reason.NAMESPACE_REFUSED, f"no answer to CONNECT to {late}")

    # Rooms of the application: each member must receive what is sent to its room.

    def enter(
        self,
        room: str,
        event: str | None = None,
        *args: Any,
        then: Callable[[], None] | None = None,
        replays: bool = False,
        history: Match | str | bool = False,
        namespace: str | None = None,
    ) -> None:
        """Emit the application's event that joins a room.

        The user is a member when the server acknowledges the event; then `then` is called. Without
        an event it came in with the connection: `then` is called at once, and it is a member for
        sure as soon as the server has acknowledged anything. `replays`: what was said to the room
        while the user had no connection is owed. `history` says what repeats what was said before:
        the answer (True), events of a name, or events that match, each as a list of its name and
        arguments: `{"0": "said", "1.old": True}`.
        """
        if event is None and history is True:
            raise ValueError("history=True means the answer to an event, and there is none")
        namespace = self.further(namespace)
        number = self._number_of(room, namespace)
        self._misses_nothing |= replays
        if history is not False:
            self._histories.append({"0": history} if isinstance(history, str) else history)
        asked = self._asked if event is None else monotonic_ns()
        self.recorder.joining(self.client, number, asked, replays)
        done = partial(self.recorder.joined, self.client, number)
        if event is not None:
            self._move(number, done, event, args, then, namespace)
            return
        self._presume(done)
        if then is not None:
            then()

    def exit(
        self,
        room: str,
        event: str,
        *args: Any,
        then: Callable[[], None] | None = None,
        namespace: str | None = None,
    ) -> None:
        """Emit the application's event that leaves a room."""
        namespace = self.further(namespace)
        number = self._number_of(room, namespace)
        self.recorder.leaving(self.client, number, monotonic_ns())
        done = partial(self.recorder.left, self.client, number)
        self._move(number, done, event, args, then, namespace)

    def _number_of(self, room: str, namespace: str | None) -> int:
        return self.recorder.room(room if namespace is None else f"{namespace} {room}")

    def _move(
        self,
        room: int,
        done: Callable[[int], None],
        event: str,
        args: tuple[Any, ...],
        then: Callable[[], None] | None,
        namespace: str | None,
    ) -> None:
        client = self.client

        def answered(reply: Reply) -> None:
            if True in self._histories:  # what is answered from now on is no history
                self._histories.remove(True)
            if reply is None:
                if self.connection.is_open:
                    self._prepared()
                    said = f"no acknowledgement of {event} in time"
                    self.sockproof.unanswered(client, room, said)
                return
            self._is_let_in()
            refusal = self.refusal(arguments(reply))
            if refusal is not None:
                self._prepared()
                self.sockproof.refused(client, event, refusal)
                return
            done(self.connection.last_received)
            if then is not None:
                then()

        limit = self.sockproof.ack_limit
        self.connection.emit(event, *args, ack=answered, limit=limit, namespace=namespace)

    def refusal(self, answer: list[Any]) -> str | None:
        """Return why the server refused `enter` or `exit`, or None. May be overridden."""
        del answer
        return None

    def _presume(self, done: Callable[[int], None]) -> None:
        """Write a membership down once the server has acknowledged anything.

        The method for acknowledgements is replaced until then: none later costs anything more.
        """
        self._presumed = (*self._presumed, (self.client, done))
        usual = type(self)._acknowledged

        def first(reply: Reply, token: Any) -> None:
            if reply is not None:
                self._is_let_in()
            usual(self, reply, token)

        self._acknowledged = first  # type: ignore[method-assign]

    def _is_let_in(self) -> None:
        if not self._presumed:
            return
        for client, done in self._presumed:
            if client == self.client:
                done(self.connection.last_received)
        self._presumed = ()
        del self._acknowledged

    def _acknowledged(self, reply: Reply, token: Any) -> None:
        raise NotImplementedError
