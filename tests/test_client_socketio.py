"""Socket.IO clients judged: a real client comes for cases, and drivers come that do it wrongly."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sockproof.clients import SocketIOVisitor, driver
from sockproof.clients.driver import Driver as Program
from sockproof.clients.log import Log
from sockproof.clients.run import SOCKETIO, ClientRun
from sockproof.clients.schemes.socketio import MOST_REPORT_OCTETS, SocketIOScheme
from sockproof.clients.serving import serving
from sockproof.clients.sessions import visitor
from sockproof.conformance.shelf.case import Case, load_cases
from sockproof.conformance.shelf.requirements import load_requirements
from sockproof.vocabulary import Seen
from tests.clients.socketio_driver import Driver
from tests.waiting import EXPIRES, SOON

SHELF = Path(__file__).parents[1] / "client_cases"
ORDINARY = (
    "engineio/handshake/session_is_opened_by_a_get",
    "engineio/heartbeat/each_ping_is_answered_once",
    "engineio/requests/requests_say_version_4",
    "engineio/upgrade/what_is_sent_during_an_upgrade",
    "socketio/events/event_",
    "socketio/binary/octets_",
)
REQUIREMENT = "client-sio-event-received"
ORIGIN = {"Origin": "http://page.example"}
Answers = dict[str, tuple[int, str]]
DIES_FIRST = """
import os, sys, urllib.request
url = os.environ["SOCKPROOF_URL"] + "/next?agent=" + os.environ["SOCKPROOF_AGENT"]
while urllib.request.urlopen(url).status == 200:
    if not os.path.exists(sys.argv[1]):
        open(sys.argv[1], "w").close()
        os._exit(3)
"""
DIES_LATER = """
import json, os, urllib.request
url = os.environ["SOCKPROOF_URL"]
doomed = False
while (next := urllib.request.urlopen(url + "/next?agent=a")).status == 200:
    if doomed:
        os._exit(3)
    told = json.load(next)
    urllib.request.urlopen(url + told["path"] + "?EIO=4&transport=polling").read()
    doomed = told["case"] == 1
os._exit(3 if doomed else 0)
"""


def run_of(cases: Sequence[Case], **fields: Any) -> ClientRun:
    """A run of these cases."""
    return ClientRun(cases, load_requirements(SHELF / "requirements"), **fields)


async def greets(client: SocketIOVisitor) -> None:
    """A case that any client passes."""
    await client.session()


async def hears(client: SocketIOVisitor) -> None:
    """A case that waits for the application alone."""
    await client.seen("event", name="never")


def several(*functions: Callable[[SocketIOVisitor], Awaitable[None]]) -> list[Case]:
    """Cases of these functions."""
    ids = (f"socketio/test/{number}" for number in range(len(functions)))
    return [Case(name, REQUIREMENT, each) for name, each in zip(ids, functions, strict=True)]


class Stranger:
    """A driver that does what a test says, over HTTP."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http, self.url = http, url

    async def ask(self, method: str, path: str, **fields: Any) -> tuple[int, str]:
        """Status and text of an answer."""
        async with self.http.request(method, self.url + path, **fields) as answer:
            return answer.status, await answer.text()


def met(
    run: ClientRun, does: Callable[[Stranger, SocketIOScheme], Awaitable[Any]]
) -> tuple[Any, dict[str, tuple[str, str]]]:
    """What a driver got that does this, and the outcomes with what was seen instead."""

    async def meeting() -> Any:
        async with serving(run) as listener, aiohttp.ClientSession() as http:
            scheme = next(each for each in listener.schemes if isinstance(each, SocketIOScheme))
            got = await does(Stranger(http, f"http://127.0.0.1:{listener.port}"), scheme)
            await run.settle(20)
            return got

    got = asyncio.run(meeting())
    return got, {name: (each.outcome, each.got) for name, each in run.records.items()}


def test_async_client_passes_ordinary_cases() -> None:
    cases = [case for case in load_cases(SHELF, SOCKETIO) if case.id.startswith(ORDINARY)]

    async def drive(stranger: Stranger, _: SocketIOScheme) -> int:
        return await Driver(stranger.url, "async-client").drive()

    driven, outcomes = met(run_of(cases), drive)
    assert driven == len(cases) > 8
    assert outcomes == {case.id: ("PASS", "") for case in cases}


def test_what_a_driver_says_wrongly_is_one_line_and_changes_nothing() -> None:
    async def rubbish(stranger: Stranger, _: SocketIOScheme) -> Answers:
        ask, seen = stranger.ask, "/seen?agent=a&case=1"
        got = {"no agent": await ask("GET", "/next")}
        await ask("GET", "/next?agent=a")
        got |= {
            "foreign agent": await ask("GET", "/next?agent=b"),
            "foreign report": await ask("POST", "/seen?agent=b&case=1", json={"type": "x"}),
            "foreign case": await ask("POST", "/seen?agent=a&case=2", json={"type": "x"}),
            "no number": await ask("POST", "/seen?agent=a&case=%D9%A1", json={"type": "x"}),
            "read": await ask("GET", seen),
            "no json": await ask("POST", seen, data=b"{"),
            "deep": await ask("POST", seen, data=b"[" * 100_000),
            "a list": await ask("POST", seen, json=[1]),
            "no type": await ask("POST", seen, json={"type": 1}),
            "long": await ask("POST", seen, data=io.BytesIO(b" " * (MOST_REPORT_OCTETS + 1))),
            "foreign path": await ask("GET", "/run/1/b/socket.io/?EIO=4&transport=polling"),
            "late path": await ask("GET", "/run/7/a/socket.io/?EIO=4&transport=polling"),
        }
        assert await ask("POST", seen, json={"type": "event", "name": "never"}) == (200, "noted\n")
        return got

    got, outcomes = met(run_of(several(hears)), rubbish)
    statuses = {name: status for name, (status, _) in got.items()}
    assert statuses == {
        **{"no agent": 400, "foreign agent": 403, "foreign report": 403, "foreign case": 404},
        **{"no number": 404, "read": 405, "no json": 400, "deep": 400, "a list": 400},
        **{"no type": 400, "long": 413, "foreign path": 404, "late path": 410},
    }
    assert all(text.count("\n") == 1 and len(text) < 100 for _, text in got.values())
    assert outcomes == {"socketio/test/0": ("PASS", "")}


def test_the_latest_of_several_askers_gets_the_next_case() -> None:
    async def begun(stranger: Stranger, scheme: SocketIOScheme) -> asyncio.Task[tuple[int, str]]:
        """Asking for the next case, once the server has heard it."""
        before = scheme._waiting
        asking = asyncio.create_task(stranger.ask("GET", "/next?agent=a"))
        async with asyncio.timeout(SOON):
            while scheme._waiting is before:  # noqa: ASYNC110  (nobody tells)
                await asyncio.sleep(0.01)
        return asking

    async def twice(stranger: Stranger, scheme: SocketIOScheme) -> list[int]:
        await stranger.ask("GET", "/next?agent=a")
        first = await begun(stranger, scheme)
        second = await begun(stranger, scheme)
        await stranger.ask("POST", "/seen?agent=a&case=1", json={"type": "event", "name": "never"})
        return [(await each)[0] for each in (first, second)]

    got, outcomes = met(run_of(several(hears)), twice)
    assert got == [409, 204]
    assert outcomes["socketio/test/0"] == ("PASS", "")


def test_requests_that_a_case_has_left_are_answered_when_it_ends() -> None:
    async def leaves(client: SocketIOVisitor) -> None:
        engine = client.open(await client.opening(), sid="here")
        kinds = ("poll", "post", "websocket")
        engine.manual.update(kinds)
        for kind in kinds:
            await engine.visit(kind)

    async def asks(stranger: Stranger, _: SocketIOScheme) -> list[int]:
        where = "/run/1/a/socket.io/?EIO=4&transport=polling"
        await stranger.ask("GET", "/next?agent=a")
        opened = await stranger.ask("GET", where)
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
        left = await asyncio.gather(
            stranger.ask("GET", f"{where}&sid=here"),
            stranger.ask("POST", f"{where}&sid=here", data=b"40"),
            stranger.ask("GET", f"{where}&sid=here", headers=upgrade),
        )
        return [status for status, _ in (opened, *left)]

    got, outcomes = met(run_of(several(leaves)), asks)
    assert got == [200, 200, 200, 503]
    assert outcomes == {"socketio/test/0": ("PASS", "")}


def test_flood_of_reports_is_bounded_and_judges_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitor, "MOST_REPORTS", 20)

    async def flood(stranger: Stranger, _: SocketIOScheme) -> list[int]:
        await stranger.ask("GET", "/next?agent=a")
        where = "/seen?agent=a&case=1"
        return [(await stranger.ask("POST", where, json={"type": "x"}))[0] for _ in range(21)]

    got, outcomes = met(run_of(several(hears)), flood)
    assert got == [200] * 20 + [429]
    assert outcomes == {"socketio/test/0": ("INCONCLUSIVE", "more of them")}


def test_operation_that_a_driver_lacks_is_unsupported() -> None:
    async def lacks(stranger: Stranger, _: SocketIOScheme) -> None:
        await stranger.ask("GET", "/next?agent=a")
        report = {"type": "unsupported", "op": "emit-with-ack"}
        await stranger.ask("POST", "/seen?agent=a&case=1", json=report)

    _, outcomes = met(run_of(several(hears)), lacks)
    assert outcomes == {"socketio/test/0": ("UNSUPPORTED", "it says that it has none")}


def test_time_that_a_driver_needs_for_its_client_is_not_the_case_s() -> None:
    async def opens(client: SocketIOVisitor) -> None:
        await client.engine()

    async def comes_late(stranger: Stranger, _: SocketIOScheme) -> int:
        await stranger.ask("GET", "/next?agent=a")
        await asyncio.sleep(1.2)  # longer than the case's limit
        return (await stranger.ask("GET", "/run/1/a/socket.io/?EIO=4&transport=polling"))[0]

    got, outcomes = met(run_of(several(opens), limit=1.0), comes_late)
    assert got == 200
    assert outcomes == {"socketio/test/0": ("PASS", "")}


def test_client_that_never_comes_or_says_nothing_is_inconclusive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(visitor, "COMES", 0.1)

    async def hangs(stranger: Stranger, _: SocketIOScheme) -> int:
        await stranger.ask("GET", "/next?agent=a")  # no client comes
        await stranger.ask("GET", "/next?agent=a")  # one comes, and is silent
        await stranger.ask("GET", "/run/2/a/socket.io/?EIO=4&transport=polling")
        return (await stranger.ask("GET", "/next?agent=a"))[0]

    got, outcomes = met(run_of(several(greets, greets), limit=0.3), hangs)
    assert got == 204
    assert [outcome for outcome, _ in outcomes.values()] == ["INCONCLUSIVE", "INCONCLUSIVE"]


def test_driver_that_dies_has_failed_the_case_and_goes_on_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitor, "COMES", EXPIRES)  # behind the end of the driver's process
    program = tmp_path / "driver.py"
    program.write_text(DIES_FIRST, encoding="utf-8")
    run = run_of(several(greets, greets), once=True, agent="a")

    async def started(stranger: Stranger, _: SocketIOScheme) -> str | None:
        words = (sys.executable, str(program), str(tmp_path / "has-died"))
        log = Log()
        return await Program(words, ("--run", "x")).at(stranger.url, "a").drive(run, log)

    problem, outcomes = met(run, started)
    assert problem is None
    first, second = outcomes.values()
    assert first == ("FAIL", "its process ended with exit code 3")
    assert run.records["socketio/test/0"].seen == Seen.DIED
    assert second[0] == "INCONCLUSIVE"


def test_driver_that_dies_of_a_case_when_the_next_is_on_has_failed_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "STOPPING", SOON)  # in which the process ends
    program = tmp_path / "driver.py"
    program.write_text(DIES_LATER, encoding="utf-8")
    run = run_of(several(greets, greets, greets), once=True, agent="a")

    async def started(stranger: Stranger, _: SocketIOScheme) -> str | None:
        words = Program((sys.executable, str(program)), ("--run", "x"))
        return await words.at(stranger.url, "a").drive(run, Log())

    problem, outcomes = met(run, started)
    assert (problem, run.remarks) == (None, [])
    assert len(outcomes) == 3
    assert [name for name, (outcome, _) in outcomes.items() if outcome == "FAIL"] == [
        "socketio/test/0"
    ]


@pytest.mark.parametrize("path", ["/next?agent=a", "/seen?agent=a&case=1", "/run/1/a/socket.io/"])
def test_pages_of_other_origins_may_ask(path: str) -> None:
    async def page(stranger: Stranger, _: SocketIOScheme) -> tuple[int, list[str | None]]:
        asked = {**ORIGIN, "Access-Control-Request-Headers": "content-type"}
        async with stranger.http.options(stranger.url + path, headers=asked) as answer:
            names = ("Origin", "Methods", "Headers")
            return answer.status, [answer.headers.get(f"Access-Control-Allow-{n}") for n in names]

    got, _ = met(run_of(several(hears)), page)
    assert got == (204, [ORIGIN["Origin"], "GET, POST, OPTIONS", "content-type"])


def test_answers_can_be_read_by_a_page() -> None:
    async def page(stranger: Stranger, _: SocketIOScheme) -> list[str | None]:
        where = "/run/1/a/socket.io/?EIO=4&transport=polling"
        found = []
        for path in ("/next?agent=a", where, "/run/9/a/socket.io/"):
            async with stranger.http.get(stranger.url + path, headers=ORIGIN) as answer:
                found.append(answer.headers.get("Access-Control-Allow-Origin"))
        return found

    got, _ = met(run_of(several(greets), limit=0.3), page)
    assert got == [ORIGIN["Origin"]] * 3
