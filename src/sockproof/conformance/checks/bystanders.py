"""Idle clients of the run's own, which listen beside the cases from the first to the last.

What they hear that a case said to somebody else is a leak; the cases about bystanders tell of it.
They answer PINGs and say nothing. A server that turns one away is judged without it, and all of
them leave where the server turns away the clients of a case.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field

from sockproof.conformance.checks.idle_websocket import IdleWebSocket
from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.company import KEPT_LEAKS, Company, Leak, Saying
from sockproof.conformance.context.contract import EVENTS, contents_of
from sockproof.conformance.context.outcome import CaseEnd, Failure, StreamClosed, Unsupported
from sockproof.conformance.context.wirelog import WireLog
from sockproof.conformance.sessions.engineio import EngineIOPeer
from sockproof.conformance.sessions.fences import ACKS, FENCES
from sockproof.conformance.sessions.socketio import SocketIOPeer
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target
from sockproof.wire import WireError
from sockproof.wire.socketio import Packet

LOOKS = 0.1  # seconds between two looks at what has come
OPENING = 5.0  # seconds for each of them to be there
ELSEWHERE = ("/custom", "/other", "/reject")  # the fixture's namespaces beside the main one
KINDS = ("first", "left", "polling", "elsewhere")
GONE = (CaseEnd, StreamClosed, TimeoutError, OSError, WireError)


@dataclass(slots=True)
class Bystander:
    """One of them; `sids` by namespace, and why it went, once it has."""

    kind: str
    server: Server
    company: Company
    context: CaseContext
    gone: str = ""
    engine: EngineIOPeer | None = None
    opened_at: float = 0.0  # by `time.monotonic`
    sids: dict[str, str] = field(default_factory=dict)
    leaks: list[Leak] = field(default_factory=list)
    _awaited: dict[str, asyncio.Event] = field(default_factory=dict)
    _task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """What a report calls it."""
        return f"an idle client ({self.kind}) in {' and '.join(self.sids) or 'no namespace'}"

    # Opening and listening.

    async def open(self) -> None:
        """Connect, and listen from then on; who is turned away is gone at once."""
        self.opened_at = time.monotonic()
        try:
            async with asyncio.timeout(OPENING):
                peer = await self._opened(Target(self.server, self.context))
        except GONE as error:
            self.gone = f"{type(error).__name__}: {error}"
            return
        self.engine = peer.engine
        self._task = asyncio.create_task(self._listen(peer))

    async def _opened(self, target: Target) -> SocketIOPeer:
        if self.kind == "elsewhere":
            peer = await target.unconnected()
            for namespace in ELSEWHERE:
                with contextlib.suppress(Failure):  # a server without the fixture's namespaces
                    self.sids[namespace] = await peer.connect(namespace)
                    await peer.greeted(namespace)
            if not self.sids:
                raise Unsupported("one of the fixture's namespaces", "each is refused")
            return peer
        transport = {"polling": "polling", "left": self._other_transport(target)}.get(self.kind)
        peer = await target.socketio(transport)
        if self.kind == "left":
            room = target.unique("left")
            await peer.proof("join", rooms=[room])
            await peer.proof("leave", rooms=[room])
        self.sids[peer.namespace] = peer.sid
        return peer

    @staticmethod
    def _other_transport(target: Target) -> str | None:
        return "upgrade" if target.supports("upgrade") else None

    async def _listen(self, peer: SocketIOPeer) -> None:
        try:
            while True:
                packet = await peer.next_of_any()
                self._hear(packet, peer.contract.joined)
        except GONE as error:
            self.gone = f"its connection ended ({error})"
            for heard in self._awaited.values():
                heard.set()

    def _hear(self, packet: Packet, joined: Collection[str]) -> None:
        contents = contents_of(packet)
        for word, heard in self._awaited.items():
            if word in contents:
                heard.set()
                return
        audience = packet.namespace if packet.namespace in joined else None
        saying = self.company.whose(contents) if packet.type in EVENTS else None
        answers = packet.type in EVENTS and packet.data[0] == "message-back"
        if saying is None and (answers or packet.type in ACKS):
            saying = Saying("another client's request")
        if saying is not None and not saying.is_meant_for(self.context.case, audience):
            leak = self.company.leaked(saying, self.name, f"{packet!s:.200}", idle=True)
            if len(self.leaks) < KEPT_LEAKS:
                self.leaks.append(leak)

    # For a case at the end.

    async def fence(self, speaker: SocketIOPeer) -> None:
        """What was said before has been heard: the speaker says a word to this client alone."""
        for namespace, sid in self.sids.items():
            word, heard = self._listening_for(speaker)
            await speaker.proof("emit", event="fence", args=[word], to=[sid], namespace=namespace)
            with speaker.context.preparing(f"a word to {self.name} heard by it"):
                await heard.wait()
            if self.gone:
                raise Unsupported(f"{self.name} that stays", self.gone)

    async def hears_everyone(self, speaker: SocketIOPeer) -> None:
        """What is said to everyone in one of its namespaces is heard by this client, too."""
        said = {}
        for namespace in self.sids:
            word, said[namespace] = self._listening_for(speaker)
            await speaker.proof("emit", event="said", args=[word], namespace=namespace)
        for _ in range(FENCES):
            await self.fence(speaker)
        for namespace, heard in said.items():
            if not heard.is_set():
                wanted = f"what is said to all of {namespace} heard by {self.name}"
                raise Failure(wanted, "only what was then said to it alone")

    def _listening_for(self, speaker: SocketIOPeer) -> tuple[str, asyncio.Event]:
        """A word of the speaker's case, and what is set when this client hears it."""
        word = f"to-a-bystander-{len(self._awaited)}-{speaker.context.mark}"  # none begins another
        heard = self._awaited[word] = asyncio.Event()
        return word, heard

    async def pinged_after(self, seconds: float) -> float | None:
        """When it had its first PING, in seconds; None when none came within so many."""
        assert self.engine is not None
        while self.engine.pinged_at is None:
            if time.monotonic() > self.opened_at + seconds:
                return None
            if self.gone:
                raise Unsupported(f"{self.name} that stays", self.gone)
            await asyncio.sleep(LOOKS)
        return self.engine.pinged_at - self.opened_at

    async def leave(self, why: str) -> None:
        """Let go of the connection."""
        self.gone = self.gone or why
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.context.close()
        await self.context.gone()


@contextlib.asynccontextmanager
async def bystanders(servers: Sequence[Server], company: Company) -> AsyncIterator[None]:
    """Bystanders at each server that echoes or has the fixture, for as long as the cases run."""
    roomy = [each for each in servers if each.room is None]
    offering = [each for each in roomy if {"fixture", "emit"} <= each.capabilities]
    slow = [each for each in offering if "fast-timers" not in each.capabilities]
    idle: list[Bystander | IdleWebSocket] = [
        IdleWebSocket(
            server, company, CaseContext(WireLog(), company=company, case="an idle client")
        )
        for server in roomy
        if "echo" in server.capabilities and "broadcast" not in server.capabilities
    ]
    idle += [
        Bystander(
            kind, server, company, CaseContext(WireLog(), company=company, case=f"a {kind} client")
        )
        for server in slow or offering
        for kind in KINDS
    ]
    company.bystanders[:] = idle
    try:
        for each in idle:  # one after the other: the first is the first to connect
            await each.open()
        yield
    finally:
        company.bystanders.clear()
        await asyncio.gather(*(each.leave("the run has ended") for each in idle))


def bystander(target: Target, kind: str) -> Bystander:
    """The bystander of this kind at the target; UNSUPPORTED where there is none."""
    wanted = f"an idle client ({kind}) that listens"
    for each in target.context.company.bystanders:
        if isinstance(each, Bystander) and (each.kind, each.server) == (kind, target.server):
            if each.gone:
                raise Unsupported(wanted, each.gone)
            return each
    raise Unsupported(wanted, "the run has none")


def idle_websocket(target: Target) -> IdleWebSocket:
    """The idle WebSocket at the target; UNSUPPORTED where there never was one."""
    wanted = "an idle client that listens"
    if "broadcast" in target.capabilities:
        raise Unsupported(wanted, "the server sends what one says to everyone")
    for each in target.context.company.bystanders:
        if isinstance(each, IdleWebSocket) and each.server == target.server and each.was_there:
            return each
    raise Unsupported(wanted, "the run has none")
