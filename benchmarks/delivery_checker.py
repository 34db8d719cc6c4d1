"""How long the delivery checker takes, and how much memory.

    python benchmarks/delivery_checker.py [RECEIPTS]
    python benchmarks/delivery_checker.py --rows 200e6 --processes 20

The bound that the project holds itself to is 5 s for a million. Each shape is checked in a
process of its own: a broadcast to a thousand, rooms of twenty, and round trips. With `--rows`, it
is rooms of twenty alone, of so many processes: what a thousand clients of each have recorded of
one round is repeated. Memory is all that the process had at its peak.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from sockproof.load.record.recorder import EVERYONE, ITSELF, EmitFlag, Phase, Recorder
from sockproof.runs.load_records import ROWS_AT, Kind
from sockproof.runs.rows import ROW
from sockproof.wire import stamp

CLIENTS = 1000
SHAPES = {"broadcast": CLIENTS, "rooms of 20": 20, "round trips": 1}
PER_ROUND = CLIENTS * (
    20 + 2
)  # rows of a round in rooms of twenty: emit, acknowledgement, receipts
SECONDS = 10**9


def write_run(
    folder: Path, heard_by: int, receipts: int, name: str = "", now: int | None = None
) -> Path:
    """A process's rows, of a run in which each message is heard by so many clients."""
    recorder = Recorder(folder, 7)
    now = time.monotonic_ns() if now is None else now
    clients = [recorder.client() for _ in range(CLIENTS)]
    rooms = {}
    for client in clients:
        recorder.connecting(client, now)
        recorder.connected(client, now, now, now + 1)
        number = (client - 1) // heard_by
        if 1 < heard_by < CLIENTS:
            rooms[client] = recorder.room(f"room-{name}{number}")
            recorder.joining(client, rooms[client], now + 2)
            recorder.joined(client, rooms[client], now + 3)
        else:
            rooms[client] = ITSELF if heard_by == 1 else EVERYONE
    now += 10
    for turn in range(receipts // heard_by):
        sender, sequence = clients[turn % CLIENTS], turn // CLIENTS + 1
        now += 100
        asked = EmitFlag.ACKNOWLEDGED
        found = stamp.find(recorder.sending(sender, sequence, rooms[sender], now, now, asked))
        assert found is not None
        recorder.ack_received(sender, sequence, now, now, now + 50)
        first = (sender - 1) // heard_by * heard_by
        for client in clients[first : first + heard_by]:
            recorder.received(client, found, True, now + 60)
    recorder.phase(Phase.OVER, now + 100)
    recorder.close(now + 200)
    return folder / f"rows-{recorder.tag:08x}.bin"


def repeat_round(path: Path, rounds: int) -> None:
    """Have the messages of a process's one round be sent and heard so many times, a second each."""
    octets = path.read_bytes()
    rows = np.frombuffer(octets, dtype=ROW, offset=ROWS_AT)
    said = np.isin(rows["kind"], (Kind.EMIT, Kind.ACK, Kind.RECEIPT))
    first, last = np.flatnonzero(said)[[0, -1]].tolist()
    one, tail = rows[first : last + 1], rows[last + 1 :].copy()
    tail["c"] += np.where(tail["c"] > 0, np.uint64((rounds - 1) * SECONDS), np.uint64(0))
    sent, acked, heard = (one["kind"] == kind for kind in (Kind.EMIT, Kind.ACK, Kind.RECEIPT))
    with path.open("wb") as file:
        file.write(octets[:ROWS_AT])
        rows[:first].tofile(file)
        for number in range(rounds):
            again, later = one.copy(), np.uint64(number * SECONDS)
            again["a"][sent] += np.uint64(number << 32)
            again["a"][acked] += np.uint64(number)
            again["b"][heard] += np.uint64(number)
            again["b"][sent] += later
            again["c"][~sent] += later
            again.tofile(file)
        tail.tofile(file)
    for lines in path.parent.glob(path.name.replace("rows-", "health-").replace(".bin", ".jsonl")):
        lines.unlink()  # whose checksums are of the rows as they were


def peak() -> int:
    """The most memory that this process had, in MiB."""
    told = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert told is not None
    return int(told[1]) // 1024


def check(folder: Path, name: str) -> None:
    """Check a run, and say what that took."""
    from sockproof.analysis.delivery.checker import check
    from sockproof.cli.live_line import RowsLine
    from sockproof.runs.reader import LoadRunFolder
    from sockproof.runs.work import watched

    run = LoadRunFolder(folder)
    began, worked = time.perf_counter(), time.process_time()
    with watched(RowsLine()):
        found = check(run)
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    assert found.counts["lost"] == found.counts["invented"] == 0
    assert found.counts["due"] == found.counts["receipts"]
    rows = sum(each.file.rows for each in run.recorded)
    print(
        f"{name:12} {found.counts['receipts']:12,} receipts {seconds:7.2f} s"
        f" ({worked:.2f} s of CPU) {rows / worked:12,.0f} rows per CPU-second"
        f" {peak():7,} MiB"
    )


def main() -> None:
    """Check each shape, or the folder that a child process is given."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("receipts", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--rows", type=float, help="rooms of 20 with so many rows")
    parser.add_argument("--processes", type=int, default=1, help="that have written them")
    parser.add_argument("--check", nargs=2, metavar=("FOLDER", "NAME"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.check:
        check(Path(given.check[0]), given.check[1])
        return
    shapes = SHAPES if given.rows is None else {"rooms of 20": 20}
    for name, heard_by in shapes.items():
        with tempfile.TemporaryDirectory() as folder:
            if given.rows is None:
                write_run(Path(folder), heard_by, given.receipts)
            else:
                rounds = max(1, round(given.rows / given.processes / PER_ROUND))
                now = time.monotonic_ns()
                for number in range(given.processes):
                    path = write_run(Path(folder), 20, CLIENTS * 20, f"{number}-", now)
                    repeat_round(path, rounds)
            subprocess.run([sys.executable, __file__, "--check", folder, name], check=True)


if __name__ == "__main__":
    main()
