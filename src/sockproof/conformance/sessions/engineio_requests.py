"""Long-polling requests of one Engine.IO session, one by one, and what refuses them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import Failure
from sockproof.conformance.peers.http import HttpPeer
from sockproof.wire.engineio import Handshake
from sockproof.wire.http import Request, Response

Opener = Callable[[], Awaitable[HttpPeer]]
Requester = Callable[..., Request]
"""Makes the request for a method, a query and a body: `request(method, query, body, type)`."""


class EngineIORequests:
    """A client that makes requests, each on a connection of its own, in a session if it has one."""

    def __init__(self, context: CaseContext, open_http: Opener, request: Requester) -> None:
        self.context = context
        self.open_http = open_http
        self.request = request
        self.handshake = Handshake("", (), 0, 0, None)

    @property
    def sid(self) -> str:
        """The Engine.IO session id."""
        return self.handshake.sid

    async def exchange(
        self, method: str, query: str, body: bytes = b"", content_type: str | None = None
    ) -> Response:
        """One HTTP request on a connection of its own, and its response."""
        peer = await self.open_http()
        response = await peer.ask(self.request(method, query, body, content_type))
        peer.stream.close()
        return response

    @property
    def session_query(self) -> str:
        """The query of every long-polling request of this session."""
        return self.query_of("polling")

    def query_of(self, transport: str) -> str:
        """The query of a request of this session; a sid may hold any characters."""
        return f"EIO=4&transport={transport}&sid={quote(self.sid, safe='', errors='replace')}"

    async def post(self, body: bytes, content_type: str = "text/plain;charset=UTF-8") -> Response:
        """One POST; what it answers is left to the caller."""
        return await self.exchange("POST", self.session_query, body, content_type)

    async def passes(self) -> None:
        """Two requests come and go that are no business of this session."""
        with self.context.preparing("answers to other requests meanwhile"):
            for _ in range(2):
                await self.exchange("GET", "EIO=4&transport=polling")

    async def refused(
        self,
        method: str,
        query: str,
        body: bytes = b"",
        content_type: str | None = None,
        *,
        lenient: bool = False,
    ) -> None:
        """A request is answered with 400; another refusal is NON_STRICT.

        So is an acceptance if `lenient`, which is a Failure otherwise.
        """
        with self.context.awaits("400"):
            response = await self.exchange(method, query, body, content_type)
        if response.status < 400 and not lenient:
            raise Failure("400", f"{response}: {response.body[:100]!r}", came=response)
        if response.status != 400:
            self.context.non_strict("400", f"{response}: {response.body[:100]!r}", came=response)
