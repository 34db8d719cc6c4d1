"""Starting the servers of the targets shelf, and stopping them again.

A target is a folder with a `target.toml` and the server itself. It runs in a process group of
its own, so that whatever it starts ends with it, and on a leash, so that it ends with us; what it
prints goes into a file, of which only the end is ever read.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from sockproof import leash, signals
from sockproof.targets.certificates import Certificates
from sockproof.targets.install import prepare
from sockproof.targets.placeholders import command, environment, url_of
from sockproof.targets.processes import start
from sockproof.targets.spec import TargetError, TargetSpec

KEPT_LOG = 64 * 1024
START_SECONDS = 60.0  # which a busy machine may need
_STOP_SECONDS = 5.0
_LOWEST = 20_000  # below, many ports are known for something
_TRIES = 50  # ports, before the kernel chooses


def free_port() -> int:
    """A TCP port of the loopback interface that nothing listens on now.

    Where there are others, it is none of those that the kernel gives to who names none: until a
    server listens on it, any connection of this machine could be given it.
    """
    low, high = _given_by_the_kernel()
    others = [*range(_LOWEST, low), *range(high + 1, 1 << 16)]
    for port in (*random.SystemRandom().sample(others, min(_TRIES, len(others))), 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found: int = probe.getsockname()[1]
            return found
    raise TargetError("no TCP port of 127.0.0.1 is free")


def _given_by_the_kernel() -> tuple[int, int]:
    """The first and the last port that it chooses itself; all of them where it does not say."""
    try:
        first, last = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
        return int(first), int(last)
    except (OSError, ValueError):
        return _LOWEST, (1 << 16) - 1


class RunningTarget:
    """A target in a process of its own; a context manager that stops it."""

    def __init__(
        self,
        spec: TargetSpec,
        process: subprocess.Popen[bytes],
        port: int,
        log: Path,
        tls: bool = False,
    ) -> None:
        self.spec = spec
        self.port = port
        self.url = url_of(spec, port, tls)
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """The process's number, which is its group's too."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether its process has ended of its own accord."""
        return self._process.poll() is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stderr(self) -> str:
        """The end of what the server printed, at most 64 KiB of it."""
        try:
            with self._log.open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - KEPT_LOG))
                return file.read(KEPT_LOG).decode("utf-8", "replace")
        except OSError:
            return ""

    def wait_until_it_answers(self, seconds: float) -> None:
        """Return when the port takes a connection; raises `TargetError` when it does not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                last = " / ".join(self.stderr().strip().splitlines()[-5:])
                code = self._process.returncode
                raise TargetError(f"the target {self.spec.name} ended with {code}: {last}")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            time.sleep(0.02)
        raise TargetError(f"the target {self.spec.name} does not listen after {seconds:g} s")

    def stop(self) -> None:
        """End the process group, politely first; always reaped."""
        try:
            with signals.held():
                self._end()
        finally:
            leash.kill(self._process.pid)  # what the server left behind
            leash.let_go(self._process.pid)
            self._log.unlink(missing_ok=True)

    def _end(self) -> None:
        for how in (signal.SIGTERM, signal.SIGKILL):
            leash.kill(self._process.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
                break


def launch(
    spec: TargetSpec,
    *,
    port: int | None = None,
    ping_interval: int = 25,
    ping_timeout: int = 20,
    wait: float = START_SECONDS,
    certificates: Certificates | None = None,
) -> RunningTarget:
    """Start a target and wait until its port answers; raises `TargetError`.

    Intervals are in seconds. A free port is chosen when none is given. With certificates the
    target speaks TLS.
    """
    prepare(spec)
    chosen = free_port() if port is None else port
    parts = (*spec.start, *spec.tls) if certificates else spec.start
    numbers = {"port": chosen, "ping_interval": ping_interval, "ping_timeout": ping_timeout}
    words = command(spec, parts, certificates, **numbers)
    handle, name = tempfile.mkstemp(prefix=f"sockproof-{spec.name}-", suffix=".log")
    with os.fdopen(handle, "wb") as log:
        try:
            process = start(
                words,
                cwd=spec.folder,
                env=environment(spec),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        except BaseException as error:
            Path(name).unlink(missing_ok=True)
            if not isinstance(error, OSError):
                raise
            raise TargetError(f"the target {spec.name} cannot be started: {error}") from None
    running = RunningTarget(spec, process, chosen, Path(name), certificates is not None)
    try:
        running.wait_until_it_answers(wait)
    except BaseException:
        running.stop()
        raise
    return running


def run_in_foreground(
    spec: TargetSpec,
    announce: Callable[[str], None],
    port: int | None = None,
    certificates: Certificates | None = None,
) -> int:
    """Run a target until it ends or is interrupted; its output is the terminal's.

    `announce` is told where it is, before it starts. Returns the exit code: 130 when interrupted.
    """
    prepare(spec)
    chosen = free_port() if port is None else port
    parts = (*spec.start, *spec.tls) if certificates else spec.start
    words = command(spec, parts, certificates, port=chosen, ping_interval=25, ping_timeout=20)
    url = url_of(spec, chosen, certificates is not None)
    announce(f"{spec.described()} on {url} (Ctrl-C stops it)")
    if certificates is not None:
        announce(f"trust it with --ca {certificates.ca}")
    process = start(words, cwd=spec.folder, env=environment(spec))
    try:
        return process.wait()
    except KeyboardInterrupt:
        with signals.held(), contextlib.suppress(subprocess.TimeoutExpired):
            process.terminate()
            process.wait(_STOP_SECONDS)
        return 130
    finally:
        leash.kill(process.pid)
        process.wait()
        leash.let_go(process.pid)
