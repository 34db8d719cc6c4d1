"""How many clients a server takes side by side, found out before the first case.

A server may have room for few (RFC 6455, 10.4), or let each newcomer take the place of the one
before. It tells by 429 or 503, by a Close, by ending TCP, or by leaving a client waiting.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from sockproof.conformance.capabilities.websocket import NO_ANSWER, Ear, asking
from sockproof.conformance.peers.client_frames import client_frame
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target
from sockproof.wire.socketio import Packet, PacketType
from sockproof.wire.websocket import Opcode

SPARE = 4  # clients beside one for each job: bystanders, and cases with more than one
ANSWERS = (PacketType.CONNECT, PacketType.CONNECT_ERROR)
FOR_EACH_JOB = 3  # clients, where there is room for few


async def room(server: Server, clients: int, limit: float) -> int | None:
    """How many of so many clients are served at once; None where all of them are, or none is."""
    async with asking() as context:
        opened = await asyncio.gather(
            *(_open(Target(server, context), limit) for _ in range(clients))
        )
        ears = [each for each in opened if each is not None]
        served = sum(await asyncio.gather(*(_is_served(each, limit) for each in ears)))
    return served if 0 < served < clients else None


def jobs_for(places: Sequence[int | None], jobs: int) -> int:
    """How many cases may run side by side where there is room for so many clients."""
    return min([jobs, *(max(1, each // FOR_EACH_JOB) for each in places if each is not None)])


def remark(places: int, jobs: int) -> str:
    """What the answer says of it."""
    some = "one client" if places == 1 else f"{places} clients"
    return f"The server accepts {some} at a time; cases ran with --jobs {jobs}."


async def newest_alone(server: Server, limit: float) -> bool:
    """Whether a Socket.IO server sends a client away when the next one comes."""
    async with asking() as context:
        target = Target(server, context)
        try:
            async with asyncio.timeout(limit):
                first, _ = await target.connect_socketio(2)
        except NO_ANSWER:
            return False
        try:
            async with asyncio.timeout(limit):
                await first.send(Packet(PacketType.CONNECT, f"/{target.unique('nowhere')}"))
                while (got := await first.next_of_any()).type not in ANSWERS:
                    if (got.type, got.namespace) == (PacketType.DISCONNECT, first.namespace):
                        return True
        except TimeoutError:
            return False
        except NO_ANSWER:
            return True
    return False


async def _open(target: Target, limit: float) -> Ear | None:
    try:
        return await Ear.open(target, limit)
    except NO_ANSWER:
        return None


async def _is_served(ear: Ear, limit: float) -> bool:
    """Whether the client is still there; a Ping that is not answered is for the cases."""
    ping = os.urandom(6).hex().encode()
    try:
        ear.peer.send(client_frame(Opcode.PING, ping))
        got = await ear.until(lambda each: each == (Opcode.PONG, ping), limit)
    except TimeoutError:
        return True
    except NO_ANSWER:
        return False
    return got[0] == Opcode.PONG
