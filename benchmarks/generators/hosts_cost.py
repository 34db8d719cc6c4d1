"""What it costs that workers share no files with the master.

    python benchmarks/generators/hosts_cost.py [ROUNDS] [SECONDS]

Pairs of runs, of a master and two workers each that send as fast as acknowledgements come: in one
the workers see the master's folder and write there, in the other it is hidden from them by a mount
namespace, and their rows are sent while the run goes on. Both run at once, so that the machine is
the same for both however much it changes. The figure is messages for each second of CPU time, of
master, workers, senders and receiver together, and what is lost of it: the median of the rounds'
ratios. Exit code 0: at most 5 % is lost; 1: more is; 2: nothing was measured.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from processes import MeasureError, Target, compiled, cpu_seconds

from sockproof.shelves import shelf
from sockproof.targets.launch import free_port

USERS, WORKERS = 100, 2
SETTLING = 4.0  # seconds with all users before it is measured
BEGINNING = 60.0  # seconds in which all users have to be there
MOST_LOST = 0.05
HIDDEN = 'mount -t tmpfs tmpfs "$0" && exec "$@"'
PARTS = {"hosts.sender": "senders", "hosts.receiver": "receiver", "--worker": "workers"}


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run did with how many seconds of CPU, by kind of process."""

    messages: int
    seconds: dict[str, float]

    @property
    def rate(self) -> float:
        return self.messages / sum(self.seconds.values())

    def less(self, before: Cost) -> Cost:
        """What came behind that."""
        seconds = {kind: each - before.seconds[kind] for kind, each in self.seconds.items()}
        return Cost(self.messages - before.messages, seconds)


def used(processes: list[subprocess.Popen[bytes]]) -> dict[str, float]:
    """Seconds of CPU of these and of all that they have started, by kind."""
    found = dict.fromkeys((*PARTS.values(), "master"), 0.0)
    for each in processes:
        with contextlib.suppress(psutil.Error):
            top = psutil.Process(each.pid)
            for one in (top, *top.children(recursive=True)):
                words = " ".join(one.cmdline())
                kind = next((name for part, name in PARTS.items() if part in words), "master")
                found[kind] += cpu_seconds(one)
    return found


@contextlib.contextmanager
def running(target: Target, hidden: bool, place: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A master and its workers."""
    port, results = str(free_port()), place / "master"
    results.mkdir(parents=True)
    locust = [sys.executable, "-m", "locust", "-f", str(shelf("locustfiles") / "echo.py")]
    master = [*locust, "--master", "--headless", "--expect-workers", str(WORKERS), "--only-summary"]
    master += ["--master-bind-host", "127.0.0.1", "--master-bind-port", port]
    master += ["--host", target.url, "--users", str(USERS), "--spawn-rate", "100"]
    master += ["--run-time", "10m", "--drain", "1", "--run-folder", str(results / "run")]
    # Both kinds are in a namespace of their own, so that they differ in nothing else.
    apart = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    apart += [HIDDEN if hidden else 'exec "$@"', str(results)]
    commands = [master]
    for number in range(WORKERS):
        own = ["--results", str(place / f"worker-{number}")]
        commands.append([*apart, *locust, "--worker", "--master-port", port, *own])
    log = (place / "log").open("wb")
    found = [subprocess.Popen(each, stdout=log, stderr=log) for each in commands]
    try:
        yield found
    finally:
        for each in (*found[1:], found[0]):
            with contextlib.suppress(psutil.Error):
                for one in psutil.Process(each.pid).children(recursive=True):
                    one.kill()
            each.kill()
            each.wait()
        log.close()


def beside(targets: dict[bool, Target], seconds: float) -> dict[bool, Cost]:
    """A pair of runs at once, by whether the master's folder is hidden."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        places = {hidden: Path(folder) / ("apart" if hidden else "shared") for hidden in targets}
        runs = {
            hidden: stack.enter_context(running(target, hidden, places[hidden]))
            for hidden, target in targets.items()
        }

        def now() -> dict[bool, Cost]:
            """What each has done since it began."""
            return {
                hidden: Cost(target.counters().acknowledged, used(runs[hidden]))
                for hidden, target in targets.items()
            }

        deadline = time.monotonic() + BEGINNING
        while any(target.counters().open < USERS for target in targets.values()):
            if time.monotonic() > deadline or any(
                each[0].poll() is not None for each in runs.values()
            ):
                logs = [(place / "log").read_text() for place in places.values()]
                raise MeasureError("".join(logs)[-500:])
            time.sleep(0.1)
        time.sleep(SETTLING)
        before = now()
        time.sleep(seconds)
        after = now()
        for hidden, place in places.items():
            rows = list((place / "master/run").glob("rows-*.bin"))
            used_by = after[hidden].seconds
            if len(rows) != WORKERS or (used_by["senders"] > 0) is not hidden:
                raise MeasureError(f"{len(rows)} files of rows, {used_by} seconds of CPU")
    return {hidden: after[hidden].less(before[hidden]) for hidden in targets}


def main(words: list[str]) -> int:
    """Measure, and say what is lost."""
    rounds, seconds = (int(words[0]) if words else 8), (float(words[1]) if words[1:] else 12.0)
    if shutil.which("unshare") is None:
        print("no unshare: folders cannot be hidden", file=sys.stderr)
        return 2
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            program = compiled("fast_target.c", Path(folder))
            with Target(program) as one, Target(program) as other:
                for number in range(rounds):
                    first = bool(number % 2)
                    found = beside({first: one, not first: other}, seconds)
                    ratios.append(found[True].rate / found[False].rate)
                    parts = found[True].seconds
                    all_of_it = sum(parts.values())
                    shares = (f"{kind} {each / all_of_it:.1%}" for kind, each in parts.items())
                    print(
                        f"shared {found[False].rate:,.0f}, apart {found[True].rate:,.0f} messages"
                        f" per CPU-second: {1 - ratios[-1]:+.1%} lost ({', '.join(shares)})",
                        flush=True,
                    )
        except MeasureError as error:
            print(f"nothing was measured: {error}", file=sys.stderr)
            return 2
    lost = 1 - statistics.median(ratios)
    print(
        f"median of {rounds} rounds: {lost:+.1%} fewer messages per CPU-second;"
        f" machine: {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    )
    return 0 if lost <= MOST_LOST else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
