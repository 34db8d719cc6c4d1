"""The client's side of one Socket.IO connection, on top of an Engine.IO session.

Socket.IO protocol, revision 5. Packets are pulled, like those below. Events that the application
sends by itself, in any namespace and at any time, are passed over; everything else is an answer
to us and never is. While an acknowledgement is awaited, whatever else arrives is kept in order,
and is what `receive` gives next.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from dataclasses import dataclass
from typing import Any

from sockproof.conformance.contract import EVENTS, FURTHER_NAMESPACE, Contract
from sockproof.conformance.engineio_peer import EngineIOPeer
from sockproof.conformance.fences import ACKS, Fence, acknowledged_event
from sockproof.conformance.outcome import Failure, Unsupported
from sockproof.wire import WireError, engineio
from sockproof.wire.socketio import Decoder, Packet, PacketType, parse

MOST_PACKETS = 50  # that a server may say before it answers: one that never does is not heard out
MOST_KEPT = 1000  # unasked events that are kept while an acknowledgement is awaited
FENCES_FROM = 7_000_000  # the ids of acknowledgements that a peer asks for by itself
FENCES = 2  # in a row: a server with threads may answer one a little early
FENCED = ("auth", "message-back")  # events that come on the connection that asks for them


@dataclass(frozen=True, slots=True)
class _Heard:
    """A packet of the server; `unasked` ones are the application's own."""

    packet: Packet
    unasked: bool


class SocketIOPeer:
    """Our end of one Socket.IO connection; `sids` maps each connected namespace to its sid."""

    def __init__(self, engine: EngineIOPeer, namespace: str, contract: Contract) -> None:
        self.scene = engine.scene
        self.engine = engine
        self.namespace = namespace
        self.contract = contract
        self.sids: dict[str, str] = {}
        self._inbox: deque[_Heard] = deque()
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
                        raise Failure(wanted or "an answer", str(strange))
                    fence = await self._fenced()
            elif not heard.unasked:
                await self._drain(fence)
                return heard.packet
            elif wanted is not None and strange is None:
                strange, fence = heard.packet, await self._fenced()

    async def _drain(self, fence: int | None) -> None:
        """Take the answer to a fence off, so that no later GET is answered by it."""
        while fence in self._due:
            heard = await self._from_engine()
            if not self._is_fence(heard.packet):
                self._inbox.append(heard)

    async def _from_engine(self) -> _Heard:
        while (heard := self._taken(await self._message())) is None:
            pass
        return heard

    async def _message(self) -> engineio.Packet:
        below = await self.engine.receive()
        if below.type != engineio.PacketType.MESSAGE:
            raise Failure("a Socket.IO packet", f"the Engine.IO packet {below}")
        return below

    def _taken(self, below: engineio.Packet) -> _Heard | None:
        """The packet that a MESSAGE completes, if any."""
        packet = self._decoded(below)
        return None if packet is None else self._undressed(packet)

    def _decoded(self, below: engineio.Packet) -> Packet | None:
        try:
            return self._decoder.feed(below.data)
        except WireError as error:
            raise Failure("a Socket.IO packet", f"{below}: {error}") from error

    def _undressed(self, packet: Packet) -> _Heard:
        unasked = self.contract.is_unasked(packet)
        packet = self.contract.undressed(packet)
        if packet.type == PacketType.CONNECT:
            self.engine.fence = self._engine_fence
        return _Heard(packet, unasked)

    async def next_of_any(self) -> Packet:
        """The next packet of the server as it came, whoever it is for."""
        while True:
            packet = self._decoded(await self._message())
            if packet is not None and not self._is_fence(packet):
                return packet

    async def next_or_end(self) -> Packet | None:
        """The next packet that is an answer to us; None when the server ends the session."""
        while True:
            if self._inbox:
                heard: _Heard | None = self._inbox.popleft()
            else:
                below = await self.engine.message_or_end()
                if below is None:
                    return None
                heard = self._taken(below)
            if heard is not None and not heard.unasked and not self._is_fence(heard.packet):
                return heard.packet

    async def receive_event(self) -> Packet:
        """The next packet, which must be an event."""
        packet = await self.receive()
        if packet.type not in EVENTS:
            raise Failure("an event", str(packet))
        return packet

    async def expect_event(self, event: str, *args: Any, namespace: str | None = None) -> Packet:
        """The next packet must be exactly this event, in this namespace, asking for no ack."""
        data = self.contract.events(event, args)
        wanted = Packet(PacketType.EVENT, namespace or self.namespace, data)
        with self.scene.awaits(str(wanted)):
            got = await self.receive(str(wanted) if event in FENCED else None)
        if got.type not in EVENTS or (got.namespace, got.data) != (wanted.namespace, wanted.data):
            raise Failure(str(wanted), str(got))
        return got

    async def expect(self, type_: PacketType, namespace: str | None = None) -> Packet:
        """The next packet must be of this type and in this namespace."""
        where = namespace or self.namespace
        wanted = f"{type_.name} in {where}"
        with self.scene.awaits(wanted):
            got = await self.receive(wanted if type_ in EVENTS else None)
        self._forgive(got)
        if got.type != type_ or got.namespace != where:
            raise Failure(wanted, str(got))
        return got

    def _forgive(self, got: Packet) -> None:
        """Raise `Unsupported` for a refusal that was known before the run."""
        refuses = "refuses-custom" in self.scene.policy.capabilities
        known = (got.type, got.namespace) == (PacketType.CONNECT_ERROR, FURTHER_NAMESPACE)
        if refuses and known:
            raise Unsupported(f"a client that is let into {got.namespace} (see --auth)", str(got))

    async def call(self, event: str, *args: Any, namespace: str | None = None) -> list[Any]:
        """Send an event that asks for an acknowledgement, and give the acknowledgement's list."""
        where = namespace or self.namespace
        number = next(self._ids)
        await self.send(Packet(PacketType.EVENT, where, [event, *args], number))
        return await self.ack(number, where)

    async def ack(self, number: int, namespace: str | None = None) -> list[Any]:
        """The acknowledgement of this id; other packets that come before it are kept."""
        where = namespace or self.namespace
        with self.scene.awaits(f"the acknowledgement {number} in {where}"):
            for heard in self._inbox:
                if _acknowledges(heard.packet, number, where):
                    self._inbox.remove(heard)
                    return list(heard.packet.data)
            while True:
                heard = await self._from_engine()
                if _acknowledges(heard.packet, number, where):
                    return list(heard.packet.data)
                if not heard.unasked or len(self._inbox) < MOST_KEPT:
                    self._inbox.append(heard)

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

    # Namespaces.

    async def connect(self, namespace: str | None = None, auth: Any = None) -> str:
        """Connect to a namespace and give the sid; a refusal is a Failure."""
        where = namespace or self.namespace
        await self.send(Packet(PacketType.CONNECT, where, auth))
        packet = await self.expect(PacketType.CONNECT, where)
        sid = packet.data.get("sid") if isinstance(packet.data, dict) else None
        if not isinstance(sid, str) or not sid:
            raise Failure("a CONNECT packet with a sid", str(packet))
        self.sids[where] = sid
        return sid

    async def enter(self, namespace: str, auth: Any = None) -> str:
        """Be in a further namespace, as the case needs it; `auth` of the fixture is taken off."""
        with self.scene.preparing(f"the client in {namespace} too"):
            sid = await self.connect(namespace, auth)
            await self.greeted(namespace, auth)
        return sid

    async def greeted(self, namespace: str | None = None, auth: Any = None) -> None:
        """Take the event `auth` off, which follows a CONNECT of this payload, where it does."""
        if self.contract.greets:
            await self.expect_event("auth", {} if auth is None else auth, namespace=namespace)

    async def disconnect(self, namespace: str | None = None) -> None:
        """Leave a namespace; no answer is due."""
        where = namespace or self.namespace
        await self.send(Packet(PacketType.DISCONNECT, where))
        self.sids.pop(where, None)

    # The control event of the target contract.

    async def operate(self, op: str, **fields: Any) -> dict[str, Any]:
        """Have the target do an operation; gives its answer, refusals included."""
        namespace = fields.pop("via", None)
        answer = await self.call("sockproof", {"op": op, **fields}, namespace=namespace)
        if len(answer) != 1 or not isinstance(answer[0], dict) or "ok" not in answer[0]:
            raise Failure(f"one object with `ok` as the answer to {op}", repr(answer)[:200])
        return answer[0]

    async def proof(self, op: str, **fields: Any) -> dict[str, Any]:
        """Have the target do an operation that the case builds on; `via` names a namespace."""
        with self.scene.preparing(f"the operation {op}"):
            answer = await self.operate(op, **fields)
            if answer["ok"] is True:
                return answer
            if answer.get("error") == "unsupported":
                raise Unsupported(f"the operation {op}", "the target says that it has none")
            # The contract lets a server refuse with its reason: too many rooms, a name, a token.
            raise Unsupported(f"the operation {op} done", f"the target says {answer!r:.200}")

    async def entries(self, sid: str, *, until: str = "disconnect") -> list[dict[str, Any]]:
        """The log of a sid, asked for again and again until it has an entry of the type `until`."""
        while True:
            answer = await self.proof("log", sid=sid)
            found: list[dict[str, Any]] = answer.get("entries") or []
            if any(entry.get("type") == until for entry in found):
                return found
            await asyncio.sleep(0.02)

    # Fences.

    async def fence(self, *observers: SocketIOPeer, through: str = "emit") -> None:
        """Nothing reached the observers before this: a room of them all hears one thing next.

        The speaker is this peer and the path that of what is fenced: the same speaker, through
        the same operation (`emit` or `send`), to a room that holds every observer.
        """
        room = f"fence-{self.sid}-{next(self._words)}"
        for observer in observers:
            await observer.proof("join", rooms=[room])
        if through == "send":
            await self.proof("send", args=[room], to=[room])
        else:
            await self.proof("emit", event="fence", args=[room], to=[room])
        for observer in observers:
            await observer.expect_event("message" if through == "send" else "fence", room)

    async def quiet(self) -> None:
        """Nothing came before: the next packet answers an event that this peer sends now."""
        word = f"fence-{next(self._words)}"
        await self.emit("message", word)
        await self.expect_event("message-back", word)

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

    async def expect_closed(self, expected: str = "the connection closed") -> None:
        """The server ends the Engine.IO session; an answer to an event sent now is a Failure."""
        await self.engine.expect_closed(expected)

    async def goes_on(self, expected: str) -> bool:
        """Whether an event sent now is answered, with nothing before.

        False where the server ends the session, or the connection to its namespace. Any other
        answer to us is a Failure, and so is a connection that stays and is deaf.
        """
        came = await self.aftermath(expected=expected)
        if came and [each.type for each in came] == [PacketType.DISCONNECT]:
            return False
        if came:
            raise Failure(expected, str(came[0]))
        return came is not None

    async def aftermath(self, *messages: str | bytes, expected: str) -> list[Packet] | None:
        """Send messages as they are; what the server says before it answers an event behind them.

        A DISCONNECT from the event's namespace is the last. None when the server ends the session
        and has said nothing. A server that does neither waits the time limit out.
        """
        word = f"fence-{next(self._words)}"
        fence = Packet(PacketType.EVENT, self._joined() or self.namespace, ["message", word])
        found: list[Packet] = []
        kind = engineio.PacketType.MESSAGE
        with self.scene.awaits(expected):
            for several in (messages, self.text(fence)):
                packets = [engineio.Packet(kind, message) for message in several]
                if packets and not await self.engine.send_or_end(*packets):
                    return None
            while len(found) < MOST_PACKETS:
                packet = await self.next_or_end()
                if packet is None or packet.data == ["message-back", word]:
                    return None if packet is None and not found else found
                found.append(packet)
                if (packet.type, packet.namespace) == (PacketType.DISCONNECT, fence.namespace):
                    return found
        raise Failure(expected, f"{found[0]} and {len(found) - 1} packets more, but no answer")


def _acknowledges(packet: Packet, number: int, namespace: str) -> bool:
    return packet.type in ACKS and (packet.id, packet.namespace) == (number, namespace)
