"""Hosts that share nothing: namespaces for mounts, network and clocks, joined by veth pairs.

A host sees an empty file system at the same place, has an address of its own, and its monotonic
clocks are off by hours. CLOCK_REALTIME has no namespace: in Python, `sitecustomize` there has it
off, too.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_WALL = "import time\n_now = time.time\ntime.time = lambda: _now() + {seconds}\n"
_HOLD = "mount -t tmpfs tmpfs {place} && ip link set lo up && echo ready && exec sleep 100000"


@dataclass
class Host:
    """A host, as long as its first process lives."""

    number: int
    first: int  # its first process
    place: Path  # its own disk, as it is seen there
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"10.201.0.{self.number + 1}"

    @property
    def seen(self) -> Path:
        """Its disk, as it is seen from outside."""
        return Path(f"/proc/{self.first}/root{self.place}")

    def command(self, *words: str) -> list[str]:
        """A command as it is run there."""
        return [*_enter(self.first), "-m", "-n", "-T", "--", *words]

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command that runs on."""
        # What a pipe does not hold would stop it.
        output = (self.seen / f"output-{len(self.started)}").open("w+")
        process = subprocess.Popen(
            self.command("sh", "-c", f'cd {self.place} && exec "$@"', "-", *words),
            stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, text=True,
            start_new_session=True, env=self._environment(),
        )  # fmt: skip
        output.close()
        self.started.append(process)
        return process

    def output(self, process: subprocess.Popen[str]) -> str:
        """What a command has said so far."""
        return (self.seen / f"output-{self.started.index(process)}").read_text()

    def run(self, *words: str) -> None:
        """Do something at once."""
        done = subprocess.run(
            self.command(*words), capture_output=True, text=True, check=False, timeout=60
        )
        if done.returncode:
            pytest.skip(f"{' '.join(words)}: {done.stderr.strip()}")

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join(map(str, (self.place / "wall", ROOT / "src", ROOT)))
        return {**os.environ, "PYTHONPATH": path, "HOME": str(self.place)}

    def cut_off(self) -> None:
        """Take its network away."""
        self.run("ip", "link", "set", "eth0", "down")

    def join(self) -> None:
        """Give it back."""
        self.run("ip", "link", "set", "eth0", "up")


def _enter(process: int) -> list[str]:
    return ["nsenter", "--preserve-credentials", "-t", str(process), "-U"]


@contextlib.contextmanager
def hosts(place: Path, *hours: int) -> Iterator[list[Host]]:
    """As many hosts as hours, by which their clocks are off; skips where they cannot be made.

    The first one has the bridge to which all are joined.
    """
    for name in ("unshare", "nsenter", "ip", "mount"):
        if shutil.which(name) is None:
            pytest.skip(f"no {name}: hosts of their own cannot be made")
    place.mkdir()
    found: list[Host] = []
    with contextlib.ExitStack() as ending:
        # One namespace of users for all: only so may a host give another one its end of a link.
        outer = _hold(ending, ["unshare", "--user", "--map-root-user", "--fork", "--kill-child"])
        for number, off in enumerate(hours):
            clocks = ["--time", f"--monotonic={off * 3600}", f"--boottime={off * 3600}"]
            command = [*_enter(outer), "--", "unshare", "--mount", "--net", *clocks]
            first = _hold(ending, [*command, "--fork", "--kill-child"], place)
            host = Host(number, first, place)
            ending.callback(_end, host)
            _join(host, found[0] if found else None)
            (host.seen / "wall").mkdir()
            wall = _WALL.format(seconds=off * 3600)
            (host.seen / "wall" / "sitecustomize.py").write_text(wall)
            found.append(host)
        yield found


def _hold(ending: contextlib.ExitStack, command: list[str], place: Path | None = None) -> int:
    """A process that holds namespaces until the end: the one that is in them."""
    script = "echo ready && exec sleep 100000" if place is None else _HOLD.format(place=place)
    holder = subprocess.Popen(
        [*command, "sh", "-c", script],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    ending.callback(holder.communicate)
    ending.callback(holder.kill)
    assert holder.stdout is not None
    if holder.stdout.readline() != "ready\n":
        _, said = holder.communicate()
        pytest.skip(f"namespaces cannot be made here: {said.strip()}")
    children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
    return int(children[0])


def _join(host: Host, first: Host | None) -> None:
    """Join a host to the network of the first one."""
    if first is None:
        host.run("ip", "link", "add", "eth0", "type", "bridge")
    else:
        end = f"veth{host.number}"
        link = ("ip", "link", "add", end, "type", "veth", "peer", "name", "eth0")
        first.run(*link, "netns", str(host.first))
        first.run("ip", "link", "set", end, "master", "eth0", "up")
    host.run("ip", "address", "add", f"{host.address}/24", "dev", "eth0")
    host.run("ip", "link", "set", "eth0", "up")


def _end(host: Host) -> None:
    for process in host.started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
