"""One connection of a client, read as HTTP until somebody takes it over.

What a client sends is never trusted: heads and bodies are bounded, and what cannot be read ends
the connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from sockproof.conformance.context.outcome import StreamClosed
from sockproof.conformance.peers.stream import Stream
from sockproof.wire.http import (
    BodyReader,
    Headers,
    HeadReader,
    Request,
    Response,
    parse_request_head,
)

MAX_HEAD_OCTETS = 64 * 1024
MAX_BODY_OCTETS = 8 * 1024 * 1024


class ClientStream(Stream):
    """The octets of one connection that a client opened."""

    other = "the client"

    @property
    def dialled_port(self) -> int | None:
        """The port that the client dialled; None for one that may have come by another way."""
        if self._transport is None:
            return None
        client = self._transport.get_extra_info("peername") or ("",)
        here = self._transport.get_extra_info("sockname") or ("", None)
        return here[1] if client[0] in ("127.0.0.1", "::1") else None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as it came: its octets up to the empty line, and what they say."""

    head: bytes
    request: Request

    @property
    def path(self) -> str:
        """The path of the target, without its query."""
        path = self.request.target.partition("#")[0].partition("?")[0]
        scheme, authority, rest = path.partition("://")
        return "/" + rest.partition("/")[2] if authority and "/" not in scheme else path

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters of the query, the last of each name."""
        text = self.request.target.partition("#")[0].partition("?")[2]
        try:
            query = parse_qs(text, keep_blank_values=True, max_num_fields=100)
        except ValueError:  # more than is taken
            return {}
        return {name: values[-1] for name, values in query.items()}


class Connection:
    """A stream from which requests are read, one after the other."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.rest = b""  # what came behind the last request, and belongs to nobody yet

    async def arrival(self) -> Arrival | None:
        """The next request; None where the client ends the connection before one is whole.

        Raises `WireError` where what comes is no request, or is beyond the bounds.
        """
        reader, head = HeadReader(MAX_HEAD_OCTETS), b""
        data, self.rest = self.rest, b""
        while True:
            if data:
                head += data
                found = reader.feed(data)
                if found is not None:
                    lines, wrong, self.rest = found
                    octets = head[: len(head) - len(self.rest)]
                    return Arrival(octets, parse_request_head(lines, wrong))
            try:
                data = await self.stream.read()
            except StreamClosed:
                return None

    async def body(self, request: Request, max_octets: int = MAX_BODY_OCTETS) -> bytes:
        """The body of the request; raises `WireError`, and `StreamClosed` where it is cut off."""
        reader = BodyReader(request, max_octets)
        reader.feed(self.rest)
        self.rest = b""
        while not reader.complete:
            reader.feed(await self.stream.read())
        self.rest = reader.rest
        return bytes(reader.body)

    def respond(
        self, status: int, reason: str, body: bytes = b"", headers: Headers = ()
    ) -> Response:
        """Send a whole response, with the length of its body; gives what was sent."""
        length = () if status in (204, 304) else (("Content-Length", str(len(body))),)
        response = Response(status, reason, (*headers, *length), body)
        self.stream.write(response.encode())
        return response
