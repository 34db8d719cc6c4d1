"""What a Socket.IO application refuses by its own policy, found out before the first case.

An application need not have the contract's further namespaces, binary events, or time for many
events at once. Each is asked once; a refusal is believed where it is told from a loss: by the
same answer to a namespace that nobody knows, by silence about octets alone, by a word of the
application's own behind the first events of many.

* `refuses-custom`, `refuses-other`, `refuses-reject`: the contract is not in this namespace for
  who has these credentials.
* `takes-any-namespace`: a namespace of any name lets clients in.
* `refuses-binary`: no binary event is answered, in any form.
* `burst`, of the server: so many events of one client are answered at once, and no more.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from sockproof.conformance.capabilities.websocket import MOST_PASSED_OVER, NO_ANSWER, asking
from sockproof.conformance.context.contract import Contract
from sockproof.conformance.context.policy import NAMESPACES
from sockproof.conformance.sessions.engineio import EngineIOPeer
from sockproof.conformance.sessions.fences import CONNECT_ANSWERS
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target
from sockproof.wire import WireError, engineio
from sockproof.wire.socketio import Packet, PacketType, parse

REJECT = "/reject"
BURST = 500  # events at once: as many as a case sends at most
IN_A_POST = 10  # of them: some servers take no more packets at once
SETTLED = 1.0  # seconds without another word, behind which no more is awaited


TAKEN = "CONNECT"


class Visitor:
    """A client of the preflight's own, in one namespace."""

    def __init__(self, target: Target, engine: EngineIOPeer, namespace: str) -> None:
        self.target = target
        self.engine = engine
        self.namespace = namespace

    @classmethod
    async def come(cls, target: Target, transport: str, namespace: str) -> Visitor:
        """A client whose session is open, and that is in no namespace yet."""
        return cls(target, await target.connect_engineio(transport), namespace)

    async def enter(self, payload: dict[str, Any] | None = None) -> Packet | None:
        """Ask to be let in; the answer, None where the server ends the session instead."""
        server = self.target.server
        credentials = Contract(self.target.context, server.auth, None, False).credentials(payload)
        await self.say(Packet(PacketType.CONNECT, self.namespace, credentials))
        while (text := await self.hear()) is not None:
            with contextlib.suppress(WireError):
                packet = parse(text)[0]
                if packet.type in CONNECT_ANSWERS and packet.namespace == self.namespace:
                    return packet
        return None

    def event(self, name: str, *args: Any, number: int | None = None) -> Packet:
        """An event in the namespace."""
        return Packet(PacketType.EVENT, self.namespace, [name, *args], number)

    async def say(self, *packets: Packet) -> bool:
        """Send packets; False where the session has ended."""
        kind = engineio.PacketType.MESSAGE
        below: list[engineio.Packet] = []
        for packet in packets:
            text, attachments = packet.encode()
            below.append(engineio.Packet(kind, text))
            below += [engineio.Packet(kind, octets) for octets in attachments]
        for start in range(0, len(below), IN_A_POST):
            if not await self.engine.send_or_end(*below[start : start + IN_A_POST]):
                return False
        return True

    async def hear(self) -> str | None:
        """The next text of the server; None when it puts this client out or ends the session."""
        for _ in range(MOST_PASSED_OVER):
            message = await self.engine.message_or_end()
            if message is None:
                return None
            if isinstance(message.data, bytes):
                continue
            where = "" if self.namespace == "/" else self.namespace
            if message.data == "1" + where or message.data.startswith(f"1{where},"):
                return None
            return message.data
        return None


async def refusals(server: Server, limit: float) -> Server:
    """The server with what it refuses; it has `limit` seconds for each answer."""
    if server.profile.capabilities is not None or "fixture" not in server.capabilities:
        return server
    transport = "websocket" if "websocket" in server.capabilities else "polling"
    main = server.profile.namespace

    async def ask(namespace: str, question: Callable[[Visitor], Awaitable[Any]]) -> Any:
        async with asking() as context:
            with contextlib.suppress(*NO_ANSWER):
                async with asyncio.timeout(limit):
                    visitor = await Visitor.come(Target(server, context), transport, namespace)
                    return await question(visitor)
        return None

    found: set[str] = set()
    for namespace in (each for each in NAMESPACES if each not in (REJECT, main)):
        if not await ask(namespace, _has_the_contract):
            found.add(NAMESPACES[namespace])
    strange = await ask(f"/{secrets.token_hex(8)}", _answer)
    if strange == await ask(REJECT, _answer):
        found.add(NAMESPACES[REJECT])
    if strange == TAKEN:
        found.add("takes-any-namespace")
    if await ask(main, _refuses_octets):
        found.add("refuses-binary")
    burst = await ask(main, _burst)
    return replace(server, capabilities=server.capabilities | found, burst=burst)


async def _has_the_contract(visitor: Visitor) -> bool:
    """Whether who is let in hears anything of what it says, from whatever namespace."""
    answer = await visitor.enter()
    if answer is None or answer.type != PacketType.CONNECT:
        return False
    word = secrets.token_hex(8)
    said = [visitor.event("message", word), visitor.event("message-with-ack", word, number=1)]
    if not await visitor.say(*said):
        return False
    while (text := await visitor.hear()) is not None:
        if word in text:
            return True
    return False


async def _answer(visitor: Visitor) -> str:
    """What is said to who asks the fixture to be refused, but for names of its own."""
    answer = await visitor.enter({"mode": "message"})
    if answer is None:
        return ""
    if answer.type == PacketType.CONNECT:
        return TAKEN
    told = json.dumps(answer.data).replace(visitor.namespace, "")
    return told.replace(visitor.namespace.removeprefix("/"), "")


async def _refuses_octets(visitor: Visitor) -> bool:
    """Whether no event with octets comes back, while text behind them does, or nothing ever."""
    await visitor.enter()
    word, fence = secrets.token_hex(8), secrets.token_hex(8)
    binary = [visitor.event("message", word, octets) for octets in (b"octets", b"", b"\0\xff")]
    acknowledged = visitor.event("message-with-ack", word, b"octets", number=1)
    if not await visitor.say(*binary, acknowledged):
        return True
    for _ in range(2):  # handlers that run side by side may answer the first before its time
        if not await visitor.say(visitor.event("message", fence)):
            return True
        while (text := await visitor.hear()) is None or fence not in text:
            if text is None:
                return True
            if word in text and ("message-back" in text or text.startswith(("3", "6"))):
                return False
    return True


async def _burst(visitor: Visitor) -> int | None:
    """How many events are answered at once; None for all, or where it cannot be told."""
    await visitor.enter()
    word = secrets.token_hex(8)
    events = [visitor.event("message", word, number) for number in range(BURST)]
    told = not await visitor.say(*events)
    answered: list[int] = []
    with contextlib.suppress(TimeoutError):
        while len(answered) < BURST:
            async with asyncio.timeout(SETTLED):
                text = await visitor.hear()
            if text is None:
                told = True
                break
            data = _event(text)
            if data[:2] == ["message-back", word]:
                answered += data[2:3]
            else:
                told = True
    first = answered == list(range(len(answered)))
    return len(answered) if told and first and 0 < len(answered) < BURST else None


def _event(text: str) -> list[Any]:
    with contextlib.suppress(WireError):
        packet = parse(text)[0]
        if isinstance(packet.data, list):
            return packet.data
    return []
