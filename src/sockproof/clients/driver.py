"""Starting a driver, and starting it again when it ends before the last case.

The rules that hold here:

* A driver runs in a process group of its own, on a leash, so that nothing of it stays.
* Of what it prints the beginning and the end are kept (`log`).
* It is started again as long as each start brings a case that was not judged before.
* A process that dies has failed the case that it died of, which each may be that was on then, or
  just before: each runs again in a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sockproof import leash
from sockproof.clients.log import Log
from sockproof.clients.run import ClientRun
from sockproof.errors import CommandError
from sockproof.targets.drivers import DriverSpec
from sockproof.targets.install import prepare

STUCK = 30.0  # seconds in which a driver comes for the next case
LOOK = 1.0  # seconds between two looks whether it does
STOPPING = 5.0  # seconds in which a driver ends that is told to
ASKING = 300.0  # in which it asks for hundreds of cases that are not for it, one by one
SETTLING = 5.0  # seconds in which the case ends whose driver has ended
IDLE_STARTS = 2  # in a row that bring no case, after which no more are tried
AGAIN = 60  # cases at most that run again since a time-out ended them, or our end was late


@dataclass(frozen=True, slots=True)
class Driver:
    """How a driver is started: its words, what its environment has besides, and where it runs.

    `said` are the words by which the user says it, `known` a file of what is known of its library.
    """

    command: Sequence[str]
    said: tuple[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    known: Path | None = None
    otherwise: str = ""  # the URL for one that does not come by the first

    @classmethod
    def of(cls, spec: DriverSpec) -> Driver:
        """That of the shelf, with all that it needs; raises `TargetError`."""
        prepare(spec)
        said = ("--driver", spec.name)
        return cls(spec.command(), said, spec.environment(), spec.folder, spec.expectations())

    def at(self, url: str, agent: str, otherwise: str = "") -> Driver:
        """The same driver, told where to connect to and what it is called.

        `otherwise` is told to one that ends and has come for nothing: a driver of Socket.IO cannot
        do anything with ws://.
        """
        told = {"SOCKPROOF_URL": url, "SOCKPROOF_AGENT": agent}
        return replace(self, environment={**self.environment, **told}, otherwise=otherwise)

    async def drive(self, run: ClientRun, log: Log) -> str | None:
        """Have it come for all cases of the run; gives what kept it from that, in words."""
        problem = await self._through(run, log)
        if problem is not None and self.otherwise and not (run.came or run.stopped.is_set()):
            told = {**self.environment, "SOCKPROOF_URL": self.otherwise}
            return await replace(self, environment=told, otherwise="").drive(run, log)
        doubtful = run.doubtful
        if problem is None and 0 < len(doubtful) <= AGAIN:
            run.look_again(doubtful)
            return await self._through(run, log)
        return problem

    async def _through(self, run: ClientRun, log: Log) -> str | None:
        idle = 0
        while True:
            before = len(run.records)
            code = await self._once(run, log)
            if code:
                await self._find_of_which(run, log, f"its process {_told(code)}")
            if not run.left:
                return None
            idle = 0 if len(run.records) > before else idle + 1
            if run.stopped.is_set() or idle == IDLE_STARTS or not run.came:
                ended = f"the driver {_told(code or 0)}"
                return f"{ended} with {len(run.left)} cases left{_last_line(log)}"

    async def _find_of_which(self, run: ClientRun, log: Log, how: str) -> None:
        """Have the case fail that the driver died of: who dies of it does so alone, too."""
        suspects = run.suspects()
        if not suspects or not (run.left or await self._ends_well(run, log)):
            return
        if len(suspects) == 1:  # the first of its process, and the last
            run.died(suspects[0], how)
            return
        for place, name in enumerate(suspects):
            with run.only(name):
                code = await self._once(run, log, patient=True)
            if code and await self._ends_well(run, log):
                run.died(name, f"its process {_told(code)}")
                run.forget(suspects[place + 1 :])  # which it may have cut off
                return
        run.died_of_none(suspects, how)

    async def _ends_well(self, run: ClientRun, log: Log) -> bool:
        """Whether a driver that finds nothing to do ends with 0."""
        with run.only():
            return await self._once(run, log, patient=True) == 0

    async def _once(self, run: ClientRun, log: Log, patient: bool = False) -> int | None:
        """Start it and wait for its end, and for that of the case that was on.

        Gives the code of its exit, None where it was ended, as it is when it does not end soon
        after the last case; who is `patient` lets it ask on for as long as it takes.
        """
        leash.ready()
        run.begins()
        with log.taken() as printed:
            code = await self._until_its_end(run, printed, patient)
        if code:
            run.abandon(f"its process {_told(code)}")
        await run.settle(SETTLING)
        return code

    async def _until_its_end(self, run: ClientRun, printed: int, patient: bool) -> int | None:
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                env={**os.environ, **self.environment},
                cwd=self.folder,
                start_new_session=True,
            )
        except OSError as error:
            raise CommandError(f"--run {self.command[0]}: {error.strerror}") from None
        group = process.pid
        with leash.held(group):
            ended = asyncio.ensure_future(process.wait())
            done = asyncio.ensure_future(run.is_done())
            try:
                while not (ended.done() or done.done() or _is_stuck(run)):
                    await asyncio.wait(
                        [ended, done], timeout=LOOK, return_when=asyncio.FIRST_COMPLETED
                    )
                if not (ended.done() or done.done()):
                    how = f"it did not come for the next case within {STUCK:g} s"
                    run.died(run.latest, how)
                    return None
                until = time.monotonic() + (ASKING if patient else STOPPING)
                while not ended.done() and time.monotonic() < until:
                    await asyncio.wait([ended], timeout=LOOK)
                    if patient and _is_stuck(run):
                        break
                return ended.result() if ended.done() else None
            finally:
                done.cancel()
                leash.kill(group)
                await ended


def _is_stuck(run: ClientRun) -> bool:
    return not run.is_busy and time.monotonic() - run.seen_at > STUCK


def _told(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _last_line(log: Log) -> str:
    lines = log.text().strip().splitlines()
    return f"; it said last: {lines[-1][:300]}" if lines else ""
