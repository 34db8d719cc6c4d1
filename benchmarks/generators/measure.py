"""One measurement of one generator, in a window while it is steady.

What was done is counted by the target, so that no generator is believed; what it cost is the
difference of CPU time of the generator's processes, so that neither its start nor its report
counts. Whether its own count agrees with the target's is told beside it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from peers import Job, Peer
from processes import Counters, Generator, MeasureError, Target

CONNECTING = 90.0  # seconds that all connections may take to open
SETTLING = 1.0  # seconds between the last connection and the window
AGREEMENT = 0.01


@dataclass(frozen=True, slots=True)
class Result:
    """What came out: `values` by the name of the quantity, and what must be said about them."""

    values: dict[str, float]
    notes: list[str] = field(default_factory=list)


@contextmanager
def _running(peer: Peer, target: Target, mode: str, users: int) -> Iterator[tuple[Generator, Path]]:
    _wait_until_alone(target)
    with tempfile.TemporaryDirectory(prefix="generator-") as name:
        folder = Path(name)
        command, environment = peer.start(Job(mode, users, target.port, folder))
        with Generator(command, environment, folder) as generator:
            yield generator, folder


def _wait_until_alone(target: Target) -> None:
    """Wait until the target has noticed that the generator before has gone."""
    deadline = time.monotonic() + 15
    while target.counters().open:
        if time.monotonic() > deadline:
            raise MeasureError("the target still has connections of the generator before")
        time.sleep(0.05)


def _all_open(generator: Generator, target: Target, users: int) -> float | None:
    """Wait until all connections are open; gives the connects per CPU-second.

    What comes before them does not count, and a burst whose time is spent before the target has
    opened it must not count by half: they are counted from the first look at which some were open
    and no more than at the look before, or where they come in one rush, from the first at which
    some were open. None when there was nothing between that look and the last one.
    """
    deadline = time.monotonic() + CONNECTING
    first, used, before, pauses = 0, 0.0, 0, False
    while True:
        generator.check()
        now, cpu = target.counters().open, generator.cpu()
        if not pauses:
            pauses = 0 < now == before
            if first == 0 or pauses:
                first, used = now, cpu
            before = now
            generator.look()
        if now >= users:
            return (now - first) / (cpu - used) if now > first and cpu > used else None
        if time.monotonic() > deadline:
            raise MeasureError(f"{now} of {users} connections were open after {CONNECTING:g} s")
        time.sleep(0.01)


def rate(peer: Peer, target: Target, mode: str, users: int, seconds: float) -> Result:
    """Acknowledged round trips (`echo`) or receipts (`broadcast`) per CPU-second."""
    what = "acknowledged" if mode == "echo" else "receipts"
    before = target.counters()
    with _running(peer, target, mode, users) as (generator, folder):
        _all_open(generator, target, users)
        time.sleep(SETTLING)
        generator.look()
        first, used = target.counters(), generator.cpu()
        began = time.monotonic()
        time.sleep(seconds)
        last, used_then = target.counters(), generator.cpu()
        took = time.monotonic() - began
        generator.check()
        if last.open < users:
            raise MeasureError(f"it lost {users - last.open} of {users} connections")
        generator.finish()
        own = peer.counted(generator, folder)
        done = getattr(last, what) - getattr(first, what)
        cpu = used_then - used
        total = getattr(target.counters(), what) - getattr(before, what)
        if done == 0 or cpu <= 0:
            raise MeasureError(f"nothing was done in {seconds:g} s")
        values = {
            f"{what}_per_cpu_second": done / cpu,
            f"{what}_per_second": done / took,
            f"{mode}_cpu_share": cpu / took,
        }
        if generator.whole:
            values[f"{what}_per_cpu_second_of_the_whole_run"] = total / generator.whole
        return Result(values, _disagreement(what, total, own))


def _disagreement(what: str, total: int, own: dict[str, float] | None) -> list[str]:
    counted = None if own is None else own.get(what)
    if counted is None:
        return [f"tells no count of its own ({what})"]
    if abs(counted - total) > AGREEMENT * total:
        return [f"counts {counted:,.0f} {what} of its own, the target {total:,}"]
    return []


def connections(peer: Peer, target: Target, few: int, many: int) -> Result:
    """Connects per CPU-second, and KiB per idle connection: many of them against few."""
    _, low = _held(peer, target, few, [])
    notes: list[str] = []
    speed, high = _held(peer, target, many, notes)
    values = {"kib_per_idle_connection": (high - low) / 1024 / (many - few)}
    if speed is None:
        notes.append(f"connects: all {many} came between two looks")
    else:
        values["connects_per_cpu_second"] = speed
    return Result(values, notes)


def _held(peer: Peer, target: Target, users: int, notes: list[str]) -> tuple[float | None, int]:
    """Connects per CPU-second until all are open, and the octets that it holds then."""
    before: Counters = target.counters()
    with _running(peer, target, "idle", users) as (generator, _):
        speed = _all_open(generator, target, users)
        time.sleep(SETTLING)
        after = target.counters()
        generator.check()
        if after.open < users:
            raise MeasureError(f"it lost {users - after.open} of {users} connections")
        opened = after.opened - before.opened
        if opened > users:
            notes.append(f"opened {opened} connections to have {users}")
        generator.look()
        return speed, generator.resident()
