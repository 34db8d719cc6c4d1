"""What an application on a Socket.IO server refuses by a policy of its own.

Socket.IO protocol, revision 5, has CONNECT_ERROR and DISCONNECT for whatever reasons a server
has; the names in `freedoms` are described in `tests/freedoms/socketio/policies.toml`.
"""

from __future__ import annotations

import asyncio

from sockproof.wire.socketio import Packet, PacketType
from tests.servers.rooms import Adapter
from tests.servers.socketio_fixture import Refused
from tests.servers.socketio_server import SocketIOServer
from tests.servers.socketio_socket import Connection, Socket

EVENTS = (PacketType.EVENT, PacketType.BINARY_EVENT)
FEW_CLIENTS = 12
FEW_EVENTS = 20  # of one client within a second
FURTHER = ("/custom", "/other", "/reject")


class FreePolicies(SocketIOServer):
    """Goes in front of the correct server's class."""

    freedoms: frozenset[str] = frozenset()

    def _packet(self, connection: Connection, packet: Packet) -> None:
        socket = connection.sockets.get(packet.namespace)
        if packet.type in EVENTS and socket is not None:
            if packet.encode()[1] and self._refuses_octets(socket):
                return
            if self._is_too_quick(socket):
                return
        super()._packet(connection, packet)

    def _refuses_octets(self, socket: Socket) -> bool:
        if "puts-out-who-sends-octets" in self.freedoms:
            self.disconnect(socket)
        elif "closes-who-sends-octets" in self.freedoms:
            socket.connection.session.close("octets")
        elif "answers-octets-with-an-error" in self.freedoms:
            socket.emit("error", {"message": "binary data is not supported"})
        else:
            return "overlooks-octets" in self.freedoms
        return True

    def _is_too_quick(self, socket: Socket) -> bool:
        policies = self.freedoms & {"tells-who-is-too-quick", "puts-out-who-is-too-quick"}
        if not policies:
            return False
        heard = getattr(socket, "heard", 0) + 1
        socket.heard = heard  # type: ignore[attr-defined]
        if heard == 1:
            asyncio.get_running_loop().call_later(1.0, setattr, socket, "heard", 0)
        if heard <= FEW_EVENTS:
            return False
        socket.emit("error", {"message": "slow down"})
        if "puts-out-who-is-too-quick" in policies:
            self.disconnect(socket)
        return True

    def _connect(self, connection: Connection, packet: Packet) -> None:
        name = packet.namespace
        if name in FURTHER and "has-one-namespace" in self.freedoms:
            self._refuse(connection, name, packet.data, Refused("Invalid namespace"))
            return
        if name not in self.adapters and "has-namespaces-of-any-name" in self.freedoms:
            adapter = Adapter(name)
            adapter.others = self.adapters
            self.adapters[name] = adapter
        among = len(self.adapters[name].sockets) if name in self.adapters else 0
        if among >= FEW_CLIENTS and "lets-few-clients-in" in self.freedoms:
            self._refuse(connection, name, packet.data, Refused("too many clients"))
            return
        super()._connect(connection, packet)
        socket = connection.sockets.get("/custom")
        if name == "/custom" and socket and "puts-out-behind-connect" in self.freedoms:
            self.disconnect(socket)
