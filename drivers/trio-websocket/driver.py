"""trio-websocket, which is wsproto on trio, as it comes: each message goes back as it came."""

import json
import os

import trio
from trio_websocket import ConnectionClosed, open_websocket_url

URL = os.environ["SOCKPROOF_URL"]
AGENT = os.environ["SOCKPROOF_AGENT"]
LARGEST = 64 * 1024 * 1024  # octets
PATIENCE = 10  # seconds for a handshake: with the usual 60 the server takes the driver for dead


async def asked(path: str) -> str:
    """The one message that the server says there."""
    async with open_websocket_url(f"{URL}/{path}") as socket:
        return str(await socket.get_message())


async def run(path: str, subprotocols: list[str]) -> None:
    """One case, until its connection has ended in whatever way."""
    try:
        async with open_websocket_url(
            f"{URL}/{path}",
            subprotocols=subprotocols,
            max_message_size=LARGEST,
            connect_timeout=PATIENCE,
        ) as socket:
            while True:
                await socket.send_message(await socket.get_message())
    except Exception:
        pass  # whatever the library raises is the end of it


async def main() -> None:
    """All cases in turn."""
    for number in range(1, int(await asked("getCaseCount")) + 1):
        info = json.loads(await asked(f"getCaseInfo?case={number}"))
        await run(f"runCase?case={number}&agent={AGENT}", info.get("subprotocols", []))
    try:
        await asked(f"updateReports?agent={AGENT}")
    except ConnectionClosed:
        pass  # it says nothing, and closes


trio.run(main)
