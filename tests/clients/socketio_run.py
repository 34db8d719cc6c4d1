"""Running cases against the raw Socket.IO client, correct or with faults and freedoms.

A fault is described in `tests/clients/mutants/socketio/*.toml`, and a freedom likewise:

    [sends-no-pongs]
    what = "PING is not answered."
    catches = ["engineio/heartbeat/*"]  # cases that show it: each is FAIL or NON_STRICT

    [never-upgrades]
    what = "The client stays with long-polling."
    section = "Engine.IO 4, Upgrade"
    unsupported = ["engineio/upgrade/*"]  # cases that the client cannot be judged by
"""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sockproof.clients.run import SOCKETIO, ClientRun
from sockproof.clients.schemes.socketio import SocketIOScheme
from sockproof.clients.serving import serving
from sockproof.conformance.shelf.case import Case, load_cases
from sockproof.conformance.shelf.expectations import glob_matches
from sockproof.conformance.shelf.requirements import Requirement, load_requirements
from sockproof.runs.records import CaseRecord
from tests.clients.raw_socketio.driver import Died, drive

HERE = Path(__file__).parent
SHELF = HERE.parents[1] / "client_cases"
CAUGHT = ("FAIL", "NON_STRICT")
DRIVERS = 6  # at once, each with a share of the cases
LOOKS = 3  # at what is not as it should be
LIMIT = 3.0  # seconds a case: a client that a fault has silenced is not waited for any longer


@dataclass(frozen=True)
class Switch:
    """A fault or a freedom, as it is described."""

    name: str
    what: str
    section: str = ""
    catches: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    non_strict: tuple[str, ...] = ()

    def shows_in(self, case_id: str) -> bool:
        """Whether this fault is known to be seen by the case."""
        return any(glob_matches(glob, case_id) for glob in self.catches)


@cache
def cases() -> tuple[Case, ...]:
    """Every case about Socket.IO clients."""
    return tuple(load_cases(SHELF, SOCKETIO))


@cache
def requirements() -> dict[str, Requirement]:
    """The catalogue of what binds clients."""
    return load_requirements(SHELF / "requirements")


@cache
def described(folder: str) -> dict[str, Switch]:
    """The faults (`mutants`) or the freedoms by their names."""
    found: dict[str, Switch] = {}
    for path in sorted((HERE / folder / "socketio").glob("*.toml")):
        for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
            assert name not in found, f"{path}: {name} is described twice"
            lists = {key: tuple(each) for key, each in table.items() if isinstance(each, list)}
            found[name] = Switch(name, **{**table, **lists})
    return found


async def judged(
    names: Iterable[str], chosen: Sequence[Case], limit: float
) -> tuple[list[CaseRecord], set[str]]:
    """The records of these cases, for a client with these switches on; one driver has them all.

    Also the ids of those that a busy machine may have disturbed.
    """
    run = ClientRun(chosen, requirements(), agent="raw", limit=limit)
    async with serving(run) as listener:
        scheme = next(each for each in listener.schemes if isinstance(each, SocketIOScheme))
        for _ in chosen:  # which may each end the program
            try:
                await drive(f"http://127.0.0.1:{listener.port}", "raw", names)
            except Died:
                scheme.died("its process ended")
            else:
                break
    return list(run.records.values()), run.lapsed


async def _shared_out(
    names: Iterable[str], chosen: Sequence[Case], limit: float, drivers: int
) -> tuple[dict[str, CaseRecord], set[str]]:
    shares = [chosen[n::drivers] for n in range(min(drivers, len(chosen)))]
    found = await asyncio.gather(*(judged(names, share, limit) for share in shares))
    records = {record.id: record for several, _ in found for record in several}
    return records, {name for _, doubted in found for name in doubted}


def outcomes(
    names: Iterable[str], chosen: Sequence[Case], looks: int, wanted: Sequence[str] = ()
) -> dict[str, CaseRecord]:
    """The records by the ids of cases.

    What a busy machine may have disturbed, or all that has no outcome of those `wanted`, has run so
    many times more, by itself.
    """
    several = list(names)
    records, doubted = asyncio.run(_shared_out(several, chosen, LIMIT, DRIVERS))
    for _ in range(looks):
        if wanted:
            good = {each.id for each in records.values() if each.outcome in wanted}
        else:
            good = {each.id for each in records.values() if not _is_doubtful(each)} - doubted
        again = [case for case in chosen if case.id not in good]
        if not again:
            break
        seen, doubted = asyncio.run(_shared_out(several, again, 2 * LIMIT, 1))
        records |= seen
    return records


def _is_doubtful(record: CaseRecord) -> bool:
    return record.timed_out or record.outcome == "INCONCLUSIVE"
