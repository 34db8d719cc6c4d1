"""Cases that a test makes itself, run against our correct WebSocket server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sockproof.conformance.context.outcome import Failure
from sockproof.conformance.peers.client_frames import client_frame
from sockproof.conformance.running.runner import Ended, Plan, run_cases
from sockproof.conformance.shelf.case import Case
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target
from sockproof.runs.records import CaseRecord
from sockproof.wire.url import Address
from sockproof.wire.websocket import Opcode
from tests.mutants_run import requirements
from tests.servers.websocket_server import WebSocketServer
from tests.waiting import SOON

PONG = "rfc6455-5.5.2-answered"
Function = Callable[..., Awaitable[None]]


def case(function: Function, variant: object = "", **more: Any) -> Case:
    """A case of this function."""
    name = f"websocket/none/{getattr(function, '__name__', 'case')}"
    return Case(f"{name}[{variant}]" if variant != "" else name, PONG, function, **more)


def run(
    cases: Sequence[Case],
    made: Callable[[], WebSocketServer] = WebSocketServer,
    ping_timeout: int = 20_000,
    **how: Any,
) -> tuple[list[CaseRecord], Ended]:
    """Run cases against our correct server; their records as they are in the end.

    Those that are to time out, or to be doubted for a pause of ours, say after how long.
    """
    records: list[CaseRecord] = []

    async def all_of_them() -> Ended:
        async with made() as server:
            plan = {"requirements": requirements(), "limit": SOON, "stall": SOON, "jobs": 4, **how}
            servers = [Server(Address.parse(server.url), ping_timeout=ping_timeout)]
            return await run_cases(cases, Plan(servers, **plan), records.append)

    return records, asyncio.run(all_of_them())


async def fails(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.PING, b"mine"))
    raise Failure("a refusal", str(await peer.expect(Opcode.PONG)))
