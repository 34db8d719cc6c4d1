"""A correct Engine.IO server with no Socket.IO on top: each message comes back as it was."""

from __future__ import annotations

from sockproof.wire.engineio import Packet, PacketType
from tests.servers.engineio_server import EngineIOServer
from tests.servers.engineio_session import Session


class EngineIOEcho(EngineIOServer):
    """The server; use it with `async with`, and `url` is where it answers."""

    def session_opened(self, session: Session) -> None:
        def send_back(message: str | bytes) -> None:
            session.send(Packet(PacketType.MESSAGE, message))

        session.on_message = send_back
