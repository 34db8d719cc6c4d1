"""`sockproof calibrate`: how right the harness is on this machine."""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import urllib.request
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sockproof import files, leash
from sockproof.analysis.statistics.calibration import FILE, calibration, point, sentence
from sockproof.api.load import LoadTarget
from sockproof.api.plans import LoadPlan
from sockproof.api.runner import Runner, Unusable
from sockproof.cli.arguments import add_results, add_shelf
from sockproof.cli.speech import warn
from sockproof.errors import CommandError
from sockproof.formats.judgements import CalibrationPoint
from sockproof.runs import records
from sockproof.targets.processes import start

DELAYS = (0.0, 1.0, 10.0, 100.0)  # ms
RATES = (500, 1000, 2000, 4000, 8000, 16_000, 32_000)  # messages a second, of all users
USERS = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--quick", action="store_true", help="shorter runs at fewer rates")
    add_results(parser)
    add_shelf(parser)


def calibrate(options: Namespace) -> int:
    """Measure, write `calibration.json`, say what it comes to; 2 when nothing could be measured."""
    seconds = 3 if options.quick else 6
    plan = LoadPlan(
        scenario="echo",
        users=USERS,
        spawn_rate=500.0,
        run_time=seconds + 1.0,
        shelf=options.shelf,
    )
    runner = Runner(plan, warn)
    started = records.now()
    delays: list[CalibrationPoint] = []
    rates: list[CalibrationPoint] = []
    with _target() as url, tempfile.TemporaryDirectory(prefix="sockproof-") as name:
        place = Path(name)
        for delay in DELAYS:
            _take(delays, _point(runner, url, place, delay, 500))
        for rate in RATES[1::3] if options.quick else RATES:
            found = _point(runner, url, place, 0.0, rate)
            _take(rates, found)
            if found is None or not found.fit:
                break
    value = calibration(delays, rates, started)
    if not delays:
        print("Inconclusive: nothing could be measured")
        return 2
    path: Path = options.results / FILE
    files.make_folder(path.parent)
    files.write(path, files.json_text(value, indent=1), durable=True)
    print(f"\n{sentence(value)}")
    if not value.reached_limit:
        print("no higher rate was tried")
    print(f"written to {path}")
    return 0


def _take(points: list[CalibrationPoint], found: CalibrationPoint | None) -> None:
    if found is None:
        return
    points.append(found)
    p99 = "–" if found.told_p99_ms is None else f"{found.told_p99_ms:.3f} ms"
    print(
        f"  delay {found.delay_ms:>5g} ms  {found.rate:>8,.0f} messages/s"
        f"  server p50 {found.server_p50_ms:>8.3f} ms  measured p50 {found.told_p50_ms:>8.3f} ms"
        f"  p99 {p99:>11}{'' if found.fit else '  (inconclusive)'}",
        flush=True,
    )


@contextlib.contextmanager
def _target() -> Iterator[str]:
    command = [sys.executable, "-m", "sockproof.targets.delay_server"]
    with start(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().decode().strip()
            if not port.isdigit():
                raise CommandError("the calibration server does not start")
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait()
            leash.let_go(process.pid)


def _point(
    runner: Runner, url: str, place: Path, delay: float, rate: int
) -> CalibrationPoint | None:
    """Run the scenario echo with the server's delay, and ask the server how long it took."""
    _ask(f"{url}delay?ms={delay:g}")
    plan = replace(runner.plan, more=("--rate", f"{rate / USERS:g}"))
    try:
        found = runner.run(LoadTarget(url), Path(tempfile.mkdtemp(dir=place)), plan)
    except Unusable:
        return None
    if found["interrupted"]:
        raise KeyboardInterrupt
    return point(delay, found["summary"], _ask(f"{url}delays"))


def _ask(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own server's
        value: dict[str, Any] = json.loads(answer.read())
    return value
