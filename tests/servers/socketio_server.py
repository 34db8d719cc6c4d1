"""A correct Socket.IO server, revision 5, with the target contract on top of it.

Namespaces and packets are here, rooms in `rooms`, what the contract's events do in
`socketio_fixture`, everything below in `engineio_server`.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Coroutine
from types import TracebackType
from typing import Any

from sockproof.wire import WireError
from sockproof.wire.socketio import Packet, PacketType
from tests.servers import lifecycle_faults, room_faults, socketio_faults
from tests.servers.engineio_server import EngineIOServer
from tests.servers.engineio_session import Session
from tests.servers.rooms import Adapter
from tests.servers.socketio_fixture import Fixture, Refused
from tests.servers.socketio_socket import Connection, Socket

NAMESPACES = ("/", "/custom", "/other", "/reject")
RESERVED = (
    *("connect", "connect_error", "disconnect", "disconnecting"),
    *("newListener", "removeListener"),
)


class SocketIOServer(EngineIOServer):
    """The server; use it with `async with`, and `url` is where it answers."""

    def __init__(
        self,
        fault: str | None = None,
        ping_interval: int = 25_000,
        ping_timeout: int = 20_000,
        processes: int = 1,
    ) -> None:
        super().__init__(fault, ping_interval, ping_timeout)
        self.processes = processes  # that it appears to be
        self._places = random.Random(4)
        self.adapters = {name: Adapter(name, fault) for name in NAMESPACES}
        for adapter in self.adapters.values():
            adapter.others = self.adapters
        self.fixture = self._make_fixture()
        self._sids = itertools.count(1)
        self._background: set[asyncio.Task[None]] = set()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await super().__aexit__(exc_type, exc, traceback)

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Let something that waits go on beside the connection that asked for it."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    # What a server with freedoms makes otherwise.

    def _make_fixture(self) -> Fixture:
        return Fixture(self)

    def _make_connection(self, session: Session) -> Connection:
        return Connection(session, self.fault)

    def _sid(self, connection: Connection, namespace: str) -> str:
        sid = f"socket-{next(self._sids)}-{id(self):x}"
        match self.fault:
            case "uses-the-session-id-as-sid":
                return connection.session.sid
            case "one-sid-for-all-namespaces":
                return f"socket-{connection.session.sid}"
            case "one-sid-for-all-clients":
                return "socket"
            case "gives-a-sid-again":
                return connection.given.setdefault(namespace, sid)
        return sid

    def _payload_of_connect(self, socket: Socket) -> dict[str, Any]:
        return {} if self.fault == "answers-connect-without-sid" else {"sid": socket.sid}

    # Engine.IO's side.

    def session_opened(self, session: Session) -> None:
        connection = self._make_connection(session)
        connection.process = self._places.randrange(self.processes)
        session.layer = connection

        def received(message: str | bytes) -> None:
            connection.last = message
            self._received(connection, message)

        def closed(reason: str) -> None:
            for socket in list(connection.sockets.values()):
                self._left(socket, reason)

        session.on_message = received
        session.on_close = closed

    def _received(self, connection: Connection, message: str | bytes) -> None:
        decoder = connection.decoder
        if (
            self.fault == "takes-text-as-attachment"
            and decoder.pending
            and isinstance(message, str)
        ):
            message = message.encode()
        try:
            packet = socketio_faults.read(connection, message)
            if packet is not None:
                self._packet(connection, packet)
        except WireError:
            if self.fault != "ignores-bad-packets":
                connection.session.close("parse error")

    # Packets.

    def _packet(self, connection: Connection, packet: Packet) -> None:
        if packet.type == PacketType.CONNECT:
            connection.greeted = True
            self._connect(connection, packet)
            return
        if not connection.greeted and self.fault != "processes-before-connect":
            raise WireError("the first packet is no CONNECT")
        if packet.type == PacketType.CONNECT_ERROR:
            raise WireError("CONNECT_ERROR is a server's packet")
        events = (PacketType.EVENT, PacketType.BINARY_EVENT)
        if packet.type in events and packet.data[0] in RESERVED:
            if self.fault == "runs-handlers-of-reserved-events":
                self.fixture.disconnected(connection.sockets["/"], "reserved", [])
            raise WireError("the event's name is reserved")
        socket = connection.sockets.get(packet.namespace)
        if socket is None:
            self._not_joined(connection, packet)
            return
        if packet.type == PacketType.DISCONNECT:
            if self.fault != "keeps-namespaces-that-were-left":
                self._left(socket, "client namespace disconnect")
                lifecycle_faults.left(self, socket)
            if self.fault == "leaving-one-namespace-leaves-all":
                for other in list(connection.sockets.values()):
                    self.disconnect(other)
        elif packet.type in events:
            for adapter in self.adapters.values():
                adapter.speaking = socket
            self.fixture.event(socket, packet.data[0], packet.data[1:], packet.id)
            for adapter in self.adapters.values():
                adapter.speaking = None
        else:
            if self.fault == "closes-on-unknown-acks" and packet.id == 4711:
                raise WireError("an acknowledgement that nobody waits for")
            socket.acknowledged(packet.id, packet.data)

    def _not_joined(self, connection: Connection, packet: Packet) -> None:
        """A packet for a namespace that its sender is not in is passed over."""
        faults = {
            "/": "lets-everyone-into-the-main-namespace",
            "/reject": "refused-clients-are-in",
            "/custom": "processes-events-before-joining",
        }
        if self.fault == faults.get(packet.namespace, "-") and packet.type == PacketType.EVENT:
            answer = ["message-back", *packet.data[1:]]
            connection.send(Packet(PacketType.EVENT, packet.namespace, answer))

    def _connect(self, connection: Connection, packet: Packet) -> None:
        namespace = packet.namespace.partition("?")[0]
        try:
            if namespace not in self.adapters:
                if self.fault != "accepts-unknown-namespaces":
                    raise Refused("Invalid namespace")
                self.adapters[namespace] = Adapter(namespace, self.fault)
            if self.fault == "needs-a-comma" and connection.last == "0/custom":
                raise Refused("a comma is missing")
            if namespace in connection.sockets and self.fault != "connects-twice":
                raise Refused("Already connected")
            if connection.given.get(namespace) == "":
                raise Refused("refused before")
            self.fixture.admit(namespace, packet.data)
        except Refused as refused:
            self._refuse(connection, namespace, packet.data, refused)
            return
        sid = self._sid(connection, namespace)
        if self.fault == "one-namespace-at-a-time":
            for other in list(connection.sockets.values()):
                self.disconnect(other)
        socket = Socket(sid, namespace, connection, packet.data)
        connection.sockets[namespace] = socket
        self.adapters[namespace].add(socket)
        self.fixture.connecting(socket)
        lifecycle_faults.returned(self, socket)
        named = "/" if self.fault == "answers-connect-in-the-main-namespace" else namespace
        if self.fault == "emits-before-connect":
            socket.emit("welcome", "too early")
        socket.send(Packet(PacketType.CONNECT, named, self._payload_of_connect(socket)))
        self.fixture.connected(socket)

    def _refuse(self, connection: Connection, namespace: str, auth: Any, refused: Refused) -> None:
        payload: Any = refused.payload
        if self.fault == "refuses-in-the-main-namespace":
            connection.send(Packet(PacketType.CONNECT_ERROR, "/", payload))
            return
        if self.fault == "refuses-who-was-refused":
            connection.given[namespace] = ""
        if namespace in self.adapters:
            lifecycle_faults.refused(self, Socket("refused", namespace, connection, auth))
        if self.fault == "refuses-with-text":
            payload = payload["message"]
        connection.send(Packet(PacketType.CONNECT_ERROR, namespace, payload))
        if self.fault == "refusal-disconnects-the-others":
            for other in list(connection.sockets.values()):
                self.disconnect(other)
        if self.fault == "refusal-closes-the-connection":
            connection.session.close("refused")

    # Leaving.

    def _left(self, socket: Socket, reason: str) -> None:
        """A socket has left its namespace, whoever wanted that."""
        del socket.connection.sockets[socket.namespace]
        adapter = self.adapters[socket.namespace]
        rooms = adapter.rooms_of(socket.sid)
        self.fixture.disconnected(socket, reason, rooms)
        if self.fault != "silent-clients-keep-their-rooms" or reason != "ping timeout":
            adapter.remove(socket.sid)
        lifecycle_faults.parted(self, socket, rooms)

    def disconnect(self, socket: Socket) -> None:
        """Put a socket out of its namespace; its connection stays."""
        if self.fault != "disconnects-without-telling":
            adapter = self.adapters[socket.namespace]
            wrong = self.fault == "disconnects-from-afar-in-another-namespace"
            astray = wrong and room_faults.is_apart(adapter, socket)
            namespace = "/other" if astray else socket.namespace
            socket.send(Packet(PacketType.DISCONNECT, namespace))
        self._left(socket, "server namespace disconnect")
        if self.fault == "disconnecting-closes-the-connection":
            socket.connection.session.close("put out")
