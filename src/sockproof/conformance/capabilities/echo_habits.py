"""How a server sends messages back, asked before the first case: how soon, and in which order.

An application may answer each message when it is done with it, so that the order is no promise
(RFC 6455 fixes that of frames, and knows no answers). Its orders differ from time to time; one
that is wrong in the same way each time is for the cases to accuse.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sockproof.conformance.capabilities.websocket import NO_ANSWER, Ear, asking, content
from sockproof.conformance.peers.client_frames import client_frame
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target
from sockproof.wire.websocket import Opcode

AT_ONCE = 8  # messages, whose order is looked at
BURSTS = 3
SINGLE = 3  # messages, one after the other, of which the soonest answer counts
SOON = 0.02  # seconds, up to which the limit of a case is enough
MOST_PATIENCE = 15  # times the limit


@dataclass(frozen=True, slots=True)
class EchoHabits:
    """`seconds` from a message to its answer; whether answers come in the order of messages."""

    seconds: float = 0.0
    in_order: bool = True

    @property
    def patience(self) -> float:
        """How many times its limit a case has, which sends some dozens of messages."""
        return min(max(1.0, self.seconds / SOON), MOST_PATIENCE)


async def echo_habits(server: Server, limit: float) -> EchoHabits:
    """Ask a server that was found to echo."""
    try:
        async with asking() as context:
            ear = await Ear.open(Target(server, context), limit)
            seconds = min([await _answer_time(ear, limit) for _ in range(SINGLE)])
        orders = [await _order(server, limit) for _ in range(BURSTS)]
    except NO_ANSWER:
        return EchoHabits()
    spoilt = {each for each in orders if list(each) != sorted(each)}
    return EchoHabits(seconds, in_order=len(spoilt) < BURSTS)


async def _answer_time(ear: Ear, limit: float) -> float:
    message = (int(Opcode.TEXT), content())
    began = time.monotonic()
    ear.peer.send(client_frame(*message))
    await ear.until(message.__eq__, limit)
    return time.monotonic() - began


async def _order(server: Server, limit: float) -> tuple[int, ...]:
    """The places of messages that were sent together, in the order in which they come back."""
    messages = [(int(Opcode.TEXT), content()) for _ in range(AT_ONCE)]
    came: list[int] = []
    async with asking() as context:
        ear = await Ear.open(Target(server, context), limit)
        ear.peer.send(*(client_frame(*each) for each in messages))
        for _ in messages:
            got = await ear.until(messages.__contains__, limit)
            if got[0] == Opcode.CLOSE:
                break
            came.append(messages.index(got))
    return tuple(came)
