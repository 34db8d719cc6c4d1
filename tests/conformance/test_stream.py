"""Our end of a TCP connection ends as it was told, whatever is written behind that."""

from __future__ import annotations

import asyncio

from sockproof.conformance.peers.stream import Stream


def test_what_is_written_behind_the_end_is_dropped() -> None:
    async def main() -> bytes:
        got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            got.set_result(await reader.read())
            writer.close()

        async with await asyncio.start_server(hear, "127.0.0.1", 0) as server:
            stream = await Stream.open(*server.sockets[0].getsockname()[:2])
            stream.write(b"before")
            stream.end_writing()
            stream.write(b"behind")
            await stream.flush()
            stream.close()
            return await got

    assert asyncio.run(main()) == b"before"
