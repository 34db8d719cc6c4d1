"""Whether an Engine.IO server sends back what it is sent, with nothing of Socket.IO on top."""

from __future__ import annotations

from sockproof.conformance.capabilities.websocket import MOST_PASSED_OVER, content
from sockproof.conformance.sessions.engineio import EngineIOPeer
from sockproof.wire.engineio import Packet, PacketType

ROUNDS = 2  # of text and of octets


async def sends_back(engine: EngineIOPeer) -> bool:
    """Whether several messages come back exactly, text and octets; the session is used up by it.

    Whatever speaks Socket.IO answers the CONNECT behind them, unless it has closed the session.
    """
    wanted: list[str | bytes] = []
    for _ in range(ROUNDS):
        wanted += [content().decode(), content()]
    said = [Packet(PacketType.MESSAGE, each) for each in (*wanted, "0")]
    if not await engine.send_or_end(*said):
        return False
    for _ in range(MOST_PASSED_OVER):
        message = await engine.message_or_end()
        if message is None or str(message.data).startswith(("0", "4{")):
            return False
        if message.data in wanted:
            wanted.remove(message.data)
        if not wanted:
            return True
    return False
