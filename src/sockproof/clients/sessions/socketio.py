"""A client's Socket.IO over one Engine.IO session: packets both ways, and fences.

Socket.IO protocol, revision 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sockproof.clients.sessions.engineio import UNKNOWN_SID, EngineIOSession
from sockproof.conformance.context.outcome import Failure, IllegalFrame, StreamClosed
from sockproof.wire import WireError, engineio
from sockproof.wire.socketio import Decoder, Packet, PacketType

if TYPE_CHECKING:
    from sockproof.clients.sessions.visitor import SocketIOVisitor

EVENTS = (PacketType.EVENT, PacketType.BINARY_EVENT)
ACKS = (PacketType.ACK, PacketType.BINARY_ACK)
MOST_PACKETS = 100  # that a client may say before it answers


def with_bins(value: Any) -> Any:
    """The value with octets as operations and reports have them: `{"$bin": [0, 255]}`."""
    if isinstance(value, bytes | bytearray):
        return {"$bin": list(value)}
    if isinstance(value, dict):
        return {key: with_bins(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [with_bins(item) for item in value]
    return value


class SocketIOSession:
    """A client's Socket.IO over one Engine.IO session."""

    def __init__(self, client: SocketIOVisitor, engine: EngineIOSession) -> None:
        self.client = client
        self.context = client.context
        self.engine = engine
        self.sids: dict[str, str] = {}  # ours, of the namespaces that the client is in
        self.auth: dict[str, Any] = {}  # what its CONNECTs held
        self.left: set[str] = set()  # the namespaces that the client left by DISCONNECT
        self._decoder = Decoder()

    # What the client says.

    async def receive(self, unless: Callable[[], bool] = lambda: False) -> Packet:
        """The client's next packet, PONGs passed over; see `EngineIOSession.receive`."""
        while True:
            got = await self.engine.receive(unless)
            if got.type == engineio.PacketType.PONG:
                continue
            if got.type != engineio.PacketType.MESSAGE:
                raise Failure("a MESSAGE of the client", got)
            try:
                packet = self._decoder.feed(got.data)
            except WireError as error:
                raise Failure("a Socket.IO packet", str(error), came=got) from error
            if packet is not None:
                if packet.type == PacketType.DISCONNECT:
                    self.left.add(packet.namespace)
                return packet

    async def expect(self, type_: PacketType, namespace: str = "/") -> Packet:
        """The next packet must be of this type, in this namespace."""
        wanted = f"{type_.name} in {namespace}"
        with self.context.awaits(wanted):
            got = await self.receive()
        if (got.type, got.namespace) != (type_, namespace):
            raise Failure(wanted, got)
        return got

    async def expect_event(self, name: str, *args: Any, namespace: str = "/") -> Packet:
        """The next packet must be this event; it may ask for an acknowledgement."""
        wanted = Packet(PacketType.EVENT, namespace, [name, *args])
        with self.context.awaits(str(wanted)):
            got = await self.receive()
        same = got.namespace == namespace and is_same(got.data, wanted.data)
        if got.type not in EVENTS or not same:
            raise Failure(str(wanted), got)
        return got

    async def expect_events(self, *events: Sequence[Any], namespace: str = "/") -> None:
        """The next packets are these events, in any order: a library may handle them in threads."""
        left = [list(each) for each in events]
        while left:
            with self.context.awaits(f"{len(left)} events, {left[0]!r:.200} among them"):
                got = await self.receive()
            if got.type not in EVENTS or got.namespace != namespace or got.data not in left:
                raise Failure(f"one of {len(left)} events, {left[0]!r:.200} among them", got)
            left.remove(got.data)

    async def expect_echoes(self, values: Iterable[Any], namespace: str = "/") -> None:
        """The next packets answer these `message` events, in any order."""
        await self.expect_events(*(["message-back", each] for each in values), namespace=namespace)

    async def expect_ack(self, number: int, *args: Any, namespace: str = "/") -> None:
        """The next packet must acknowledge our event of this id with these arguments."""
        wanted = Packet(PacketType.ACK, namespace, list(args), number)
        with self.context.awaits(str(wanted)):
            got = await self.receive()
        same = (got.namespace, got.id) == (namespace, number) and is_same(got.data, wanted.data)
        if got.type not in ACKS or not same:
            raise Failure(str(wanted), got)

    async def expect_ended(self, expected: str = "the session ended by the client") -> str:
        """The client ends the Engine.IO session; how it did."""
        return await self.engine.expect_ended(expected)

    # What we say.

    def send(self, *packets: Packet) -> None:
        """Send packets with their attachments."""
        for packet in packets:
            text, attachments = packet.encode()
            self.send_messages(text, *attachments)

    def send_messages(self, *messages: str | bytes) -> None:
        """Send Engine.IO MESSAGEs with these contents, well-formed for Socket.IO or not."""
        kind = engineio.PacketType.MESSAGE
        self.engine.send(*(engineio.Packet(kind, message) for message in messages))

    def emit(self, name: str, *args: Any, namespace: str = "/", id: int | None = None) -> None:  # noqa: A002
        """Send an event; with an `id` it asks for an acknowledgement."""
        self.send(Packet(PacketType.EVENT, namespace, [name, *args], id))

    def acknowledge(self, packet: Packet, *args: Any) -> None:
        """Acknowledge an event of the client."""
        self.send(Packet(PacketType.ACK, packet.namespace, list(args), packet.id))

    def do(self, op: str, *, via: str = "/", **fields: Any) -> None:
        """Have the driver do an operation in the namespace `via`.

        One that it lacks makes the case UNSUPPORTED.
        """
        self.emit("do", {"op": op, **with_bins(fields)}, namespace=via)

    # CONNECT and its answer.

    async def expect_connect(self, namespace: str | None = None) -> Packet:
        """The next packet must be a CONNECT; what it holds is in `auth`."""
        wanted = f"CONNECT to {namespace or 'a namespace'}"
        with self.context.awaits(wanted):
            got = await self.receive()
        if got.type != PacketType.CONNECT or namespace not in (None, got.namespace):
            raise Failure(wanted, got)
        self.auth[got.namespace] = got.data
        return got

    def accept(self, namespace: str = "/", **fields: Any) -> str:
        """Let the client into a namespace; the sid that it has there."""
        sid = str(fields.pop("sid", None) or f"{self.engine.sid}-{len(self.sids)}")
        self.sids[namespace] = sid
        self.send(Packet(PacketType.CONNECT, namespace, {"sid": sid, **fields}))
        return sid

    async def connected(self, namespaces: Sequence[str]) -> None:
        """The client connects to these namespaces, in any order, and is let in."""
        left = set(namespaces)
        while left:
            packet = await self.expect_connect()
            if packet.namespace not in left:
                raise Failure(f"CONNECT to {', '.join(sorted(left))}", packet)
            left.remove(packet.namespace)
            self.accept(packet.namespace)

    # Fences.

    async def fence(self, namespace: str = "/") -> None:
        """Nothing came before: the next packet answers an event that is sent now.

        What the application was told until then has been reported, too.
        """
        word = self.client.word()
        self.emit("message", word, namespace=namespace)
        await self.expect_event("message-back", word, namespace=namespace)
        await self.client.told(word)

    async def goes_on(self, expected: str, namespace: str = "/") -> bool:
        """Whether an event sent now is answered, with nothing before; False where it ends."""
        found, went_on = await self.aftermath(expected, namespace)
        if found:
            raise Failure(expected, found[0])
        return went_on

    async def aftermath(self, expected: str, namespace: str = "/") -> tuple[list[Packet], bool]:
        """What the client says before it answers an event sent now, and whether it answers.

        It does not where it ends the session, or leaves the namespace. That has to be reported;
        the report alone will do, since over long-polling a client may end without a word.
        """
        word = self.client.word()
        before = self.client.count("disconnect", namespace)
        self.emit("message", word, namespace=namespace)

        def is_over() -> bool:
            return self.client.count("disconnect", namespace) > before

        found: list[Packet] = []
        with self.context.awaits(expected):
            while len(found) < MOST_PACKETS:
                try:
                    got = await self.receive(is_over)
                except StreamClosed:
                    got = None
                except IllegalFrame:
                    raise
                except Failure as failure:
                    raise Failure(expected, failure) from failure
                if got is None or (got.type, got.namespace) == (PacketType.DISCONNECT, namespace):
                    await self.client.until(f"a report of the end ({expected})", is_over)
                    return found, False
                if got.data == ["message-back", word] and got.namespace == namespace:
                    await self.client.told(word)
                    return found, True
                found.append(got)
        raise Failure(expected, f"{found[0]}, and {len(found) - 1} packets more")

    async def answer(self, expected: str) -> Packet | None:
        """The one packet that the client says before it answers, or ends; see `aftermath`."""
        found, _ = await self.aftermath(expected)
        if len(found) > 1:
            raise Failure(expected, found[1])
        return found[0] if found else None

    async def answers(self, data: list[Any], expected: str) -> bool:
        """Whether the client says this before it answers, or ends; it may say nothing else."""
        got = await self.answer(expected)
        if got is not None and got.data != data:
            raise Failure(expected, got)
        return got is not None

    async def lose(self, how: str) -> None:
        """Lose the connection: `reset` by RST, `closed` in order, `refused` with an error."""
        engine = self.engine
        if how == "reset":
            engine.vanish()
        elif engine.websocket is not None and engine.transport == "websocket":
            engine.forgotten = True
            engine.websocket.close(1001 if how == "closed" else 1011)
        else:
            poll = await engine.visit("poll")
            engine.forgotten = True
            engine.automatic("poll")
            if how == "closed":
                poll.end()
            else:
                poll.answer(400, UNKNOWN_SID)


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are one for JSON: `true` is not 1, and 1.0 is."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(one == other)
