"""Socket.IO clients judged: a real client comes for the cases, and each outcome is seen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from sockproof.clients.run import SOCKETIO, ClientRun
from sockproof.clients.serving import serving
from sockproof.conformance.shelf.case import Case, load_cases
from sockproof.conformance.shelf.requirements import load_requirements
from tests.clients.socketio_driver import Driver

SHELF = Path(__file__).parents[1] / "client_cases"


def run_of(cases: Sequence[Case]) -> ClientRun:
    """A run of these cases."""
    return ClientRun(cases, load_requirements(SHELF / "requirements"))


async def judged(run: ClientRun) -> dict[str, str]:
    """The outcomes of a run for which python-socketio's AsyncClient comes."""
    async with serving(run) as listener:
        await Driver(f"http://127.0.0.1:{listener.port}", "async-client").drive()
    return {
        name: record.outcome if record.outcome == "PASS" else f"{record.outcome}: {record.got}"
        for name, record in run.records.items()
    }


SAID = ("engineio/heartbeat/each_ping", "socketio/events/event_", "socketio/binary/octets_")


def test_async_client_is_judged() -> None:
    cases = [each for each in load_cases(SHELF, SOCKETIO) if each.id.startswith(SAID)]
    outcomes = asyncio.run(judged(run_of(cases)))
    assert outcomes == {case.id: "PASS" for case in cases}
