"""What the report of a large run costs: `python benchmarks/load_report.py [RECEIPTS]`.

Makes the folder of a broadcast run with the recorder (ten million receipts unless told
otherwise), sums it up, and times `sockproof report` on it, with the most memory it held.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sockproof.load.record.recorder import EVERYONE, Phase, Recorder
from sockproof.runs.load_records import RUN_FILE, boot_id
from sockproof.wire.stamp import find

HEARERS = 1000
SECOND = 1_000_000_000


def make(folder: Path, receipts: int) -> None:
    """A minute in which one speaks to a thousand."""
    began = time.monotonic_ns()
    about = {"run": 1, "machine": {"boot": boot_id()}, "started_ns": began, "processes": 1}
    (folder / RUN_FILE).write_text(json.dumps(about), encoding="utf-8")
    recorder = Recorder(folder, 1)
    for client in range(1, HEARERS + 1):
        recorder.connecting(client, began)
        recorder.connected(client, began, began, began + 1000)
    recorder.phase(Phase.MEASURED, began + 2000)
    messages = receipts // HEARERS
    for number in range(1, messages + 1):
        due = began + 3000 + 60 * SECOND * number // messages
        stamp = find(recorder.sending(1, number, EVERYONE, due, due))
        assert stamp is not None
        for client in range(1, HEARERS + 1):
            recorder.received(client, stamp, True, due + client * 1000)
        if number % max(messages // 60, 1) == 0:
            recorder.tick(due, {"cpu_s": 1.0, "rss_bytes": 1 << 27, "hub_lag_ns": 1})
    over = began + 62 * SECOND
    recorder.phase(Phase.DRAIN, over)
    recorder.phase(Phase.OVER, over)
    recorder.close(over)


def timed(*words: str) -> tuple[float, float]:
    """Seconds, and the most memory in MiB, of a command."""
    before = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "sockproof", *words], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode:
        sys.exit(f"sockproof {' '.join(words)} ended with {process.returncode}")
    return time.monotonic() - before, used.ru_maxrss / 1024


def main() -> None:
    """Make, sum up, draw."""
    receipts = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, receipts)
        for command in ("summary", "report"):
            seconds, memory = timed(command, str(folder))
            print(f"{command:8} {receipts:,} receipts: {seconds:.1f} s, {memory:.0f} MiB")


if __name__ == "__main__":
    main()
