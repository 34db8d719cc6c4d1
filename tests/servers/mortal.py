"""An echo on the `websockets` library whose process ends, or stops, when it reads certain octets.

A program of its own: `mortal.py --port PORT --dies-of HEX`; with `--freezes` it does not end but
stops, so that its connections stay open and nobody is answered any more.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed


async def echo(connection: ServerConnection) -> None:
    """Send back what comes."""
    with contextlib.suppress(ConnectionClosed):
        async for message in connection:
            await connection.send(message)


async def main() -> None:
    """Serve until the octets come."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--dies-of", type=bytes.fromhex, required=True)
    parser.add_argument("--freezes", action="store_true")
    arguments = parser.parse_args()

    class Mortal(ServerConnection):
        """Looks at all that comes before the library does."""

        def data_received(self, data: bytes) -> None:
            """Read octets, the last ones where they are those."""
            if arguments.dies_of in data:
                sys.stderr.write("dies now\n")
                if arguments.freezes:
                    os.kill(os.getpid(), signal.SIGSTOP)
                else:
                    os._exit(3)
            super().data_received(data)

    async with serve(echo, "127.0.0.1", arguments.port, create_connection=Mortal) as server:
        await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(main())
