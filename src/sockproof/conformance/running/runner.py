"""Running the cases of a run: side by side, alone, and again where what was seen is in doubt.

Cases run side by side, `jobs` at a time; those that say `exclusive` follow, one by one on each
server, since it is its clients and its time that they must not share; `last` ones end the run.
A server that turns connections away has fewer cases at a time. When one stops answering, those
beside it run again, each alone.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sockproof.conformance.checks.bystanders import bystanders
from sockproof.conformance.running.lag import Lag
from sockproof.conformance.running.pace import Pace
from sockproof.conformance.shelf.case import Case
from sockproof.conformance.targets.server import Server
from sockproof.conformance.trials import death, second_look, turned_away
from sockproof.conformance.trials.control import Controls
from sockproof.conformance.trials.follows import follow
from sockproof.conformance.trials.liveness import Liveness
from sockproof.conformance.trials.plan import LAPSES, Patience, Plan
from sockproof.conformance.trials.trial import SILENT, Trial, choose_server, prepare, run
from sockproof.runs.records import CaseRecord

__all__ = ["LAPSES", "Ended", "Patience", "Plan", "run_cases"]

OnRecord = Callable[[CaseRecord], None]
OnRevised = Callable[[int, CaseRecord, Sequence[str]], None]
Lane = deque[Case]


@dataclass(frozen=True, slots=True)
class Ended:
    """What is to be said of a run beside its records, and whether a server died in it.

    One that an expectation has die does not count.
    """

    remarks: tuple[str, ...] = ()
    died: bool = False
    not_run: tuple[str, ...] = ()  # ids


def _unheard(number: int, record: CaseRecord, fields: Sequence[str]) -> None:
    """For those who look at the records when all is over."""


async def run_cases(
    cases: Iterable[Case], plan: Plan, on_record: OnRecord, on_revised: OnRevised = _unheard
) -> Ended:
    """Run the cases as the plan says; `on_record` hears of each as it ends.

    A record may still change. Then `on_revised` hears of the same object, with its number in the
    order in which `on_record` heard, and with the names of the fields that are new.
    """
    order = [case for case in cases for _ in range(plan.repeat)]
    if plan.shuffle:
        random.shuffle(order)
    async with Lag() as lag:
        going = _Run(plan, lag, on_record, on_revised)
        try:
            await going.through(order)
        finally:
            await going.controls.close()
        return Ended(tuple(going.remarks), going.died, tuple(going.not_run(order)))


class _Run:
    """What one run has done so far."""

    def __init__(self, plan: Plan, lag: Lag, on_record: OnRecord, on_revised: OnRevised) -> None:
        self.plan = plan
        self.lag = lag
        self.on_record = on_record
        self.on_revised = on_revised
        self.controls = Controls(plan)
        self.life = Liveness()
        self.jobs = plan.jobs
        self.pace = Pace()
        self.remarks: list[str] = []
        self.died = False
        self._trials: list[Trial] = []  # whose records have been told
        self._flying: dict[asyncio.Task[None], Trial] = {}
        self._gone: Server | None = None
        self._suspects: list[Trial] = []  # on the server that is gone, not told yet
        self._over = False
        self._restarts = 0
        self._lowered_at = 0.0
        self._turned_away = ""

    async def through(self, order: Sequence[Case]) -> None:
        """Run all, or what there is time for."""
        try:
            async with asyncio.timeout(self.plan.max_time) as bound:
                await self._all(order)
        except TimeoutError:
            if not bound.expired():
                raise
            self._leave_off("the time limit was reached")
            self.remarks.append(death.remark_on_time(self.not_run(order)))
        except asyncio.CancelledError:
            self._leave_off("it was interrupted")
            raise
        for trial in follow(self._trials, self.plan.requirements):
            self._revised(trial, ("aside",))

    def not_run(self, order: Sequence[Case]) -> list[str]:
        """The ids of the cases whose records have not been told."""
        left = Counter(case.id for case in order)
        left.subtract(trial.case.id for trial in self._trials)
        return [name for name in left if left[name] > 0]

    def _leave_off(self, why: str) -> None:
        """What would have run again accuses nobody when the run ends before."""
        for trial in filter(self._is_doubtful, self._trials):
            second_look.no_time(trial.record, why)
            self._revised(trial, ("aside",))

    async def _all(self, order: Sequence[Case]) -> None:
        """Run the cases in three stages, and then again what is in doubt."""
        self.plan.company.is_told = any(
            case.last and choose_server(case, self.plan) is not None for case in order
        )
        stages = deque([[deque(case for case in order if not case.exclusive)]])
        stages += [self._by_server(order, last) for last in (False, True)]
        while stages and not self._over:
            async with bystanders(self.plan.servers, self.plan.company):
                while stages and self._gone is None:
                    await self._stage(stages[0])
                    if not any(stages[0]):
                        stages.popleft()
            if self._gone is not None:
                await self._after_the_death_of(self._gone)
        await self._look_again()
        if self._turned_away:
            self.remarks.append(turned_away.remark(self._turned_away, self.plan.jobs, self.jobs))

    def _by_server(self, order: Iterable[Case], last: bool) -> list[Lane]:
        lanes: dict[int, Lane] = {}
        for case in order:
            if case.exclusive and case.last == last:
                lanes.setdefault(id(choose_server(case, self.plan)), deque()).append(case)
        return list(lanes.values())

    # Side by side.

    async def _stage(self, lanes: Sequence[Lane]) -> None:
        """Run what is in the lanes, until they are empty or a server is gone."""
        async with asyncio.TaskGroup() as group:
            for lane in lanes:
                for number in range(1 if lane and lane[0].exclusive else self.jobs):
                    group.create_task(self._work(lane, number))
        now = time.monotonic()
        used = {id(each.server): each.server for each in self._trials if each.server is not None}
        for server in used.values():
            if self._gone is None and not await self.life.answers(server, now):
                self._gone = server

    async def _work(self, lane: Lane, number: int) -> None:
        while lane and self._gone is None and number < self.jobs:
            await self.pace.turn()
            if not lane or self._gone is not None or number >= self.jobs:
                break
            trial = prepare(lane.popleft(), self.plan)
            trial.jobs = 1 if trial.case.exclusive else self.jobs
            flown = await self._fly(trial)
            server = trial.server
            self._saw(trial)
            if await self._leaves_it_dead(trial):
                self._gives_up(trial.server)
            if server is not None and self._gone is server and (not flown or trial.unanswered):
                self._suspects.append(trial)
            elif await self._has_room_now(trial):
                lane.append(trial.case)
            else:
                await self._tell(trial)

    async def _leaves_it_dead(self, trial: Trial) -> bool:
        """Whether the server, which did not answer in this case, answers nobody any more."""
        server = trial.server
        if server is None or not trial.unanswered or self._gone is server:
            return False
        return not await self.life.answers(server, trial.ended)

    async def _fly(self, trial: Trial) -> bool:
        """Run a case; False when it was given up, since its server is gone."""
        task = asyncio.create_task(run(trial, self.plan))
        self._flying[task] = trial
        try:
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()  # a fault of the runner's own shows
                trial.stalled = self.lag.worst(trial.began)
            return not task.cancelled()
        finally:
            task.cancel()
            del self._flying[task]

    def _gives_up(self, server: Server | None) -> None:
        """The server is gone: what runs on it is not waited for."""
        self._gone = server
        for task, trial in self._flying.items():
            if trial.server is server:
                task.cancel()

    async def _has_room_now(self, trial: Trial) -> bool:
        """Whether a case whose clients were turned away is to be tried again with fewer beside."""
        if not trial.turned_away or trial.record.outcome != "INCONCLUSIVE":
            return False
        if trial.turned_away != SILENT and await self.plan.company.make_room():
            return True
        return (trial.jobs > 1 or trial.can_wait) and self._lower(trial)

    def _lower(self, trial: Trial) -> bool:
        """Halve the jobs, once for all cases that ran when it was too many, or slow down.

        False where that is of no use any more.
        """
        if trial.began < self._lowered_at:
            return True
        slower = self.jobs > 1 or self.pace.slow_down()
        self.jobs = max(1, self.jobs // 2)
        self._lowered_at = time.monotonic()
        self._turned_away = trial.turned_away
        if trial.can_wait:
            self.pace.pause(trial.retry_after)
        return slower

    def _saw(self, trial: Trial) -> None:
        """A case that got an answer has shown that its server lived when it began."""
        if trial.server is not None and trial.saw_an_answer:
            self.life.saw(trial.server, trial.began)

    async def _tell(self, trial: Trial) -> None:
        """Have the record of a case heard."""
        if not self._is_doubtful(trial):
            await self.controls.check(trial)
        trial.number = len(self._trials)
        self._trials.append(trial)
        self.on_record(trial.record)

    def _revised(self, trial: Trial, fields: Sequence[str] = second_look.TAKEN_OVER) -> None:
        assert trial.number is not None
        self.on_revised(trial.number, trial.record, fields)

    # Alone.

    async def _alone(self, case: Case) -> Trial:
        """Run a case with no other beside it, until neither harness nor server was disturbed.

        A server that is gone then has died of it; it is there again afterwards, or all is over.
        """
        for _ in range(second_look.ATTEMPTS):
            await self.pace.turn()
            trial = prepare(case, self.plan)
            await run(trial, self.plan, patient=True)
            trial.stalled = self.lag.worst(trial.began)
            if trial.accuses and trial.turned_away:
                self.pace.pause(trial.retry_after)
            elif not (trial.accuses and (self._is_stalled(trial) or await self._is_slow(trial))):
                break
        server = trial.server
        self._saw(trial)
        if server is None or await self.life.answers(server, trial.ended):
            if trial.accuses and self._is_stalled(trial):
                second_look.too_busy(trial.record, trial.stalled)
            await self.pace.turn()
            await turned_away.check_service(trial, self.life)
            await self.controls.check(trial)
            return trial
        how = self.life.last_miss
        if not await self._is_back(server) or self.life.refused:
            death.accuse(trial.record, how, self.plan.expectations)
            trial.killed = True
            self.died = self.died or trial.record.expectation is None
            self.remarks.append(death.remark_on_killer(trial.record))
        return trial

    async def _is_slow(self, trial: Trial) -> bool:
        """Whether the server lets an ordinary client wait, too, where the case timed out."""
        if trial.server is None or not trial.lapsed:
            return False
        asked = time.monotonic()
        answers = await self.life.answers(trial.server, trial.ended)
        return answers and time.monotonic() - asked > second_look.SLOW

    async def _is_back(self, server: Server) -> bool:
        """Wait for the server, or start it again; where neither helps the run is over."""
        if await self.life.comes_back(server, self.plan.alive_within):
            return True
        if self.plan.restart is not None and self._restarts < death.RESTARTS:
            self._restarts += 1
            if await self.plan.restart(server):
                self.life.saw(server, time.monotonic())
                return False
        self._over = True
        return False

    async def _after_the_death_of(self, server: Server) -> None:
        """Run each case alone that ran when the server went, or say which these were."""
        seen, how = self.life.seen(server), self.life.last_miss
        told = [each for each in self._trials if each.server is server and each.ended > seen]
        suspects, self._suspects = [*told, *self._suspects], []
        names = list(dict.fromkeys(each.case.id for each in suspects))
        self._gone = None
        self.jobs = min(self.jobs, death.JOBS)
        was_back = await self._is_back(server)
        if self._over:
            self._end_with(suspects, names, how)
            return
        before = len(self.remarks)
        for place, first in enumerate(suspects):
            if self._over:
                self._end_with(suspects[place:], names, how)
                return
            second = await self._alone(first.case)
            await self._replace(first, second)
        if len(self.remarks) > before:
            return
        if was_back:
            self.remarks.append(death.remark_on_silence(names, how))
        else:
            self.died = True
            self.remarks.append(death.remark_on_none(names, how))

    async def _replace(self, first: Trial, second: Trial) -> None:
        """Have the second trial of a case stand for the first, which may have been told."""
        if first.number is None:
            await self._tell(second)
            return
        second_look.take_over(first.record, second.record)
        first.lapsed = first.unanswered = False
        first.stalled, first.turned_away = 0.0, ""
        self._revised(first)

    def _end_with(self, suspects: Sequence[Trial], names: Sequence[str], how: str) -> None:
        """The run is over: a single suspect has killed the server, of several nobody knows."""
        self.died = True
        single = len(suspects) == len(names) == 1
        for trial in suspects:
            if single:
                death.accuse(trial.record, how, self.plan.expectations)
            elif trial.accuses:
                death.excuse(trial.record)
            if trial.number is None:
                trial.number = len(self._trials)
                self._trials.append(trial)
                self.on_record(trial.record)
            else:
                self._revised(trial)
        self.remarks.append(death.remark_on_end(names, how))

    # Again.

    def _is_stalled(self, trial: Trial) -> bool:
        return trial.stalled > self.plan.stall_with(trial.server)

    def _is_doubtful(self, trial: Trial) -> bool:
        """Whether the case has to run again before it counts."""
        if not self.plan.second_look or not trial.accuses:
            return False
        known = trial.record.expectation is not None  # which counts as nothing in any case
        lapsed = trial.lapsed and trial.record.outcome != "NON_STRICT" and not known
        return lapsed or self._is_disturbed(trial)

    def _is_disturbed(self, trial: Trial) -> bool:
        """Whether it was the harness, or the number of its cases, that the outcome came from."""
        return self._is_stalled(trial) or bool(trial.turned_away)

    async def _look_again(self) -> None:
        self.controls.are_alone = True
        doubtful = [trial for trial in self._trials if self._is_doubtful(trial)]
        stalled = [trial.stalled for trial in doubtful if self._is_stalled(trial)]
        look = second_look.SecondLook(self.plan.limit)
        left = []
        for first in look.order(doubtful):
            if self._over:
                death.untried(first.record)
                self._revised(first, ("aside",))
                continue
            await self.controls.check(first)  # first, since it stands for many cases
            if first.record.aside is not None:
                self._revised(first)
            elif not look.is_worth_it(first):
                left.append(first)
            else:
                second = await self._alone(first.case)
                look.saw(first, second)
                if second_look.is_well(second.record) and not self._is_disturbed(first):
                    second_look.did_not_repeat(first.record, second.record)
                    self._revised(first)
                else:
                    await self._replace(first, second)
        for first in left:
            if self._is_stalled(first):
                second_look.too_busy(first.record, first.stalled)
                self._revised(first, ("aside", "notes"))
            elif look.is_shown_to_vanish(first):
                second_look.others_did_not_repeat(first.record)
                self._revised(first, ("aside", "notes"))
        if stalled:
            self.remarks.append(second_look.remark(stalled))
