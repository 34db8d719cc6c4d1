"""What a client of HTTP has to do, our peer does."""

from __future__ import annotations

import asyncio

import pytest

from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.wirelog import WireLog
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target
from sockproof.wire.url import Address


@pytest.mark.parametrize(("field", "closes"), [("Keep-Alive, Close", True), ("keep-alive", False)])
def test_connection_is_closed_where_its_answer_says_so(field: str, closes: bool) -> None:
    """RFC 9112, 9.6. gunicorn waits for it for two seconds, in which it answers nobody."""

    async def behind_the_answer() -> bytes:
        """What the server hears behind its answer: nothing is the end of the connection."""
        heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 200 OK\r\nConnection: {field}\r\nContent-Length: 2\r\n\r\nok"
            writer.write(head.encode())
            heard.set_result(await reader.read(4))
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            context = CaseContext(WireLog())
            target = Target(Server(Address.parse(f"http://127.0.0.1:{port}/")), context)
            peer = await target.http()
            response = await peer.ask(target.engineio_request("GET", "EIO=4&transport=polling"))
            assert response.body == b"ok"
            peer.send_octets(b"more", "what is heard of a connection that is open")
            try:
                return await heard
            finally:
                context.close()

    assert asyncio.run(behind_the_answer()) == (b"" if closes else b"more")
