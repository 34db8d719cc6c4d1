"""Users of plain WebSocket, whose server echoes each message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sockproof.load.net.endpoint import traffic
from sockproof.load.net.websocket import WebSocketConnection
from sockproof.load.record.recorder import ITSELF
from sockproof.load.reference.websocket import ReferenceWebSocket
from sockproof.load.users.connected_user import ACKNOWLEDGED, ConnectedUser
from sockproof.wire.stamp import checksum_of


class WebSocketUser(ConnectedUser):
    """A user with one WebSocket connection; the echo of a message counts as its acknowledgement."""

    abstract = True

    def new_connection(self) -> Any:
        """Return a lean connection, or one of websocket-client."""
        lean = self.sockproof.options.client == "lean"
        return (WebSocketConnection if lean else ReferenceWebSocket)(self.sockproof.endpoint)

    def connected(self) -> None:
        """Settle at once: there is nothing to join."""
        self._waiting: dict[int, tuple[int, int]] = {}
        self.settled()

    def _listener(self, client: int) -> Callable[[bytes, bool], None]:
        heard, sender = self.recorder.heard, self.recorder.identity(client)

        def on_message(data: bytes, _is_binary: bool) -> None:
            found = heard(client, data, traffic.read_at)
            if found is not None and found[0] == sender:
                times = self._waiting.pop(found[1], None)
                if times is not None:
                    self._answered(found[1], *times, is_there=True)

        return on_message

    def _ended(self, *ending: Any) -> None:
        waiting = getattr(self, "_waiting", {})
        self.outstanding -= len(waiting)
        self.recorder.outstanding -= len(waiting)
        waiting.clear()
        super()._ended(*ending)

    def tell(self, body: str | bytes | None = None, *, to: int | str = ITSELF) -> bool:
        """Send a counted message; returns false when the connection does not accept it."""
        if body is None:
            body = self.body
        flags = ACKNOWLEDGED if to == ITSELF else 0
        sequence, intended, actual, stamp = self._take(checksum_of(body), to, flags)
        if isinstance(body, bytes):
            taken = self.connection.send_binary(stamp + body)
        else:
            taken = self.connection.send_text(stamp + body.encode("utf-8"))
        if not taken:
            self._withdraw(sequence, intended, actual, flags)
            return False
        if flags:
            self._waiting[sequence] = intended, actual
        return True
