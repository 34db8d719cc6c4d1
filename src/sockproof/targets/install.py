"""What has to be there before a target starts: fetched or built once, into a cache folder."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import subprocess
import time
from pathlib import Path
from typing import IO

from sockproof import leash
from sockproof.formats.tables import Profile
from sockproof.targets.placeholders import command, environment
from sockproof.targets.processes import start
from sockproof.targets.spec import TargetMissing, TargetSpec

INSTALL_SECONDS = 300.0
INSTALLED = ".installed"  # in a cache folder where `install` is done


def prepare(spec: TargetSpec) -> None:
    """See that all is there, and run `install` unless it has been; raises `TargetError`."""
    needs = spec.needs()
    if needs:
        raise TargetMissing(f"the {spec.what} {spec.name} needs: {'; '.join(needs)}")
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
        raise TargetMissing(f"the {spec.what} {spec.name} cannot be installed: {error}") from None
    last = " / ".join(said.decode("utf-8", "replace").strip().splitlines()[-3:])
    raise TargetMissing(f"the {spec.what} {spec.name} cannot be installed: {last}")


def _run(spec: TargetSpec, deadline: float) -> tuple[int, bytes]:
    """Run `install` to its end: its exit code, and what it complained of."""
    process = start(
        command(spec, spec.install),
        cwd=spec.home,
        env=environment(spec),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with process:
        try:
            _, said = process.communicate(timeout=max(0.0, deadline - time.monotonic()))
        except BaseException:
            leash.kill(process.pid)
            raise
        finally:
            leash.let_go(process.pid)
    return process.returncode, said


def _take(lock: IO[str], deadline: float) -> None:
    """Hold the lock; raises `OSError` when another process still holds it at the deadline."""
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        if time.monotonic() >= deadline:
            raise OSError(
                f"another process has been installing it for {INSTALL_SECONDS:g} s ({lock.name})"
            )
        time.sleep(0.1)
