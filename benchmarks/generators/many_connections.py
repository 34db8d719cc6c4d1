"""How many connections one machine holds: users of Socket.IO against several servers on one port.

    python benchmarks/generators/many_connections.py --users 50000 --processes 3 --servers 3

Each user answers heartbeats (25 s) and sends `--rate` messages per second, which are acknowledged.
Servers are fast_target.c, which share a port (SO_REUSEPORT); users leave from 127.0.0.2 and so on,
as many addresses as their ports take. With `--tls` as many relays (tls_relay.py) stand before the
servers. What a user takes is what the generator holds beyond what it held when the run began: in
the middle of `--hold`, and at most, as while thousands connect.

Exit code 0: all were connected for `--hold` seconds, none was lost, each message was acknowledged,
and each heartbeat answered but for those under way when users leave; 1: not so; 2: no C compiler.
Users whose connect fails in the ramp try again.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from processes import HERE, Counters, compiled
from tls_relay import certificate

from sockproof.shelves import shelf
from sockproof.targets.launch import free_port

PORTS = 25_000  # of the 28,232 that Linux takes outgoing connections from by default
SPARE_FILES = 500  # of a process, beside its connections
UNDER_WAY = 0.99  # of the heartbeats are answered before users leave
RAMPED = 40  # seconds that the last users may take to connect


def main() -> int:
    """Run it, and say what held."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--processes", type=int, default=3, help="workers")
    parser.add_argument("--servers", type=int, default=3)
    parser.add_argument("--spawn-rate", type=float, default=250, help="users per second")
    parser.add_argument("--hold", type=float, default=120, help="seconds with all users")
    parser.add_argument("--rate", type=float, default=0.02, help="messages per second of a user")
    parser.add_argument("--tls", action="store_true", help="connect by wss://")
    parser.add_argument("--results", type=Path, help="keep the run folder here")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    most = max(-(-given.users // given.processes), int(given.users / given.servers * 1.03))
    if (files := resource.getrlimit(resource.RLIMIT_NOFILE)[1]) < most + SPARE_FILES:
        print(f"{most:,} connections of a process, but it may open {files:,} files (ulimit -Hn)")
    with tempfile.TemporaryDirectory() as folder:
        program = compiled("fast_target.c", Path(folder))
        if program is None:
            print("fast_target.c cannot be compiled: no C compiler", file=sys.stderr)
            return 2
        servers = [_server(program, "0")]
        port = _line(servers[0])
        for _ in range(given.servers - 1):
            servers.append(_server(program, port))
            _line(servers[-1])
        results = given.results or Path(folder)
        relays, way = _relays(given, port, Path(folder)) if given.tls else ([], [])
        port = _line(relays[0]) if relays else port
        try:
            taken = _load(given, port, way, results, [server.pid for server in servers])
        finally:
            for relay in relays:
                relay.kill()
            for server in servers:
                server.send_signal(signal.SIGTERM)
            counters = [Counters(**json.loads(_line(server))) for server in servers]
        summary = json.loads((results / "latest-load/summary.json").read_text())
    return 0 if _held(given, summary, counters, taken) else 1


def _server(program: Path, port: str) -> subprocess.Popen[str]:
    command = [str(program), port]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def _line(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    return server.stdout.readline().strip()


def _relays(
    given: argparse.Namespace, port: str, folder: Path
) -> tuple[list[subprocess.Popen[str]], list[str]]:
    """TLS before the servers, and what Locust is told besides; the first prints its port."""
    shown, vouches = certificate(folder)
    own = str(free_port())
    command = [sys.executable, str(HERE / "tls_relay.py"), port, own, str(shown)]
    relays = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(given.servers)
    ]
    for relay in relays[1:]:
        _line(relay)
    return relays, ["--ca", str(vouches)]


@dataclass(slots=True)
class Memory:
    """MiB of the generator as it began, at most and with all users; of the servers at most."""

    begun: float = 0.0
    most: float = 0.0
    held: float = 0.0
    servers: float = 0.0


def _load(
    given: argparse.Namespace, port: str, way: list[str], folder: Path, servers: list[int]
) -> Memory:
    """Run the load; what its processes, and the servers, held."""
    addresses = [f"127.0.0.{2 + number}" for number in range(-(-given.users // PORTS))]
    ramp = given.users / given.spawn_rate + RAMPED
    master = str(free_port())
    locust = [sys.executable, "-m", "locust", "-f", str(shelf("locustfiles") / "echo.py")]
    command = [*locust, "--master", "--headless", "--expect-workers", str(given.processes)]
    command += ["--master-bind-host", "127.0.0.1", "--master-bind-port", master]
    command += ["--host", f"{'https' if way else 'http'}://127.0.0.1:{port}/", *way]
    command += ["--users", str(given.users)]
    command += ["--spawn-rate", str(given.spawn_rate), "--rate", str(given.rate)]
    command += ["--run-time", f"{ramp + given.hold + 1:.0f}s", "--source", ",".join(addresses)]
    command += ["--results", str(folder), "--only-summary"]
    workers = [[*locust, "--worker", "--master-port", master]] * given.processes
    # A session each: where Linux shares the processor among sessions, each has its part.
    running = [subprocess.Popen(each, start_new_session=True) for each in (command, *workers)]
    memory, since = Memory(), None
    try:
        while running[0].poll() is None:
            now = _mib([each.pid for each in running])
            if since is None:
                memory.begun = now
                since = time.monotonic() if (folder / "latest-load").exists() else None
            elif time.monotonic() - since < ramp + given.hold / 2:
                memory.held = now
            memory.most = max(memory.most, now)
            memory.servers = max(memory.servers, _mib(servers))
            time.sleep(0.05 if since is None else 1)
    finally:
        for each in running:
            each.terminate()
            each.wait()
    return memory


def _mib(pids: list[int]) -> float:
    """Resident memory; files of rows that are mapped are not counted."""
    most = 0
    for pid in pids:
        try:
            memory = psutil.Process(pid).memory_info()
        except psutil.Error:
            continue
        most += memory.rss - memory.shared
    return most / 2**20


def _held(
    given: argparse.Namespace,
    summary: dict[str, Any],
    counters: list[Counters],
    taken: Memory,
) -> bool:
    counts, generator = summary["counts"], summary["generator"]
    pings, pongs = sum(each.pings for each in counters), sum(each.pongs for each in counters)
    opened, measured = counts["connections_opened"], generator["measured_s"] or 0
    acks = summary["latency"]["ack"]["intended"]

    def beyond(mib: float) -> float:
        return (mib - taken.begun) / int(given.users) * 1024

    print(
        f"{opened:,} connections, {counts['connect_failures']:,} failed to open,"
        f" {counts['disconnected']:,} lost, all of them for {measured:.0f} s\n"
        f"{counts['emitted']:,} messages, {counts['acknowledged']:,} acknowledged,"
        f" {counts['receipts']:,} of {counts['due']:,} receipts\n"
        f"{pings:,} heartbeats, {pongs:,} answered; a server had at most"
        f" {max(each.opened for each in counters):,} connections\n"
        f"generator: {taken.begun:,.0f} MiB as it began, {taken.held:,.0f} with all users,"
        f" {taken.most:,.0f} at most; servers: {taken.servers:,.0f} MiB\n"
        f"a user: {beyond(taken.held):.1f} KiB, {beyond(taken.most):.1f} at most\n"
        f"acknowledged after {acks['p50_ms']:.1f} ms (p50), {acks['p99_ms']:.1f} ms (p99);"
        f" lag of the generator up to {generator['max_lag_ms']:.0f} ms\n"
        f"machine: {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    )
    return bool(
        opened == given.users
        and not counts["disconnected"]
        and measured >= given.hold
        and counts["emitted"] == counts["acknowledged"]
        and pings * UNDER_WAY <= pongs
    )


if __name__ == "__main__":
    sys.exit(main())
