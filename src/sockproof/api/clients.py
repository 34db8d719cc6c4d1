"""Judging one client: serving its cases to a driver, and what is to be told of them.

Nothing is printed: an observer hears what happens, and the report is returned.
"""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import math
import re
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sockproof import __version__, shelves, signals
from sockproof.api.expecting import load_of_clients
from sockproof.api.job import catalogue_of, documentation
from sockproof.api.judge import Observer, Place, read_report
from sockproof.clients.driver import Driver
from sockproof.clients.log import Log
from sockproof.clients.peers.message import ROLE
from sockproof.clients.run import SOCKETIO, SUITES, WEBSOCKET, ClientRun
from sockproof.clients.serving import serving
from sockproof.conformance.running.run import (
    choose_cases,
    coverage,
    exit_code,
    requirement_json,
)
from sockproof.conformance.shelf.case import Case, load_cases
from sockproof.conformance.shelf.expectations import (
    Expectation,
    glob_matches,
    load_expectations,
    stale_expectations,
)
from sockproof.errors import CommandError
from sockproof.files import WriteError
from sockproof.runs import records
from sockproof.runs.records import CaseRecord, RunWriter
from sockproof.targets.drivers import DriverSpec
from sockproof.vocabulary import Suite

UNNAMED = "client"  # an agent that says no name
LAST_WORDS = 15.0  # seconds beyond its bound after which a run that has not ended is ended
LEAST = 120.0  # seconds that a run may take in any case
EACH = 1.0  # and so many more for each case
UNEXPLAINED = "the driver died, but of no single case"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPlan:
    """What is wanted of a run of cases against a client; empty selections choose all.

    `autobahn` and `without_autobahn` are globs of Autobahn|Testsuite's ids, `without_of` those that
    are left out for an agent whose name a regular expression matches.
    """

    suites: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    autobahn: tuple[str, ...] = ()
    without_autobahn: tuple[str, ...] = ()
    without_of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    expect: tuple[str, ...] = ()  # files of known deviations, or names of drivers
    agent: str | None = None
    host: str = "127.0.0.1"
    port: int = 0
    driver: Driver | None = None  # None: whoever comes, until told to end
    strict: bool = False
    timeout: float = 5.0
    max_time: float | None = None
    docs_url: str | None = None
    shelf: Path | None = None


def with_driver(plan: ClientPlan, spec: DriverSpec) -> ClientPlan:
    """The plan for a driver of the shelf, which is installed where it is not; `TargetError`."""
    suites = _suites(plan, spec)
    if not suites:
        raise CommandError(f"the driver {spec.name} has the suites {', '.join(_fitting(spec))}")
    agent = plan.agent or spec.name
    return replace(plan, suites=suites, agent=agent, driver=Driver.of(spec))


def concerns(plan: ClientPlan, spec: DriverSpec) -> bool:
    """Whether any of the plan's cases is for a client of this kind."""
    every = load_cases(shelves.shelf("client_cases", plan.shelf), _suites(plan, spec))
    return any(
        not plan.cases or any(glob_matches(g, each.id) for g in plan.cases) for each in every
    )


def _fitting(spec: DriverSpec) -> tuple[Suite, ...]:
    return WEBSOCKET if spec.kind == "websocket" else SOCKETIO


def _suites(plan: ClientPlan, spec: DriverSpec) -> tuple[str, ...]:
    """Those of the plan that are for a client of this kind."""
    return tuple(each for each in plan.suites or SUITES if each in _fitting(spec))


@dataclass(frozen=True, slots=True)
class ClientJob:
    """The cases of a plan, and what is known about them."""

    plan: ClientPlan
    all_cases: Sequence[Case]
    chosen: Sequence[Case]
    requirements: Mapping[str, Any]
    expectations: Sequence[Expectation]
    role: str = ROLE  # with which the ids of what has to have a case begin
    command: Sequence[str] = ("sockproof", "clients")  # that repeats a case


@dataclass(frozen=True, slots=True)
class ClientJudged:
    """One client's run: where it was recorded, and how it ended."""

    job: ClientJob
    folder: Path
    report: dict[str, Any]
    written: list[Path]

    @property
    def title(self) -> str:
        """The agent's name."""
        return str(self.report["target"])

    @property
    def exit_code(self) -> int:
        """That of the command."""
        return int(self.report["exit_code"])


def client_job(plan: ClientPlan, expectations: Sequence[Expectation] = ()) -> ClientJob:
    """The cases of a plan; raises `CommandError`, `ShelfError` and `FileError`."""
    shelf = shelves.shelf("client_cases", plan.shelf)
    every = sorted(load_cases(shelf, SUITES), key=_place)
    requirements = catalogue_of(shelf, every)
    fitting = [each for each in every if each.suite in (plan.suites or SUITES)]
    for glob in plan.exclude:
        if not any(glob_matches(glob, case.id) for case in every):
            raise CommandError(f"--exclude {glob}: no such case; --list shows them all")
    chosen = choose_cases(fitting, plan.cases, plan.exclude)
    if plan.autobahn:
        chosen = [each for each in chosen if _is_named(each, plan.autobahn)]
        chosen = [each for each in chosen if not _is_named(each, plan.without_autobahn)]
    if not chosen:
        wanted = ", ".join(plan.cases or plan.autobahn or plan.suites)
        raise CommandError(f"no case matches {wanted}; --list shows them all")
    found = [*expectations, *load_of_clients(plan.expect, shelves.shelf("drivers", plan.shelf))]
    if plan.driver is not None and plan.driver.known is not None:
        found += load_expectations(plan.driver.known)
    return ClientJob(plan, every, chosen, requirements, found)


def _place(case: Case) -> tuple[int, ...]:
    """Where a case stands: Autobahn's first, in its order, and last what looks back on the run."""
    if case.last:
        return (2,)
    number = case.autobahn[0] if case.autobahn else ""
    return (0, *(int(part) for part in number.split("."))) if number else (1,)


def _is_named(case: Case, globs: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, glob) for name in case.autobahn for glob in globs)


def judge_client(
    plan: ClientPlan,
    place: Place,
    observer: Observer,
    expectations: Sequence[Expectation] = (),
    on_listening: Callable[[str], object] = id,
) -> ClientJudged:
    """Serve the cases, have the driver come for them, and judge its client.

    `on_listening` is told where. Without a driver the run ends when whoever comes says so, or by an
    interrupt.
    """
    return judge_job(client_job(plan, expectations), place, observer, on_listening)


def judge_job(
    job: ClientJob,
    place: Place,
    observer: Observer,
    on_listening: Callable[[str], object] = id,
) -> ClientJudged:
    """The same, of cases that have been chosen."""
    path = place.folder / records.RUN_FILE
    with RunWriter(path) as writer:
        run = _Run(job, writer, observer, place, on_listening)
        try:
            signals.run_async(run.serve())
        except KeyboardInterrupt:
            if not run.run.records:
                raise
        except TimeoutError:
            run.problem = "the run did not end at its time limit and was stopped"
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        with signals.held():
            run.finish()
            report = read_report(path)
            written = place.write(report)
    return ClientJudged(job, place.folder, report, written)


class _Run:
    """A run that goes on."""

    def __init__(
        self,
        job: ClientJob,
        writer: RunWriter,
        observer: Observer,
        place: Place,
        on_listening: Callable[[str], object],
    ) -> None:
        plan = job.plan
        self.job, self.writer, self.observer, self.place = job, writer, observer, place
        self.on_listening = on_listening
        self.problem: str | None = None
        self.log = ""
        self._began = time.monotonic()
        self._seen: set[str] = set()
        self.run = ClientRun(
            job.chosen,
            job.requirements,
            agent=plan.agent,
            expectations=job.expectations,
            limit=plan.timeout,
            writer=writer,
            on_record=self._note,
            on_reports=self._report,
            rerun=_rerun(job),
            once=plan.driver is not None,
            without_of=_left_out(job),
        )

    def _note(self, record: CaseRecord) -> None:
        if record.id not in self._seen:
            self._seen.add(record.id)
            self.observer.case_done(record)

    def _report(self) -> None:
        """Write the reports of what has been judged so far."""
        path = self.place.folder / records.RUN_FILE
        if self.run.records and self.job.plan.driver is None:
            try:
                self.place.write({**read_report(path), **self._conclusion()})
            except WriteError as error:
                self.run.fail(error)

    async def serve(self) -> None:
        """Serve until the driver, or whoever comes, has come for all."""
        plan, run = self.job.plan, self.run
        self.writer.header(self._known())
        async with contextlib.AsyncExitStack() as stack:
            try:
                listener = await stack.enter_async_context(serving(run, plan.host, plan.port))
            except OSError as error:
                where = f"{plan.host}:{plan.port}"
                raise CommandError(f"--listen {where}: {error.strerror or error}") from None
            self.on_listening(listener.authority)
            bound = plan.max_time
            if plan.driver is None:
                async with asyncio.timeout(bound):
                    await run.stopped.wait()
                run.check()
                return
            bound = bound or math.ceil(LEAST + EACH * len(self.job.chosen))
            signals.end_within(bound + LAST_WORDS)
            self.observer.start(len(self.job.chosen), plan.agent or UNNAMED, None, bound)
            log = Log()
            kinds = {each.suite for each in self.job.chosen}
            urls = [
                f"{scheme}://{listener.authority}"
                for scheme, suites in (("ws", WEBSOCKET), ("http", SOCKETIO))
                if kinds & set(suites)
            ]
            driver = plan.driver.at(urls[0], plan.agent or UNNAMED, *urls[1:])
            try:
                async with asyncio.timeout(bound):
                    self.problem = await driver.drive(run, log)
            finally:
                self.log = log.text()
            run.check()

    def _known(self) -> dict[str, Any]:
        job, run = self.job, self.run
        suites = [name for name in SUITES if any(each.suite == name for each in run.due)]
        docs_url = job.plan.docs_url or documentation()
        named = dict.fromkeys(each.requirement for each in job.chosen)
        others = [name for name in job.requirements if name not in named]
        return {
            "sockproof": __version__,
            "target": run.agent or UNNAMED,
            "server": None,
            "started": records.now(),
            "suites": suites,
            "excluded": list(job.plan.exclude),
            **({} if docs_url is None else {"docs_url": docs_url}),
            "coverage": coverage(job.all_cases, job.requirements, suites, job.role),
            "requirements": {
                name: requirement_json(job.requirements[name]) for name in (*named, *others)
            },
        }

    def _conclusion(self) -> dict[str, Any]:
        job, run = self.job, self.run
        outcomes = list(run.records.values())
        ran = [(each.id, each.outcome) for each in outcomes if each.aside is None]
        suites = {each.suite for each in run.due}
        known_ids = [each.id for each in job.all_cases if each.suite in suites]
        stale = stale_expectations(job.expectations, ran, known_ids)
        not_run = [case.id for case in run.left] if run.came else []
        problem = self.problem or (UNEXPLAINED if run.remarks else None)
        code = exit_code(outcomes, stale, job.plan.strict) or (2 if not_run or run.remarks else 0)
        known = self._known()
        return {
            **{name: known[name] for name in ("target", "suites", "coverage")},
            "interrupted": False,
            "exit_code": code,
            "strict": job.plan.strict,
            "stale_expectations": stale,
            "not_run": not_run,
            "died": False,
            "seconds": round(time.monotonic() - self._began, 3),
            **({} if problem is None else {"problem": problem}),
            **({"remarks": list(run.remarks)} if run.remarks else {}),
            **({"driver_log": self.log} if self.log else {}),
        }

    def finish(self) -> None:
        """Conclude what was judged."""
        found = self._conclusion()
        if signals.interrupted() and (self.job.plan.driver is not None or found["not_run"]):
            found |= {"interrupted": True, "exit_code": 130}
        self.writer.finish(found)


def _left_out(job: ClientJob) -> Callable[[Case, str], bool]:
    """Whether a case is left out for an agent."""

    def is_left_out(case: Case, agent: str) -> bool:
        return any(
            re.fullmatch(pattern, agent) and _is_named(case, globs)
            for pattern, globs in job.plan.without_of.items()
        )

    return is_left_out


def _rerun(job: ClientJob) -> Callable[[Case], str]:
    """Makes the command that repeats one case."""
    plan, words = job.plan, [*job.command]
    if plan.driver is not None:
        words += plan.driver.said
    if plan.agent is not None and (plan.driver is None or plan.agent not in plan.driver.said):
        words += ["--agent", plan.agent]
    for known in plan.expect:
        words += ["--expect", known]
    beginning = shlex.join(words)
    return lambda case: f"{beginning} --case {shlex.quote(case.id)}"
