"""What a Socket.IO server offers, found out by asking it over connections of our own.

As with WebSocket servers, a capability is believed when exactly what was asked for comes back,
several times; whatever else the application says is passed over, an event before the answer to
CONNECT and an offset that connection state recovery appends to each event included.

* `polling`, `websocket`: a session opens over this transport, or would if its first packet were as
  it should be.
* `upgrade`: over both, and the server announces that it takes one over to the other.
* `socketio`: CONNECT is answered, by CONNECT or by a refusal.
* `fixture`: `message` comes back as `message-back`, and `message-with-ack` is acknowledged.
* `engineio-echo`: every MESSAGE comes back as it was, as from an Engine.IO server alone.
* `message-echo`: one or the other of these two sends messages back.
* `auth`: the payload of CONNECT comes as the event `auth`.
* the names of operations, `info` among them: what the answer to the operation `info` lists.
* `cluster`: several server processes answer.
* `slow-timers`, `fast-timers`: the announced intervals are longer than a case, or no longer.
  `usual-timers` has a server whose timers are slow, and that is not judged with fast ones beside.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, field, replace
from typing import Any

from sockproof.conformance.capabilities.engineio import sends_back
from sockproof.conformance.capabilities.websocket import MOST_PASSED_OVER, NO_ANSWER, asking
from sockproof.conformance.context.contract import EVENTS
from sockproof.conformance.peers.client_frames import client_frame
from sockproof.conformance.sessions.engineio import EngineIOPeer
from sockproof.conformance.sessions.fences import ACKS, CONNECT_ANSWERS
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target
from sockproof.wire import WireError, engineio
from sockproof.wire.engineio import Handshake, is_like_open
from sockproof.wire.socketio import Decoder, Packet, PacketType
from sockproof.wire.websocket import Opcode

TRANSPORTS = ("polling", "websocket")
CLIENTS_TO_COMPARE = 16  # at most, to see whether any two are on different processes
ROUNDS = 3  # of each question
ENOUGH = 2  # of them that are answered exactly
GOES_ON = b"sockproof"  # in a Ping
INFO = 100  # the first ack id of the questions for `info`


@dataclass
class Found:
    """What one transport has shown of the server."""

    capabilities: set[str] = field(default_factory=set)
    handshake: Handshake | None = None
    refusal: Packet | None = None  # of CONNECT
    has_sid: bool = False  # in the answer to CONNECT


@dataclass(frozen=True, slots=True)
class Offered:
    """The server with what it offers, and its refusal of the namespace where there is one.

    `is_old` is a server that announces no `maxPayload` and has no sid in its answer to CONNECT,
    as was usual up to Socket.IO 2.
    """

    server: Server
    refusal: Packet | None = None
    is_old: bool = False


async def socketio_capabilities(server: Server, limit: float) -> Offered:
    """What the server offers; it has `limit` seconds for each answer."""
    if server.profile.capabilities is not None:
        return Offered(replace(server, capabilities=server.profile.capabilities))
    each = await asyncio.gather(*(_over(server, transport, limit) for transport in TRANSPORTS))
    capabilities = set().union(*(found.capabilities for found in each))
    polling = each[TRANSPORTS.index("polling")].handshake
    if {*TRANSPORTS} <= capabilities and polling and "websocket" in polling.upgrades:
        capabilities.add("upgrade")
    handshake = next((found.handshake for found in each if found.handshake is not None), None)
    if handshake is not None:
        server = replace(
            server, ping_interval=handshake.ping_interval, ping_timeout=handshake.ping_timeout
        )
        seconds = (server.ping_interval + server.ping_timeout) / 1000
        capabilities.add("slow-timers" if seconds > limit else "fast-timers")
    found_out = replace(server, capabilities=frozenset(capabilities))
    if "info" in capabilities and await _has_processes(found_out, limit):
        found_out = replace(found_out, capabilities=found_out.capabilities | {"cluster"})
    refusals = [found.refusal for found in each if found.handshake is not None]
    refusal = refusals[0] if refusals and all(refusals) else None
    bare = handshake is not None and handshake.max_payload is None
    return Offered(found_out, refusal, bare and not any(found.has_sid for found in each))


async def _over(server: Server, transport: str, limit: float) -> Found:
    found = Found()
    async with asking() as context:
        with contextlib.suppress(*NO_ANSWER):
            async with asyncio.timeout(limit):
                engine = await Target(server, context).connect_engineio(transport)
            found.handshake = engine.handshake
            found.capabilities.add(transport)
            # Side by side, since a server that answers neither is waited for.
            asking_more = asyncio.create_task(_questions(engine, server, limit))
            if await _echo(server, transport, limit):  # of CONNECT as well, which says nothing
                asking_more.cancel()
                found.capabilities |= {"engineio-echo", "message-echo"}
                return found
            asked = await asking_more
            found.capabilities |= asked.capabilities
            if "auth" not in found.capabilities:  # the connect handler is the application's own,
                found.capabilities.discard("log")  # and nobody writes down who came
            found.refusal, found.has_sid = asked.refusal, asked.has_sid
    if found.handshake is None and await _misopens(server, transport, limit):
        found.capabilities.add(transport)
    if "fixture" in found.capabilities:
        found.capabilities.add("message-echo")
    return found


async def _misopens(server: Server, transport: str, limit: float) -> bool:
    """Whether a session opens and begins with what is no OPEN packet, or none to be used."""
    async with asking() as context:
        with contextlib.suppress(*NO_ANSWER):
            async with asyncio.timeout(limit):
                engine = Target(server, context).engineio()
                query = f"EIO=4&transport={transport}"
                if transport == "polling":
                    response = await engine.exchange("GET", query)
                    return response.status == 200 and is_like_open(response.body)
                websocket = await engine.open_websocket(query)
                if (await websocket.receive_frame()).opcode == Opcode.CLOSE:
                    return False
                websocket.send(client_frame(Opcode.PING, GOES_ON))  # one that refuses us goes now
                while (frame := await websocket.receive_frame()).opcode != Opcode.CLOSE:
                    if (frame.opcode, frame.payload) == (Opcode.PONG, GOES_ON):
                        return True
    return False


async def _echo(server: Server, transport: str, limit: float) -> bool:
    async with asking() as context:
        with contextlib.suppress(*NO_ANSWER):
            async with asyncio.timeout(limit):
                return await sends_back(await Target(server, context).connect_engineio(transport))
    return False


class Ear:
    """Hears the packets of a server, and passes over what is none."""

    def __init__(self, engine: EngineIOPeer, namespace: str) -> None:
        self.engine = engine
        self.namespace = namespace
        self._decoder = Decoder()

    async def say(self, *packets: Packet) -> None:
        """Send packets without attachments, over long-polling in one request."""
        message = engineio.PacketType.MESSAGE
        await self.engine.send(*(engineio.Packet(message, each.encode()[0]) for each in packets))

    async def packet(self) -> Packet:
        """The next packet in the namespace that is asked."""
        for _ in range(MOST_PASSED_OVER):
            below = await self.engine.receive()
            if below.type == engineio.PacketType.CLOSE:
                break
            with contextlib.suppress(WireError):
                packet = self._decoder.feed(below.data)
                if packet is None or packet.namespace != self.namespace:
                    continue
                if packet.type == PacketType.DISCONNECT:
                    break
                return packet
        raise TimeoutError


async def _questions(engine: EngineIOPeer, server: Server, limit: float) -> Found:
    """Connect, ask everything at once, and hear until all is answered or nothing more comes."""
    found = Found()
    with contextlib.suppress(*NO_ANSWER):
        await _ask(Ear(engine, server.profile.namespace), server, limit, found)
    return found


async def _ask(ear: Ear, server: Server, limit: float, found: Found) -> None:
    await ear.say(Packet(PacketType.CONNECT, ear.namespace, server.auth))
    said: list[Packet] = []  # events may come even before the answer to CONNECT
    async with asyncio.timeout(limit):
        while (answer := await ear.packet()).type not in CONNECT_ANSWERS:
            said.append(answer)
    found.capabilities.add("socketio")
    if answer.type == PacketType.CONNECT_ERROR:
        found.refusal = answer
        return
    found.has_sid = isinstance(answer.data, dict) and "sid" in answer.data
    asked = Questions(answer, {} if server.auth is None else server.auth)
    for packet in said:
        asked.hear(packet)
    with contextlib.suppress(*NO_ANSWER):
        await ear.say(*asked.packets(server.token))
        while asked.left:
            async with asyncio.timeout(limit):
                while not asked.hear(await ear.packet()):
                    pass
    found.capabilities |= asked.believed()


class Questions:
    """What is asked of a client's namespace, and what of it has been answered exactly.

    `left` holds what is still to come: a kind of answer and its number.
    """

    def __init__(self, connected: Packet, auth: Any) -> None:
        data = connected.data if isinstance(connected.data, dict) else {}
        self.namespace = connected.namespace
        self.sid = data.get("sid")
        self.recovers = "pid" in data  # then an offset may stand behind the arguments of an event
        self.arguments = [[secrets.token_hex(8), {"number": k}, None] for k in range(ROUNDS)]
        self.exact = {("auth", 0): ["auth", auth]}
        for number, arguments in enumerate(self.arguments):
            self.exact["message-back", number] = ["message-back", *arguments]
            self.exact["ack", number] = arguments
        self.operations: list[set[str]] = []
        self.right: list[str] = []  # the kinds of the answers that came as they should
        self.left = {*self.exact, *(("info", number) for number in range(ENOUGH))}

    def packets(self, token: str | None) -> list[Packet]:
        """Everything that is asked, as it is sent."""
        request = {"op": "info"} if token is None else {"op": "info", "token": token}
        asked = [
            Packet(PacketType.EVENT, self.namespace, ["message", *arguments])
            for arguments in self.arguments
        ]
        asked += [
            Packet(PacketType.EVENT, self.namespace, ["message-with-ack", *arguments], number)
            for number, arguments in enumerate(self.arguments)
        ]
        return asked + [
            Packet(PacketType.EVENT, self.namespace, ["sockproof", request], INFO + number)
            for number in range(ENOUGH)
        ]

    def hear(self, packet: Packet) -> bool:
        """Take a packet in; whether it answers anything that was still open."""
        if packet.type in EVENTS:
            return self._event(packet.data)
        if packet.type not in ACKS or packet.id is None:
            return False
        if packet.id < INFO:
            return self._answered(
                "ack", packet.id, self.exact.get(("ack", packet.id)) == packet.data
            )
        operations = self._operations(packet.data)
        self.operations.append(operations)
        return self._answered("info", packet.id - INFO, bool(operations))

    def _event(self, data: list[Any]) -> bool:
        forms = [data]
        if self.recovers and isinstance(data[-1], str):
            forms.append(data[:-1])
        for (kind, number), wanted in self.exact.items():
            if kind != "ack" and wanted in forms:
                return self._answered(kind, number, True)
        return False

    def _answered(self, kind: str, number: int, right: bool) -> bool:
        if (kind, number) not in self.left:
            return False
        self.left.discard((kind, number))
        self.right += [kind] * right
        return True

    def _operations(self, answer: list[Any]) -> set[str]:
        """The operations in an answer to `info`, which names our own sid, if we know it."""
        first = answer[0] if len(answer) == 1 else None
        if not isinstance(first, dict) or self.sid not in (None, first.get("sid")):
            return set()
        names = first.get("capabilities")
        if not isinstance(names, list):
            return set()
        return {"info"} | {name for name in names if isinstance(name, str)}

    def believed(self) -> set[str]:
        """The capabilities that have shown themselves."""
        times = {kind: self.right.count(kind) for kind in ("auth", "message-back", "ack", "info")}
        found: set[str] = set()
        if times["message-back"] >= ENOUGH and times["ack"] >= ENOUGH:
            found.add("fixture")
        if times["auth"]:
            found.add("auth")
        if times["info"] >= ENOUGH:
            found |= set.intersection(*self.operations)
        return found


async def _has_processes(server: Server, limit: float) -> bool:
    """Whether several server processes answer, as `info` tells them apart."""
    processes: set[str] = set()
    async with asking() as context:
        target = Target(server, context)
        with contextlib.suppress(*NO_ANSWER):
            for _ in range(CLIENTS_TO_COMPARE):
                async with asyncio.timeout(limit):
                    answer = await (await target.socketio()).proof("info")
                processes.add(str(answer.get("process")))
                if len(processes) > 1:
                    return True
    return False
