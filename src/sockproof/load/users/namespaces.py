"""Users with several Socket.IO namespaces on one connection.

The rules that hold here:

* `connected` is called once all namespaces are connected. One that is refused, does not answer in
  time or is disconnected by the server ends the connection: the user is not where it has to be.
* Who is in a further namespace is in a room of that name. A room of the application in there is
  another one than a room of the same name elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic_ns
from typing import Any

import gevent

from sockproof.load.record.recorder import EVERYONE
from sockproof.load.users.connected_user import ConnectedUser
from sockproof.runs.load_records import Reason


class Namespaces(ConnectedUser):
    """The part of a user that is in namespaces."""

    abstract = True
    namespaces: Sequence[str] = ()  # further ones, beside that which it connects to
    auth: Any = None
    _asked_at: dict[str, int] = {}  # noqa: RUF012  # when namespaces were asked for

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
