"""The harness against one hostile server: how it ended, and what its processes held at most."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sockproof.targets.certificates import HOSTS, make_certificates
from tests.hostile.shelf import Hostile, load

CLIENTS = ("conformance", "lean", "reference")
LEARNING = 60  # connections by which a conformance run knows what is there
HUNG = 200.0  # seconds; what takes longer does not end
MIB = 1024 * 1024
# What the servers of the shelf do right while they behave.
_CASES = {
    "plain": [
        *("websocket/masking/*", "websocket/close_frame/*is_answered*"),
        *("websocket/fragmentation/*_one*", "websocket/fragmentation/*add_nothing"),
    ],
    "websocket": [
        *("engineio/handshake/handshake_has_*", "engineio/handshake/open_packet_*"),
        *("socketio/connect/connect_is_answered_with_connect*", "socketio/connect/answer_to_*"),
        *("socketio/acks/event_with_an_id*", "socketio/acks/event_is_acknowledged_once*"),
        *("socketio/acks/large_id*", "socketio/acks/payload_of_an_*"),
    ],
}


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended, or None for its code; `mib` is the most that one process held.

    `begun` is how often the server began to misbehave, and `told` the report or the summary.
    """

    code: int | None
    seconds: float
    mib: float
    output: str
    begun: int = 0
    told: dict[str, Any] = field(default_factory=dict)


class Served:
    """A hostile server: its port, and in the end how often it began to misbehave."""

    port = 0
    begun = 0
    ca: Path | None = None  # whom a client has to trust


@contextlib.contextmanager
def served(name: str, clean: int = 0) -> Iterator[Served]:
    """A hostile server in a process of its own."""
    told = Served()
    hostile = load()[name]
    with (
        tempfile.TemporaryDirectory() as place,
        subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.wire", name, str(clean), place],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process,
    ):
        try:
            if hostile.tls:
                told.ca = _certificates(Path(place))
            assert process.stdout is not None
            assert process.stdin is not None
            told.port = int(process.stdout.readline())
            yield told
            process.stdin.close()
            told.begun = int(process.stdout.readline() or 0)
        finally:
            process.kill()


def _certificates(place: Path) -> Path:
    """One for each of its kind in a folder of its own; gives the authorities to be trusted."""
    trusted = place / "trusted.pem"
    for name, hosts in (
        ("own", HOSTS),
        ("other-host", ("elsewhere.example",)),
        ("unknown-authority", HOSTS),
    ):
        (place / name).mkdir()
        made = make_certificates(place / name, hosts)
        if name != "unknown-authority":
            with trusted.open("ab") as file:
                file.write(made.ca.read_bytes())
    return trusted


def command(
    client: str,
    transport: str,
    port: int,
    folder: str,
    ca: Path | None = None,
    deflate: bool = False,
) -> list[str]:
    """What is typed."""
    scheme = ("ws" if transport == "plain" else "http") + ("" if ca is None else "s")
    url = f"{scheme}://127.0.0.1:{port}/"
    trust = [] if ca is None else ["--ca", str(ca)]
    begin = [sys.executable, "-c", "from sockproof.cli import run; run()"]
    if client == "conformance":
        globs = _CASES["plain" if transport == "plain" else "websocket"]
        cases = [word for glob in globs for word in ("--case", glob)]
        return [
            *begin,
            client,
            url,
            *cases,
            *trust,
            "--timeout",
            "1",
            "--max-time",
            "25",
            "--results",
            folder,
        ]
    scenario = "raw_websocket" if transport == "plain" else "echo"
    words = [*begin, "load", scenario, url, "--client", client, "--no-report", "--results", folder]
    words += ["--users", "4", "--rate", "10", "--run-time", "3s", "--drain", "1", *trust]
    if deflate and client == "lean":  # the other client's library cannot do it
        words.append("--deflate")
    return words if transport == "plain" else [*words, "--transport", transport]


def run(hostile: Hostile, client: str, transport: str) -> Ended:
    """Run the client against the server."""
    clean = LEARNING if client == "conformance" else 0
    with tempfile.TemporaryDirectory() as folder:
        with served(hostile.name, clean) as server:
            words = command(client, transport, server.port, folder, server.ca, hostile.deflate)
            ended = watched(words)
        name = "report.json" if client == "conformance" else "summary.json"
        told = next(Path(folder).glob(f"*/{name}"), None)
        value = {} if told is None else json.loads(told.read_text())
        return replace(ended, begun=server.begun, told=value)


def watched(words: list[str]) -> Ended:
    """Run a command and see what each of its processes holds."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
        most = [0.0]
        over = threading.Event()

        def look() -> None:
            while not over.wait(0.1):
                most[0] = max([most[0], *(_peak(pid) for pid in _family(process.pid))])

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            code: int | None = process.wait(HUNG)
        except subprocess.TimeoutExpired:
            code = None
            process.kill()
            process.wait()
        over.set()
        watcher.join()
        log.seek(0)
        output = log.read().decode("utf-8", "replace")
    return Ended(code, time.monotonic() - began, most[0], output)


def _family(pid: int) -> list[int]:
    """A process and all that it has started."""
    parents = {}
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                stat = Path(f"/proc/{name}/stat").read_text(errors="replace")
                parents[int(name)] = int(stat.rpartition(")")[2].split()[1])
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def _peak(pid: int) -> float:
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        if found:
            return int(found[1]) / 1024
    return 0.0
