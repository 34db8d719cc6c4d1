"""The change of an Engine.IO session from long-polling to a WebSocket, as browsers make it.

The WebSocket is probed while long-polling goes on. Once the server has answered the probe, what
is sent is held back, long-polling is brought to its end, and only then the server is told to
change over; so nothing is lost and nothing overtakes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from sockproof.load.net.websocket import WebSocketConnection, no_message
from sockproof.load.socketio.polling import MAX_PACKETS_QUEUED, PollingTransport
from sockproof.load.socketio.transport import Upgrading
from sockproof.load.traffic import callback_failed, traffic
from sockproof.runs.load_records import Reason


class _Held:
    """What is sent while no transport may be used, in order."""

    __slots__ = ("_limit", "_polling", "buffered", "packets")

    def __init__(self, polling: PollingTransport) -> None:
        self.packets: list[tuple[bytes, Sequence[bytes]]] = []
        self.buffered = 0
        self._limit = polling.endpoint.max_buffered
        self._polling = polling

    @property
    def congested(self) -> bool:
        return self.buffered >= self._limit or len(self.packets) >= MAX_PACKETS_QUEUED

    def send_text(self, data: bytes) -> bool:
        return self.send_packet(data, ())

    def send_packet(self, text: bytes, attachments: Sequence[bytes]) -> bool:
        if self.congested:
            traffic.back_pressured += 1
            return False
        self.packets.append((text, attachments))
        self.buffered += len(text) + sum(map(len, attachments))
        return True

    def close(self) -> None:
        self._polling.close()


class Upgrade:
    """One attempt; a session whose attempt fails stays with long-polling."""

    __slots__ = ("_connection", "_held", "_polling", "_session")

    def __init__(self, session: Upgrading, polling: PollingTransport, sid: str) -> None:
        endpoint = session.endpoint
        self._session = session
        self._polling = polling
        self._held: _Held | None = None
        own = [pair for pair in session.headers if pair[0].lower() != "cookie"]
        cookies = polling.cookies()
        headers = (*own, ("Cookie", cookies)) if cookies else tuple(own)
        query = f"EIO=4&transport=websocket&sid={quote(sid, safe='', errors='replace')}"
        target = endpoint.target(query, endpoint.socketio_path)
        connection = WebSocketConnection(endpoint, target=target, headers=headers)
        self._connection: WebSocketConnection | None = connection
        connection.on_open = self._probe
        connection.on_message = self._answered
        connection.on_close = self._failed
        connection.open()

    def _probe(self) -> None:
        if self._connection is not None:
            self._connection.send_text(b"2probe")
            self._connection.expect(within_limit=True)

    def _answered(self, data: bytes, is_binary: bool) -> None:
        connection = self._connection
        if connection is None or self._held is not None:
            return
        if is_binary or data != b"3probe":
            self.give_up()
            return
        self._held = _Held(self._polling)
        self._session.use(self._held)
        self._polling.pause(self._paused)

    def _paused(self) -> None:
        connection, held = self._connection, self._held
        if connection is None or held is None:
            return
        connection.expect(within_limit=False)
        connection.on_open = None
        self._connection = self._held = None
        self._session.upgraded(connection)
        self._polling.on_close = None
        self._polling.drop()
        messages = [(b"5", False)]
        for text, attachments in held.packets:
            messages += [(text, False), *((each, True) for each in attachments)]
        connection.send_all(messages)
        if self._session.on_upgrade is not None:
            try:
                self._session.on_upgrade()
            except Exception:
                callback_failed(self)

    def _failed(self, reason: Reason, text: str) -> None:
        del reason, text  # long-polling goes on; if that fails too, its own reason tells
        self._connection = None
        self._back()

    def give_up(self, cut: bool = False) -> None:
        """Close the WebSocket, or cut it off; long-polling goes on."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.on_open = connection.on_close = None
            connection.on_message = no_message
            if cut:
                connection.abort()
            else:
                connection.close()
        self._back()

    def _back(self) -> None:
        held, self._held = self._held, None
        self._session.use(None)
        if held is not None:
            for text, attachments in held.packets:
                self._polling.take(text, attachments)
            self._polling.resume()
