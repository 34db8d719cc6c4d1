"""The paths of Autobahn|Testsuite's fuzzing server: a driver that exists for it runs unchanged.

    /getCaseCount                       the number of cases, as text
    /getCaseInfo?case=N                 {"id", "description", "subprotocols"}
    /runCase?case=N&agent=NAME          runs a case; casetuple=ID names it by its id
    /getCaseStatus?case=N&agent=NAME    {"behavior"}
    /updateReports?agent=NAME           writes the reports; &shutdownOnComplete=true ends it all
    /stopServer                         ends it all

Each is a WebSocket, on which the server sends at most one text and closes with 1000.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

from sockproof.clients.connection import Arrival, Connection
from sockproof.clients.peers.websocket import WebSocketVisitor
from sockproof.clients.run import OF_A_DRIVER, WEBSOCKET, ClientRun
from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import CaseEnd, StreamClosed
from sockproof.conformance.context.wirelog import WireLog
from sockproof.conformance.shelf.case import Case
from sockproof.runs.records import CaseRecord

PATHS = (
    "/getCaseCount",
    "/getCaseInfo",
    "/runCase",
    "/getCaseStatus",
    "/updateReports",
    "/stopServer",
)
PATIENCE = 5.0  # seconds in which a driver answers a Close frame
REDIRECTED = 1.0  # seconds in which a client lets go of a connection that was redirected
BEHAVIOR = {
    "PASS": "OK",
    "NON_STRICT": "NON-STRICT",
    "FAIL": "FAILED",
    "UNSUPPORTED": "UNIMPLEMENTED",
    "INCONCLUSIVE": "INFORMATIONAL",
}


class WebSocketScheme:
    """Hands a run's WebSocket cases to drivers."""

    def __init__(self, run: ClientRun) -> None:
        self.run = run
        self.cases = run.of(WEBSOCKET)

    def takes(self, arrival: Arrival) -> bool:
        """Whether the path is one of Autobahn's."""
        return arrival.path in PATHS

    async def serve(self, connection: Connection, arrival: Arrival) -> bool:
        """Do what the path says; the connection is a WebSocket's, and ends with it."""
        if arrival.request.get("Sec-WebSocket-Key") is None and arrival.path != "/runCase":
            connection.respond(426, "Upgrade Required", b"", (("Upgrade", "websocket"),))
            return False
        self.run.named(arrival.query.get("agent"), WEBSOCKET)
        self.run.history.saw_key(arrival.request.get("Sec-WebSocket-Key") or "")
        match arrival.path:
            case "/getCaseCount":
                await _tell(connection, arrival, str(len(self.cases)))
            case "/runCase":
                await self._run(connection, arrival)
            case "/getCaseInfo":
                case = self._case(arrival)
                about = None if case is None else json.dumps(self._about(case))
                await _tell(connection, arrival, about)
            case "/getCaseStatus":
                case = self._case(arrival)
                record = None if case is None else await self.run.settled(case)
                told = {"behavior": _behavior(record)}
                await _tell(connection, arrival, json.dumps(told))
            case "/updateReports":
                self.run.on_reports()
                await _tell(connection, arrival, None)
                if arrival.query.get("shutdownOnComplete", "").lower() in ("true", "1"):
                    self.run.stop()
            case _:
                await _tell(connection, arrival, None)
                self.run.stop()
        return False

    def _about(self, case: Case) -> dict[str, Any]:
        name = case.autobahn[0] if case.autobahn else case.id
        return {"id": name, "description": case.sentence, **self.run.beside.told(case)}

    def _case(self, arrival: Arrival) -> Case | None:
        """The case that the query names by its number, or by an id of Autobahn's or ours."""
        number, name = arrival.query.get("case", ""), arrival.query.get("casetuple")
        if name is not None:
            return next((c for c in self.cases if c.id == name or name in c.autobahn), None)
        if number.isascii() and number.isdigit() and len(number) < 10:
            place = int(number) - 1
            return self.cases[place] if 0 <= place < len(self.cases) else None
        return None

    async def _run(self, connection: Connection, arrival: Arrival) -> None:
        case = self._case(arrival)
        if case is None or await self._is_judged(case, arrival):
            await _tell(connection, arrival, None)
            return
        if self.run.without_of(case, self.run.agent or ""):
            await _tell(connection, arrival, None)
            return
        context = self.run.context(case)
        visitor = WebSocketVisitor(context, connection, arrival, self.run.history)
        await self.run.judge(case, visitor)

    async def _is_judged(self, case: Case, arrival: Arrival) -> bool:
        """Whether the case is not to be judged on this connection.

        A redirect of the case's own has led here where the query has `again`: what comes of that
        counts, unless the connection that was redirected has failed already.
        """
        if "again" not in arrival.query:
            return self.run.once and self.run.is_closed(case)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REDIRECTED):
                await self.run.settled(case)
        record = self.run.records.get(case.id)
        return record is not None and record.outcome == "FAIL"


def _behavior(record: CaseRecord | None) -> str:
    return "UNIMPLEMENTED" if record is None else BEHAVIOR[record.outcome]


async def _tell(connection: Connection, arrival: Arrival, text: str | None) -> None:
    """Open the WebSocket, send the text where there is one, and close with 1000."""
    context = CaseContext(WireLog())
    context.other, context.policy = "the client", OF_A_DRIVER
    peer = WebSocketVisitor(context, connection, arrival)
    with contextlib.suppress(CaseEnd, StreamClosed, TimeoutError):
        await peer.accept()
        if text is not None:
            peer.send_text(text)
        async with asyncio.timeout(PATIENCE):
            await peer.close_handshake(1000)
    await peer.part()
