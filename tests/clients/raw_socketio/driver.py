"""Drives the client through cases by sockproof's own scheme: `/next`, handlers, `/seen`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterable
from typing import Any
from urllib.parse import quote, urlsplit

from tests.clients.raw_socketio.application import Application, Reporter
from tests.clients.raw_socketio.client import Client
from tests.clients.raw_socketio.http import Answer, Http
from tests.clients.raw_socketio.session import Where
from tests.clients.raw_socketio.switches import Switches


class Died(Exception):
    """The program has ended; whoever started it may start it again."""


async def drive(url: str, agent: str, names: Iterable[str] = ()) -> None:
    """Run every case that the server has, with these faults and freedoms switched on."""
    switches = Switches(names)
    parts = urlsplit(url)
    host, port, name = parts.hostname or "", parts.port or 80, quote(agent, safe="")

    def http() -> Http:
        return Http(host, port, switches)

    asking = http()
    last: tuple[Client, Reporter] | None = None
    parting: list[asyncio.Future[None]] = []
    try:
        while True:
            next_one = asking.request("GET", f"/next?agent={name}")
            answer = await _unless_dead(next_one, None if last is None else last[0])
            if answer.status != 200:
                return
            if last is not None:
                parting.append(asyncio.ensure_future(_dispose(*last)))
                if not switches.on("parts-late"):
                    await parting.pop()
            task = json.loads(answer.body)
            number = task["case"]
            reporter = Reporter(http(), f"/seen?agent={name}&case={number}", switches)
            where = Where(http(), task["path"], list(task["transports"]))
            client = Client(where, task, Application(reporter, switches), switches)
            last = client, reporter
            client.start()
            if switches.on("asks-for-a-favicon"):
                await asking.request("GET", "/favicon.ico")
    finally:
        if last is not None:
            await _dispose(*last)
        await asyncio.gather(*parting)
        asking.close()


async def _unless_dead(request: Coroutine[Any, Any, Answer], client: Client | None) -> Answer:
    asked = asyncio.ensure_future(request)
    if client is None:
        return await asked
    dead = asyncio.ensure_future(client.dead.wait())
    try:
        await asyncio.wait([asked, dead], return_when=asyncio.FIRST_COMPLETED)
        if dead.done():
            raise Died
        return await asked
    finally:
        asked.cancel()
        dead.cancel()


async def _dispose(client: Client, reporter: Reporter) -> None:
    if client.on("parts-late"):
        await asyncio.sleep(0.02)
    await client.dispose()
    client.where.http.close()
    await reporter.close()
