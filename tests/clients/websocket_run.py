"""Running cases against the raw WebSocket client, correct or with faults and freedoms.

A fault is described in `tests/clients/mutants/websocket/FILE.toml`, by the file of
`raw_websocket/faults` that it is in, and a freedom likewise:

    [answers-pings-with-nothing]
    what = "A Ping is answered by a Pong without a payload."
    catches = ["websocket/control/ping_*"]  # cases that show it: each is FAIL or NON_STRICT

    [answers-close-with-3000]
    what = "A Close frame is answered by one with code 3000."
    section = "RFC 6455, 7.4.2"
    unsupported = ["deflate/*"]             # cases that the client cannot be judged by
"""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sockproof.clients.run import WEBSOCKET, ClientRun
from sockproof.clients.serving import serving
from sockproof.conformance.shelf.case import Case, load_cases
from sockproof.conformance.shelf.expectations import glob_matches
from sockproof.conformance.shelf.requirements import Requirement, load_requirements
from sockproof.runs.records import CaseRecord
from tests.clients.raw_websocket.driver import drive
from tests.clients.raw_websocket.switches import FAULTS, FREEDOMS
from tests.clients.raw_websocket.switching import Mixin

HERE = Path(__file__).parent
SHELF = HERE.parents[1] / "client_cases"
OTHER_OFFERS = (  # cases about offers that the client makes only where it is told to
    "deflate/negotiation/answer_that_passes_over_the_hint_of_the_client_is_taken",
    "deflate/negotiation/answer_that_lacks_what_was_asked_for_is_refused_or_taken",
    "websocket/response_checked/compression_that_was_not_offered_is_refused",
    "deflate/negotiation/client_window_that_was_not_offered_is_refused[*]",
    "deflate/negotiation/larger_*_window_than_was_*_is_refused",
)
CAUGHT = ("FAIL", "NON_STRICT")
COMPANIONS = 60  # ordinary cases that run before those that look back
JOBS = 8
LIMIT = 2.5  # seconds a case: a client that a fault has silenced is not waited for any longer


@dataclass(frozen=True)
class Switch:
    """A fault or a freedom, as it is described."""

    name: str
    file: str
    mixin: Mixin
    what: str
    section: str = ""
    catches: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()

    def shows_in(self, case_id: str) -> bool:
        """Whether this fault is known to be seen by the case."""
        return any(glob_matches(glob, case_id) for glob in self.catches)


def is_one_of_many(case: Case) -> bool:
    """Whether a case is big, and another one shows the same: Autobahn's sections 9, 12 and 13."""
    section, *_, place = case.autobahn[0].split(".") if case.autobahn else ("", "")
    return section in ("9", "12", "13") and place not in ("2", "12")


@cache
def cases() -> tuple[Case, ...]:
    """The cases about WebSocket clients, those that look back on the run at the end."""
    every = [case for case in load_cases(SHELF, WEBSOCKET) if not is_one_of_many(case)]
    return (*(case for case in every if not case.last), *(case for case in every if case.last))


@cache
def requirements() -> dict[str, Requirement]:
    """The catalogue of what binds clients."""
    return load_requirements(SHELF / "requirements")


def described(folder: str, switches: dict[str, dict[str, Mixin]]) -> dict[str, Switch]:
    """The descriptions of these faults or freedoms by their names."""
    found: dict[str, Switch] = {}
    for file, mixins in switches.items():
        path = HERE / folder / "websocket" / f"{file}.toml"
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        assert told.keys() == mixins.keys(), (file, told.keys() ^ mixins.keys())
        assert not told.keys() & found.keys(), file
        for name, table in told.items():
            fields: dict[str, Any] = {
                key: tuple(value) if isinstance(value, list) else value
                for key, value in table.items()
            }
            found[name] = Switch(name, file, mixins[name], **fields)
    return found


@cache
def faults() -> dict[str, Switch]:
    """Every fault by its name."""
    return described("mutants", FAULTS)


@cache
def freedoms() -> dict[str, Switch]:
    """Every freedom by its name."""
    return described("freedoms", FREEDOMS)


async def judged(
    several: Sequence[Mixin], chosen: Sequence[Case], limit: float = LIMIT, jobs: int = JOBS
) -> tuple[dict[str, CaseRecord], set[str]]:
    """The records of these cases, for a client that has these faults and freedoms.

    Also the ids of those that a busy machine may have disturbed.
    """
    asked_for = chosen
    if any(case.last for case in chosen):  # they look back on many connections
        ordinary = [case for case in cases() if case not in chosen and "closing/" in case.id]
        chosen = [*ordinary[:COMPANIONS], *chosen]
    run = ClientRun(chosen, requirements(), agent="raw", limit=limit)
    async with serving(run) as listener:
        alone = sum(case.last for case in chosen)
        await drive(f"ws://127.0.0.1:{listener.port}", "raw", several, jobs, alone)
        for case in chosen:  # a client may be gone while its case goes on
            await run.settled(case)
    found = {case.id: run.records[case.id] for case in asked_for if case.id in run.records}
    return found, run.lapsed


def outcomes(
    several: Iterable[Mixin], chosen: Sequence[Case], wanted: Sequence[str] = ()
) -> dict[str, CaseRecord]:
    """The same, in a loop of its own.

    What a time-out ended, what a busy machine disturbed, and all that has no outcome of those
    `wanted`, has run once more alone.
    """
    mixins = list(several)
    records, doubted = asyncio.run(judged(mixins, chosen))
    if wanted:
        good = {each.id for each in records.values() if each.outcome in wanted}
    else:
        good = {each.id for each in records.values() if not each.timed_out} - doubted
    again = [case for case in chosen if case.id not in good]
    return records | asyncio.run(judged(mixins, again, LIMIT * 2, jobs=1))[0]
