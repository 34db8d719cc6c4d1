"""The client's side of one Socket.IO connection, on top of an Engine.IO session.

Socket.IO protocol, revision 5. Packets are pulled, like those below. While an acknowledgement
is awaited, whatever else arrives is kept in order, and is what `receive` gives next.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from typing import Any

from sockproof.conformance.engineio_peer import EngineIOPeer
from sockproof.conformance.outcome import Failure, Inconclusive, StreamClosed, Unsupported
from sockproof.conformance.scene import Scene
from sockproof.wire import WireError, engineio
from sockproof.wire.socketio import Decoder, Packet, PacketType, parse

EVENTS = (PacketType.EVENT, PacketType.BINARY_EVENT)
ACKS = (PacketType.ACK, PacketType.BINARY_ACK)
MOST_PACKETS = 50  # that a server may say before it answers: one that never does is not heard out


class SocketIOPeer:
    """Our end of one Socket.IO connection; `sids` maps each connected namespace to its sid."""

    def __init__(
        self, scene: Scene, engine: EngineIOPeer, namespace: str = "/", token: str | None = None
    ) -> None:
        self.scene = scene
        self.engine = engine
        self.namespace = namespace
        self.token = token
        self.sids: dict[str, str] = {}
        self.inbox: deque[Packet] = deque()
        self._decoder = Decoder()
        self._ids = itertools.count(1)
        self._words = itertools.count(1)

    @property
    def sid(self) -> str:
        """The Socket.IO sid in the peer's own namespace."""
        return self.sids[self.namespace]

    # Sending.

    async def send(self, packet: Packet) -> None:
        """Send one packet, its attachments right behind it."""
        text, attachments = packet.encode()
        await self.send_raw(text, *attachments)

    async def send_raw(self, *messages: str | bytes) -> None:
        """Send Engine.IO messages as they are: text gets its digit, binary stays as it is."""
        kind = engineio.PacketType.MESSAGE
        await self.engine.send(*(engineio.Packet(kind, message) for message in messages))

    async def emit(self, event: str, *args: Any, namespace: str | None = None) -> None:
        """Send an event that asks for no acknowledgement."""
        where = namespace or self.namespace
        await self.send(Packet(PacketType.EVENT, where, [event, *args]))

    # Receiving.

    async def receive(self) -> Packet:
        """The next packet of the server, its attachments filled in."""
        return self.inbox.popleft() if self.inbox else await self._from_engine()

    async def _from_engine(self) -> Packet:
        while True:
            below = await self.engine.receive()
            if below.type != engineio.PacketType.MESSAGE:
                raise Failure("a Socket.IO packet", f"the Engine.IO packet {below}")
            try:
                packet = self._decoder.feed(below.data)
            except WireError as error:
                raise Failure("a Socket.IO packet", f"{below}: {error}") from error
            if packet is not None:
                return packet

    async def receive_event(self) -> Packet:
        """The next packet, which must be an event."""
        packet = await self.receive()
        if packet.type not in EVENTS:
            raise Failure("an event", str(packet))
        return packet

    async def expect_event(self, event: str, *args: Any, namespace: str | None = None) -> Packet:
        """The next packet must be exactly this event, in this namespace, asking for no ack."""
        wanted = Packet(PacketType.EVENT, namespace or self.namespace, [event, *args])
        with self.scene.awaits(str(wanted)):
            got = await self.receive()
        if got.type not in EVENTS or (got.namespace, got.data) != (wanted.namespace, wanted.data):
            raise Failure(str(wanted), str(got))
        return got

    async def expect(self, type_: PacketType, namespace: str | None = None) -> Packet:
        """The next packet must be of this type and in this namespace."""
        where = namespace or self.namespace
        wanted = f"{type_.name} in {where}"
        with self.scene.awaits(wanted):
            got = await self.receive()
        if got.type != type_ or got.namespace != where:
            raise Failure(wanted, str(got))
        return got

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
            for packet in self.inbox:
                if packet.type in ACKS and (packet.id, packet.namespace) == (number, where):
                    self.inbox.remove(packet)
                    return list(packet.data)
            while True:
                packet = await self._from_engine()
                if packet.type in ACKS and (packet.id, packet.namespace) == (number, where):
                    return list(packet.data)
                self.inbox.append(packet)

    async def receive_raw(self) -> str | bytes:
        """The data of the next MESSAGE, just as the server wrote it."""
        return (await self.engine.expect(engineio.PacketType.MESSAGE)).data

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
            await self.expect_event("auth", {} if auth is None else auth, namespace=namespace)
        return sid

    async def disconnect(self, namespace: str | None = None) -> None:
        """Leave a namespace; no answer is due."""
        where = namespace or self.namespace
        await self.send(Packet(PacketType.DISCONNECT, where))
        self.sids.pop(where, None)

    # The control event of the target contract.

    async def operate(self, op: str, **fields: Any) -> dict[str, Any]:
        """Have the target do an operation; gives its answer, refusals included."""
        namespace = fields.pop("via", None)
        request = {"op": op, **fields}
        if self.token is not None:
            request["token"] = self.token
        answer = await self.call("sockproof", request, namespace=namespace)
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
            raise Inconclusive(f"the operation {op} done", f"the target says {answer!r:.200}")

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

    def _asked(self) -> engineio.Packet:
        """An event that is acknowledged with one word."""
        packet = Packet(PacketType.EVENT, self.namespace, ["message-with-ack", "fence"], 0)
        return engineio.Packet(engineio.PacketType.MESSAGE, packet.encode()[0])

    async def expect_closed(self, expected: str = "the connection closed") -> None:
        """The server ends the Engine.IO session; an answer to an event sent now is a Failure."""
        await self.engine.expect_closed(expected, self._asked())

    async def goes_on(self, expected: str) -> bool:
        """Whether an event sent now is answered, with nothing before; False for a closed session.

        Anything else that comes is a Failure, and so is a connection that stays and is deaf.
        """
        with self.scene.awaits(expected):
            below = await self.engine.next_message_or_end(self._asked())
        if below is None:
            return False
        try:
            packet = None if isinstance(below.data, bytes) else parse(below.data)[0]
        except WireError:
            packet = None
        if packet is None or (packet.type, packet.id, packet.data) != (ACKS[0], 0, ["fence"]):
            raise Failure(expected, str(packet or below))
        return True

    async def aftermath(self, *messages: str | bytes, expected: str) -> list[Packet] | None:
        """Send messages as they are; what the server says before it answers an event behind them.

        None when it ends the session instead. A server that does neither waits the time limit out.
        """
        word = f"fence-{next(self._words)}"
        found: list[Packet] = []
        with self.scene.awaits(expected):
            try:
                await self.send_raw(*messages)
                await self.emit("message", word)
                while len(found) < MOST_PACKETS:
                    packet = await self.receive()
                    if packet.data == ["message-back", word]:
                        return found
                    found.append(packet)
            except StreamClosed:
                return None
            except Failure as failure:  # a CLOSE packet, a Close frame, or a request refused
                if isinstance(failure.__cause__, WireError):
                    raise
                return None
        raise Failure(expected, f"{found[0]} and {len(found) - 1} packets more, but no answer")
