"""Starting the servers of the targets shelf, and stopping them again.

A target is a folder with a `target.toml` and the server itself. It runs in a process group of
its own, so that whatever it starts ends with it, and on a leash, so that it ends with us; what it
prints goes into a file, of which only the end is ever read.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from sockproof import leash, signals
from sockproof.formats.tables import Profile
from sockproof.targets.certificates import Certificates
from sockproof.targets.spec import TargetError as TargetError
from sockproof.targets.spec import TargetMissing as TargetMissing
from sockproof.targets.spec import TargetSpec as TargetSpec
from sockproof.targets.spec import load_target as load_target
from sockproof.targets.spec import load_targets as load_targets

KEPT_LOG = 64 * 1024
INSTALL_SECONDS = 300.0
START_SECONDS = 60.0  # which a busy machine may need
INSTALLED = ".installed"  # in a cache folder where `install` is done
_STOP_SECONDS = 5.0


def _command(
    spec: TargetSpec, parts: Sequence[str], certificates: Certificates | None = None, **more: int
) -> list[str]:
    """`parts` of the target's file with their placeholders filled in."""
    values: dict[str, object] = {
        "python": sys.executable,
        "folder": spec.folder,
        "home": spec.home,
        "fixtures": Path(__file__).parents[1] / "fixtures",
        **more,
    }
    if certificates is not None:
        values |= {"certificate": certificates.chain, "key": certificates.key}
    try:
        return [part.format(**values) for part in parts]
    except (KeyError, IndexError, ValueError) as error:
        raise TargetError(f"{spec.folder}: {error!r} cannot be filled in") from None


def _environment(spec: TargetSpec) -> dict[str, str]:
    return {**os.environ, "NODE_PATH": str(spec.home / "node_modules")}


def _url(spec: TargetSpec, port: int, tls: bool) -> str:
    url = spec.url.format(port=port)
    return re.sub(r"^(ws|http)://", r"\1s://", url) if tls else url


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def prepare(spec: TargetSpec) -> None:
    """See that all is there, and run `install` unless it has been; raises `TargetError`."""
    needs = spec.needs()
    if needs:
        raise TargetMissing(f"the target {spec.name} needs: {'; '.join(needs)}")
    if spec.install and not (spec.home / INSTALLED).exists():
        _install(spec)


def node_modules(name: str, folder: Path) -> Path:
    """Where the packages of a folder's `package.json` are, installed once; raises `TargetError`."""
    install = ("npm", "install", "--no-audit", "--no-fund", "--omit=dev")
    spec = TargetSpec(name, name, "", folder, (), "", (), "", Profile(), ("node", "npm"), install)
    prepare(spec)
    return spec.home / "node_modules"


def _install(spec: TargetSpec) -> None:
    """Run `install`, unless another process or thread has done it meanwhile."""
    done = spec.home / INSTALLED
    deadline = time.monotonic() + INSTALL_SECONDS
    try:
        spec.home.mkdir(parents=True, exist_ok=True)
        with (spec.home / ".lock").open("w") as lock:
            _take(lock, deadline)
            if done.exists():
                return
            for path in spec.folder.glob("*.json"):
                shutil.copy(path, spec.home)
            code, said = _run(spec, deadline)
            if code == 0:
                done.touch()
                return
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TargetMissing(f"the target {spec.name} cannot be installed: {error}") from None
    last = " / ".join(said.decode("utf-8", "replace").strip().splitlines()[-3:])
    raise TargetMissing(f"the target {spec.name} cannot be installed: {last}")


def _run(spec: TargetSpec, deadline: float) -> tuple[int, bytes]:
    """Run `install` to its end: its exit code, and what it complained of."""
    leash.ready()
    process = subprocess.Popen(
        _command(spec, spec.install),
        cwd=spec.home,
        env=_environment(spec),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process, leash.held(process.pid):
        try:
            _, said = process.communicate(timeout=max(0.0, deadline - time.monotonic()))
        except BaseException:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, said


def _take(lock: IO[str], deadline: float) -> None:
    """Hold the lock; raises `OSError` when another process still holds it at the deadline."""
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        if time.monotonic() >= deadline:
            raise OSError(f"another process has been at it for {INSTALL_SECONDS:g} s ({lock.name})")
        time.sleep(0.1)


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
        self.url = _url(spec, port, tls)
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """The process's number, which is its group's too."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
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
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)  # what the server left behind
            leash.let_go(self._process.pid)
            self._log.unlink(missing_ok=True)

    def _end(self) -> None:
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, how)
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
    command = _command(spec, parts, certificates, **numbers)
    handle, name = tempfile.mkstemp(prefix=f"sockproof-{spec.name}-", suffix=".log")
    leash.ready()
    with os.fdopen(handle, "wb") as log:
        try:
            process = subprocess.Popen(
                command,
                cwd=spec.folder,
                env=_environment(spec),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            Path(name).unlink(missing_ok=True)
            raise TargetError(f"the target {spec.name} cannot be started: {error}") from None
    leash.hold(process.pid)
    running = RunningTarget(spec, process, chosen, Path(name), certificates is not None)
    try:
        running.wait_until_it_answers(wait)
    except BaseException:
        running.stop()
        raise
    return running


def run_in_foreground(
    spec: TargetSpec, port: int | None = None, certificates: Certificates | None = None
) -> int:
    """Run a target until it ends or is interrupted; its output is the terminal's."""
    prepare(spec)
    chosen = free_port() if port is None else port
    parts = (*spec.start, *spec.tls) if certificates else spec.start
    command = _command(spec, parts, certificates, port=chosen, ping_interval=25, ping_timeout=20)
    url = _url(spec, chosen, certificates is not None)
    print(f"{spec.described()} on {url} (Ctrl-C stops it)", flush=True)
    if certificates is not None:
        print(f"trust it with --ca {certificates.ca}", flush=True)
    leash.ready()
    process = subprocess.Popen(
        command, cwd=spec.folder, env=_environment(spec), start_new_session=True
    )
    with leash.held(process.pid):
        try:
            return process.wait()
        except KeyboardInterrupt:
            with signals.held(), contextlib.suppress(subprocess.TimeoutExpired):
                process.terminate()
                process.wait(_STOP_SECONDS)
            return 130
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
