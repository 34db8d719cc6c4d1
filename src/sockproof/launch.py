"""Starting the servers of the targets shelf, and stopping them again.

A target is a folder with a `target.toml` and the server itself. It runs in a process group of
its own, so that whatever it starts ends with it; what it prints goes into a file, of which only
the end is ever read.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from sockproof import signals
from sockproof.certificates import Certificates
from sockproof.files import read_toml
from sockproof.packages import debian_lacks, distribution_installed, version_of

KINDS = ("websocket", "socketio", "application")
KEPT_LOG = 64 * 1024
INSTALL_SECONDS = 300.0
INSTALLED = ".installed"  # in a cache folder where `install` is done
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
    "tools": list,
    "install": list,
    "tls": list,
    "packages": dict,
}
_OPTIONAL = ("profile", "tools", "install", "tls", "packages")


class TargetError(Exception):
    """A target that cannot be started; the message is one line, or ends with its last lines."""


class TargetMissing(TargetError):
    """A target whose requirements are not installed; it may be passed over."""


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """What a `target.toml` says.

    `kind` is `websocket` or `socketio`, or `application`, which is for load tests alone.
    `requires` are Python distributions and `tools` programs that must be there. `packages` names
    the package of Debian that has a tool, or anything else that is needed. `install` is run once,
    before the first start, for what comes from elsewhere or has to be built. `tls` is what `start`
    has behind it when the server is to speak TLS.
    """

    name: str
    title: str
    kind: str
    folder: Path
    start: tuple[str, ...]
    url: str
    requires: tuple[str, ...]
    version: str
    profile: Mapping[str, Any]
    tools: tuple[str, ...] = ()
    install: tuple[str, ...] = ()
    tls: tuple[str, ...] = ()
    packages: Mapping[str, str] = field(default_factory=dict)

    def needs(self) -> list[str]:
        """What is not there: the commands that install it, then tools that no package has."""
        commands = []
        absent = [each for each in self.requires if not distribution_installed(each)]
        if absent:
            commands.append("pip install " + " ".join(f"'{each}'" for each in absent))
        tools = [each for each in self.tools if shutil.which(each) is None]
        lacking = [self.packages[each] for each in tools if each in self.packages]
        others = [name for what, name in self.packages.items() if what not in self.tools]
        lacking += [each for each in others if debian_lacks(each)]
        if lacking:
            commands.append("apt-get install " + " ".join(dict.fromkeys(lacking)))
        return commands + [f"{each} on the PATH" for each in tools if each not in self.packages]

    @property
    def sources(self) -> list[Path]:
        """The files of its folder that `install` uses: every *.json and those that it names."""
        named = " ".join(self.install)
        files = sorted(self.folder.iterdir()) if self.install else []
        return [
            each for each in files if each.suffix == ".json" or f"{{folder}}/{each.name}" in named
        ]

    @property
    def home(self) -> Path:
        """Where `install` puts things: a cache folder of this target, as it is written now.

        Another version of the package of Debian that it is built on makes another folder.
        """
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        digest = hashlib.sha256(repr(self.install).encode())
        if self.version.startswith("deb:"):
            digest.update(str(version_of(self.version, self.folder)).encode())
        for path in self.sources:
            digest.update(path.read_bytes())
        return cache / "sockproof" / f"{self.name}-{digest.hexdigest()[:12]}"

    def server_version(self) -> str | None:
        """The version of what it runs on, where it can be told."""
        return version_of(self.version, self.home)

    def described(self) -> str:
        """The target's title with the version of the library that it runs on, behind its name."""
        version = self.server_version()
        if version is None:
            return self.title
        name = self.version.rpartition(":")[2]
        at = len(name) if self.title.lower().startswith(name.lower()) else len(self.title)
        return f"{self.title[:at]} {version}{self.title[at:]}"


def load_targets(shelf: Path) -> dict[str, TargetSpec]:
    """Every target of the shelf by name; raises `TargetError`."""
    found = [load_target(path.parent) for path in sorted(shelf.glob("*/target.toml"))]
    return {spec.name: spec for spec in found}


def load_target(folder: Path) -> TargetSpec:
    """Read a folder's `target.toml`; raises `TargetError` naming the field that is wrong."""
    path = folder / "target.toml"
    table = read_toml(path)
    for key in set(table) - set(_KEYS):
        raise TargetError(f"{path}: no key {key!r}; it knows {', '.join(_KEYS)}")
    for key, kind in _KEYS.items():
        absent = kind() if key in _OPTIONAL else None
        if not isinstance(table.get(key, absent), kind):
            raise TargetError(f"{path}: {key} must be a {kind.__name__}")
    if table["kind"] not in KINDS:
        raise TargetError(f"{path}: kind is one of {', '.join(KINDS)}, not {table['kind']!r}")
    for key in ("requires", "start", "tools", "install", "tls"):
        if not all(isinstance(item, str) for item in table.get(key, ())):
            raise TargetError(f"{path}: {key} must be a list of strings")
    if not all(isinstance(name, str) for name in table.get("packages", {}).values()):
        raise TargetError(f"{path}: packages must have strings")
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
        tools=tuple(table.get("tools", ())),
        install=tuple(table.get("install", ())),
        tls=tuple(table.get("tls", ())),
        packages=table.get("packages", {}),
    )


def _command(
    spec: TargetSpec, parts: Sequence[str], certificates: Certificates | None = None, **more: int
) -> list[str]:
    """`parts` of the target's file with their placeholders filled in."""
    values: dict[str, object] = {
        "python": sys.executable,
        "folder": spec.folder,
        "home": spec.home,
        "fixtures": Path(__file__).parent / "fixtures",
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
    spec = TargetSpec(name, name, "", folder, (), "", (), "", {}, ("node", "npm"), install)
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
            ran = subprocess.run(
                _command(spec, spec.install),
                cwd=spec.home,
                env=_environment(spec),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=deadline - time.monotonic(),
                check=False,
            )
            if ran.returncode == 0:
                done.touch()
                return
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TargetMissing(f"the target {spec.name} cannot be installed: {error}") from None
    last = " / ".join(ran.stderr.decode("utf-8", "replace").strip().splitlines()[-3:])
    raise TargetMissing(f"the target {spec.name} cannot be installed: {last}")


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
    wait: float = 15.0,
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
    process = subprocess.Popen(command, cwd=spec.folder, env=_environment(spec))
    try:
        return process.wait()
    except KeyboardInterrupt:
        with signals.held(), contextlib.suppress(subprocess.TimeoutExpired):
            process.terminate()
            process.wait(_STOP_SECONDS)
        return 130
    finally:
        process.kill()
        process.wait()
