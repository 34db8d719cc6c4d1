"""Drives the client through cases by the scheme that Autobahn's fuzzing server has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from tests.clients.raw_websocket.client import Client, made
from tests.clients.raw_websocket.request import Place
from tests.clients.raw_websocket.switching import Mixin


def _thinks_up(mixin: Mixin) -> bool:
    """Whether this is about the nonces of all connections, those between the cases too."""
    return "nonce" in vars(mixin)


async def asked(url: str, resource: str, kind: type[Client], shared: dict[str, str]) -> str:
    """The text that the server answers with at one of the scheme's paths."""
    parts = urlsplit(url)
    place = Place(parts.hostname or "", parts.port or 80, resource, (), shared)
    client = kind(place, echoes=False)
    await client.run()
    return client.received[0].decode() if client.received else ""


async def drive(
    url: str, agent: str, several: Sequence[Mixin] = (), jobs: int = 1, alone: int = 0
) -> None:
    """Run every case that the server has with a client that has these faults and freedoms.

    So many `jobs` run at once, but for the last ones, which run `alone`.
    """
    kind, between = made(several), made(filter(_thinks_up, several))
    parts = urlsplit(url)
    shared: dict[str, str] = {}
    free = asyncio.Semaphore(jobs)

    async def run(number: int) -> None:
        async with free:
            info = json.loads(await asked(url, f"/getCaseInfo?case={number}", between, shared))
            resource = f"/runCase?case={number}&agent={quote(agent)}"
            offered = tuple(info.get("subprotocols") or ())
            place = Place(parts.hostname or "", parts.port or 80, resource, offered, shared)
            await kind(place).run()

    count = int(await asked(url, "/getCaseCount", between, shared))
    await asyncio.gather(*map(run, range(1, count - alone + 1)))
    for number in range(count - alone + 1, count + 1):
        await run(number)
    await asked(url, f"/updateReports?agent={quote(agent)}", between, shared)
