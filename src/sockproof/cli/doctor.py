"""`sockproof doctor`: whether this machine has what sockproof needs, and what to do where not."""

from __future__ import annotations

import argparse
import contextlib
import enum
import importlib.metadata
import os
import platform
import shutil
import socket
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.text import Text

from sockproof import __version__, shelves
from sockproof.errors import WrongInput
from sockproof.form import PLAIN, form, outdated
from sockproof.render.text import number, short
from sockproof.targets.spec import load_targets

NEEDED = ("locust", "gevent", "python-socketio", "websocket-client", "uvicorn", "websockets")
EXTRAS = {
    "parquet": ("pyarrow",),
    "otel": ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-grpc"),
}
OLDEST = (3, 11)
FILES = (256, 4096)  # open files, without which nothing works, and with which 4,000 users do
PORTS = 10_000
MEMORY, DISK = 1 << 30, 1 << 30
SLOW_CLOCK_NS = 1000
_ROUNDS = 10_000


class State(enum.Enum):
    """What a line of the answer means; the value is how it is shown."""

    FINE = "ok"
    NOTE = "note"  # something is slower, smaller or left out
    PROBLEM = "problem"  # one of the main jobs cannot be done


STYLES = {State.FINE: "green", State.NOTE: "yellow", State.PROBLEM: "bold red"}


@dataclass(frozen=True, slots=True)
class Line:
    """What was found of one thing, and what to do about it."""

    state: State
    name: str
    found: str
    helps: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no options."""
    parser.epilog = (
        "A note means that something is slower, limited or left out; a problem means that a main\n"
        "function does not work. Exit code 1 if there is a problem."
    )


def doctor(options: Namespace) -> int:
    """Look at all of it; gives 1 where one of the main jobs cannot be done."""
    del options
    console = Console(highlight=False, markup=False, emoji=False)
    problems = 0
    for line in lines():
        problems += line.state == State.PROBLEM
        told = Text(f"{line.state.value:8}", style=STYLES[line.state])
        told.append(f"{line.name:10} {line.found}", style="not bold default")
        console.print(told, soft_wrap=True)
        if line.helps:
            console.print(Text(f"{'':19}→ {line.helps}"), soft_wrap=True)
    verdict = number(problems, "problem") if problems else "Everything that is needed is there."
    style = STYLES[State.PROBLEM if problems else State.FINE]
    console.print(Text(f"\n{verdict}", style=style))
    return 1 if problems else 0


def lines() -> Iterator[Line]:
    """What was found, one thing after the other."""
    for look in LOOKS:
        yield from look()


def _versions() -> Iterator[Line]:
    found = f"sockproof {__version__}, Python {platform.python_version()} ({sys.executable})"
    old = sys.version_info < OLDEST
    helps = "install Python 3.11 or newer" if old else ""
    yield Line(State.PROBLEM if old else State.FINE, "versions", found, helps)
    there = {name: _version(name) for name in NEEDED}
    lacking = [name for name, version in there.items() if version is None]
    found = ", ".join(f"{name} {version or 'missing'}" for name, version in there.items())
    state = State.PROBLEM if lacking else State.FINE
    helps = f"pip install {' '.join(lacking)}" if lacking else ""
    yield Line(state, "libraries", found, helps)


def _form() -> Iterator[Line]:
    changed = outdated()
    if changed:
        found = f"compiled of other sources than those of {', '.join(changed)}"
        yield Line(State.PROBLEM, "load", found, "make fast, or make plain")
    elif form() == PLAIN:
        found = "what runs for each message is plain Python"
        helps = "a wheel for this platform, or `make fast` in a checkout, has it compiled"
        yield Line(State.FINE, "load", found, helps)
    else:
        yield Line(State.FINE, "load", "what runs for each message is compiled")


def _version(name: str) -> str | None:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(name)
    return None


def _files() -> Iterator[Line]:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        yield Line(State.FINE, "files", "no limit of open files")
        return
    least, usual = FILES
    state = State.PROBLEM if soft < least else State.NOTE if soft < usual else State.FINE
    allowed = "unlimited" if hard == resource.RLIM_INFINITY else str(hard)
    found = f"{soft} open files in a process, about as many connections (hard limit: {allowed})"
    helps = "" if state == State.FINE else f"ulimit -n {allowed}"
    if state != State.FINE and hard == soft:
        helps = "raise nofile in /etc/security/limits.conf"
    yield Line(state, "files", found, helps)


def _ports() -> Iterator[Line]:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError as error:
        found = f"nothing can listen on 127.0.0.1: {short(error)}"
        helps = "allow the loopback interface: bundled servers need it"
        yield Line(State.PROBLEM, "ports", found, helps)
        return
    try:
        words = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()
        low, high = map(int, words)
    except (OSError, ValueError):
        yield Line(State.FINE, "ports", "the loopback interface works")
        return
    count = high - low + 1
    found = f"{low} to {high}: {count} connections from one address to one server"
    few = count < PORTS
    helps = "sysctl net.ipv4.ip_local_port_range='1024 65535', or several --source" if few else ""
    yield Line(State.NOTE if few else State.FINE, "ports", found, helps)


def _clock() -> Iterator[Line]:
    began = time.monotonic_ns()
    for _ in range(_ROUNDS):
        time.monotonic_ns()
    each = (time.monotonic_ns() - began) / _ROUNDS
    source = ""
    with contextlib.suppress(OSError):
        place = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
        source = place.read_text(encoding="ascii").strip()
    slow = each > SLOW_CLOCK_NS
    found = f"{each:.0f} ns to read it" + (f" ({short(source, 40)})" if source else "")
    helps = "latencies cost more to measure; choose tsc as the clock source" if slow else ""
    yield Line(State.NOTE if slow else State.FINE, "clock", found, helps)


def _cores() -> Iterator[Line]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = cores or 1
    busy = os.getloadavg()[0]
    found = f"{number(cores, 'core')}, {busy:.1f} busy"
    if cores == 1:
        helps = "server and load generator share a core: measure latencies from another machine"
        yield Line(State.NOTE, "cores", found, helps)
    elif busy > cores / 2:
        helps = "end what else runs: it disturbs latencies, and slows checks down"
        yield Line(State.NOTE, "cores", found, helps)
    else:
        yield Line(State.FINE, "cores", found)


def _memory() -> Iterator[Line]:
    left = psutil.virtual_memory().available
    found = f"{left / (1 << 30):.1f} GiB available"
    few = left < MEMORY
    helps = "a load run keeps a row for each message until it has been judged" if few else ""
    yield Line(State.NOTE if few else State.FINE, "memory", found, helps)


def _disk() -> Iterator[Line]:
    for name, place in (("results", Path.cwd()), ("temporary", Path(tempfile.gettempdir()))):
        try:
            with tempfile.TemporaryFile(dir=place):
                left = shutil.disk_usage(place).free
        except OSError as error:
            found = f"{place}: {error.strerror}"
            helps = "--results DIR" if name == "results" else "set TMPDIR"
            yield Line(State.NOTE if name == "results" else State.PROBLEM, name, found, helps)
            continue
        few = left < DISK
        helps = "a message of a load run takes some hundred bytes" if few else ""
        found = f"{left / (1 << 30):.1f} GiB free in {place}"
        yield Line(State.NOTE if few else State.FINE, name, found, helps)


def _extras() -> Iterator[Line]:
    for extra, names in EXTRAS.items():
        lacking = [name for name in names if _version(name) is None]
        if lacking:
            helps = f"pip install 'sockproof[{extra}]'"
            yield Line(State.NOTE, extra, f"{', '.join(lacking)} not installed", helps)
        else:
            yield Line(State.FINE, extra, ", ".join(f"{name} {_version(name)}" for name in names))


def _targets() -> Iterator[Line]:
    try:
        known = load_targets(shelves.shelf("targets"))
    except WrongInput as error:
        yield Line(State.PROBLEM, "shelves", short(error), "install sockproof again")
        return
    lacking = {name: needs for name, spec in known.items() if (needs := spec.needs())}
    found = f"{len(known) - len(lacking)} of {number(len(known), 'bundled server')} can be started"
    yield Line(State.NOTE if lacking else State.FINE, "targets", found)
    for name, needs in lacking.items():
        yield Line(State.NOTE, "", short(name), short("; ".join(needs)))


LOOKS: tuple[Callable[[], Iterator[Line]], ...] = (
    *(_versions, _form, _files, _ports, _clock, _cores, _memory, _disk, _extras, _targets),
)
