"""Running cases: bounded concurrency, a limit for each, and an outcome whatever happens.

Cases run side by side, `jobs` at a time; those that say `exclusive` follow, one by one on each
server, since it is its clients and its time that they must not share; `last` ones end the run. A
case that the harness itself trips over is INCONCLUSIVE: a checker that crashed has judged nothing.
"""

from __future__ import annotations

import asyncio
import random
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sockproof.conformance.bystanders import bystanders
from sockproof.conformance.case import Case
from sockproof.conformance.company import Company
from sockproof.conformance.expectations import Expectation, apply_expectations
from sockproof.conformance.outcome import CaseEnd, StreamClosed
from sockproof.conformance.requirements import Requirement
from sockproof.conformance.scene import MAX_OCTETS_ALONE, MAX_OCTETS_BESIDE_OTHERS, Scene
from sockproof.conformance.target import Server, Target
from sockproof.conformance.wirelog import Redactor, WireLog
from sockproof.records import CaseRecord

WAITED = "nothing more within"
LAPSES = 50  # limits that were waited out, after which a server is known for it
LESS = 0.2  # of the limit of a case is waited from then on,
LEAST = 0.05  # and this after four times as many
PASSES_SHOW = 40  # entries of the wire log that a PASS keeps; every other outcome keeps all


@dataclass(slots=True)
class Patience:
    """How long cases wait: less for a server that has left many of them without an answer.

    Its verdict stands by then, and a run of hours tells nobody more.
    """

    lapses: int = 0

    def limit(self, seconds: float) -> float:
        """The limit of a case, in seconds."""
        if self.lapses < LAPSES:
            return seconds
        return seconds * (LESS if self.lapses < 4 * LAPSES else LEAST)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run needs beside its cases. `limit` is in seconds, for each case."""

    servers: Sequence[Server]
    requirements: Mapping[str, Requirement]
    expectations: Sequence[Expectation] = ()
    redactor: Redactor | None = None
    rerun: Callable[[Case], str] = lambda case: case.id
    jobs: int = 32
    limit: float = 5.0
    repeat: int = 1
    shuffle: bool = False
    patience: Patience = field(default_factory=Patience)
    company: Company = field(default_factory=Company)


async def run_cases(
    cases: Iterable[Case], plan: Plan, on_record: Callable[[CaseRecord], None]
) -> None:
    """Run the cases as the plan says; `on_record` hears of each as it ends."""
    order = [case for case in cases for _ in range(plan.repeat)]
    if plan.shuffle:
        random.shuffle(order)
    waiting = iter([case for case in order if not case.exclusive])

    async def one_after_another(chosen: Iterable[Case]) -> None:
        for case in chosen:
            on_record(await run_case(case, plan))

    async def all_of(several: Iterable[Iterable[Case]]) -> None:
        async with asyncio.TaskGroup() as group:
            for chosen in several:
                group.create_task(one_after_another(chosen))

    def by_server(last: bool) -> Iterable[list[Case]]:
        alone: dict[int, list[Case]] = {}
        for case in order:
            if case.exclusive and case.last == last:
                alone.setdefault(id(choose_server(case, plan.servers)), []).append(case)
        return alone.values()

    plan.company.is_told = any(case.last for case in order)
    async with bystanders(plan.servers, plan.company):
        await all_of([waiting] * plan.jobs)  # all take from one iterator
        await all_of(by_server(last=False))
        await all_of(by_server(last=True))


def choose_server(case: Case, servers: Sequence[Server]) -> Server | None:
    """The first server that offers all that the case needs."""
    return next((server for server in servers if case.needs <= server.capabilities), None)


async def run_case(case: Case, plan: Plan) -> CaseRecord:
    """Run one case to its outcome."""
    requirement = plan.requirements[case.requirement]
    record = CaseRecord(
        id=case.id,
        requirement=case.requirement,
        level=requirement.level,
        outcome="PASS",
        summary=case.sentence,
        autobahn=list(case.autobahn),
        rerun=plan.rerun(case),
    )
    began = time.perf_counter()
    server = choose_server(case, plan.servers)
    if server is None:
        missing = ", ".join(sorted(case.needs - plan.servers[0].capabilities))
        record.outcome, record.expected = "UNSUPPORTED", f"a target with {missing}"
        record.got = "the target does not offer it"
    else:
        redactor = plan.redactor or Redactor()
        log = WireLog(redactor)
        limit = plan.patience.limit(max(plan.limit, case.limit or 0))
        most = MAX_OCTETS_ALONE if case.exclusive else MAX_OCTETS_BESIDE_OTHERS
        scene = Scene(log, most, plan.company, case.id)
        await _judge(case, Target(server, scene, case.offer), limit, record)
        plan.patience.lapses += record.got.startswith(WAITED)
        record.notes = [redactor.text(f"{name}: {text}") for name, text in scene.notes]
        entries = log.entries()
        record.wire = entries[:PASSES_SHOW] if record.outcome == "PASS" else entries
        record.expected = redactor.text(record.expected)
        record.got = redactor.text(record.got)
    record.seconds = time.perf_counter() - began
    apply_expectations(record, plan.expectations)
    return record


async def _judge(case: Case, target: Target, limit: float, record: CaseRecord) -> None:
    scene = target.scene
    try:
        async with asyncio.timeout(limit):
            await case.function(target, **case.parameters)
    except CaseEnd as end:
        record.outcome, record.expected, record.got = end.outcome, end.expected, end.got
    except StreamClosed as closed:
        record.outcome, record.expected, record.got = "FAIL", scene.awaiting, closed.how
    except TimeoutError:
        record.outcome = "INCONCLUSIVE" if scene.setting_up else "FAIL"
        record.expected = scene.awaiting
        record.got = f"{WAITED} {limit:g} s"
        if scene.last_unasked is not None:
            record.got += f"; what the server said of its own accord: {scene.last_unasked}"
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        record.outcome, record.expected = "INCONCLUSIVE", "a case that runs to its end"
        record.got = f"{type(error).__name__}: {error} ({place.name}, line {place.lineno})"
    else:
        if scene.findings:
            record.outcome = "NON_STRICT"
            record.expected = "; ".join(dict.fromkeys(each.expected for each in scene.findings))
            record.got = "; ".join(dict.fromkeys(each.got for each in scene.findings))
    finally:
        scene.close()
        await scene.gone()
