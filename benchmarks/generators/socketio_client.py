"""python-socketio's asyncio client, as many as asked for, in one event loop.

    socketio_client.py URL CONNECTIONS echo|broadcast|idle

In `broadcast` the first one speaks again when it has heard itself. It runs until SIGTERM, and
prints what it counted.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

import socketio

BODY = "0123456789abcdef" * 4
CONNECTING = 50  # so many at a time


class Users:
    """All clients of this process, and what they counted."""

    def __init__(self, url: str, mode: str) -> None:
        self.url = url
        self.mode = mode
        self.counted = {"acknowledged": 0, "receipts": 0}
        self.gate = asyncio.Semaphore(CONNECTING)

    async def run(self, number: int) -> None:
        """One user, until it is cancelled."""
        client = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        heard = asyncio.Event()

        async def said(_room: None, _body: str) -> None:
            self.counted["receipts"] += 1
            heard.set()

        client.on("said", said)
        async with self.gate:
            await client.connect(self.url, transports=["websocket"], wait_timeout=60)
        while self.mode == "echo":
            await client.call("message-with-ack", BODY)
            self.counted["acknowledged"] += 1
        while self.mode == "broadcast" and number == 0:
            heard.clear()
            await client.emit("say-all", BODY)
            await heard.wait()
        await client.wait()


async def main(url: str, connections: int, mode: str) -> None:
    """Run until SIGTERM."""
    users = Users(url, mode)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    tasks = [asyncio.create_task(users.run(number)) for number in range(connections)]
    stop = asyncio.create_task(stopped.wait())
    done, _ = await asyncio.wait([stop, *tasks], return_when=asyncio.FIRST_COMPLETED)
    failed = [task.exception() for task in done if task is not stop and not task.cancelled()]
    print(json.dumps(users.counted), flush=True)
    for error in failed[:1]:
        sys.exit(f"socketio_client: {error or 'a connection ended'}")
    # Hundreds of closing handshakes are of no interest; the process just ends.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
