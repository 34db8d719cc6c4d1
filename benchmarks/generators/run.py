"""Load generators side by side, against one fast Socket.IO target on this machine.

    python benchmarks/generators/run.py [--rounds N] [--seconds S] [--only NAME,…] [--json FILE]

How to read it: each figure is the median of the rounds, and behind it stands the median of its
ratios, round by round, to Locust's stock user in the same round, with the lowest and the highest;
trust the ratios, not the figures, which are this machine's. `--chart FILE.svg` draws them. More is
better, but for memory, where less is. Round trips are events of 64 octets that the target
acknowledges, by 100 users in a closed loop; receipts are what 200 users hear when one of them
speaks; CPU-seconds are those of the generator's processes, user and system, while it is steady; a
KiB is one that a connection and its user add. A dash: not measured, and the lines under the table
say why.

All speak again when they have heard themselves, but for sockproof, whose broadcasts have a rate;
k6 makes its virtual users before the first connects, which its connects per CPU-second leave out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

try:
    import chart
    import table
    from measure import Result, connections, rate
    from peers import STOCK, Peer, peers, versions
    from processes import MeasureError, Target, compiled
except ModuleNotFoundError as error:
    sys.exit(f"run.py: no module {error.name}: run it with the Python that sockproof is in")

ECHOING = 100
HEARING = 200
FEW = 20
MEASURES = ("echo", "broadcast", "connections")


def main() -> int:
    """Measure what the command names; 0, 2 when nothing could be measured, 130 interrupted."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _allow_files(options.connections + 200)
    with tempfile.TemporaryDirectory(prefix="generators-") as folder:
        program = compiled("fast_target.c", Path(folder))
        every = peers(compiled("limit_client.c", Path(folder)))
        chosen = _chosen(every, options.only)
        if program is None:
            print("no C compiler that takes fast_target.c: the target is python-socketio on")
            print("uvicorn, so that fast generators may wait for it")
        with Target(program) as target:
            print(f"target: {target.title}; {options.rounds} rounds", flush=True)
            rows = {peer.name: table.Row(peer.title) for peer in chosen}
            try:
                _measure(chosen, target, options, rows)
                interrupted = False
            except KeyboardInterrupt:
                print("\ninterrupted; what was measured so far:")
                interrupted = True
            code = _conclude(rows, chosen, target.title, options)
            return 130 if interrupted else code


def _options() -> argparse.Namespace:
    parser = _Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--rounds", type=_positive(int), default=3)
    add("--seconds", type=_positive(float), default=4.0, help="length of a window")
    add("--connections", type=_positive(int), default=1000, help="idle ones")
    add("--only", default="", metavar="NAME,…", help="generators, not all")
    add("--measure", default=",".join(MEASURES), metavar="NAME,…", help="of: %(default)s")
    add("--json", type=Path, metavar="FILE", help="write the figures there too")
    add("--chart", type=Path, metavar="FILE", help="and draw them there, as SVG or PNG")
    options = parser.parse_args()
    options.measure = [each for each in options.measure.split(",") if each]
    unknown = set(options.measure) - set(MEASURES)
    if unknown:
        _wrong(f"no measurement {', '.join(sorted(unknown))}; choose one of {', '.join(MEASURES)}")
    if options.chart is not None and options.chart.suffix not in (".png", ".svg"):
        _wrong("--chart wants a FILE.svg or a FILE.png")
    if options.connections <= FEW:
        _wrong(f"--connections wants more than {FEW}")
    return options


class _Parser(argparse.ArgumentParser):
    """A parser whose errors end with 3, as those of every command here."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, on one line."""
        _wrong(message)


def _positive(kind: type) -> Callable[[str], Any]:
    def value(text: str) -> Any:
        number = kind(text)
        if not 0 < number < 1e6:
            raise ValueError
        return number

    value.__name__ = "positive number"
    return value


def _chosen(every: list[Peer], only: str) -> list[Peer]:
    names = [each for each in only.split(",") if each]
    known = {peer.name: peer for peer in every}
    unknown = [each for each in names if each not in known]
    if unknown:
        _wrong(f"no generator {', '.join(unknown)}; choose one of {', '.join(known)}")
    return [peer for peer in every if not names or peer.name in names]


def _wrong(text: str) -> NoReturn:
    print(f"run.py: {text}", file=sys.stderr)
    sys.exit(3)


def _allow_files(wanted: int) -> None:
    """Raise the limit of open files for everything that is started from here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        _wrong(f"{wanted} open files are needed, {hard} are allowed (ulimit -Hn); --connections")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _measure(
    chosen: list[Peer], target: Target, options: argparse.Namespace, rows: dict[str, table.Row]
) -> None:
    """All rounds; in each, the generators take turns at each measurement."""
    measures: dict[str, Callable[[Peer], Result]] = {
        "echo": lambda peer: rate(peer, target, "echo", ECHOING, options.seconds),
        "broadcast": lambda peer: rate(peer, target, "broadcast", HEARING, options.seconds),
        "connections": lambda peer: connections(peer, target, FEW, options.connections),
    }
    able = []
    for peer in chosen:
        missing = peer.lacks()
        if missing is None:
            able.append(peer)
        else:
            rows[peer.name].note(0, missing)
            print(f"{peer.title}: skipped; {missing}", flush=True)
    for number in range(1, options.rounds + 1):
        for name in options.measure:
            for peer in able:
                _say(f"round {number}: {name}, {peer.title}")
                try:
                    result = measures[name](peer)
                except MeasureError as error:
                    rows[peer.name].note(number, f"{name}: {error}")
                else:
                    rows[peer.name].add(number, result.values, result.notes)
    _say("")


def _say(text: str) -> None:
    """What is going on, on one line of a terminal, or on lines of their own."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


def _conclude(
    rows: dict[str, table.Row], chosen: list[Peer], target: str, options: argparse.Namespace
) -> int:
    print()
    for line in table.lines(rows, STOCK):
        print(line)
    value = {
        "schema": 1,
        "target": target,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "users": {"echo": ECHOING, "broadcast": HEARING, "idle": [FEW, options.connections]},
        "ratios_to": STOCK,
        "machine": {
            "system": platform.platform(),
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
        },
        "versions": versions(chosen),
        "generators": table.as_json(rows, STOCK),
    }
    done = any(row.values for row in rows.values())
    try:
        if options.json is not None:
            options.json.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
        if options.chart is not None and done:
            chart.draw(json.loads(json.dumps(value)), options.chart)
    except OSError as error:
        _wrong(f"{error.filename} cannot be written: {error.strerror}")
    return 0 if done else 2


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MeasureError as error:
        sys.exit(f"run.py: {error}")
