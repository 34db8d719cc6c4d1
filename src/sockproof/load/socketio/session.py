"""An Engine.IO session for load: its transports, heartbeats, time limits and acknowledgements.

What stands in its messages is for the subclass; see `socketio`.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import Any, Final

import msgspec

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.net.stream import (
    CLOSED,
    CLOSING,
    DIALLING,
    IDLE,
    OPEN,
    SHAKING,
)
from sockproof.load.net.timer_wheel import wheel
from sockproof.load.net.websocket import WebSocketConnection, no_message
from sockproof.load.socketio.acks import NEVER, Acks, Strays, answer, take_expired
from sockproof.load.socketio.polling import PollingTransport
from sockproof.load.socketio.transport import Transport
from sockproof.load.socketio.upgrade import Upgrade
from sockproof.load.traffic import MAX_HELD, callback_failed, held, traffic
from sockproof.runs.load_records import Reason
from sockproof.vocabulary import TRANSPORTS
from sockproof.wire import WireError, strict_json

_WEBSOCKET, _POLLING, _UPGRADE = TRANSPORTS
MAX_SID: Final = 4096  # characters of a session's id, which stands in each request
LARGE: Final = 64 * 1024  # octets of JSON, from which on its values are counted
MAX_VALUES: Final = 200_000  # each of which takes many times what its octets do
_decoded: Final = msgspec.json.Decoder().decode


def not_sent(data: bytes) -> bool:
    """What sends while there is no transport."""
    del data
    return False


def parsed(octets: bytes, what: str) -> Any:
    """The value of JSON octets; raises `WireError`."""
    see_values(octets, what)
    try:
        return _decoded(octets)
    except (msgspec.DecodeError, RecursionError):
        pass  # which may be JSON all the same, as half a surrogate pair or 1e400
    try:
        return strict_json.decoded(octets.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise WireError(f"{what} is not JSON: {error}") from None


def see_values(json: bytes | str, what: str) -> None:
    """See that JSON holds no more values than can be borne; raises `WireError`."""
    if len(json) <= LARGE:
        return
    values = sum(map(json.count, "[{,") if isinstance(json, str) else map(json.count, b"[{,"))
    if values > MAX_VALUES:
        raise WireError(f"{what} holds more than {MAX_VALUES} values")


class Session:
    """One Engine.IO session; a subclass defines `_message`, `_begin`, `_leave` and `_reset`."""

    __slots__ = (
        "_acks",
        "_beyond",
        "_ending",
        "_number",
        "_ping_by",
        "_ping_limit",
        "_polling",
        "_send_text",
        "_transport",
        "_upgrade",
        "_visit",
        "_websocket",
        "deadline",
        "eio_sid",
        "endpoint",
        "headers",
        "on_close",
        "on_upgrade",
        "state",
        "strays",
        "transport",
    )

    def __init__(
        self,
        endpoint: Endpoint,
        transport: str,
        headers: tuple[tuple[str, str], ...],
        numbers_from: int = 0,
    ) -> None:
        if transport not in TRANSPORTS:
            raise ValueError(f"transport is one of {', '.join(TRANSPORTS)}, not {transport!r}")
        self.endpoint = endpoint
        self.transport = transport  # the one asked for; `transport_now` is the one in use
        self.headers = headers
        self.on_upgrade: Callable[[], None] | None = None
        self.on_close: Callable[[Reason, str], None] | None = None
        self._visit = 0
        self._beyond = 0  # of attachments that came, see `endpoint.held`
        self._number = numbers_from  # the last that an acknowledgement was given
        self.strays = Strays(numbers_from)
        self.state = IDLE
        self._reset()

    def _reset(self) -> None:
        self._hold(0)
        self.eio_sid: str | None = None
        self.deadline = 0  # by when the first namespace must be open, or the session closed
        self._acks: Acks = {}
        self._ping_by = 0  # when the next PING must have come
        self._ping_limit = 0
        self._ending: tuple[Reason, str] | None = None
        self._transport: Transport | None = None
        self._websocket: WebSocketConnection | None = None
        self._polling: PollingTransport | None = None
        self._upgrade: Upgrade | None = None
        self._send_text: Callable[[bytes], bool] = not_sent

    def _hold(self, octets: int) -> bool:
        """Note how much of a packet waits for the rest; false when that is too much for all."""
        self._beyond = held(self._beyond, octets, self.endpoint.share)
        return self._beyond == 0 or traffic.held <= MAX_HELD

    # What subclasses define.

    def _message(self, data: bytes, is_binary: bool) -> None:
        """One Engine.IO packet."""
        raise NotImplementedError

    def _begin(self) -> None:
        """The session is open."""
        raise NotImplementedError

    def _leave(self) -> None:
        """The session is about to be closed by us."""
        raise NotImplementedError

    # What users call.

    @property
    def is_open(self) -> bool:
        """Whether the first namespace is connected."""
        return self.state == OPEN

    @property
    def outstanding(self) -> int:
        """How many acknowledgements are waited for."""
        return len(self._acks)

    @property
    def congested(self) -> bool:
        """Whether so much waits to be sent that nothing more is taken."""
        return self._transport is not None and self._transport.congested

    @property
    def buffered(self) -> int:
        """Octets that wait until the target reads."""
        return 0 if self._transport is None else self._transport.buffered

    @property
    def last_received(self) -> int:
        """When anything came last, CLOCK_MONOTONIC in nanoseconds; 0: nothing yet."""
        if self._websocket is not None:
            return self._websocket.last_received
        return 0 if self._polling is None else self._polling.last_received

    @property
    def transport_now(self) -> str:
        """`websocket` or `polling`."""
        return _POLLING if self._websocket is None else _WEBSOCKET

    def open(self) -> None:
        """Begin to connect; raises RuntimeError when it is open already."""
        if self.state not in (IDLE, CLOSED):
            raise RuntimeError("this connection is open already")
        self._reset()
        self.strays.begin(self._number)
        self.state = DIALLING
        if self.transport == _WEBSOCKET:
            target = self.endpoint.engineio_target
            connection = WebSocketConnection(self.endpoint, target=target, headers=self.headers)
            connection.on_message = self._first_packet
            connection.on_close = self._transport_closed
            self._websocket = connection
            self._use(connection)
            connection.open()
        else:
            self._polling = PollingTransport(self.endpoint, self.headers)
            self._polling.on_message = self._first_packet
            self._polling.on_close = self._transport_closed
            self._use(self._polling)
            self._polling.open()
        self.deadline = monotonic_ns() + self.endpoint.connect_limit
        self._visit_by(self.deadline)

    def close(self) -> None:
        """Leave politely: DISCONNECT, then the end of the transport; `on_close` follows."""
        if self.state in (IDLE, CLOSING, CLOSED):
            return
        self._ending = Reason.CLIENT, "closed by us"
        if self.state == OPEN:
            self._leave()
        self.state = CLOSING
        self.deadline = monotonic_ns() + self.endpoint.close_limit
        self._visit_by(self.deadline)
        if self._upgrade is not None:
            self._upgrade.give_up()
        assert self._transport is not None
        self._transport.close()

    def abort(self) -> None:
        """Cut the connection off, as a lost network does; `on_close` follows."""
        if self.state in (IDLE, CLOSED):
            return
        self._ending = self._ending or (Reason.CLIENT, "cut off by us")
        self.state = CLOSING
        if self._upgrade is not None:
            self._upgrade.give_up(cut=True)
        if self._websocket is not None:
            self._websocket.abort()
        elif self._polling is not None:
            self._polling.abort()

    # Time limits.

    def _visit_by(self, at: int) -> None:
        if self._visit == 0 or at < self._visit:
            self._visit = at
            wheel.add(self, at)

    def visited(self, now: int) -> None:
        """See which time limits have passed: of connecting, of a PING, of acknowledgements."""
        if now < self._visit:
            return
        self._visit = 0
        if self.state == CLOSED:
            return
        following = NEVER
        if self.state == CLOSING:
            if now < self.deadline:
                self._visit_by(self.deadline)
            else:
                self.abort()
            return
        if self.deadline:
            if now >= self.deadline:
                what = "Engine.IO OPEN packet" if self.state == DIALLING else "answer to CONNECT"
                seconds = self.endpoint.connect_limit / 1e9
                self._fail(Reason.CONNECT_TIMEOUT, f"no {what} within {seconds:g} s")
                return
            following = self.deadline
        if self._ping_by:
            if now >= self._ping_by:
                seconds = self._ping_limit / 1e9
                self._fail(Reason.PING_TIMEOUT, f"no PING packet within {seconds:g} s")
                return
            following = min(following, self._ping_by)
        if self._acks:
            expired, soonest = take_expired(self._acks, now, self.strays)
            following = min(following, soonest)
            for waiting in expired:
                try:
                    answer(waiting, None)
                except Exception:
                    callback_failed(self)
        if following != NEVER:
            self._visit_by(following)

    # Packets.

    def _first_packet(self, data: bytes, is_binary: bool) -> None:
        """What comes before the OPEN packet is read by no client."""
        try:
            if is_binary or data[:1] != b"0":
                raise WireError(f"no Engine.IO OPEN packet: {data[:40]!r}")
            self._greeted(data)
        except WireError as error:
            self._fail(Reason.BAD_PACKET, str(error))

    def _engine(self, data: bytes) -> None:
        """A text packet that is no MESSAGE."""
        first = data[:1]
        if first == b"2":
            traffic.pings_answered += 1
            self._ping_by = monotonic_ns() + self._ping_limit
            self._send_text(b"3" + data[1:])
        elif first == b"0":
            raise WireError("a second Engine.IO OPEN packet")
        elif first == b"1":
            self._fail(Reason.SERVER_CLOSED, "the server sent an Engine.IO CLOSE packet")
        elif first not in (b"3", b"5", b"6"):
            raise WireError(f"not an Engine.IO packet: {data[:40]!r}")

    def _greeted(self, data: bytes) -> None:
        """The OPEN packet."""
        fields = parsed(data[1:], "the OPEN packet")
        sid = fields.get("sid") if isinstance(fields, dict) else None
        if not isinstance(sid, str) or not sid:
            raise WireError(f"the OPEN packet names no sid: {data[:100]!r}")
        if len(sid) > MAX_SID:
            raise WireError(f"the OPEN packet names a sid of {len(sid)} characters")
        limit = 0.0
        for name in ("pingInterval", "pingTimeout"):
            value = fields.get(name)
            if not isinstance(value, int | float) or not 0 < value < 1e12:
                raise WireError(f"{name} is not a number of milliseconds: {value!r:.60}")
            limit += value
        self.eio_sid = sid
        for transport in (self._websocket, self._polling):
            if transport is not None:
                transport.on_message = self._message
        self._ping_limit = int(limit * 1e6)
        self._ping_by = monotonic_ns() + self._ping_limit
        self.state = SHAKING
        if self._polling is not None:
            most = fields.get("maxPayload")
            self._polling.begin(sid, most if isinstance(most, int) and most > 0 else 1_000_000)
        self._begin()
        upgrades = fields.get("upgrades")
        can = isinstance(upgrades, list) and "websocket" in upgrades
        if self.transport == _UPGRADE and can and self._polling is not None:
            self._upgrade = Upgrade(self, self._polling, sid)

    # Transports, and the end.

    def _use(self, transport: Transport) -> None:
        self._transport = transport
        self._send_text = transport.send_text

    def upgraded(self, connection: WebSocketConnection) -> None:
        """The session goes on over this WebSocket."""
        connection.on_message = self._message
        connection.on_close = self._transport_closed
        self._websocket, self._polling, self._upgrade = connection, None, None
        self._use(connection)

    def use(self, transport: Transport | None) -> None:
        """Send over this transport for now, or over long-polling again."""
        if transport is not None:
            self._use(transport)
        elif self._polling is not None:
            self._use(self._polling)
            self._upgrade = None

    def _transport_closed(self, reason: Reason, text: str) -> None:
        if self._ending is not None:
            reason, text = self._ending
        self._finish(reason, text)

    def _fail(self, reason: Reason, text: str) -> None:
        """End the session because of what the server did or did not do."""
        if self.state == CLOSED:
            return
        if self._ending is not None:
            reason, text = self._ending
        websocket, polling = self._websocket, self._polling
        for transport in (websocket, polling):
            if transport is not None:
                transport.on_close = None
                transport.on_message = no_message
                transport.close()
        self._finish(reason, text)

    def _finish(self, reason: Reason, text: str) -> None:
        if self.state == CLOSED:
            return
        self.state = CLOSED
        if self._upgrade is not None:
            self._upgrade.give_up()
        self.strays.end(self._number)
        waiting = self._acks
        self._reset()
        for each in waiting.values():
            try:
                answer(each, None)
            except Exception:
                callback_failed(self)
        if self.on_close is not None:
            try:
                self.on_close(reason, text)
            except Exception:
                callback_failed(self)
