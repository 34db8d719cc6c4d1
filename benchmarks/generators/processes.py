"""The processes of a measurement: the target, and one generator with all that it starts."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

HERE = Path(__file__).parent
STOPPING = 120.0  # seconds that a generator may take to end after SIGTERM, on a busy machine


class MeasureError(Exception):
    """A measurement that gave nothing; one line."""


def compiled(source: str, folder: Path) -> Path | None:
    """The program of a C file beside this one, or None without a compiler that takes it."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    program = folder / Path(source).stem
    command = [compiler, "-O2", "-o", str(program), str(HERE / source)]
    done = subprocess.run(command, capture_output=True, check=False)
    return program if done.returncode == 0 else None


@dataclass(frozen=True, slots=True)
class Counters:
    """What a target has done since it was started."""

    open: int
    opened: int
    acknowledged: int
    receipts: int
    pings: int = 0
    pongs: int = 0


class Target:
    """The server that all generators of a run are measured against, while it runs."""

    def __init__(self, program: Path | None) -> None:
        command = [sys.executable, str(HERE / "python_target.py")]
        self.title = "python-socketio on uvicorn"
        if program is not None:
            command, self.title = [str(program)], "fast_target.c"
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the rest
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line.isdigit():
            self.close()
            raise MeasureError(f"the target {self.title} does not start: {last_line(self._errors)}")
        self.port = int(line)
        self.url = f"http://127.0.0.1:{self.port}/"
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 15
        while True:
            try:
                self.counters()
                return
            except MeasureError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    self.close()
                    raise
                time.sleep(0.1)

    def counters(self) -> Counters:
        """What it has done so far."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/counters")
            return Counters(**json.loads(connection.getresponse().read()))
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise MeasureError(f"the target does not tell its counters: {error}") from None
        finally:
            connection.close()

    def close(self) -> None:
        """Stop it."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def __enter__(self) -> Target:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time of a process and its threads.

    Linux tells it in nanoseconds by the process's own clock, whose number clock_getcpuclockid(3)
    makes of the process's; elsewhere, and in /proc, it is counted in hundredths of a second.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return time.clock_gettime((~process.pid << 3) | 2)
    times = process.cpu_times()
    return float(times.user + times.system)


class Generator:
    """A generator and what it starts, in a process group of their own."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path) -> None:
        self._out = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._out,
                stderr=self._errors,
                env={**os.environ, **environment},
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            raise MeasureError(f"{command[0]} cannot be started: {error}") from None
        self._tree = psutil.Process(self._process.pid)
        self._members = [self._tree]
        self.whole: float | None = None  # CPU-seconds from start to end, once it has ended

    def look(self) -> None:
        """Find the processes that it consists of; slow, so not done with each reading."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self._members = [self._tree, *self._tree.children(recursive=True)]

    def cpu(self) -> float:
        """CPU-seconds that its processes have used."""
        used = 0.0
        for process in self._members:
            with contextlib.suppress(psutil.NoSuchProcess):
                used += cpu_seconds(process)
        return used

    def resident(self) -> int:
        """Octets that its processes hold; what they share is in it more than once."""
        held = 0
        for process in self._members:
            with contextlib.suppress(psutil.NoSuchProcess):
                held += process.memory_info().rss
        return held

    def check(self) -> None:
        """Raise `MeasureError` when it has ended."""
        if self._reaped(0):
            said = last_line(self._errors) or last_line(self._out)
            raise MeasureError(f"it ended by itself ({self._process.returncode}): {said}")

    def finish(self) -> None:
        """Ask it to stop and report, and wait for its end.

        The signal goes to those processes that do the work, and whoever waits for them reports.
        It is not SIGINT: in Python that is raised in whatever runs, and a library's thread that
        gevent runs would swallow it.
        """
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in self._tree.children(recursive=True) or [self._tree]:
                process.send_signal(signal.SIGTERM)
        if not self._reaped(STOPPING):
            raise MeasureError(f"it did not end within {STOPPING:g} s of SIGTERM")

    def counted(self) -> dict[str, Any] | None:
        """What it printed as JSON on its last line that is."""
        self._out.seek(0)
        for line in reversed(self._out.read().decode("utf-8", "replace").splitlines()):
            if line.startswith("{"):
                with contextlib.suppress(ValueError):
                    return dict(json.loads(line))
        return None

    def _reaped(self, limit: float) -> bool:
        """Whether it has ended; its CPU time with that of its children comes from wait4."""
        deadline = time.monotonic() + limit
        while self.whole is None:
            pid, status, used = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                self.whole = used.ru_utime + used.ru_stime
            elif time.monotonic() >= deadline:
                return False
            else:
                time.sleep(0.02)
        return True

    def __enter__(self) -> Generator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill whatever is left of it, in process groups of their own, too."""
        self.look()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for process in self._members[1:]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._reaped(5)
        self._out.close()
        self._errors.close()


def last_line(file: Any) -> str:
    """The last line of a temporary file that is not empty, shortened."""
    file.seek(0)
    lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines()]
    found = next((line for line in reversed(lines) if line), "")
    return "".join(each if each.isprintable() else "?" for each in found)[:200]
