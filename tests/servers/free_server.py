"""Correct servers that take their freedoms: what the documents leave open, they do otherwise.

Each name in `freedoms` is described by a file in `tests/freedoms/`; any of them may be combined.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from sockproof.wire import WireError, engineio
from sockproof.wire.socketio import Decoder, Packet, PacketType
from tests.servers.engineio_session import Session
from tests.servers.free_application import PLAIN, FreeFixture, PlainApplication
from tests.servers.free_engineio import FreeEngineIO
from tests.servers.free_policies import FreePolicies
from tests.servers.rooms import Adapter
from tests.servers.socketio_fixture import Refused
from tests.servers.socketio_server import SocketIOServer
from tests.servers.socketio_socket import Connection, Socket

ALONE = frozenset({"is-engineio-alone", "is-engineio-alone-and-silent"})
SHORT_WAIT = 1.0  # seconds without a namespace, or without a word, where a server does not wait
FLOOD = 300  # packets within a second
BEAT = 0.02  # seconds: the pace of a client is so many of these
ANY_SID = "Клиент #{} / {:x}, any"
MORE_NAMESPACES = ("/admin", "/chat", "/orders-eu")
_HEAD = re.compile(r"\d(?:\d*-)?(?:/[^,]*,)?\d*", re.ASCII)


class FreeConnection(Connection):
    """A client's connection, written to as freedoms have it."""

    freedoms: frozenset[str] = frozenset()
    pace = 0.0

    def __init__(self, session: Session) -> None:
        super().__init__(session, None)
        self._due: deque[str | bytes] = deque()
        self.heard = 0  # packets of the client within this second
        self.acknowledged = 0

    def send(self, packet: Packet) -> None:
        """Send a packet, its attachments right behind it."""
        events = (PacketType.EVENT, PacketType.BINARY_EVENT)
        if "appends-offsets" in self.freedoms and packet.type in events and packet.id is None:
            offset = f"offset-{self.session.sent:x}"
            packet = Packet(packet.type, packet.namespace, [*packet.data, offset])
        acknowledges = packet.type in (PacketType.ACK, PacketType.BINARY_ACK)
        if acknowledges and "acknowledges-in-any-order" in self.freedoms:
            self.acknowledged += 1
            if self.acknowledged % 3 != 0:  # handlers run side by side, and take their time
                pace = BEAT * (self.acknowledged % 3)
                asyncio.get_running_loop().call_later(pace, self._acknowledge_late, packet)
                return
        self._write(packet)

    def _acknowledge_late(self, packet: Packet) -> None:
        if packet.namespace in self.sockets:
            self._write(packet)

    def _write(self, packet: Packet) -> None:
        text, attachments = packet.encode()
        self._say(self._rewritten(text))
        for octets in attachments:
            self._say(octets)

    def _say(self, message: str | bytes) -> None:
        if not self.pace:
            self.session.send(engineio.Packet(engineio.PacketType.MESSAGE, message))
            return
        self._due.append(message)
        asyncio.get_running_loop().call_later(self.pace, self._say_next)

    def _say_next(self) -> None:
        message = self._due.popleft()
        self.session.send(engineio.Packet(engineio.PacketType.MESSAGE, message))

    def _rewritten(self, text: str) -> str:
        """The packet's text with its JSON written in another way."""
        found = _HEAD.match(text)
        assert found is not None
        head, rest = text[: found.end()], text[found.end() :]
        if not rest or not self.freedoms & {
            "writes-json-with-blanks",
            "escapes-text",
            "orders-members-otherwise",
            "writes-numbers-otherwise",
        }:
            return text
        value = json.loads(rest)
        if "orders-members-otherwise" in self.freedoms:
            value = _reordered(value)
        if "writes-numbers-otherwise" in self.freedoms:
            value = _renumbered(value)
        blanks = "writes-json-with-blanks" in self.freedoms
        escapes = "escapes-text" in self.freedoms
        rest = json.dumps(
            value, separators=(", ", ": ") if blanks else (",", ":"), ensure_ascii=escapes
        )
        return head + (rest.replace("/", "\\/") if escapes else rest)


def _reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _reordered(item) for name, item in reversed(value.items())}
    return [_reordered(item) for item in value] if isinstance(value, list) else value


def _renumbered(value: Any) -> Any:
    """Numbers as other languages write them: 1 for 1.0."""
    if isinstance(value, dict):
        return {name: _renumbered(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_renumbered(item) for item in value]
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return int(value) if whole else value


class FreeServer(FreeEngineIO, FreePolicies, SocketIOServer):
    """The correct server with the target contract and some freedoms."""

    def __init__(
        self,
        freedoms: Iterable[str] = (),
        ping_interval: int = 25_000,
        ping_timeout: int = 20_000,
        processes: int = 1,
    ) -> None:
        self.freedoms = frozenset(freedoms)
        super().__init__(None, ping_interval, ping_timeout, processes)
        self.take_freedoms(freedoms)
        if self.freedoms & ALONE:
            self.path = "/engine.io/"
        self._soon: dict[str, deque[Callable[[], None]]] = {}
        if "has-more-namespaces" in self.freedoms:
            for name in MORE_NAMESPACES:
                self._add_namespace(name)

    async def __aenter__(self) -> FreeServer:
        await super().__aenter__()
        assert isinstance(self.fixture, FreeFixture)
        if self.freedoms & {"ticks", "ticks-in-rooms", "ticks-with-octets"}:
            self.run(self.fixture.tick())
        return self

    def _add_namespace(self, name: str) -> None:
        adapter = Adapter(name)
        adapter.others = self.adapters
        self.adapters[name] = adapter

    def soon(self, socket: Socket, what: Callable[[], None]) -> None:
        """Do something a little later, but what one client asked for in order."""
        queue = self._soon.setdefault(socket.sid, deque())
        queue.append(what)

        def do() -> None:
            first = queue.popleft()
            if socket.connection.sockets.get(socket.namespace) is socket:
                first()

        asyncio.get_running_loop().call_later(BEAT, do)

    # What is made otherwise.

    def _make_fixture(self) -> FreeFixture:
        kind = PlainApplication if self.freedoms & PLAIN else FreeFixture
        return kind(self)

    def _make_connection(self, session: Session) -> FreeConnection:
        connection = FreeConnection(session)
        connection.freedoms = self.freedoms
        if "serves-each-client-at-its-own-pace" in self.freedoms:
            connection.pace = BEAT * (len(self.sessions) % 4)
        return connection

    def _sid(self, connection: Connection, namespace: str) -> str:
        if "has-any-text-as-sid" in self.freedoms:
            return ANY_SID.format(next(self._sids), id(self))
        return super()._sid(connection, namespace)

    def _payload_of_connect(self, socket: Socket) -> dict[str, Any]:
        payload = super()._payload_of_connect(socket)
        if "appends-offsets" in self.freedoms:
            payload["pid"] = f"private-{socket.sid}"
        if "says-more-in-connect" in self.freedoms:
            payload = {"user": {"name": "any", "roles": []}, **payload, "version": 1.5}
        return payload

    # Sessions.

    def session_opened(self, session: Session) -> None:
        super().session_opened(session)
        if "is-engineio-alone" in self.freedoms:
            session.on_message = lambda data: session.send(
                engineio.Packet(engineio.PacketType.MESSAGE, data)
            )
        if "is-engineio-alone-and-silent" in self.freedoms:
            session.on_message = lambda _: None
        if "ends-sessions-without-a-namespace" in self.freedoms:
            self.run(self._end_unless(session, lambda: bool(session.layer.sockets)))
        if "ends-silent-sessions" in self.freedoms:
            self.run(self._end_when_silent(session))

    async def _end_unless(self, session: Session, holds: Callable[[], bool]) -> None:
        await asyncio.sleep(SHORT_WAIT)
        if not holds():
            session.close("connect timeout")

    async def _end_when_silent(self, session: Session) -> None:
        before = -1
        while not session.closed and before != session.received:
            before = session.received
            await asyncio.sleep(3 * SHORT_WAIT)
        session.close("idle")

    def _received(self, connection: Connection, message: str | bytes) -> None:
        if "ends-sessions-that-flood" in self.freedoms and self._floods(connection):
            connection.session.close("too many packets")
            return
        if self._overlooks(connection, message):
            return
        super()._received(connection, message)

    def _floods(self, connection: Connection) -> bool:
        assert isinstance(connection, FreeConnection)
        connection.heard += 1
        if connection.heard == 1:
            asyncio.get_running_loop().call_later(1.0, setattr, connection, "heard", 0)
        return connection.heard > FLOOD

    def _overlooks(self, connection: Connection, message: str | bytes) -> bool:
        """Whether a message is passed over that may also end the connection."""
        decoder = connection.decoder
        text = message if isinstance(message, str) else ""
        if "discards-what-is-interrupted" in self.freedoms and decoder.pending and text:
            connection.decoder = Decoder()
            return True
        if not connection.greeted:
            return False
        if "overlooks-strange-attachments" in self.freedoms:
            if isinstance(message, bytes) and not decoder.pending:
                return True
            try:
                trial = Decoder()
                if text[:1] in ("5", "6"):
                    trial.feed(text)
            except WireError:
                return True
            if isinstance(message, bytes) and decoder.pending == 1:
                return self._is_misplaced(connection, message)
        nameless = text[:1] == "3" and "[" in text and not re.match(r"3(/[^,]*,)?\d", text)
        return "overlooks-acknowledgements-without-an-id" in self.freedoms and nameless

    def _is_misplaced(self, connection: Connection, message: bytes) -> bool:
        """Whether the packet that this completes names an attachment that it has not."""
        try:
            packet = connection.decoder.feed(message)
        except WireError:
            connection.decoder = Decoder()
            return True
        assert packet is not None
        self._packet(connection, packet)
        return True

    # Packets.

    def _packet(self, connection: Connection, packet: Packet) -> None:
        events = (PacketType.EVENT, PacketType.BINARY_EVENT)
        nameless = packet.type in events and not isinstance(packet.data[0], str)
        if nameless and "refuses-numbers-as-names" in self.freedoms:
            raise WireError("the event's name is a number")
        refusal = packet.type == PacketType.CONNECT_ERROR and connection.greeted
        if refusal and "overlooks-connect-errors" in self.freedoms:
            return
        written = str(connection.last)[1:].lstrip("0123456789-").startswith("/,")
        if written and "refuses-the-main-namespace-written-out" in self.freedoms:
            raise WireError("the main namespace is not written out")
        super()._packet(connection, packet)
        last = packet.type == PacketType.DISCONNECT and not connection.sockets
        if last and "ends-sessions-with-their-last-namespace" in self.freedoms:
            connection.session.close("the last namespace was left")

    def _connect(self, connection: Connection, packet: Packet) -> None:
        name, _, query = packet.namespace.partition("?")
        if query and "refuses-queries-of-namespaces" in self.freedoms:
            self._refuse(connection, packet.namespace, packet.data, Refused("Invalid namespace"))
            return
        if name in connection.sockets and "ends-sessions-that-connect-twice" in self.freedoms:
            raise WireError("connected already")
        dynamic = name.startswith("/tenant-") and "has-dynamic-namespaces" in self.freedoms
        if dynamic and name not in self.adapters:
            self._add_namespace(name)
        super()._connect(connection, packet)

    def _refuse(self, connection: Connection, namespace: str, auth: Any, refused: Refused) -> None:
        if "words-refusals-otherwise" in self.freedoms and "no entry" not in str(refused):
            refused = Refused("nicht möglich: ⛔", {"status": 403, "details": [namespace]})
        super()._refuse(connection, namespace, auth, refused)

    def _not_joined(self, connection: Connection, packet: Packet) -> None:
        if "ends-sessions-that-speak-elsewhere" in self.freedoms:
            raise WireError("a packet for a namespace that its sender is not in")
        super()._not_joined(connection, packet)
