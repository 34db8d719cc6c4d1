"""An Engine.IO server alone that sends messages back is judged as one with Socket.IO on top is."""

from __future__ import annotations

import asyncio
from functools import cache

import pytest

from sockproof.conformance.preflight import introduce
from sockproof.conformance.running.runner import Plan, run_cases
from sockproof.conformance.shelf.expectations import glob_matches
from sockproof.conformance.targets.server import Server
from sockproof.runs.records import CaseRecord
from sockproof.wire.url import Address
from tests import mutants_run
from tests.faults import Fault, faults
from tests.sample import rotating
from tests.servers.engineio_echo import EngineIOEcho

SLOW = "engineio/heartbeat/"
# An echo has no JSON that would escape the separator.
LACKING = "the target does not offer it"
WITHOUT = {"engineio/payload/separator_in_data_arrives_unchanged"}
ABOUT_JSON = {"loses-nul"}  # faults in what an echo does not send
FILES = ("close", "payload", "polling", "upgrade", "websocket")
FAULTS = [
    fault
    for fault in faults("socketio").values()
    if fault.file in {f"engineio/{name}.toml" for name in FILES} and fault.name not in ABOUT_JSON
]


async def _records(fault: str | None, globs: tuple[str, ...]) -> dict[str, CaseRecord]:
    records: list[CaseRecord] = []
    chosen = [
        case
        for case in mutants_run.cases("socketio")
        if any(glob_matches(glob, case.id) for glob in globs) and not case.id.startswith(SLOW)
    ]
    async with EngineIOEcho(fault) as server:
        plan = Plan(
            [await _asked(server.url)],
            mutants_run.requirements(),
            limit=mutants_run.LIMIT,
            jobs=8,
            stall=mutants_run.PAUSE,
        )
        await run_cases(chosen, plan, records.append)
    return {record.id: record for record in records}


async def _asked(url: str) -> Server:
    async with EngineIOEcho() as server:
        found = (await introduce(Server(Address.parse(server.url)), 20.0)).server
    return Server(Address.parse(url), capabilities=found.capabilities)


@cache
def _on_the_correct_server() -> dict[str, CaseRecord]:
    return asyncio.run(_records(None, ("engineio/*",)))


def test_a_correct_echo_is_judged_by_all_cases_but_few() -> None:
    records = _on_the_correct_server().values()
    assert {
        each.id: each.got for each in records if each.outcome not in ("PASS", "UNSUPPORTED")
    } == {}
    unsupported = [each for each in records if each.outcome == "UNSUPPORTED"]
    # The others need Socket.IO on top, and say so.
    assert [each.id for each in unsupported if each.got != LACKING] == []
    assert {each.id for each in unsupported} >= WITHOUT
    assert 2 * len(unsupported) < len(records)


def name_of(fault: Fault) -> str:
    return fault.name


TODAY = rotating(FAULTS, 4, name=name_of)


@pytest.mark.parametrize("fault", TODAY, ids=name_of)
def test_faults_below_socketio_show_on_an_echo_too(fault: Fault) -> None:
    records = asyncio.run(_records(fault.name, tuple(fault.catches)))
    judged = {name: each for name, each in records.items() if each.outcome != "UNSUPPORTED"}
    assert {
        each.id for each in judged.values() if each.outcome not in ("FAIL", "NON_STRICT")
    } == set()
