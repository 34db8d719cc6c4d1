"""One run of cases against one client: which were chosen, and what has been judged.

A case runs when the client's driver comes for it, so the driver decides about order and pace. What
is judged is written down at once. A case that is judged again takes the place of what it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sockproof.clients.beside import Beside
from sockproof.clients.history import History
from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.company import Company
from sockproof.conformance.context.policy import Policy
from sockproof.conformance.context.wirelog import WireLog
from sockproof.conformance.running.lag import Lag
from sockproof.conformance.shelf.case import Case
from sockproof.conformance.shelf.expectations import Expectation, apply_expectations
from sockproof.conformance.shelf.requirements import Requirement
from sockproof.conformance.trials import death, second_look
from sockproof.conformance.trials.plan import Patience
from sockproof.conformance.trials.trial import PASSES_SHOW, Trial, judge
from sockproof.files import WriteError
from sockproof.formats.report import CasePart
from sockproof.runs.records import CaseRecord, RunWriter
from sockproof.vocabulary import Seen, Suite
from sockproof.wire.redaction import Redactor

WEBSOCKET = (Suite.WEBSOCKET, Suite.DEFLATE)
SOCKETIO = (Suite.ENGINEIO, Suite.SOCKETIO)
SUITES = tuple(each.value for each in (*WEBSOCKET, *SOCKETIO))
LIMIT = 5.0  # seconds for each case
MOST_REMARKS = 10  # that a run keeps
STALL = 0.5  # seconds that our end may be late: some libraries wait for an answer for a second
REVISED = tuple(CasePart.__annotations__)
OF_A_DRIVER = Policy(capabilities=frozenset({"echo", "binary"}))


def _nothing(case: Case, agent: str) -> bool:
    del case, agent
    return False


class Visitor:
    """Our end of what a client does in one case."""

    context: CaseContext

    async def part(self) -> None:
        """Let go of the client when the case has been judged."""

    def abandoned(self, how: str) -> None:
        """The driver's process has died: nothing more comes, and what is awaited is in vain."""


@dataclass(slots=True)
class ClientRun:
    """The cases, the client that they judge, and the records so far, by the ids of cases."""

    cases: Sequence[Case]
    requirements: Mapping[str, Requirement]
    agent: str | None = None  # as it is named by whoever comes first, where it is not known
    expectations: Sequence[Expectation] = ()
    limit: float = LIMIT
    writer: RunWriter | None = None
    redactor: Redactor = field(default_factory=Redactor)
    on_record: Callable[[CaseRecord], object] = id
    on_reports: Callable[[], object] = bool
    rerun: Callable[[Case], str] = lambda case: case.id
    once: bool = False  # a case that has been judged is not judged again
    without_of: Callable[[Case, str], bool] = _nothing
    records: dict[str, CaseRecord] = field(default_factory=dict)
    history: History = field(default_factory=History)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    came: set[str] = field(default_factory=set)  # suites whose drivers have come
    seen_at: float = 0.0  # when something was heard of a driver (monotonic)
    failed: WriteError | None = None  # why nothing more can be written down
    lapsed: set[str] = field(default_factory=set)  # ids of cases that a time-out ended
    _progress: asyncio.Event = field(default_factory=asyncio.Event)
    remarks: list[str] = field(default_factory=list)  # what no case is known to be the cause of
    # The ids of the last two cases that began since the driver was started.
    _begun: deque[str] = field(default_factory=lambda: deque(maxlen=2))
    _visitor: Visitor | None = None  # of that case
    _first: dict[str, CaseRecord] = field(default_factory=dict)  # of cases that are looked at again
    _again: set[str] = field(default_factory=set)  # their ids
    _only: str | None = None  # the id of the one case that the driver may come for; "" is none
    _numbers: dict[str, int] = field(default_factory=dict)
    _running: dict[str, asyncio.Event] = field(default_factory=dict)
    beside: Beside = field(default_factory=Beside)
    lag: Lag = field(default_factory=Lag)  # of the loop that serves the run
    _patience: Patience = field(default_factory=Patience)
    _company: Company = field(default_factory=Company)

    def of(self, suites: Iterable[str]) -> list[Case]:
        """The chosen cases of these suites, in the order in which drivers number them from 1."""
        return [case for case in self.cases if case.suite in suites]

    def named(self, agent: str | None, suites: Iterable[str]) -> None:
        """A driver of these suites has come; the first says who is judged."""
        self.seen_at = time.monotonic()
        self.came.update(suites)
        if self.agent is None and agent:
            self.agent = agent[:200]

    @property
    def due(self) -> list[Case]:
        """The cases of the suites whose drivers have come; all before any has."""
        cases = self.of(self.came) if self.came else self.cases
        return [case for case in cases if not self.without_of(case, self.agent or "")]

    @property
    def left(self) -> list[Case]:
        """Those that are due and have not been judged."""
        return [case for case in self.due if not self.is_closed(case)]

    def is_closed(self, case: Case) -> bool:
        """Whether the case has been judged, or another one is to run alone."""
        return case.id in self.records or self._only not in (None, case.id)

    @property
    def is_over(self) -> bool:
        """Whether the driver has said so, or nothing is left."""
        return self.stopped.is_set() or bool(self.came and not self.left)

    async def is_done(self) -> None:
        """Return when the run is over."""
        while not self.is_over:
            self._progress.clear()
            await self._progress.wait()

    def stop(self) -> None:
        """The driver has said that it is done."""
        self.stopped.set()
        self._progress.set()

    def fail(self, error: WriteError) -> None:
        """End the run, since nothing more can be written; whoever waits for its end is told."""
        self.failed = error
        self.stop()

    def check(self) -> None:
        """Raise what ended the run, where that was no driver."""
        if self.failed is not None:
            raise self.failed

    async def settle(self, seconds: float) -> None:
        """Wait so long at most for cases that still run."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for ended in list(self._running.values()):
                    await ended.wait()

    def abandon(self, how: str) -> None:
        """The driver's process has died: the case that is on need not wait for it."""
        if self._visitor is not None:
            self._visitor.abandoned(how)

    def suspects(self) -> list[str]:
        """The ids of the cases that a driver may have died of, the likeliest first.

        Those that were on, and else the one that began last and the one before it, whose client the
        process may have died of only then.
        """
        return self.beside.on() or list(reversed(self._begun))

    @property
    def latest(self) -> str:
        """The id of the case that began last since the driver was started, or nothing."""
        return self._begun[-1] if self._begun else ""

    @contextlib.contextmanager
    def only(self, name: str = "") -> Iterator[None]:
        """Have the driver come for this case alone, once more; without a name for none."""
        self._only = name
        self.forget([name])
        try:
            yield
        finally:
            self._only = None
            if self.failed is None:
                self.stopped.clear()  # the driver's end was not that of the run

    def forget(self, names: Iterable[str]) -> None:
        """Have these cases judged again, as if they had not been."""
        for name in names:
            self.records.pop(name, None)
            self.lapsed.discard(name)

    def died(self, name: str, how: str) -> None:
        """The driver's process died of this case, so it has failed."""
        record = self.records.get(name)
        if record is None or (record.outcome == "FAIL" and record.aside is None):
            return
        record.outcome, record.seen, record.came = "FAIL", Seen.DIED, ""
        record.expected, record.got = "a driver that goes on", how
        record.aside, record.expectation = None, None
        apply_expectations(record, self.expectations)
        self._note(record)

    def died_of_none(self, names: Sequence[str], how: str) -> None:
        """The driver's process died, but of none of these cases when each ran alone."""
        if len(self.remarks) < MOST_REMARKS:
            what = f"The driver died ({how}). No single case reproduces this."
            self.remarks.append(f"{what} {death.named(names)}")

    @property
    def is_busy(self) -> bool:
        """Whether a case runs."""
        return any(not ended.is_set() for ended in self._running.values())

    def begins(self) -> None:
        """A driver is started: no case is on."""
        self._begun.clear()
        self._visitor = None
        self.seen_at = time.monotonic()

    @property
    def doubtful(self) -> list[str]:
        """The ids of cases that a time-out ended, or that may have been disturbed; what is known
        of the client is none of them."""
        return [
            name
            for name in sorted(self.lapsed & self.records.keys())
            if self.records[name].expectation is None
        ]

    def look_again(self, ids: Iterable[str]) -> None:
        """Have these cases judged again, with whole limits; what does not repeat is no fault."""
        self.stopped.clear()
        self.beside.allowed = False
        self._patience = Patience()
        for name in list(ids):
            first = self.records.pop(name)
            self._again.add(name)
            if name not in self.beside.doubted:
                self._first[name] = first
            self.beside.doubted.discard(name)
            self.lapsed.discard(name)

    def context(self, case: Case) -> CaseContext:
        """The context in which a client meets a case."""
        context = CaseContext(WireLog(self.redactor), company=self._company, case=case.id)
        context.policy = OF_A_DRIVER
        context.other = "the client"
        return context

    async def judge(self, case: Case, visitor: Visitor) -> CaseRecord:
        """Run the case on the client that has come for it, and let go of the client."""
        record = self._new_record(case)
        self._begun.append(case.id)
        self._visitor = visitor
        trial = Trial(case, None, record, time.monotonic(), 0.0)
        limit = self._limit(case)
        ended = self._running[case.id] = asyncio.Event()
        self.beside.begins(case)
        try:
            await judge(trial, visitor, visitor.context, limit, self.requirements)
            if self.beside.ends(case) and record.outcome != "PASS":
                self.lapsed.add(case.id)
                self.beside.doubted.add(case.id)
            trial.stalled = self.lag.worst(trial.began)
            self._conclude(trial, visitor.context)
            if trial.stalled > STALL and trial.accuses:
                self._doubt(trial)
            if trial.lapsed:
                self.lapsed.add(case.id)
                self._patience.lapses += 1
            self._note(self._second(record))
            ended.set()
            await visitor.part()
        finally:
            ended.set()
            visitor.context.close()
            await visitor.context.gone()
        return record

    async def settled(self, case: Case) -> CaseRecord | None:
        """How the case was judged, once it is that is running; None where it never ran."""
        if case.id in self._running:
            await self._running[case.id].wait()
        return self.records.get(case.id)

    def judged(self, case: Case, outcome: str, expected: str, got: str, **fields: Any) -> None:
        """Note how a case ended that no client came for."""
        record = self._new_record(case)
        record.outcome, record.expected, record.got = outcome, expected, got
        for name, value in fields.items():
            setattr(record, name, value)
        apply_expectations(record, self.expectations)
        self._note(record)

    def _new_record(self, case: Case) -> CaseRecord:
        return CaseRecord(
            id=case.id,
            requirement=case.requirement,
            level=self.requirements[case.requirement].level,
            outcome="PASS",
            summary=case.sentence,
            autobahn=list(case.autobahn),
            rerun=self.rerun(case),
        )

    def _conclude(self, trial: Trial, context: CaseContext) -> None:
        record, text = trial.record, self.redactor.text
        trial.ended = time.monotonic()
        record.seconds = trial.ended - trial.began
        record.wire = context.log.entries()
        record.notes = [text(f"{name}: {told}") for name, told in context.notes]
        if record.outcome == "PASS":
            record.wire = record.wire[:PASSES_SHOW]
        record.expected, record.got = text(record.expected), text(record.got)
        apply_expectations(record, self.expectations)

    def _limit(self, case: Case) -> float:
        """How long a case is waited for: less of a client that has been silent in many, but what
        waits by itself has time for that."""
        limit = max(self.limit, case.limit_with(25.0, 20.0))
        waits = "waits" in case.told or case.limit is not None
        return max(self._patience.limit(limit), self.limit if waits else 0.0)

    def _doubt(self, trial: Trial) -> None:
        """Our end was late meanwhile: the case is looked at again, and where it was late then, too,
        nothing can be said."""
        name = trial.case.id
        if name in self._again:
            second_look.too_busy(trial.record, trial.stalled)
        else:
            self.lapsed.add(name)
            self.beside.doubted.add(name)

    def _second(self, record: CaseRecord) -> CaseRecord:
        """What stands of a case that may have been looked at again."""
        first = self._first.pop(record.id, None)
        if first is None or not second_look.is_well(record):
            return record
        second_look.did_not_repeat(first, record)
        return first

    def _write(self, record: CaseRecord) -> None:
        if self.writer is None:
            return
        number = self._numbers.get(record.id)
        if number is None:
            self._numbers[record.id] = self.writer.case(record)
        else:
            told = record.to_json()
            self.writer.revise(number, {name: told[name] for name in REVISED})

    def _note(self, record: CaseRecord) -> None:
        self.records[record.id] = record
        try:
            self._write(record)
        except WriteError as error:  # nobody waits for it here
            self.fail(error)
        self.on_record(record)
        self.seen_at = time.monotonic()
        self._progress.set()
