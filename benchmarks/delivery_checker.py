"""How long the delivery checker takes for a million receipts, and how much memory.

    python benchmarks/delivery_checker.py [RECEIPTS]

The bound that the project holds itself to is 5 s for a million. Each shape is checked in a
process of its own: a broadcast to a thousand, rooms of twenty, and round trips.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sockproof.load.record.recorder import EVERYONE, ITSELF, EmitFlag, Phase, Recorder
from sockproof.wire import stamp

CLIENTS = 1000
SHAPES = {"broadcast": CLIENTS, "rooms of 20": 20, "round trips": 1}


def write_run(folder: Path, heard_by: int, receipts: int) -> None:
    """A run in which each message is heard by so many clients."""
    recorder = Recorder(folder, 7)
    now = time.monotonic_ns()
    clients = [recorder.client() for _ in range(CLIENTS)]
    rooms = {}
    for client in clients:
        recorder.connecting(client, now)
        recorder.connected(client, now, now, now + 1)
        number = (client - 1) // heard_by
        if 1 < heard_by < CLIENTS:
            rooms[client] = recorder.room(f"room-{number}")
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


def main() -> None:
    """Check each shape, or the folder that a child process is given."""
    if len(sys.argv) > 2:
        from sockproof.analysis.delivery.checker import check
        from sockproof.runs.reader import LoadRunFolder

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        found = check(LoadRunFolder(Path(sys.argv[1])))
        seconds = time.perf_counter() - began
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert found.counts["lost"] == 0
        assert found.counts["due"] == found.counts["receipts"]
        receipts = found.counts["receipts"]
        print(f"{sys.argv[2]:12} {receipts:10,} receipts {seconds:6.2f} s {grown / 1024:7.0f} MiB")
        return
    receipts = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    for name, heard_by in SHAPES.items():
        with tempfile.TemporaryDirectory() as folder:
            write_run(Path(folder), heard_by, receipts)
            subprocess.run([sys.executable, __file__, folder, name], check=True)


if __name__ == "__main__":
    main()
