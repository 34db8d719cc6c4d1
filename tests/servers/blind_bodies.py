"""Blind faults in HTTP bodies, in every form that HTTP/1.1 allows."""

from __future__ import annotations

from typing import Any

from sockproof.wire.http import BodyReader, Request
from tests.servers.blind_weaving import fault
from tests.servers.engineio_http import MAX_BODY, Gone, HttpConnection, respond
from tests.servers.engineio_server import EngineIOServer

# HTTP bodies.


def _is_chunked(request: Request) -> bool:
    return "chunked" in request.tokens("Transfer-Encoding")


async def _chunks(connection: HttpConnection) -> tuple[list[bytes], list[bytes]]:
    """The chunks of a body, and the lines of its trailer."""
    raw = b""

    async def upto(end: int) -> None:
        nonlocal raw
        while len(raw) < end:
            raw += await connection._read()

    async def line() -> bytes:
        nonlocal raw
        while b"\r\n" not in raw:
            raw += await connection._read()
        found, _, raw = raw.partition(b"\r\n")
        return found

    chunks: list[bytes] = []
    while size := int((await line()).partition(b";")[0], 16):
        await upto(size + 2)
        chunks.append(raw[:size])
        raw = raw[size + 2 :]
    trailer = []
    while text := await line():
        trailer.append(text)
    connection._rest = raw
    return chunks, trailer


def _chunked(name: str, change: Any) -> None:
    """A fault that reads another body where it came in chunks: `change(chunks, trailer)`."""

    @fault(name, HttpConnection, "body")
    async def body(go: Any, connection: HttpConnection, request: Request, **named: Any) -> bytes:
        if not _is_chunked(request):
            return await go(request, **named)
        return change(*await _chunks(connection))


_chunked("chunked-bodies-are-their-first-chunk", lambda chunks, trailer: b"".join(chunks[:1]))
_chunked(
    "chunked-bodies-lose-single-octets",
    lambda chunks, trailer: b"".join(c for c in chunks if len(c) > 1),
)
_chunked("chunks-are-lines", lambda chunks, trailer: b"\n".join(chunks))
_chunked("trailers-belong-to-the-body", lambda chunks, trailer: b"".join(chunks + trailer))
_chunked(
    "chunks-are-decoded-apart",
    lambda chunks, trailer: "".join(c.decode("utf-8", "replace") for c in chunks).encode(),
)
_chunked("empty-chunked-bodies-are-a-noop", lambda chunks, trailer: b"".join(chunks) or b"6")
_chunked(
    "chunks-above-64-kilobytes-are-cut",
    lambda chunks, trailer: b"".join(c[:65_536] for c in chunks),
)


@fault("chunk-extensions-are-read-as-sizes", HttpConnection, "_read")
async def _(go: Any, connection: HttpConnection) -> bytes:
    data = await go()
    if b";" in data and b"\r\n0\r\n" in data:
        raise Gone
    return data


def _sized(name: str, size: Any) -> None:
    """A fault that takes a body for another size than it has: `size(request, body)`."""

    class Sized(bytes):
        octets = 0

        def __len__(self) -> int:
            return self.octets

    @fault(name, HttpConnection, "body")
    async def body(go: Any, connection: HttpConnection, request: Request, **named: Any) -> bytes:
        found: bytes = await go(request, **named)
        sized = Sized(found)
        sized.octets = size(request, found)
        return sized


_sized("chunked-posts-may-have-any-size", lambda q, b: min(len(b), 1) if _is_chunked(q) else len(b))
_sized("chunked-posts-are-limited-to-half", lambda q, b: len(b) * (1 + _is_chunked(q)))
_sized("sizes-of-posts-are-counted-in-characters", lambda q, b: len(b.decode("utf-8", "replace")))
_sized("sizes-of-posts-count-other-scripts-twice", lambda q, b: len(b.decode("latin-1").encode()))


async def _pieces(connection: HttpConnection, request: Request) -> list[bytes]:
    """A body in the pieces in which it arrived."""
    reader, pieces, known = BodyReader(request, MAX_BODY), [], 0
    while not reader.complete:
        reader.feed(await connection._read())
        pieces.append(bytes(reader.body[known:]))
        known = len(reader.body)
    connection._rest = reader.rest
    return pieces


def _in_pieces(name: str, change: Any) -> None:
    @fault(name, HttpConnection, "body")
    async def body(go: Any, connection: HttpConnection, request: Request, **named: Any) -> bytes:
        return change(await _pieces(connection, request))


_in_pieces(
    "pieces-are-decoded-apart",
    lambda pieces: "".join(p.decode("utf-8", "replace") for p in pieces).encode(),
)
_in_pieces("pieces-are-stripped", lambda pieces: b"".join(p.strip(b"\x1e \r\n") for p in pieces))
_in_pieces(
    "third-pieces-are-lost", lambda pieces: b"".join(p for n, p in enumerate(pieces) if n != 2)
)
_in_pieces("bodies-end-at-64-kilobytes", lambda pieces: b"".join(pieces)[:65_536])
_in_pieces(
    "bodies-lose-octet-65536",
    lambda pieces: b"".join(pieces)[:65_535] + b"".join(pieces)[65_536:],
)


@fault("expected-bodies-are-dropped", EngineIOServer, "_post")
async def _(go: Any, server: EngineIOServer, connection: Any, request: Any, session: Any) -> Any:
    if request.get("Expect") is None:
        return await go(connection, request, session)
    await connection.body(request)
    return respond(200, b"ok")


@fault("requests-behind-one-another-are-lost", EngineIOServer, "_answer")
async def _(go: Any, server: EngineIOServer, connection: HttpConnection, request: Any) -> Any:
    response = await go(connection, request)
    connection._rest = b""
    return response
