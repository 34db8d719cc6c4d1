"""A client whose messages come back: from an Engine.IO echo, or by the contract's event `message`.

What the cases about Engine.IO send and hear, whatever is on top of it.
"""

from __future__ import annotations

from sockproof.conformance.context.outcome import Failure, Unsupported
from sockproof.conformance.context.policy import NO_OCTETS
from sockproof.conformance.peers.client_frames import text_frame
from sockproof.conformance.sessions.engineio import EngineIOPeer
from sockproof.conformance.sessions.socketio import SocketIOPeer
from sockproof.wire import socketio
from sockproof.wire.engineio import Packet, PacketType, encode_payload
from sockproof.wire.websocket import Frame

Value = str | bytes | int


class EchoPeer:
    """Our end of one session. A value that is said comes back as it was, once and in its turn."""

    def __init__(self, engine: EngineIOPeer, socket: SocketIOPeer | None = None) -> None:
        self.context = engine.context
        self.engine = engine
        self.socket = socket
        self._said: list[str | bytes] = []

    # What is said, as it travels.

    def packets(self, *values: Value) -> list[Packet]:
        """The packets that say the values, one after the other."""
        packets = []
        for value in values:
            self._said.append(_plain(value))
            data: list[str | bytes] = [_plain(value)]
            if self.socket is not None:
                if (
                    isinstance(value, bytes)
                    and "refuses-binary" in self.context.policy.capabilities
                ):
                    raise Unsupported(*NO_OCTETS)
                where = self.socket.namespace
                event = socketio.Packet(socketio.PacketType.EVENT, where, ["message", value])
                text, attachments = event.encode()
                data = [text, *attachments]
            packets += [Packet(PacketType.MESSAGE, each) for each in data]
        return packets

    def body(self, *values: Value) -> bytes:
        """The values as the body of a POST."""
        return encode_payload(self.packets(*values))

    def frames(self, *values: str | int) -> list[Frame]:
        """Texts as frames on a WebSocket."""
        return [text_frame(str(packet.encode())) for packet in self.packets(*values)]

    def sized(self, octets: int) -> str:
        """A text that is said in a packet of so many octets."""
        return "x" * (octets - len(self.body("")))

    # Saying and hearing.

    async def say(self, *values: Value) -> None:
        """Say the values: one frame for each packet, or one POST for all of them."""
        await self.engine.send(*self.packets(*values))

    async def hear(self, *values: Value) -> None:
        """What comes back next is these values; what an application says is passed over."""
        for value in values:
            if self.socket is not None:
                await self.socket.expect_event("message-back", value)
            else:
                await self._hear(_plain(value))

    async def _hear(self, value: str | bytes) -> None:
        """A message like none that was said may be the application's, or be ours, altered.

        A word said behind it tells: if it comes back and `value` has not, it was ours.
        """
        wanted = str(Packet(PacketType.MESSAGE, value))
        strange, fence, meanwhile = None, "", []
        with self.context.awaits(wanted):
            while (got := await self.engine.expect(PacketType.MESSAGE)).data != value:
                if got.data in self._said:
                    raise Failure(wanted, got)
                if strange is None:
                    strange, fence = got, f"fence-{self.context.mark}-{len(self._said)}"
                    await self.engine.send(Packet(PacketType.MESSAGE, fence))
                elif got.data == fence:
                    raise Failure(wanted, strange)
            while strange is not None and got.data != fence:  # it answers no later GET
                got = await self.engine.expect(PacketType.MESSAGE)
                meanwhile.append(got)
            self.engine.inbox.extendleft(reversed(meanwhile[:-1]))

    async def heard_before(self, value: str) -> list[str | bytes]:
        """What else comes back before `value` does, the application's own messages included."""
        found: list[str | bytes] = []
        while True:
            if self.socket is not None:
                packet = await self.socket.receive()
                if packet.data == ["message-back", value]:
                    return found
                found.append(str(packet))
            else:
                got = await self.engine.expect(PacketType.MESSAGE)
                if got.data == value:
                    return found
                found.append(got.data)

    async def quiet(self) -> None:
        """Nothing of ours came before: what comes back next is a word that is said now."""
        word = f"fence-{len(self._said)}"
        await self.say(word)
        await self.hear(word)


def _plain(value: Value) -> str | bytes:
    return str(value) if isinstance(value, int) else value
