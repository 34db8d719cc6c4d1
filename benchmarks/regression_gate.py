"""How often the gate of `sockproof ab` cries wolf, and how often it catches a slower server.

    python benchmarks/regression_gate.py [--quick] [--live N] [--runs N] [--slower 20%]

Runs of one server and of the same server slowed by so much CPU for each message are recorded in
turn. Then whole runs are paired anew: A with A 40 times, which should never be called a
regression, and A with the slowed one 10 times, which should. `--live` repeats the command itself
so often besides, on both. A run takes some 3 s more than its run time; the quick settings take
about five minutes.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sockproof.analysis.statistics.metrics import DEFAULT_METRICS, TARGET_CPU, THROUGHPUT, value
from sockproof.analysis.statistics.sequential import INCONCLUSIVE, REGRESSION, Design, replay
from sockproof.targets.launch import free_port

Summary = dict[str, Any]
HERE = Path(__file__).parent
USERS = 4


@contextlib.contextmanager
def served(extra_us: float) -> Iterator[tuple[str, int]]:
    """The server's URL and process; each run has a new one, as with `--a-target`."""
    port = free_port()
    command = [sys.executable, str(HERE / "slowed_target.py"), "--port", str(port)]
    process = subprocess.Popen([*command, "--extra-us", f"{extra_us:g}"])
    try:
        time.sleep(1)
        yield f"http://127.0.0.1:{port}/", process.pid
    finally:
        process.terminate()
        process.wait(10)


def sockproof(*words: str) -> int:
    """Run a command of sockproof; its exit code."""
    command = [sys.executable, "-m", "sockproof", *words]
    return subprocess.run(command, capture_output=True, check=False).returncode


def measured(extra_us: float, run_time: str) -> Summary:
    """The summary of one run."""
    with tempfile.TemporaryDirectory() as folder, served(extra_us) as (url, pid):
        words = ("--users", str(USERS), "--run-time", run_time, "--results", folder)
        sockproof("load", "echo", url, *words, "--target-pid", str(pid))
        text = (Path(folder) / "latest-load" / "summary.json").read_text(encoding="utf-8")
    found: Summary = json.loads(text)
    return found


def live(extra_us: float, run_time: str, seed: int) -> str:
    """The verdict of the command itself."""
    with tempfile.TemporaryDirectory() as folder, served(0) as a, served(extra_us) as b:
        words = ["ab", "echo", "--users", str(USERS), "--run-time", run_time, "--results", folder]
        words += ["--a", a[0], "--a-pid", str(a[1]), "--b", b[0], "--b-pid", str(b[1])]
        sockproof(*words, "--seed", str(seed))
        value = json.loads((Path(folder) / "latest-ab" / "ab.json").read_text(encoding="utf-8"))
    looks = value["result"]["looks"]
    return f"{value['result']['verdict']} after {looks[-1]['pairs'] if looks else 0} pairs"


def main() -> None:
    """Record, pair anew and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="runs of 3 s instead of 10 s")
    parser.add_argument("--runs", type=int, default=24, help="of each server (24)")
    parser.add_argument("--slower", type=float, default=20, help="percent (20)")
    parser.add_argument("--live", type=int, default=0, help="tries of the command itself (0)")
    parser.add_argument("--keep", type=Path, help="write the recorded summaries there")
    options = parser.parse_args()
    run_time = "3s" if options.quick else "10s"

    # In a closed loop one core serves all users in turn: what a message costs is what they wait.
    costs = [1e3 * (value(measured(0, run_time), TARGET_CPU) or math.nan) for _ in range(5)]
    extra = options.slower / 100 * statistics.median(costs)
    print(
        f"a message costs {statistics.median(costs):.0f} µs of CPU; slowed by {extra:.1f} µs",
        flush=True,
    )
    groups: tuple[list[Summary], list[Summary]] = ([], [])
    for turn in range(options.runs):
        for which in (0, 1) if turn % 2 else (1, 0):
            groups[which].append(measured(extra * which, run_time))
    if options.keep:
        options.keep.write_text(json.dumps(groups), encoding="utf-8")
    a, b = ([each for each in group if each["generator"]["fit"]] for group in groups)
    print(f"fit: {len(a)} and {len(b)} of {options.runs} runs each")
    design = Design((*DEFAULT_METRICS, TARGET_CPU))
    for metric in (*design.metrics, "latency.ack.intended.p99_ms", THROUGHPUT):
        values = [[value(each, metric) or math.nan for each in group] for group in (a, b)]
        logs = [np.log(each) for each in values]
        ratio = math.expm1(logs[1].mean() - logs[0].mean())
        print(f"{metric}: varies by {logs[0].std(ddof=1):.1%}; slowed: {ratio:+.1%}")
    rng = np.random.default_rng(1)
    for title, tries, other in (("A with A", 40, None), ("A with the slowed", 10, b)):
        found = collections.Counter(deal(design, a, other, rng) for _ in range(tries))
        print(f"{title}, {tries} times: {dict(found)}")
    for seed in range(options.live):
        print(f"the command, A with A: {live(0, run_time, seed)}", flush=True)
        print(f"the command, A with the slowed: {live(extra, run_time, seed)}", flush=True)


def deal(
    design: Design, a: list[Summary], b: list[Summary] | None, rng: np.random.Generator
) -> str:
    """The verdict on runs that are paired at random, and after how many pairs."""
    order = rng.permutation(len(a))
    if b is None:
        half = len(a) // 2
        pairs = [(a[i], a[j]) for i, j in zip(order[:half], order[half:], strict=False)]
    else:
        pairs = [(a[i], b[j]) for i, j in zip(order, rng.permutation(len(b)), strict=False)]
    last = replay(design, pairs[: design.max_pairs], final=True)[-1]
    verdict = {INCONCLUSIVE: INCONCLUSIVE, REGRESSION: "REGRESSION"}.get(last.verdict, last.verdict)
    return f"{verdict} after {last.pairs} pairs"


if __name__ == "__main__":
    main()
