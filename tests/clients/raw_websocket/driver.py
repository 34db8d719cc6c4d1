"""Drives the client through cases by the scheme that Autobahn's fuzzing server has."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

from tests.clients.raw_websocket.client import Client, made
from tests.clients.raw_websocket.request import Place


async def asked(url: str, resource: str) -> str:
    """The text that the server answers with at one of the scheme's paths."""
    parts = urlsplit(url)
    client = Client(Place(parts.hostname or "", parts.port or 80, resource), echoes=False)
    await client.run()
    return client.received[0].decode() if client.received else ""


async def drive(url: str, agent: str, several: Iterable[type] = ()) -> None:
    """Run every case that the server has with a client that has these faults and freedoms."""
    kind = made(several)
    parts = urlsplit(url)
    shared: dict[str, str] = {}
    for number in range(1, int(await asked(url, "/getCaseCount")) + 1):
        info = json.loads(await asked(url, f"/getCaseInfo?case={number}"))
        resource = f"/runCase?case={number}&agent={quote(agent)}"
        offered = tuple(info.get("subprotocols") or ())
        place = Place(parts.hostname or "", parts.port or 80, resource, offered, shared)
        await kind(place).run()
    await asked(url, f"/updateReports?agent={quote(agent)}")
