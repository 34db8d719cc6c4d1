"""Starting drivers: what a time-out ended is looked at again, and who hangs has failed the case."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from sockproof.clients import driver
from sockproof.clients.driver import Driver, new_log
from sockproof.clients.run import ClientRun
from sockproof.clients.serving import serving
from sockproof.conformance.shelf.case import load_cases
from sockproof.vocabulary import Seen
from tests.clients.test_core import SHELF, new_run, some_cases

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
NEVER = "\ndef answers(number): return number == 1\n"
HANGS = """
async def main():
    async with connect(f"{URL}/runCase?case={2 if again else 1}&agent=slow", proxy=None) as socket:
        async for message in socket:
            await socket.send(message)
    while not again:
        await asyncio.sleep(1)
"""


def driven(tmp_path: Path, source: str, limit: float = 1.0) -> tuple[ClientRun, str | None]:
    """A run of two cases by a driver of this source, and what kept it from its end."""
    path = tmp_path / "driver.py"
    path.write_text(BEGIN + source + END)
    run = new_run(some_cases("autobahn_framing/short_message_comes_back[1.1"))
    run.limit, run.once = limit, True

    async def main() -> str | None:
        async with serving(run) as listener:
            words = Driver((sys.executable, str(path)), ("--run", "driver"))
            with new_log() as log:
                return await words.at(f"ws://{listener.authority}", "slow").drive(run, log)

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
            with new_log() as log:
                return await words.at(at, "one", other).drive(run, log)

    problem = asyncio.run(main())
    if wanted == "http":
        assert problem is None
        assert [each.seen for each in run.records.values()] == [Seen.DIED, Seen.DIED]
    else:
        assert problem is not None
        assert problem.endswith("it said last: no http")
        assert not run.records


def test_a_time_out_that_does_not_repeat_is_set_aside(tmp_path: Path) -> None:
    run, problem = driven(tmp_path, SILENT_ONCE + COMES_TWICE)
    first, second = run.records.values()
    assert (problem, first.outcome, first.aside) == (None, "PASS", None)
    assert second.outcome == "FAIL"
    assert second.aside is not None
    assert second.aside["kind"] == "did-not-repeat"


def test_a_time_out_that_repeats_counts(tmp_path: Path) -> None:
    run, problem = driven(tmp_path, NEVER + COMES_TWICE)
    second = run.records[run.cases[1].id]
    assert (problem, second.outcome, second.seen) == (None, "FAIL", Seen.TIMED_OUT)
    assert second.aside is None


def test_a_driver_that_hangs_has_failed_the_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "STUCK", 3.0)
    monkeypatch.setattr(driver, "LOOK", 0.1)
    run, problem = driven(tmp_path, HANGS, limit=10.0)
    first, second = (run.records[case.id] for case in run.cases)
    assert (problem, second.outcome) == (None, "PASS")
    assert (first.outcome, first.seen) == ("FAIL", Seen.DIED)
    assert "did not come for the next case" in first.got
