"""websockets' asyncio client as it comes: each message goes back as it came."""

import asyncio
import json
import os

from websockets.asyncio.client import connect

URL = os.environ["SOCKPROOF_URL"]
AGENT = os.environ["SOCKPROOF_AGENT"]


async def asked(path: str) -> str:
    """The one message that the server says there."""
    async with connect(f"{URL}/{path}", proxy=None) as socket:
        return str(await socket.recv())


async def run(path: str, subprotocols: list[str]) -> None:
    """One case, until its connection has ended in whatever way."""
    offer = subprotocols or None
    try:
        async with connect(
            f"{URL}/{path}",
            subprotocols=offer,
            max_size=None,
            close_timeout=2,  # a run of cases has no ten seconds for each end that never comes
            proxy=None,
        ) as socket:
            async for message in socket:
                await socket.send(message)
    except Exception:
        pass  # whatever the library raises is the end of it


async def main() -> None:
    """All cases in turn; those that mostly wait, beside the others."""
    waiting = []
    for number in range(1, int(await asked("getCaseCount")) + 1):
        info = json.loads(await asked(f"getCaseInfo?case={number}"))
        case = run(f"runCase?case={number}&agent={AGENT}", info.get("subprotocols", []))
        if info.get("waits"):
            waiting.append(asyncio.create_task(case))
        else:
            await case
    await asyncio.gather(*waiting)
    async with connect(f"{URL}/updateReports?agent={AGENT}", proxy=None) as socket:
        await socket.wait_closed()


asyncio.run(main())
