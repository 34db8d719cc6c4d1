"""The client's side of one Socket.IO connection: what cases say, do and expect.

Socket.IO protocol, revision 5. While an acknowledgement is awaited, whatever else arrives is kept
in order, and is what `receive` gives next.
"""

from __future__ import annotations

import asyncio
from typing import Any

from sockproof.conformance.context.contract import EVENTS
from sockproof.conformance.context.outcome import Failure, TurnedAway, Unsupported
from sockproof.conformance.sessions.fences import ACKS
from sockproof.conformance.sessions.socketio_connection import SocketIOConnection
from sockproof.wire import engineio
from sockproof.wire.socketio import Packet, PacketType

MOST_PACKETS = 50  # that a server may say before it answers: one that never does is not heard out
MOST_KEPT = 1000  # unasked events that are kept while an acknowledgement is awaited
MOST_KEPT_OCTETS = 64 * 1024  # of each of them: what JSON says takes many times its length
FENCED = ("auth", "message-back")  # events that come on the connection that asks for them


class SocketIOPeer(SocketIOConnection):
    """Our end of one Socket.IO connection."""

    async def receive_event(self) -> Packet:
        """The next packet, which must be an event."""
        packet = await self.receive()
        if packet.type not in EVENTS:
            raise Failure("an event", packet)
        return packet

    async def expect_event(self, event: str, *args: Any, namespace: str | None = None) -> Packet:
        """The next packet must be exactly this event, in this namespace, asking for no ack."""
        data = self.contract.events(event, args)
        wanted = Packet(PacketType.EVENT, namespace or self.namespace, data)
        with self.context.awaits(str(wanted)):
            got = await self.receive(str(wanted) if event in FENCED else None)
        if got.type not in EVENTS or (got.namespace, got.data) != (wanted.namespace, wanted.data):
            raise Failure(str(wanted), got)
        return got

    async def expect(self, type_: PacketType, namespace: str | None = None) -> Packet:
        """The next packet must be of this type and in this namespace."""
        where = namespace or self.namespace
        wanted = f"{type_.name} in {where}"
        with self.context.awaits(wanted):
            got = await self.receive(wanted if type_ in EVENTS else None)
        if got.type != type_ or got.namespace != where:
            refused = (type_, got.type) == (PacketType.CONNECT, PacketType.CONNECT_ERROR)
            if refused and got.namespace == where == self.namespace:
                raise TurnedAway(wanted, got)
            raise Failure(wanted, got)
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
        with self.context.awaits(f"the acknowledgement {number} in {where}"):
            for heard in self._inbox:
                if _acknowledges(heard.packet, number, where):
                    self._inbox.remove(heard)
                    return list(heard.packet.data)
            while True:
                heard = await self._from_engine()
                if _acknowledges(heard.packet, number, where):
                    return list(heard.packet.data)
                few = heard.octets <= MOST_KEPT_OCTETS and len(self._inbox) < MOST_KEPT
                if few or not heard.unasked:
                    self._inbox.append(heard)
                del heard

    # Namespaces.

    async def connect(self, namespace: str | None = None, auth: Any = None) -> str:
        """Connect to a namespace and give the sid; a refusal is a Failure."""
        where = namespace or self.namespace
        answered = "sio-connect-answered" if where == "/" else "sio-connect-answered-custom"
        with self.context.step(answered):
            await self.send(Packet(PacketType.CONNECT, where, auth))
            packet = await self.expect(PacketType.CONNECT, where)
        sid = packet.data.get("sid") if isinstance(packet.data, dict) else None
        with self.context.step("sio-connect-sid"):
            if not isinstance(sid, str) or not sid:
                raise Failure("a CONNECT packet with a sid", packet)
        self.sids[where] = sid
        return sid

    async def enter(self, namespace: str, auth: Any = None) -> str:
        """Be in a further namespace, as the case needs it; `auth` of the fixture is taken off."""
        with self.context.preparing(f"the client in {namespace} too"):
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

    def heard_nothing_since(self, namespace: str) -> None:
        """No event, the application's own included, came behind the server's DISCONNECT there."""
        behind = self.contract.put_out.get(namespace)
        if behind:
            raise Failure(f"no event in {namespace} behind its DISCONNECT", behind[0])

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
        with self.context.preparing(f"the operation {op}"):
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
        """Nothing came before: the next packet answers an event that this peer sends now.

        Where the application has an event `message` of its own, a room of this peer alone tells.
        """
        if self.context.policy.lacks("message-echo"):
            await self.fence(self)
            return
        word = f"fence-{next(self._words)}"
        await self.emit("message", word)
        await self.expect_event("message-back", word)

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
            raise Failure(expected, came[0])
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
        with self.context.awaits(expected):
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
