"""Our end of one Socket.IO client: its sessions, and what its application was told.

Socket.IO protocol, revision 5. A case says by `setup` what `/next` tells the driver, awaits a
`session`, says and expects packets there, and asks by `seen` what the application reported.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sockproof.clients.connection import Arrival, Connection
from sockproof.clients.run import Visitor
from sockproof.clients.sessions.engineio import LETS_GO, UNKNOWN_SID, EngineIOSession
from sockproof.clients.sessions.setup import UPGRADE, USUAL_TIMEOUT_MS, WEBSOCKET, Setup
from sockproof.clients.sessions.socketio import SocketIOSession, with_bins
from sockproof.clients.sessions.visit import Visit
from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import (
    CaseEnd,
    Failure,
    IllegalFrame,
    Inconclusive,
    StreamClosed,
    Unsupported,
)
from sockproof.vocabulary import Seen
from sockproof.wire.socketio import PacketType

MOST_VISITS = 1000  # that are kept
MOST_REPORTS = 2000  # of one case
COMES = 30.0  # seconds that the driver has for making its client
UPGRADES = 5.0  # seconds within which a client that upgrades has done so
THAT_UPGRADES = "a client that begins with long-polling and upgrades"

Report = dict[str, Any]


class Died(IllegalFrame):
    """FAIL, whatever the case was about: the driver's process ended, and the client with it."""

    sees = Seen.DIED


class SocketIOVisitor(Visitor):
    """The client of one case: what it is told, its sessions, and its application's reports."""

    def __init__(self, context: CaseContext) -> None:
        self.context = context
        self.asked = Setup()
        self.ready = asyncio.Event()  # to be told of: the case has said how
        self.sessions: list[EngineIOSession] = []
        self.reports: list[Report] = []
        self.path = ""  # that the driver is told
        self.visits: list[Visit] = []  # the first of all its requests
        self.closed = False
        # Who takes its requests, where that is another server.
        self.forward: Callable[[Visit], Awaitable[None]] | None = None
        self._came = False  # the client, at all
        self._openings: deque[Visit] = deque()
        self._here: set[Visit] = set()  # requests that are not answered yet
        self._given: dict[str, int] = {}  # how many reports of a type `seen` has given
        self._broken: CaseEnd | None = None  # why nothing more can be judged
        self._changed = asyncio.Event()
        self._words = itertools.count(1)
        self._numbers: dict[Connection, int] = {}  # of connections, in the wire log
        context.owns(self)

    # What the case says.

    def setup(
        self,
        transport: str = WEBSOCKET,
        *,
        namespaces: Sequence[str] = ("/",),
        auth: dict[str, Any] | None = None,
        reconnect: bool = False,
        timeout_ms: int = USUAL_TIMEOUT_MS,
    ) -> None:
        """Say what `/next` tells the driver; `transport` is one of `TRANSPORTS`."""
        assert not self.ready.is_set(), "the driver has been told already"
        self.asked = Setup(transport, tuple(namespaces), auth, reconnect, timeout_ms)

    def note(self, name: str, text: str) -> None:
        """Tell of something that is the client's to decide."""
        self.context.notes.append((name, text))

    def word(self) -> str:
        """A word that nothing else of the case has."""
        return f"{self.context.mark}-{next(self._words)}"

    # Its sessions.

    async def opening(self) -> Visit:
        """The client's next opening request, GET or WebSocket, which the case answers itself.

        The first one is waited for longer: a driver may need time to be rid of its last client.
        """
        self.ready.set()
        if not self._came:
            with self.context.preparing("a client that connects"), self.context.unhurried(COMES):
                await self._opened()
        with self.context.awaits("a request that opens an Engine.IO session"):
            await self._opened()
        self._came = True
        return self._openings.popleft()

    async def connects(self, session: SocketIOSession) -> bool:
        """Whether the client goes on to CONNECT in this session; False where it reports that."""
        with self.context.awaits("CONNECT, or the report of an error"):
            try:
                packet = await session.receive(self._is_told_of_no_connection)
            except StreamClosed:
                return False
        return packet.type == PacketType.CONNECT

    def _is_told_of_no_connection(self) -> bool:
        tells = ("connect_error", "error", "disconnect")
        return bool(self._openings) or any(map(self.count, tells))

    async def fails_to_connect(self, expected: str) -> None:
        """The application hears of no connection, or the client opens another session."""
        await self.until(expected, self._is_told_of_no_connection)
        self.expect_no_report("connect", expected)

    def expect_no_report(self, type_: str, expected: str) -> None:
        """No report of this type is there: a fence has shown that it would be."""
        for report in self.reports:
            if report["type"] == type_:
                raise Failure(expected, f"the report {report!r:.300}")

    def expect_no_opening(self, expected: str = "no further session of the client") -> None:
        """No further opening request is there: a fence has shown that it would be."""
        if self._openings:
            raise Failure(expected, self._openings[0].request)

    @property
    def has_openings(self) -> bool:
        """Whether the client has asked for a session that no case has taken yet."""
        return bool(self._openings)

    async def _opened(self) -> None:
        while not self._openings:
            await self._change()

    def open(self, visit: Visit, first: str | None = None, **fields: Any) -> EngineIOSession:
        """The session that answers an opening request; see `EngineIOSession.opened`."""
        if not visit.is_upgrade and self.asked.transport != UPGRADE:
            fields.setdefault("upgrades", ())
        session = EngineIOSession.opened(visit, first, **fields)
        self.sessions.append(session)
        return session

    async def engine(self, **fields: Any) -> EngineIOSession:
        """The next Engine.IO session of the client, with `fields` in its handshake."""
        return self.open(await self.opening(), **fields)

    async def session(self, *, judged: bool = False, **fields: Any) -> SocketIOSession:
        """The client's next session, with all its namespaces connected, and upgraded if asked.

        Where it is `judged`, the client must connect; else that is what the case begins with.
        """
        engine = await self.engine(**fields)
        session = SocketIOSession(self, engine)
        words = "a client that connects"
        with self.context.awaits(words) if judged else self.context.preparing(words):
            await self._upgraded(engine)
            await session.connected(self.asked.namespaces)
        return session

    async def _upgraded(self, engine: EngineIOSession) -> None:
        """The client has upgraded if it is asked to; UNSUPPORTED where it does otherwise."""
        if self.asked.transport != UPGRADE:
            return
        self.expect_polling(engine)
        try:
            with self.context.unhurried(2 * UPGRADES):
                async with asyncio.timeout(UPGRADES):
                    await engine.expect_upgrade()
        except TimeoutError:
            raise Unsupported(THAT_UPGRADES, f"no upgrade within {UPGRADES:g} s") from None

    def expect_polling(self, engine: EngineIOSession) -> None:
        """UNSUPPORTED where the client of both transports begins with the WebSocket."""
        if engine.opening.is_upgrade:
            raise Unsupported(THAT_UPGRADES, "it begins with a WebSocket")

    async def upgrading(self, held: Sequence[str] = ()) -> EngineIOSession:
        """A session of a client of both transports, which has asked for the WebSocket.

        The case answers requests of the kinds that are `held`. UNSUPPORTED where the client begins
        with a WebSocket, or stays with long-polling.
        """
        self.setup(UPGRADE)
        engine = await self.engine()
        engine.manual.update(held)
        self.expect_polling(engine)
        try:
            async with asyncio.timeout(UPGRADES):
                await self.until(THAT_UPGRADES, self._wants_a_websocket)
        except TimeoutError:
            raise Unsupported(THAT_UPGRADES, f"no WebSocket within {UPGRADES:g} s") from None
        return engine

    def _wants_a_websocket(self) -> bool:
        return any(visit.is_upgrade for visit in self.visits)

    async def settled(self, **fields: Any) -> SocketIOSession:
        """The client's next session, in whose namespaces an event has been answered already."""
        session = await self.session(**fields)
        with self.context.preparing("an answer in each namespace"):
            for namespace in self.asked.namespaces:
                await session.fence(namespace)
        return session

    async def comes_back(self, **fields: Any) -> SocketIOSession:
        """The session by which a client returns, with all its namespaces connected."""
        engine = self.open(await self.opening(), **fields)
        session = SocketIOSession(self, engine)
        if not engine.opening.is_upgrade:  # who has upgraded once may begin with a WebSocket
            await self._upgraded(engine)
        await session.connected(self.asked.namespaces)
        return session

    def socketio(self, engine: EngineIOSession) -> SocketIOSession:
        """Socket.IO over an Engine.IO session, with no namespace connected yet."""
        return SocketIOSession(self, engine)

    # What its application saw.

    async def seen(self, type_: str, namespace: str | None = None, **fields: Any) -> Report:
        """The application's next report of this type, which must have these fields.

        Reports of other types are passed over, and kept for those who ask for them; so are the
        events of fences.
        """
        self.ready.set()
        wanted = {"type": type_, **({} if namespace is None else {"namespace": namespace})}
        wanted = {**wanted, **with_bins(fields)}
        with self.context.awaits(f"the application's report {wanted!r:.300}"):
            while (report := self._next_report(type_)) is None:
                await self._change()
        if any(report.get(key) != value for key, value in wanted.items()):
            raise Failure(f"the application's report {wanted!r:.300}", f"{report!r:.300}")
        return report

    async def seen_any(self, *types: str) -> Report:
        """The first report of one of these types, now or later."""

        def found() -> list[Report]:
            return [report for report in self.reports if report["type"] in types]

        await self.until(f"the application's report {' or '.join(types)}", lambda: bool(found()))
        return found()[0]

    def reported(self, type_: str, namespace: str | None = None) -> list[Report]:
        """The reports of this type so far, in this namespace or in all."""
        return [
            report
            for report in self.reports
            if report["type"] == type_ and namespace in (None, report.get("namespace"))
        ]

    def _next_report(self, type_: str) -> Report | None:
        of_type = [report for report in self.heard if report["type"] == type_]
        given = self._given.get(type_, 0)
        if len(of_type) <= given:
            return None
        self._given[type_] = given + 1
        return of_type[given]

    def count(self, type_: str, namespace: str | None = None) -> int:
        """How many reports of this type there are so far, in this namespace or in all."""
        return len(self.reported(type_, namespace))

    async def until(self, wanted: str, holds: Callable[[], bool]) -> None:
        """Wait for something of the reports, or of the opening requests, to be so."""
        self.ready.set()
        with self.context.awaits(wanted):
            while not holds():
                await self._change()

    async def told(self, word: str) -> None:
        """The application has reported the event `message` with this word, and all before it."""
        with self.context.preparing("the driver's report of the event `message`"):
            await self.until(
                "the report of a fence", lambda: any(_tells(each, word) for each in self.reports)
            )

    @property
    def heard(self) -> list[Report]:
        """The reports so far, apart from those of fences."""
        return [each for each in self.reports if not _is_fence(each, self.context.mark)]

    def events(self, *names: str) -> list[Report]:
        """The events that handlers ran for, apart from those of fences; all names or these."""
        events = (each for each in self.heard if each["type"] == "event")
        return [each for each in events if not names or each.get("name") in names]

    async def _change(self) -> None:
        if self._broken is not None:
            raise self._broken
        await self._changed.wait()

    # What the scheme says.

    def visit(self, connection: Connection, arrival: Arrival, body: bytes) -> Visit:
        """A request of the client, in the case's wire log."""
        number = self._numbers.get(connection)
        if number is None:
            number = self._numbers[connection] = self.context.log.new_connection()
        visit = Visit(connection, arrival, body, self.context, number)
        if len(self.visits) < MOST_VISITS:
            self.visits.append(visit)
        self._wake()
        return visit

    async def part(self) -> None:
        """Let go of the client: what still waits is answered when the context is closed."""

    async def serve(self, visit: Visit) -> None:
        """Take a request at the case's path, and return when it has been answered."""
        self._here.add(visit)
        try:
            await self._serve(visit)
        finally:
            self._here.discard(visit)

    async def _serve(self, visit: Visit) -> None:
        if self.forward is not None and not self.closed:
            await self.forward(visit)
            return
        sid = visit.query.get("sid")
        known = next((each for each in self.sessions if each.sid == sid), None)
        if not self.closed and known is None and (visit.kind == "open" or not self.sessions):
            self._openings.append(visit)
            self._wake()
            await visit.over()
        elif known is not None:
            await known.serve(visit)
        else:
            visit.answer(400, UNKNOWN_SID)

    def report(self, report: Report) -> bool:
        """Take a report of the driver's application; False where there were too many."""
        if len(self.reports) >= MOST_REPORTS:
            wanted = f"at most {MOST_REPORTS} reports of the driver"
            self.interrupt(Inconclusive(wanted, "more of them"))
            return False
        self.reports.append(report)
        if report.get("type") == "unsupported":
            wanted = f"a driver with the operation {report.get('op')!r:.60}"
            self.interrupt(Unsupported(wanted, "it says that it has none"))
        self._wake()
        return True

    def abandoned(self, how: str) -> None:
        """The driver's process has died, and its client with it."""
        self.interrupt(Died("a driver that goes on", how))

    def interrupt(self, end: CaseEnd) -> None:
        """End the case so, wherever it waits."""
        self._broken = self._broken or end
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        for session in self.sessions:
            session.interrupt(self._broken)

    def reset(self) -> None:
        """Answer what waits when the case has ended; some libraries await that to be closed."""
        self.closed = True
        asyncio.get_running_loop().call_later(LETS_GO, self._let_go)

    def _let_go(self) -> None:
        in_use = [each.websocket.visit for each in self.sessions if each.websocket is not None]
        for visit in self._here - set(in_use):
            visit.let_go()


def _tells(report: Report, word: str) -> bool:
    return (report["type"], report.get("name"), report.get("args")) == ("event", "message", [word])


def _is_fence(report: Report, mark: str) -> bool:
    args = report.get("args")
    first = args[0] if isinstance(args, list) and len(args) == 1 else None
    is_word = isinstance(first, str) and first.startswith(f"{mark}-")
    return report.get("name") == "message" and is_word
