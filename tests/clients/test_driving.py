"""Starting drivers: what a time-out ended, or we were late for, is looked at again; who hangs has
failed the case."""

from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sockproof.clients import driver
from sockproof.clients.beside import BUSY, Beside
from sockproof.clients.driver import Driver
from sockproof.clients.log import KEPT_FIRST, KEPT_LAST, Log
from sockproof.clients.run import LIMIT, STALL, ClientRun
from sockproof.clients.serving import serving
from sockproof.conformance.running.lag import Lag
from sockproof.conformance.shelf.case import Case, load_cases
from sockproof.vocabulary import Seen
from tests.clients.test_core import SHELF, new_run, some_cases
from tests.waiting import EXPIRES, SOON

SHORT = "autobahn_framing/short_message_comes_back[1.1"
BEGIN = """
import asyncio, os, pathlib
from websockets.asyncio.client import connect

URL = os.environ["SOCKPROOF_URL"]
mark = pathlib.Path(__file__).with_suffix(".mark")
again = mark.exists()
mark.touch()
"""
COMES_TWICE = """
async def main():
    for number in (1, 2):
        path = f"runCase?case={number}&agent=slow"
        try:
            async with connect(f"{URL}/{path}", close_timeout=0.1, proxy=None) as socket:
                async for message in socket:
                    if answers(number):
                        await socket.send(message)
        except Exception:
            pass
"""
END = "\nasyncio.run(main())\n"
SILENT_ONCE = "\ndef answers(number): return again or number == 1\n"
PRINTS_NOTHING = "\ndef answers(number): return True\n"
NEVER = "\ndef answers(number): return number == 1\n"
HANGS = """
async def main():
    async with connect(f"{URL}/runCase?case={2 if again else 1}&agent=slow", proxy=None) as socket:
        async for message in socket:
            await socket.send(message)
    while not again:
        await asyncio.sleep(1)
"""

LATE, IN_TIME = 2 * STALL, 0.0  # that our end may have been


@pytest.fixture(autouse=True)
def _our_end_is_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is; a test about that says otherwise."""
    monkeypatch.setattr(Lag, "worst", lambda lag, since: IN_TIME)


def driven(
    tmp_path: Path,
    source: str,
    limit: float = SOON,
    log: Log | None = None,
    chosen: list[Case] | None = None,
) -> tuple[ClientRun, str | None]:
    """A run of two cases by a driver of this source, and what kept it from its end."""
    path = tmp_path / "driver.py"
    path.write_text(BEGIN + source + END)
    run = new_run(chosen or some_cases(SHORT))
    run.limit, run.once = limit, True

    async def main() -> str | None:
        async with serving(run) as listener:
            words = Driver((sys.executable, str(path)), ("--run", "driver"))
            at = words.at(f"ws://{listener.authority}", "slow")
            return await at.drive(run, log or Log())

    return run, asyncio.run(main())


@pytest.mark.parametrize("wanted", ["http", "wss"])
def test_a_driver_that_cannot_use_the_url_is_told_the_other_one(
    wanted: str, tmp_path: Path
) -> None:
    path = tmp_path / "driver.py"
    path.write_text(
        "import os, sys, urllib.request\n"
        "url = os.environ['SOCKPROOF_URL']\n"
        f"if not url.startswith('{wanted}:'): sys.exit('no ' + url.partition(':')[0])\n"
        "urllib.request.urlopen(url + '/next?agent=one')\n"
        "sys.exit('it came')\n"
    )
    run = new_run(load_cases(SHELF, ("engineio",))[:2])

    async def main() -> str | None:
        async with serving(run) as listener:
            words = Driver((sys.executable, str(path)), ("--run", "driver"))
            at, other = (f"{scheme}://{listener.authority}" for scheme in ("ws", "http"))
            log = Log()
            return await words.at(at, "one", other).drive(run, log)

    problem = asyncio.run(main())
    if wanted == "http":
        assert problem is None
        assert [each.seen for each in run.records.values()] == [Seen.DIED, Seen.DIED]
    else:
        assert problem is not None
        assert problem.endswith("it said last: no http")
        assert not run.records


PRINTS_ENDLESSLY = """
import os, sys, threading
def print_on():
    while True:
        os.write(1, b"again and again\\n" * 1000)
os.write(2, b"first words\\n")
threading.Thread(target=print_on, daemon=True).start()
def answers(number): return True
"""


def test_of_what_a_driver_prints_endlessly_the_beginning_and_the_end_are_kept(
    tmp_path: Path,
) -> None:
    log = Log()
    run, problem = driven(tmp_path, PRINTS_ENDLESSLY + COMES_TWICE, log=log)
    assert (problem, {each.outcome for each in run.records.values()}) == (None, {"PASS"})
    text = log.text()
    assert text.startswith("first words\n")
    assert re.search(r"\n… [0-9]+ octets left out …\n", text)
    assert len(text) < KEPT_FIRST + KEPT_LAST + 100


def test_what_a_driver_prints_is_kept_whole_where_it_is_short(tmp_path: Path) -> None:
    log = Log()
    driven(tmp_path, 'print("one word", flush=True)\n' + PRINTS_NOTHING + COMES_TWICE, log=log)
    assert log.text() == "one word\n"


def test_a_time_out_that_does_not_repeat_is_set_aside(tmp_path: Path) -> None:
    run, problem = driven(tmp_path, SILENT_ONCE + COMES_TWICE, EXPIRES)
    first, second = run.records.values()
    assert (problem, first.outcome, first.aside) == (None, "PASS", None)
    assert second.outcome == "FAIL"
    assert second.aside is not None
    assert second.aside["kind"] == "did-not-repeat"


def test_a_time_out_that_repeats_counts(tmp_path: Path) -> None:
    run, problem = driven(tmp_path, NEVER + COMES_TWICE, EXPIRES)
    second = run.records[run.cases[1].id]
    assert (problem, second.outcome, second.seen) == (None, "FAIL", Seen.TIMED_OUT)
    assert second.aside is None


@pytest.mark.parametrize(
    ("wrong", "late", "outcome", "aside"),
    [
        ("not again", (IN_TIME, LATE, IN_TIME), "PASS", None),
        ("True", (IN_TIME, LATE, IN_TIME), "FAIL", None),
        ("True", (IN_TIME, LATE, LATE), "FAIL", "too-busy"),
        ("not again", (IN_TIME, IN_TIME), "FAIL", None),
    ],
)
def test_a_client_is_not_accused_of_what_our_own_end_was_late_for(
    wrong: str,
    late: tuple[float, ...],
    outcome: str,
    aside: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    each = iter(late)
    monkeypatch.setattr(Lag, "worst", lambda lag, since: next(each))
    source = PRINTS_NOTHING + COMES_TWICE.replace(
        "socket.send(message)", f'socket.send(message + "!" * (number == 2 and {wrong}))'
    )
    run, problem = driven(tmp_path, source)
    second = run.records[run.cases[1].id]
    assert (problem, second.outcome) == (None, outcome)
    assert (None if second.aside is None else second.aside["kind"]) == aside
    assert list(each) == []


WAITS = "websocket/closing/connection_stays_open_while_nothing_is_said"
DIES_BESIDE = """
async def run(number):
    try:
        async with connect(f"{URL}/runCase?case={number}&agent=slow", proxy=None) as socket:
            async for message in socket:
                await socket.send(message)
                if number == DEADLY:
                    os._exit(3)
    except Exception:
        pass

async def told(number):
    async with connect(f"{URL}/getCaseInfo?case={number}", proxy=None) as socket:
        return "waits" in await socket.recv()

async def main():
    tasks = []
    for number in (1, 2, 3):
        waits = await told(number)
        task = asyncio.create_task(run(number))
        if waits:
            tasks.append(task)
        else:
            await task
    await asyncio.gather(*tasks)
"""


@pytest.mark.parametrize("deadly", [1, 2, 3])
def test_a_driver_that_dies_while_several_cases_are_on_has_failed_the_one_it_dies_of(
    tmp_path: Path, deadly: int
) -> None:
    chosen = [*some_cases(WAITS), *some_cases(SHORT)]
    source = f"\nDEADLY = {deadly}\n" + DIES_BESIDE
    run, problem = driven(tmp_path, source, chosen=chosen)
    assert problem is None
    assert [run.records[case.id].outcome for case in chosen] == [
        "FAIL" if number == deadly else "PASS" for number in (1, 2, 3)
    ]


DIES_LATER = """
async def main():
    doomed = False
    for number in (1, 2, 3):
        try:
            async with connect(f"{URL}/runCase?case={number}&agent=slow", proxy=None) as socket:
                if doomed and not SPEAKS:
                    os._exit(3)
                async for message in socket:
                    if doomed:
                        os._exit(3)
                    await socket.send(message)
                    doomed = number == DEADLY
        except Exception:
            pass
    os._exit(DOOMED_ENDS if doomed else ENDS)
"""


@pytest.mark.parametrize(
    ("deadly", "speaks", "doomed_ends", "ends", "is_found"),
    [
        (1, True, 3, 0, True),
        (2, True, 3, 0, True),
        (1, False, 0, 0, True),
        (1, True, 0, 0, False),  # alone it does not die
        (1, False, 3, 3, False),  # and its end says nothing
    ],
)
def test_a_driver_that_dies_in_the_next_case_has_failed_the_one_it_dies_of(
    deadly: int,
    speaks: bool,
    doomed_ends: int,
    ends: int,
    is_found: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(driver, "STOPPING", SOON)  # in which the process ends
    names = f"DEADLY, DOOMED_ENDS, ENDS, SPEAKS = {deadly}, {doomed_ends}, {ends}, {speaks}"
    chosen = some_cases("autobahn_framing/short_message_comes_back")[:3]
    run, problem = driven(tmp_path, f"\n{names}\n{DIES_LATER}", chosen=chosen)
    assert problem is None
    ids = [case.id for case in chosen]
    failed = {name for name, record in run.records.items() if record.outcome == "FAIL"}
    assert len(run.records) == 3
    if is_found:
        assert (failed, run.remarks) == ({ids[deadly - 1]}, [])
        assert run.records[ids[deadly - 1]].seen == Seen.DIED
    else:
        (remark,) = run.remarks
        assert failed == set()
        assert "its process ended with exit code 3" in remark
        assert remark.endswith(f"{ids[deadly]}, {ids[deadly - 1]}.")


@pytest.mark.parametrize("silent", [0, 1000])
def test_a_case_that_waits_has_time_for_it_with_any_client(silent: int) -> None:
    run = new_run([])
    run._patience.lapses = silent
    waits, other = some_cases(WAITS)[0], some_cases(SHORT)[0]
    assert run._limit(waits) == run._limit(replace(other, limit=0.1)) == LIMIT
    assert run._limit(replace(other, limit=100.0)) >= LIMIT
    assert (run._limit(other) < LIMIT) is bool(silent)


def test_a_case_that_waits_is_looked_at_again_where_another_kept_the_client_busy() -> None:
    waits, other = some_cases(WAITS)[0], some_cases(SHORT)[0]
    now = [0.0]
    beside = Beside(clock=lambda: now[0])
    beside.begins(waits)
    beside.begins(other)
    now[0] = BUSY / 2
    assert not beside.ends(other)
    now[0] = 1.0
    assert not beside.ends(waits)
    beside.begins(waits)
    beside.begins(other)
    now[0] = 2.0
    assert not beside.ends(other)
    assert beside.ends(waits)


def test_a_driver_that_hangs_has_failed_the_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "STUCK", 10.0)  # in which the next process comes
    monkeypatch.setattr(driver, "LOOK", 0.1)
    run, problem = driven(tmp_path, HANGS)
    first, second = (run.records[case.id] for case in run.cases)
    assert (problem, second.outcome) == (None, "PASS")
    assert (first.outcome, first.seen) == ("FAIL", Seen.DIED)
    assert "did not come for the next case" in first.got


def test_what_is_known_of_a_client_is_not_looked_at_again() -> None:
    known, other = some_cases(SHORT)[:2]
    run = new_run([known, other])
    for case in (known, other):
        run.judged(case, "FAIL", "", "")
        run.lapsed.add(case.id)
    run.records[known.id].expectation = {"reason": "it is slow"}
    run._patience.lapses = 1000
    assert run.doubtful == [other.id]
    run.look_again(run.doubtful)
    assert (run.left, run._limit(other)) == ([other], LIMIT)
