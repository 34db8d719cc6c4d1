"""Starting the servers of the targets shelf, and stopping them again.

A target is a folder with a `target.toml` and the server itself. It runs in a process group of
its own, so that whatever it starts ends with it; what it prints goes into a file, of which only
the end is ever read.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

KEPT_LOG = 64 * 1024
_STOP_SECONDS = 5.0
_KEYS = {
    "name": str,
    "title": str,
    "kind": str,
    "requires": list,
    "start": list,
    "url": str,
    "version": str,
    "profile": dict,
}


class TargetError(Exception):
    """A target that cannot be started; the message is one line, or ends with its last lines."""


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """What a `target.toml` says. `kind` is `websocket` or `socketio`."""

    name: str
    title: str
    kind: str
    folder: Path
    start: tuple[str, ...]
    url: str
    requires: tuple[str, ...]
    version: str
    profile: Mapping[str, Any]

    def missing(self) -> list[str]:
        """The distributions that it requires and that are not installed."""
        return [each for each in self.requires if not _installed(each)]

    def described(self) -> str:
        """The target's title with the version of the library that it runs on."""
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return f"{self.title} {importlib.metadata.version(self.version)}"
        return self.title


def _installed(requirement: str) -> bool:
    name = re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def load_targets(shelf: Path) -> dict[str, TargetSpec]:
    """Every target of the shelf by name; raises `TargetError`."""
    found = [load_target(path.parent) for path in sorted(shelf.glob("*/target.toml"))]
    return {spec.name: spec for spec in found}


def load_target(folder: Path) -> TargetSpec:
    """Read a folder's `target.toml`; raises `TargetError` naming the field that is wrong."""
    path = folder / "target.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TargetError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TargetError(f"{path}: {error}") from None
    for key in set(table) - set(_KEYS):
        raise TargetError(f"{path}: no key {key!r}; it knows {', '.join(_KEYS)}")
    for key, kind in _KEYS.items():
        if not isinstance(table.get(key, {} if kind is dict else None), kind):
            raise TargetError(f"{path}: {key} must be a {kind.__name__}")
    if table["kind"] not in ("websocket", "socketio"):
        raise TargetError(f"{path}: kind is websocket or socketio, not {table['kind']!r}")
    for key in ("requires", "start"):
        if not all(isinstance(item, str) for item in table[key]):
            raise TargetError(f"{path}: {key} must be a list of strings")
    return TargetSpec(
        table["name"],
        table["title"],
        table["kind"],
        folder.resolve(),
        tuple(table["start"]),
        table["url"],
        tuple(table["requires"]),
        table["version"],
        table.get("profile", {}),
    )


def _command(spec: TargetSpec, port: int, ping_interval: int, ping_timeout: int) -> list[str]:
    values = {
        "python": sys.executable,
        "port": port,
        "ping_interval": ping_interval,
        "ping_timeout": ping_timeout,
        "folder": spec.folder,
    }
    try:
        return [part.format(**values) for part in spec.start]
    except (KeyError, IndexError, ValueError) as error:
        raise TargetError(f"{spec.folder}: start: {error!r} cannot be filled in") from None


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _check_requirements(spec: TargetSpec) -> None:
    missing = spec.missing()
    if missing:
        what = " ".join(f"'{each}'" for each in missing)
        raise TargetError(f"the target {spec.name} needs: pip install {what}")


class RunningTarget:
    """A target in a process of its own; a context manager that stops it."""

    def __init__(
        self, spec: TargetSpec, process: subprocess.Popen[bytes], port: int, log: Path
    ) -> None:
        self.spec = spec
        self.port = port
        self.url = spec.url.format(port=port)
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
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
                break
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)  # what the server left behind
        self._log.unlink(missing_ok=True)


def launch(
    spec: TargetSpec,
    *,
    port: int | None = None,
    ping_interval: int = 25,
    ping_timeout: int = 20,
    wait: float = 15.0,
) -> RunningTarget:
    """Start a target and wait until its port answers; raises `TargetError`.

    Intervals are in seconds. A free port is chosen when none is given.
    """
    _check_requirements(spec)
    chosen = free_port() if port is None else port
    command = _command(spec, chosen, ping_interval, ping_timeout)
    handle, name = tempfile.mkstemp(prefix=f"sockproof-{spec.name}-", suffix=".log")
    with os.fdopen(handle, "wb") as log:
        try:
            process = subprocess.Popen(
                command,
                cwd=spec.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            Path(name).unlink(missing_ok=True)
            raise TargetError(f"the target {spec.name} cannot be started: {error}") from None
    running = RunningTarget(spec, process, chosen, Path(name))
    try:
        running.wait_until_it_answers(wait)
    except BaseException:
        running.stop()
        raise
    return running


def run_in_foreground(spec: TargetSpec, port: int | None = None) -> int:
    """Run a target until it ends or is interrupted; its output is the terminal's."""
    _check_requirements(spec)
    chosen = free_port() if port is None else port
    print(f"{spec.described()} on {spec.url.format(port=chosen)} (Ctrl-C stops it)", flush=True)
    process = subprocess.Popen(_command(spec, chosen, 25, 20), cwd=spec.folder)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(_STOP_SECONDS)
        process.kill()
        process.wait()
        return 130
