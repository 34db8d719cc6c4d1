"""aiohttp's client with compression offered: each message goes back as it came."""

import asyncio
import json
import os

import aiohttp

URL = os.environ["SOCKPROOF_URL"]
AGENT = os.environ["SOCKPROOF_AGENT"]


async def asked(session: aiohttp.ClientSession, path: str) -> str:
    """The one message that the server says there."""
    async with session.ws_connect(f"{URL}/{path}") as socket:
        return str((await socket.receive()).data)


async def run(session: aiohttp.ClientSession, path: str, subprotocols: list[str]) -> None:
    """One case, until its connection has ended in whatever way."""
    options = {"protocols": subprotocols, "max_msg_size": 0, "compress": 15}
    try:
        async with session.ws_connect(f"{URL}/{path}", **options) as socket:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    await socket.send_str(message.data)
                elif message.type is aiohttp.WSMsgType.BINARY:
                    await socket.send_bytes(message.data)
    except Exception:
        pass  # whatever the library raises is the end of it


async def main() -> None:
    """All cases in turn."""
    # A connection whose handshake has failed is of no use to the next case.
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        for number in range(1, int(await asked(session, "getCaseCount")) + 1):
            info = json.loads(await asked(session, f"getCaseInfo?case={number}"))
            path = f"runCase?case={number}&agent={AGENT}"
            await run(session, path, info.get("subprotocols", []))
        await asked(session, f"updateReports?agent={AGENT}")


asyncio.run(main())
