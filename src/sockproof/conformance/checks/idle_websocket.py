"""An idle WebSocket of the run's own, which hears what an echo server sends to the wrong client."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field

from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.company import KEPT_LEAKS, Company, Leak
from sockproof.conformance.context.outcome import CaseEnd, StreamClosed
from sockproof.conformance.peers.client_frames import client_frame
from sockproof.conformance.peers.websocket import WebSocketPeer
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target
from sockproof.wire import WireError
from sockproof.wire.websocket import Frame, Opcode

OPENING = 5.0  # seconds for it to be there
GONE = (CaseEnd, StreamClosed, TimeoutError, OSError, WireError)
NAME = "an idle client, the first to connect"


@dataclass(slots=True)
class IdleWebSocket:
    """It answers Pings and says nothing; `gone` says why it went, once it has."""

    server: Server
    company: Company
    context: CaseContext
    kind: str = "first"
    was_there: bool = False
    gone: str = ""
    leaks: list[Leak] = field(default_factory=list)
    _peer: WebSocketPeer | None = None
    _pongs: dict[bytes, asyncio.Event] = field(default_factory=dict)
    _task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect, and listen from then on; who is turned away is gone at once."""
        try:
            async with asyncio.timeout(OPENING):
                self._peer = await Target(self.server, self.context).connect()
        except GONE as error:
            self.gone = f"{type(error).__name__}: {error}"
            return
        self.was_there = True
        self._task = asyncio.create_task(self._listen(self._peer))

    async def _listen(self, peer: WebSocketPeer) -> None:
        try:
            while (got := await peer.receive()).opcode != Opcode.CLOSE:
                self._hear(got)
            self.gone = f"the server closed its connection ({got})"
        except GONE as error:
            self.gone = f"its connection ended ({error})"
        for heard in self._pongs.values():
            heard.set()

    def _hear(self, got: Frame) -> None:
        if got.opcode == Opcode.PONG:
            if got.payload in self._pongs:
                self._pongs[got.payload].set()
            return
        saying = self.company.whose(got.payload)
        if saying is not None and not saying.is_meant_for(None):
            leak = self.company.leaked(saying, NAME, got.payload, idle=True)
            if len(self.leaks) < KEPT_LEAKS:
                self.leaks.append(leak)

    async def fence(self) -> None:
        """What the server has sent to this client has been heard, or its connection has ended."""
        if self.gone or self._peer is None:
            return
        word = f"is that all? {os.urandom(4).hex()}".encode()
        heard = self._pongs[word] = asyncio.Event()
        self._peer.send(client_frame(Opcode.PING, word))
        await heard.wait()

    async def leave(self, why: str) -> None:
        """Let go of the connection."""
        self.gone = self.gone or why
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.context.close()
