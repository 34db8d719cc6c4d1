"""Locust as a process of its own: started, watched, and ended in time whatever it is busy with.

The rules that hold here:

* It has a session of its own: a terminal's Ctrl-C reaches the command, which tells it to end.
* Told to end, it drains, disconnects and writes what it has. What it has not done within the
  drain and `LAST_WORDS` it is not waited for: rows that were written are in their files.
* The run is over after its run time, the drain and `LAST_WORDS`, whatever a server does.
* Where the command is killed it ends by itself and sums up, and is killed where it does not.
"""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sockproof import files, leash, signals
from sockproof.analysis.gates.live_rules import Follower
from sockproof.analysis.gates.rules import Rule
from sockproof.api.progress import Shows, run_time_of
from sockproof.formats.load import Ended
from sockproof.render.text import short
from sockproof.runs.load_records import ENDED_FILE, RUN_FILE, STARTED_BY
from sockproof.runs.reader import read_about

LAST_WORDS = 15.0  # seconds beyond run time and drain
SUMMING_UP = 60.0  # seconds that Locust has for that when nobody else will
BEGINNING = 120.0  # seconds until the run has begun: to import, to start workers
BESIDE = 1.0  # of them for each worker
ROWS_COME = 90.0  # seconds without a further row of another host: a master waits for less
LOOK = 0.1  # seconds between two looks
FOLLOW = 1.0  # seconds between two looks at the rules
LAST_LINES = 2.0  # seconds that what it has printed may take to be shown
_OUTPUT, _ERRORS = 1, 2


@dataclass(frozen=True, slots=True)
class Bounds:
    """What Locust was told, in seconds, and how many processes it starts."""

    run_time: float
    drain: float
    processes: int = 1
    waits: bool = False  # for workers of other hosts, before the run and behind it


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run of Locust ended: its exit code, whether it was told to by a signal, and what there
    is to complain of, a line."""

    code: int
    interrupted: bool
    complaint: str = ""


class Locust:
    """One run of Locust."""

    def __init__(
        self,
        command: list[str],
        folder: Path,
        bounds: Bounds,
        secret: Mapping[str, str],
        say: Callable[[str], None],
        log: IO[str] | None = None,
        follower: Follower | None = None,
        shows: Shows | None = None,
    ) -> None:
        """`secret` goes into its environment, what it prints to `log`, if there is one.

        `follower` says when a rule is broken, which `say` is told. `shows` is who shows the run
        while it goes on: what Locust prints where it shows it passes through its hands.
        """
        self._secret = secret
        self._command = command
        self._folder = folder
        self._shows = shows
        self._begun = folder / RUN_FILE
        self._bounds = bounds
        self._say = say
        self._log = log
        self._follower = follower
        self._heard = 0  # signals
        self._looked = 0.0  # when the rules were looked at
        self._end_by = 0.0
        self._runs = False
        self._complaint = ""
        self._length = -1  # of all files, when it was asked for last

    def run(self) -> Ran:
        """Run it to its end."""
        environment = {**os.environ, **self._secret, "PYTHONUNBUFFERED": "1"}
        environment[STARTED_BY] = str(os.getpid())
        with signals.counted():
            self._heard = signals.received()
            leash.ready()
            piped = dict.fromkeys(self._passed(), subprocess.PIPE)
            process = subprocess.Popen(
                self._command,
                env=environment,
                start_new_session=True,
                stdout=piped.get(_OUTPUT, self._log),
                stderr=piped.get(_ERRORS, self._log),
            )
            leash.hold(process.pid, self._bounds.drain + LAST_WORDS + SUMMING_UP)
            passing = self._pass_on(process)
            try:
                if self._shows is not None:
                    self._shows.begin(self._folder, self._bounds.run_time, self._bounds.drain)
                code = self._watch(process)
            finally:
                # Of workers whose master is gone none is left behind.
                leash.kill(process.pid)
                process.wait()
                leash.let_go(process.pid)
                for each in passing:
                    each.join(LAST_LINES)
                if self._shows is not None:
                    self._shows.end()
        return Ran(code, signals.interrupted(), self._complaint)

    def _passed(self) -> list[int]:
        """What of Locust's output would stand in the line that is shown."""
        if self._log is not None or self._shows is None:
            return []
        return [each for each in (_OUTPUT, _ERRORS) if self._shows.clears(each)]

    def _pass_on(self, process: subprocess.Popen[bytes]) -> list[threading.Thread]:
        streams = ((_OUTPUT, process.stdout), (_ERRORS, process.stderr))
        found = [
            threading.Thread(target=self._lines, args=(descriptor, pipe), daemon=True)
            for descriptor, pipe in streams
            if pipe is not None
        ]
        for each in found:
            each.start()
        return found

    def _lines(self, descriptor: int, pipe: IO[bytes]) -> None:
        assert self._shows is not None
        for line in pipe:
            self._shows.write(descriptor, line)

    def _watch(self, process: subprocess.Popen[bytes]) -> int:
        bounds = self._bounds
        self._end_by = time.monotonic() + BEGINNING + BESIDE * bounds.processes
        if bounds.waits:
            self._end_by = math.inf  # as long as its workers need to come
        while True:
            code = leash.ended(process, LOOK)
            if code is not None:
                return code
            now = time.monotonic()
            if not self._runs and self._begun.exists():
                self._runs = True
                run_time = max(bounds.run_time, self._told_run_time())
                self._end_by = now + run_time + bounds.drain + LAST_WORDS
            self._hear(process, now)
            if self._shows is not None:
                self._shows.look()
            if self._follower is not None and now >= self._looked + FOLLOW:
                self._looked = now
                self._look_at_rules(process, self._follower)
            if now > self._end_by and not self._still_comes(now):
                self._complaint = self._late()
                process.kill()
                return process.wait()

    def _told_run_time(self) -> float:
        """What the run says itself, whose stages may be those of the locustfile."""
        with contextlib.suppress(files.FileError):
            return run_time_of(read_about(self._folder)) or 0.0
        return 0.0

    def _still_comes(self, now: float) -> bool:
        """Whether rows of other hosts have come since it was asked last, which takes its time."""
        if not self._bounds.waits or self._heard > 1:
            return False
        with contextlib.suppress(OSError):
            length = sum(path.stat().st_size for path in self._folder.iterdir())
            if length != self._length:
                self._length = length
                self._end_by = now + ROWS_COME
                return True
        return False

    def _hear(self, process: subprocess.Popen[bytes], now: float) -> None:
        """A first signal ends the run in order, a second one at once."""
        if signals.received() == self._heard:
            return
        first, self._heard = self._heard == 0, signals.received()
        if first and self._heard == 1:
            process.terminate()
            self._end_by = min(self._end_by, now + self._bounds.drain + LAST_WORDS)
        else:
            process.kill()

    def _look_at_rules(self, process: subprocess.Popen[bytes], follower: Follower) -> None:
        broken = follower.broken()
        if broken is not None:
            self._ended_by(follower.folder, *broken)
            self._follower = None
            process.terminate()

    def _ended_by(self, folder: Path, rule: Rule, value: float, second: float) -> None:
        """Say that a rule ends the run, and note it for whoever judges the folder."""
        why = f" ({short(rule.why, 300)})" if rule.why else ""
        broken = f"{rule.condition} is broken: {value:,g}{why}"
        self._say(f"\nended after {second:.0f} s: {broken}")
        note = Ended(that=str(rule.condition), value=value, second=round(second, 1))
        files.write(folder / ENDED_FILE, files.json_text(note), durable=True)

    def _late(self) -> str:
        if not self._runs:
            return "Locust did not begin the run in time and was stopped"
        return "Locust did not end in time and was stopped"
