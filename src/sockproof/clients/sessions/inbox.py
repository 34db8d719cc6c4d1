"""What a client has sent in one Engine.IO session and the case has not received yet.

What the client does wrong while nobody looks is kept, in its place among the packets, and is a
Failure of whoever receives next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import CaseEnd, Failure, StreamClosed
from sockproof.wire.engineio import Packet, PacketType

MOST_PACKETS = 20_000  # that wait to be received by the case


class Inbox:
    """Packets and faults of one client, in the order in which they came."""

    def __init__(self, context: CaseContext) -> None:
        self.context = context
        self.ended: str | None = None  # how the client ended the session
        self.over = False  # the case: what still comes is nobody's concern
        self._broken: CaseEnd | None = None  # why nothing more can be judged
        self._inbox: deque[Packet | CaseEnd] = deque()
        self._changed = asyncio.Event()

    def _accuse(self, requirement: str, expected: str, got: object) -> None:
        """Note a fault of the client, and the requirement that it breaks in whatever case."""
        fault = Failure(expected, got)
        fault.broken = requirement
        self._note(fault)

    def _note(self, thing: Packet | CaseEnd) -> None:
        if len(self._inbox) < MOST_PACKETS and not self.over:
            self._inbox.append(thing)
        self._changed.set()

    def _end(self, how: str) -> None:
        self.ended = self.ended or how
        self._changed.set()

    async def _change(self) -> None:
        if self._broken is not None:
            raise self._broken
        self._changed.clear()
        await self._changed.wait()

    def interrupt(self, end: CaseEnd | None) -> None:
        """End the case so, wherever it waits; None: have it look again whether it has to."""
        self._broken = self._broken or end
        self._changed.set()

    async def receive(self, unless: Callable[[], bool] = lambda: False) -> Packet:
        """The client's next packet, whatever carried it; raises `StreamClosed` behind the last.

        So it does where there is none, and `unless` holds: the client has ended it for itself.
        """
        while not self._inbox:
            if self.ended is not None or unless():
                raise StreamClosed(self.ended or "the client's application was told of the end")
            await self._change()
        thing = self._inbox.popleft()
        if isinstance(thing, CaseEnd):
            raise thing
        return thing

    async def expect(self, type_: PacketType, data: str | bytes | None = None) -> Packet:
        """The next packet must be this one; None stands for any data."""
        wanted = type_.name if data is None else str(Packet(type_, data))
        with self.context.awaits(wanted):
            got = await self.receive()
        if got.type != type_ or data not in (None, got.data):
            raise Failure(wanted, got)
        return got

    async def until(self, wanted: str, holds: Callable[[], bool]) -> None:
        """Wait for something of the session to be so."""
        with self.context.awaits(wanted):
            while not holds():
                await self._change()

    async def expect_ended(self, expected: str = "the session ended by the client") -> str:
        """The client ends the session: CLOSE, or the end of its WebSocket; how it did."""
        await self.until(expected, lambda: self.ended is not None)
        return str(self.ended)
