"""The paths of Socket.IO's drivers: `/next`, `/seen`, and `/run/N/NAME/socket.io/` for the client.

A case begins when its driver asks for it, and the answer to the next `/next` waits until it has
been judged. What a driver does wrong is answered with one line, and changes no outcome.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any
from urllib.parse import quote, unquote

from sockproof.clients.connection import Arrival, Connection
from sockproof.clients.run import SOCKETIO, ClientRun
from sockproof.clients.sessions.visit import REASONS, TEXT, cors
from sockproof.clients.sessions.visitor import SocketIOVisitor
from sockproof.conformance.shelf.case import Case
from sockproof.wire.http import Headers

MOST_REPORT_OCTETS = 1024 * 1024
KEPT = 3  # cases whose clients are still answered
_JSON: Headers = (("Content-Type", "application/json"),)
_RUN = re.compile(r"/run/(\d{1,9})/([^/]*)/socket\.io/?")


class SocketIOScheme:
    """Tells a driver which client to make, and judges the client that comes."""

    def __init__(self, run: ClientRun) -> None:
        self.run = run
        self.cases = run.of(SOCKETIO)
        self._at = 0  # how many cases have begun
        self._visitor: SocketIOVisitor | None = None  # of the case that is on
        self._visitors: dict[
            int, SocketIOVisitor
        ] = {}  # of the last cases: their clients are going
        self._task: asyncio.Task[Any] | None = None
        self._waiting: asyncio.Event | None = None  # of the driver's last /next

    def takes(self, arrival: Arrival) -> bool:
        """Whether the path is one of these."""
        return arrival.path in ("/next", "/seen") or arrival.path.startswith("/run/")

    async def serve(self, connection: Connection, arrival: Arrival) -> bool:
        """Answer one request."""
        body = await connection.body(arrival.request)
        if arrival.request.method == "OPTIONS":
            self._respond(connection, arrival, 204)
        elif arrival.path == "/next":
            await self._next(connection, arrival)
        elif arrival.path == "/seen":
            self._seen(connection, arrival, body)
        else:
            await self._at_a_case(connection, arrival, body)
        return "close" not in arrival.request.tokens("Connection")

    def _respond(
        self,
        connection: Connection,
        arrival: Arrival,
        status: int,
        body: bytes = b"",
        headers: Headers = TEXT,
    ) -> None:
        fields = (*headers, *cors(arrival.request)) if body else cors(arrival.request)
        connection.respond(status, REASONS[status], body, fields)

    # /next

    async def _next(self, connection: Connection, arrival: Arrival) -> None:
        agent = arrival.query.get("agent", "")
        wrong = self._foreign(agent)
        if wrong:
            self._respond(connection, arrival, *wrong)
            return
        self.run.named(agent, SOCKETIO)
        mine = self._waiting = asyncio.Event()
        while self._task is not None:
            await asyncio.wait({self._task})
            if self._waiting is not mine:
                self._respond(connection, arrival, 409, b"/next has been asked again since\n")
                return
            if self._task is not None and self._task.done():
                self._task = None
        if connection.stream.ended is not None:
            return
        visitor = await self._begin(agent)
        if visitor is None:
            self._respond(connection, arrival, 204)
            return
        told = {
            "case": self._at,
            "id": self.cases[self._at - 1].id,
            "path": visitor.path,
            **visitor.asked.to_json(),
        }
        self._respond(connection, arrival, 200, json.dumps(told).encode(), _JSON)

    async def _begin(self, agent: str) -> SocketIOVisitor | None:
        """Begin the next case that wants a client, and give its visitor; None behind the last."""
        for _ in range(2):
            while self._at < len(self.cases):
                case = self.cases[self._at]
                self._at += 1
                if self.run.once and self.run.is_closed(case):
                    continue
                visitor = await self._visit(case, agent)
                if visitor is not None:
                    return visitor
            if not (self.run.once and self.run.left):
                break
            self._at = 0  # some are looked at again
        return None

    async def _visit(self, case: Case, agent: str) -> SocketIOVisitor | None:
        """Begin the case; gives its visitor, or None where it wants no client."""
        visitor = self._visitor = SocketIOVisitor(self.run.context(case))
        self._visitors.pop(self._at - KEPT, None)
        self._visitors[self._at] = visitor
        visitor.path = f"/run/{self._at}/{quote(agent, safe='')}/socket.io/"
        self._task = asyncio.get_running_loop().create_task(self.run.judge(case, visitor))
        told = asyncio.ensure_future(visitor.ready.wait())
        await asyncio.wait({self._task, told}, return_when=asyncio.FIRST_COMPLETED)
        if told.done():
            return visitor
        told.cancel()
        return None

    def _foreign(self, agent: str) -> tuple[int, bytes] | None:
        if not agent:
            return 400, b"the query names no agent\n"
        if self.run.agent is not None and agent != self.run.agent:
            return 403, f"this run judges the agent {self.run.agent!r}\n".encode()
        return None

    # /seen

    def _seen(self, connection: Connection, arrival: Arrival, body: bytes) -> None:
        self._respond(connection, arrival, *self._reported(arrival, body))

    def _reported(self, arrival: Arrival, body: bytes) -> tuple[int, bytes]:
        wrong = self._foreign(arrival.query.get("agent", ""))
        if wrong:
            return wrong
        if arrival.request.method != "POST":
            return 405, b"reports are sent with POST\n"
        number = arrival.query.get("case", "")
        if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= self._at:
            return 404, b"no case of this number has begun\n"
        if len(body) > MOST_REPORT_OCTETS:
            return 413, f"a report has at most {MOST_REPORT_OCTETS} octets\n".encode()
        try:
            report = json.loads(body)
        except (ValueError, RecursionError):
            return 400, b"the report is not valid JSON\n"
        if not isinstance(report, dict) or not isinstance(report.get("type"), str):
            return 400, b"a report is an object with a type\n"
        visitor = self._visitor
        if int(number) < self._at or visitor is None or visitor.closed:
            return 200, b"the case has been judged\n"
        if not visitor.report(report):
            return 429, b"too many reports\n"
        return 200, b"noted\n"

    # /run/N/NAME/socket.io/

    async def _at_a_case(self, connection: Connection, arrival: Arrival, body: bytes) -> None:
        found = _RUN.fullmatch(arrival.path)
        visitor = self._visitors.get(int(found[1])) if found is not None else None
        if found is None or self._foreign(unquote(found[2])) is not None:
            self._respond(connection, arrival, 404, b"no case has this path\n")
        elif visitor is None:
            self._respond(connection, arrival, 410, b"no case of this number is on\n")
        else:
            await visitor.serve(visitor.visit(connection, arrival, body))

    # What becomes of the driver.

    def died(self, how: str) -> Case | None:
        """The driver's process has ended: the case that was on has failed; which one it was."""
        if self._task is None or self._task.done() or self._visitor is None:
            return None
        self._visitor.abandoned(how)
        return self.cases[self._at - 1]
