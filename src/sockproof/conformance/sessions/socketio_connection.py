"""The packets of one Socket.IO connection, on top of an Engine.IO session: what comes, and is ours.

Packets are pulled, like those below. Events that the application sends by itself, in any
namespace and at any time, are passed over; everything else is an answer to us and never is.
"""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass
from typing import Any

from sockproof.conformance.context.contract import Contract
from sockproof.conformance.context.outcome import Failure
from sockproof.conformance.sessions.engineio import EngineIOPeer
from sockproof.conformance.sessions.fences import ACKS, FENCES, Fence, acknowledged_event
from sockproof.wire import WireError, engineio
from sockproof.wire.socketio import Decoder, Packet, PacketType, parse

FENCES_FROM = 7_000_000  # the ids of acknowledgements that a peer asks for by itself


@dataclass(frozen=True, slots=True)
class Heard:
    """A packet of the server; `unasked` ones are the application's own."""

    packet: Packet
    unasked: bool
    octets: int = 0  # of its text


class SocketIOConnection:
    """What a peer sends and receives; `sids` maps each connected namespace to its sid."""

    def __init__(self, engine: EngineIOPeer, namespace: str, contract: Contract) -> None:
        self.context = engine.context
        self.engine = engine
        self.namespace = namespace
        self.contract = contract
        self.sids: dict[str, str] = {}
        self._inbox: deque[Heard] = deque()
        self._decoder = Decoder()
        self._ids = itertools.count(1)
        self._words = itertools.count(1)
        self._fences = itertools.count(FENCES_FROM)
        self._due: set[int] = set()  # acknowledgements of fences that have not come yet
        self._skipped = 0  # attachments of an unasked event, which are still to come

    @property
    def sid(self) -> str:
        """The Socket.IO sid in the peer's own namespace."""
        return self.sids[self.namespace]

    # Sending.

    async def send(self, packet: Packet) -> None:
        """Send one packet, dressed by the contract, its attachments right behind it."""
        await self.send_raw(*self.text(packet))

    def text(self, packet: Packet) -> list[str | bytes]:
        """The Engine.IO messages of a packet, dressed by the contract."""
        text, attachments = self.contract.dressed(packet).encode()
        return [text, *attachments]

    async def send_raw(self, *messages: str | bytes) -> None:
        """Send Engine.IO messages as they are: text gets its digit, binary stays as it is."""
        kind = engineio.PacketType.MESSAGE
        await self.engine.send(*(engineio.Packet(kind, message) for message in messages))

    async def emit(self, event: str, *args: Any, namespace: str | None = None) -> None:
        """Send an event that asks for no acknowledgement."""
        where = namespace or self.namespace
        await self.send(Packet(PacketType.EVENT, where, [event, *args]))

    # Receiving.

    async def receive(self, wanted: str | None = None) -> Packet:
        """The next packet of the server that is an answer to us, its attachments filled in.

        `wanted` is an answer on this connection that might come altered beyond recognition: an
        event that is passed over is fenced, and where the fence is answered first, that event is
        taken for the answer, which is a Failure.
        """
        strange, fence, fences = None, None, FENCES
        while True:
            heard = self._inbox.popleft() if self._inbox else await self._from_engine()
            if self._is_fence(heard.packet):
                if strange is not None and heard.packet.id == fence:
                    fences -= 1
                    if not fences:
                        raise Failure(wanted or "an answer", strange)
                    fence = await self._fenced()
            elif not heard.unasked:
                await self._drain(fence)
                return heard.packet
            elif wanted is not None and strange is None:
                strange, fence = str(heard.packet), await self._fenced()
            del heard  # which may be big, while the next one is waited for

    async def _drain(self, fence: int | None) -> None:
        """Take the answer to a fence off, so that no later GET is answered by it."""
        while fence in self._due:
            heard = await self._from_engine()
            if not self._is_fence(heard.packet):
                self._inbox.append(heard)

    async def _from_engine(self) -> Heard:
        while (heard := self._taken(await self._message())) is None:
            pass
        return heard

    async def _message(self) -> engineio.Packet:
        below = await self.engine.receive()
        if below.type != engineio.PacketType.MESSAGE:
            raise Failure("a Socket.IO packet", f"the Engine.IO packet {below}")
        return below

    def _taken(self, below: engineio.Packet) -> Heard | None:
        """The packet that a MESSAGE completes, if any."""
        packet = self._decoded(below)
        return None if packet is None else self._undressed(packet, len(below.data))

    def _decoded(self, below: engineio.Packet) -> Packet | None:
        try:
            return self._decoder.feed(below.data)
        except WireError as error:
            raise Failure("a Socket.IO packet", f"{below}: {error}") from error

    def _undressed(self, packet: Packet, octets: int = 0) -> Heard:
        unasked = self.contract.is_unasked(packet)
        packet = self.contract.undressed(packet)
        if packet.type == PacketType.CONNECT:
            self.engine.fence = self._engine_fence
        return Heard(packet, unasked, octets)

    async def next_of_any(self) -> Packet:
        """The next packet of the server as it came, whoever it is for."""
        while True:
            packet = self._decoded(await self._message())
            if packet is not None and not self._is_fence(packet):
                self.contract.undressed(packet)  # which remembers where the server lets us in
                return packet

    async def next_or_end(self) -> Packet | None:
        """The next packet that is an answer to us; None when the server ends the session."""
        while True:
            if self._inbox:
                heard: Heard | None = self._inbox.popleft()
            else:
                below = await self.engine.message_or_end()
                if below is None:
                    return None
                heard = self._taken(below)
            if heard is not None and not heard.unasked and not self._is_fence(heard.packet):
                return heard.packet

    async def receive_raw(self, wanted: str | None = "a packet") -> str | bytes:
        """The data of the next MESSAGE that is ours, as the server wrote it but for our mark.

        `wanted` is as with `receive`.
        """
        strange, fence = None, None
        while True:
            data = (await self.engine.expect(engineio.PacketType.MESSAGE)).data
            if isinstance(data, bytes):
                if not self._skipped:
                    return data
                self._skipped -= 1
                continue
            try:
                packet, count = parse(data)
            except WireError:
                return data
            heard = self._undressed(packet)
            if self._is_fence(packet):
                if strange is not None and packet.id == fence:
                    raise Failure(wanted or "a packet", strange)
            elif not heard.unasked:
                return self.contract.undressed_text(data, packet)
            else:
                self._skipped = count
                if wanted is not None and strange is None:
                    strange, fence = repr(data[:100]), await self._fenced()

    # Fences of its own.

    async def _fenced(self) -> int | None:
        """Send a fence behind what came, if there is a namespace to send it in; its id."""
        where = self._joined()
        if where is None or self.contract.asked_in:  # a connect handler may take its time
            return None
        number = next(self._fences)
        self._due.add(number)
        await self.send(acknowledged_event(number, where))
        return number

    def _joined(self) -> str | None:
        """A namespace that this peer is in, its own first."""
        joined = self.contract.joined
        return self.namespace if self.namespace in joined else next(iter(sorted(joined)), None)

    def _is_fence(self, packet: Packet) -> bool:
        """Whether the packet answers a fence of ours, which is no answer to the case."""
        if packet.type not in ACKS or packet.id not in self._due:
            return False
        self._due.discard(packet.id)
        return True

    def _engine_fence(self) -> Fence:
        where = self._joined() or self.namespace
        return Fence.event(next(self._fences), where)
