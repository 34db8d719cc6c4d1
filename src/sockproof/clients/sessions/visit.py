"""One HTTP request of a client, in the wire log of its case, and what it is answered.

The rules that hold here:

* An answer leaves as it is given, wrong or not; `Visit.answer` frames one that is to be right.
* A connection that outlives a case is left alone: a driver in a page shares it with its own
  requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sockproof.clients.connection import Arrival, Connection
from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.wirelog import RECEIVED, SENT
from sockproof.wire.http import Headers, Request, Response

LOOK = 0.05  # seconds between two looks at whether the client has given up waiting


def framed(response: Response) -> Response:
    """The response with a Content-Length, unless it says how long it is or can have no body."""
    if response.status < 200 or response.status in (204, 304):
        return response
    if response.get("Content-Length") is not None or response.get("Transfer-Encoding") is not None:
        return response
    length = ("Content-Length", str(len(response.body)))
    return replace(response, headers=(*response.headers, length))


def cors(request: Request) -> Headers:
    """What lets a page of another origin read the answer, and send what it asked for."""
    origin = request.get("Origin")
    if origin is None:
        return ()
    fields = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
    fields.append(("Access-Control-Allow-Credentials", "true"))
    if request.method == "OPTIONS":
        asked = request.get("Access-Control-Request-Headers") or "content-type"
        fields.append(("Access-Control-Allow-Methods", "GET, POST, OPTIONS"))
        fields.append(("Access-Control-Allow-Headers", asked))
        fields.append(("Access-Control-Max-Age", "600"))
    return tuple(fields)


@dataclass(eq=False)
class Visit:
    """One request that a client sent for a case, and that waits for its answer."""

    connection: Connection
    arrival: Arrival
    body: bytes
    context: CaseContext
    number: int  # of the connection, in the wire log of the case
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    begun: bool = False  # to be answered, by octets of which more follow

    def __post_init__(self) -> None:
        words = str(self.request)
        if self.body:
            words += f", body of {len(self.body)} octets: {self.body[:120]!r}"
        octets = self.arrival.head + self.body
        self.context.log.add(self.number, RECEIVED, octets, words, head=True)

    @property
    def request(self) -> Request:
        """The request's head."""
        return self.arrival.request

    @property
    def query(self) -> Mapping[str, str]:
        """The query's parameters, the last of each name."""
        return self.arrival.query

    @property
    def is_upgrade(self) -> bool:
        """Whether it asks for a WebSocket."""
        return "websocket" in self.request.tokens("Upgrade")

    @property
    def kind(self) -> str:
        """`open`, `poll`, `post`, `websocket` (of a session that there is), or the method."""
        if not self.query.get("sid"):
            return "open"
        if self.is_upgrade:
            return "websocket"
        return {"GET": "poll", "POST": "post"}.get(self.request.method, self.request.method)

    @property
    def has_gone(self) -> bool:
        """Whether the client has ended the connection on which it asked."""
        return self.connection.stream.ended is not None

    def answer(
        self, status: int, body: bytes = b"", headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Answer it, framed and readable for a page of whatever origin."""
        usual = () if any(n.lower() == "content-type" for n, _ in headers) else TEXT
        fields = (*usual, *headers, *cors(self.request))
        response = framed(Response(status, REASONS.get(status, ""), fields, body))
        shown = f": {body[:120]!r}" if body else ""
        self._note(response.encode(), f"{response}, body of {len(body)} octets{shown}")
        self.connection.stream.write(response.encode())
        self.answered.set()

    def answer_octets(self, octets: bytes, meaning: str, *, more: bool = False) -> None:
        """Answer with octets as they are; `more` of them follow."""
        self._note(octets, meaning)
        self.connection.stream.write(octets)
        self.begun = True
        if not more:
            self.answered.set()

    async def answer_pieces(self, octets: bytes, size: int, meaning: str) -> None:
        """Answer in pieces of `size` octets, each in a TCP segment of its own."""
        self._note(octets, f"{meaning}, in pieces of {size}")
        await self.connection.stream.write_pieces(octets, size)
        self.answered.set()

    def readable(self, octets: bytes) -> bytes:
        """The octets of an answer, with what lets a page of another origin read it."""
        status, _, rest = octets.partition(b"\r\n")
        fields = "".join(f"{name}: {value}\r\n" for name, value in cors(self.request))
        return status + b"\r\n" + fields.encode("latin-1") + rest

    def end(self) -> None:
        """End the connection without an answer, or behind what was sent of one."""
        self.context.log.note(self.number, SENT, "FIN")
        self.connection.stream.close()
        self.answered.set()

    def reset(self) -> None:
        """End the connection by RST."""
        self.context.log.note(self.number, SENT, "RST")
        self.connection.stream.reset()
        self.answered.set()

    def let_go(self) -> None:
        """Answer it somehow: its case has ended, and a page has few connections."""
        if self.answered.is_set():
            return
        if self.begun:
            self.end()
        else:
            status, body = {"poll": (200, b"6"), "post": (200, b"ok")}.get(self.kind, (503, b""))
            self.answer(status, body)

    async def over(self) -> None:
        """Return once it has been answered, or the client has given it up."""
        while not self.answered.is_set() and not self.has_gone:
            try:
                async with asyncio.timeout(LOOK):
                    await self.answered.wait()
            except TimeoutError:
                continue

    def _note(self, octets: bytes, meaning: str) -> None:
        self.context.log.add(self.number, SENT, octets, meaning, head=True)


TEXT: Headers = (("Content-Type", "text/plain; charset=UTF-8"),)
REASONS = {
    101: "Switching Protocols",
    200: "OK",
    204: "No Content",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    410: "Gone",
    413: "Content Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}
