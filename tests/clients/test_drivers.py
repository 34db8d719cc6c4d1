"""Drivers of the shelf, and scripts that were written for Autobahn's server, run all cases."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sockproof.clients.driver import Driver
from sockproof.clients.run import SUITES, ClientRun
from sockproof.clients.serving import serving
from sockproof.conformance.shelf.case import load_cases
from sockproof.conformance.shelf.expectations import load_expectations
from sockproof.conformance.shelf.requirements import load_requirements
from sockproof.shelves import shelf
from sockproof.targets import install
from sockproof.targets.drivers import load_driver, load_drivers
from sockproof.targets.spec import TargetMissing
from tests.waiting import LIMIT

SHELF = shelf("client_cases")
SCHEMES = Path(__file__).with_name("schemes")
FIRST = {
    "websocket": "websocket/masking/masked_frame_fails_the_connection[text,",
    "socketio": "socketio/events/values_",
}
Script = Callable[[], tuple[list[str], dict[str, str]]]
MASKED = "websocket/masking/masked_frame_fails_the_connection[text,any]"


def test_what_is_known_of_a_library_names_cases_that_there_are() -> None:
    cases = [each.id for each in load_cases(SHELF, SUITES)]
    for spec in load_drivers(shelf("drivers")).values():
        known = spec.expectations()
        for entry in [] if known is None else load_expectations(known):
            assert any(entry.names(case) for case in cases), f"{spec.name}: {entry.case}"


def some(kind: str) -> ClientRun:
    """A run of a few cases."""
    suites = ("websocket",) if kind == "websocket" else ("socketio",)
    cases = [each for each in load_cases(SHELF, suites) if each.id.startswith(FIRST[kind])]
    return ClientRun(cases, load_requirements(SHELF / "requirements"))


async def driven(run: ClientRun, command: Sequence[str], **environment: str) -> int:
    """Serve the run to a program; `{port}` in its words is ours. Gives how it ended."""
    async with serving(run) as listener:
        told = {
            name: value.format(authority=listener.authority) for name, value in environment.items()
        }
        program = await asyncio.create_subprocess_exec(
            *(word.format(port=listener.port) for word in command),
            env={**os.environ, **told},
            stdin=subprocess.DEVNULL,
        )
        try:
            return await asyncio.wait_for(program.wait(), LIMIT)
        finally:
            if program.returncode is None:
                program.kill()


@pytest.mark.parametrize("name", ["websockets", "python-socketio-async"])
def test_driver_runs_all_cases_and_its_library_passes(name: str) -> None:
    spec = load_driver(shelf("drivers") / name)
    run = some(spec.kind)
    scheme = "ws" if spec.kind == "websocket" else "http"
    driver = Driver.of(spec).at(scheme + "://{authority}", name)
    assert asyncio.run(driven(run, driver.command, **driver.environment)) == 0
    assert run.agent == name
    assert {case.id: "PASS" for case in run.cases} == {
        record.id: record.outcome for record in run.records.values()
    }


def scheme_of_websocket_client() -> tuple[list[str], dict[str, str]]:
    return [sys.executable, str(SCHEMES / "websocket_client.py"), "{port}"], {}


def scheme_of_ws() -> tuple[list[str], dict[str, str]]:
    spec = load_driver(shelf("drivers") / "ws")
    try:
        install.prepare(spec)
    except TargetMissing as error:
        if os.environ.get("SOCKPROOF_REQUIRE_TARGETS") == "1":
            raise
        pytest.skip(str(error))
    return ["node", str(SCHEMES / "ws.js"), "{port}"], spec.environment()


@pytest.mark.parametrize(
    ("script", "masked"),
    # websocket-client takes masked frames of a server, which ws refuses.
    [(scheme_of_websocket_client, "FAIL"), (scheme_of_ws, "PASS")],
)
def test_script_for_autobahns_server_runs_unchanged(script: Script, masked: str) -> None:
    command, environment = script()
    run = some("websocket")
    assert asyncio.run(driven(run, command, **environment)) == 0
    assert run.agent is not None
    assert run.agent.endswith("-compliance")
    assert list(run.records) == [case.id for case in run.cases]
    assert run.records[MASKED].outcome == masked
