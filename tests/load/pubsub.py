"""The bundled JSON pub/sub server, with a fault switched on, and users that load it."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sockproof.shelves import shelf
from sockproof.targets.launch import free_port
from tests.waiting import SOON

SERVER = shelf("targets") / "json-pubsub" / "server.py"
_HEAD = """
from sockproof.load.users import *

class Member(WebSocketUser):
    abstract = True
    rate = 5
    acknowledgements = Acknowledgements({"type": "published"})
    query = {"token": "anybody"}
    message = Message.json({"type": "publish", "room": "lobby", "id": ID, "data": BODY})
    join = {"type": "join", "room": "lobby"}
    joined = {"type": "joined", "room": "lobby"}

    def connected(self):
        self.enter("lobby", self.join, answer=self.joined, then=self.settled)

    @paced
    def publish(self):
        self.tell(self.message, to="lobby")

class User(Member):
"""


def together(users: int) -> tuple[str, ...]:
    """Lines of a class of so many users of whom nobody speaks before all are in.

    `then=self.is_in` asks for it. What is said while others still join is not due to them, and on a
    busy machine they may do so for seconds.
    """
    return (
        "inside = []",
        "def is_in(self):",
        f"    if len(self.inside) == {users}:",
        "        self.settled()  # it comes back",
        "        return",
        "    self.inside.append(self)",
        f"    for each in self.inside if len(self.inside) == {users} else ():",
        "        each.settled()",
    )


@dataclass
class PubSub:
    """A server that runs."""

    port: int
    process: subprocess.Popen[bytes] | None = None

    def kill(self) -> None:
        """End it as a crash does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(SOON)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/"

    @property
    def truth(self) -> dict[str, int]:
        """What it has done so far."""
        address = f"http://127.0.0.1:{self.port}/truth"
        with urllib.request.urlopen(address, timeout=SOON) as answer:
            told: dict[str, int] = json.load(answer)
        return told


@contextmanager
def pubsub(*words: str, port: int = 0) -> Iterator[PubSub]:
    """The server with these options, at a port where one is named."""
    deadline = time.monotonic() + SOON
    server = _started(port, words)
    try:
        while True:
            if server.process is not None and server.process.poll() is not None:
                assert port == 0  # another took it meanwhile
                assert time.monotonic() < deadline
                server = _started(port, words)
                continue
            try:
                assert server.truth["done"] == 0
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield server
    finally:
        if server.process is not None:
            server.process.terminate()
            server.process.wait(SOON)


def _started(port: int, words: Sequence[str]) -> PubSub:
    server = PubSub(port or free_port())
    command = [sys.executable, str(SERVER), "--port", str(server.port), *words]
    server.process = subprocess.Popen(command)
    return server


def scenario(folder: Path, *changes: str) -> str:
    """A locustfile whose users differ from members of a lobby by these lines."""
    path = folder / "scenario.py"
    path.write_text(_HEAD + textwrap.indent("\n".join(changes) or "pass", "    ") + "\n")
    return str(path)
