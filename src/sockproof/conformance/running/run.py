"""One conformance run from servers to records: what `sockproof conformance` does for one target.

Everything is appended to the run's file of JSON lines as it happens. The report is what
`sockproof.runs.records.read_run` makes of that file, after an interrupt too.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sockproof import __version__, signals
from sockproof.conformance.capabilities.room import jobs_for, remark
from sockproof.conformance.peers.message import BROKEN_BY_FRAMES
from sockproof.conformance.peers.upgrade_response import BROKEN_BY_UPGRADES
from sockproof.conformance.peers.websocket import FAILS_WITH_A_CLOSE
from sockproof.conformance.preflight import Unreachable, introduce
from sockproof.conformance.running.runner import run_cases
from sockproof.conformance.shelf.case import Case
from sockproof.conformance.shelf.expectations import (
    glob_matches,
    stale_expectations,
)
from sockproof.conformance.shelf.requirements import Requirement
from sockproof.conformance.targets.server import Server
from sockproof.conformance.trials.plan import Plan, longest
from sockproof.files import WriteError
from sockproof.runs import records
from sockproof.runs.records import CaseRecord, RunWriter
from sockproof.vocabulary import Suite

ANY_ORDER = (
    "Consecutive messages return in varying order, which an application may do, so the server is"
    " not treated as an echo server. If it guarantees the order, declare it in a --profile:"
    ' capabilities = ["echo"].'
)
INTRODUCTION = 60.0  # seconds, and so many limits, until it must be known what a server is
INTRODUCTION_LIMITS = 12
LAST_WORDS = 15.0  # seconds beyond its bound after which a run that has not ended is ended
_DOCUMENT_OF_SUITE: dict[str, str] = {
    Suite.WEBSOCKET: "rfc6455-",
    Suite.DEFLATE: "rfc7692-",
    Suite.ENGINEIO: "eio-",
    Suite.SOCKETIO: "sio-",
    Suite.ROOMS: "rooms-",
    Suite.CLIENTS: "clients-",
    Suite.ABUSE: "rfc6455-10.4-",
}


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be run: the cases that are `chosen`, and by the plan how.

    Of the plan's servers the first is the one named; they are asked before the first case what
    they are. `name` replaces what the server says of itself, where we know better since we
    started it. Without a `max_time` of the plan's the run takes what `plan.longest` says at most.
    """

    plan: Plan
    suites: Sequence[str]
    all_cases: Sequence[Case]
    chosen: Sequence[Case]
    name: str | None = None
    strict: bool = False
    excluded: Sequence[str] = ()  # globs of cases that were to be left out
    docs_url: str | None = None  # of the documentation, whose pages the reports link

    @property
    def target(self) -> str:
        """The URL of the server, as it may be shown."""
        return self.plan.redactor.text(self.plan.servers[0].address.url)


def choose_cases(
    cases: Iterable[Case], globs: Sequence[str], but: Sequence[str] = ()
) -> list[Case]:
    """The cases whose id matches one of the globs, or all when there is none, and none of `but`."""
    return [
        each
        for each in cases
        if not globs or any(glob_matches(glob, each.id) for glob in globs)
        if not any(glob_matches(glob, each.id) for glob in but)
    ]


def coverage(
    cases: Iterable[Case],
    requirements: Mapping[str, Requirement],
    suites: Iterable[str],
    role: str = "",
) -> dict[str, Any]:
    """Which requirements of the suites' documents have a case, which none, which can have none.

    `role` is how the ids of those begin that bind another end than servers.
    """
    prefixes = tuple(role + _DOCUMENT_OF_SUITE.get(suite, "-") for suite in suites)
    about = {name: each for name, each in requirements.items() if name.startswith(prefixes)}
    named = {each.requirement for each in cases}
    return {
        "with_case": [name for name in about if name in named],
        "without_case": [
            name for name, each in about.items() if name not in named and not each.untestable
        ],
        "untestable": {
            name: each.untestable
            for name, each in about.items()
            if each.untestable and name not in named
        },
    }


def exit_code(outcomes: Sequence[CaseRecord], stale: Sequence[object], strict: bool) -> int:
    """0 nothing unexpected, 1 a deviation, 2 not judged.

    A deviation that was to be looked at again when the time was over is not judged.
    """
    if stale or any(records.weighs(record.to_json(), strict) for record in outcomes):
        return 1
    said = ("PASS", "NON_STRICT", "FAIL")
    judged = [each for each in outcomes if each.outcome in said and each.aside is None]
    open_questions = [
        each
        for each in outcomes
        if each.outcome == "INCONCLUSIVE" and each.level == "MUST" and each.expectation is None
        if each.aside is None
    ]
    cut_short = any(each.aside is not None and each.aside["kind"] == "no-time" for each in outcomes)
    return 2 if open_questions or cut_short or not judged else 0


def with_timers(servers: Sequence[Server]) -> list[Server]:
    """The servers, with `usual-timers` where none of them has the fast ones for heartbeats."""
    if any("fast-timers" in each.capabilities for each in servers):
        return list(servers)
    return [
        replace(each, capabilities=each.capabilities | {"usual-timers"})
        if "slow-timers" in each.capabilities
        else each
        for each in servers
    ]


async def run_job(
    job: Job,
    writer: RunWriter,
    on_start: Callable[[int, str | None, float], None],
    on_record: Callable[[CaseRecord], None],
) -> int:
    """Run the job and write it down; gives the exit code.

    Raises `preflight.Unreachable` before anything is written when there is nothing to judge.
    Cancelled, it notes that the run was interrupted, and lets the cancellation pass.
    """
    began, asked = time.monotonic(), job.plan
    hide = asked.redactor.text
    introduction = asked.max_time or INTRODUCTION + INTRODUCTION_LIMITS * asked.limit
    signals.end_within(introduction + LAST_WORDS)
    try:
        async with asyncio.timeout(introduction):
            introductions = await asyncio.gather(
                *(introduce(each, asked.limit, asked.jobs) for each in asked.servers)
            )
    except Unreachable as error:
        raise Unreachable(hide(str(error))) from None
    except TimeoutError:
        said = f"the server was not identified within {introduction:g} s (--max-time)"
        raise Unreachable(f"{job.target}: {said}") from None
    name = job.name or introductions[0].name
    servers = with_timers([each.server for each in introductions])
    # What one case says, another would hear.
    jobs = 1 if any("broadcast" in each.capabilities for each in servers) else asked.jobs
    jobs = jobs_for([each.room for each in servers], jobs)
    order = [case for case in job.chosen for _ in range(asked.repeat)]
    bound = asked.max_time or math.ceil(longest(order, servers, jobs, asked.limit))
    writer.header(
        {
            "sockproof": __version__,
            "target": job.target,
            "server": None if name is None else hide(name),
            "started": records.now(),
            "suites": list(job.suites),
            "excluded": list(job.excluded),
            **({} if job.docs_url is None else {"docs_url": job.docs_url}),
            "max_time": bound,
            "coverage": coverage(job.all_cases, asked.requirements, job.suites),
            "requirements": {
                name: requirement_json(asked.requirements[name])
                for name in dict.fromkeys(
                    [
                        *(each.requirement for each in job.chosen),
                        *BROKEN_BY_FRAMES,
                        *BROKEN_BY_UPGRADES.values(),
                        FAILS_WITH_A_CLOSE,
                    ]
                )
            },
        }
    )
    on_start(len(order), name, bound)
    found = [remark(each.room, jobs) for each in servers if each.room is not None]
    found += [ANY_ORDER for each in servers if "any-order" in each.capabilities]
    outcomes: list[CaseRecord] = []

    def note(record: CaseRecord) -> None:
        writer.case(record)
        outcomes.append(record)
        on_record(record)

    def revise(number: int, record: CaseRecord, fields: Sequence[str]) -> None:
        told = record.to_json()
        writer.revise(number, {name: told[name] for name in fields})

    # Where the user has said how long it may take, the time before the first case counts, too.
    left = bound if asked.max_time is None else began + bound - time.monotonic()
    signals.end_within(left + LAST_WORDS)
    plan = replace(asked, servers=servers, jobs=jobs, max_time=left)
    finish: dict[str, Any] = {"interrupted": True, "exit_code": 130}
    try:
        try:
            ended = await run_cases(job.chosen, plan, note, revise)
        except BaseExceptionGroup as group:
            raise (_unwritten(group) or group) from None
        ran = [(each.id, each.outcome) for each in outcomes if each.aside is None]
        stale = stale_expectations(asked.expectations, ran, [each.id for each in job.all_cases])
        code = 1 if ended.died else exit_code(outcomes, stale, job.strict)
        code = code or (2 if ended.not_run else 0)
        finish = {"interrupted": False, "exit_code": code, "stale_expectations": stale}
        finish["not_run"] = list(ended.not_run)
        finish["died"] = ended.died
        finish["remarks"] = [hide(each) for each in [*found, *ended.remarks]]
        return code
    finally:
        finish["strict"] = job.strict
        finish["seconds"] = round(time.monotonic() - began, 3)
        writer.finish(finish)


def _unwritten(group: BaseExceptionGroup[Any]) -> WriteError | None:
    """What could not be written, where it is that which ended the cases."""
    lost: BaseException | None = group.subgroup(WriteError)
    while isinstance(lost, BaseExceptionGroup):
        lost = lost.exceptions[0]
    return lost if isinstance(lost, WriteError) else None


def requirement_json(requirement: Requirement) -> dict[str, str]:
    """A requirement as a report repeats it."""
    told = {
        "document": requirement.document,
        "section": requirement.section,
        "level": requirement.level,
        "text": requirement.text,
        "broken": requirement.broken,
        "harms": requirement.harms,
        "fix": requirement.fix,
    }
    return {key: value for key, value in told.items() if value is not None}
