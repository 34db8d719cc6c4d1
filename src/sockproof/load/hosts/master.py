"""The master's part: it starts a receiver when a worker of another host asks, and waits for it."""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event

from sockproof.load.child import Child, own_environment
from sockproof.load.hosts.channel import ENVIRONMENT, KEY

ASK, ANSWER = "sockproof_rows_where", "sockproof_rows_there"  # messages of Locust's channel
BEGINNING = 30.0  # seconds that a receiver has to listen
STANDSTILL = 60.0  # seconds in which nothing has come, after which nothing is waited for


class Hosts:
    """The workers of other hosts, to their master."""

    def __init__(self, runner: Any, report: Callable[[str], None]) -> None:
        self._runner, self._report = runner, report
        self._port: int | None = None
        self._folder: Path | None = None
        self._run = 0
        self._receiver: Receiving | None = None
        self.workers: set[str] = set()  # that take part in the run, or did
        runner.register_message(ASK, self._asked, concurrent=True)
        runner.environment.events.worker_connect.add_listener(self._joined)

    def begin(self, folder: Path, run: int, port: int | None) -> None:
        """A run starts, whose folder is this; rows come to a port, or to any that is free."""
        self.end()
        there = self._runner.clients
        self.workers = {each.id for each in (*there.ready, *there.spawning, *there.running)}
        self._folder, self._run, self._port = folder, run, port

    def _joined(self, client_id: str, **_: Any) -> None:
        self.workers.add(client_id)

    def _asked(self, environment: Any, msg: Any, **_: Any) -> None:
        del environment
        run = msg.data.get("run") if isinstance(msg.data, dict) else None
        if self._folder is None or run != self._run:
            return
        if self._receiver is None:
            host = self._runner.master_bind_host
            host = "" if host == "*" else host
            beside = int(self._runner.master_bind_port) + 1
            where = host, self._port, beside if beside < 1 << 16 else 0
            self._receiver = Receiving(self._folder, self._run, *where, self._report)
        receiver = self._receiver
        if receiver.listens():
            answer = {"run": self._run, "port": receiver.port, "key": receiver.key.hex()}
            self._runner.send_message(ANSWER, answer, msg.node_id)

    def wait(self) -> None:
        """Until all has come, or nothing comes any more."""
        if self._receiver is not None:
            self._receiver.wait()

    def end(self) -> None:
        """No row is taken any more."""
        if self._receiver is not None:
            self._receiver.close()
        self._receiver = self._folder = None


class Receiving:
    """A receiver as a process."""

    def __init__(
        self,
        folder: Path,
        run: int,
        host: str,
        port: int | None,
        beside: int,
        report: Callable[[str], None],
    ) -> None:
        """It listens at `port`; without one at `beside`, or where that is taken at any."""
        self.port = 0
        self.key = secrets.token_bytes(KEY)
        self._report = report
        self._begun = Event()
        self._state: dict[str, int] = {"waited_for": 0, "octets": 0}
        words = [sys.executable, "-m", "sockproof.load.hosts.receiver"]
        words += [str(folder), str(run), host, str(port or beside), str(port or 0)]
        self._process = Child(
            words, own_environment(**ENVIRONMENT), told=True, heard=True, own_session=True
        )
        self._process.stdin.write(self.key.hex().encode() + b"\n")
        self._process.stdin.flush()
        self._reader = gevent.spawn(self._read)

    def _read(self) -> None:
        for line in self._process.stdout:
            told = json.loads(line)
            if "port" in told:
                self.port = told["port"]
                self._begun.set()
            elif "problem" in told:
                self._report(told["problem"])
            else:
                self._state = told
        self._begun.set()
        self._state = {**self._state, "waited_for": 0}

    def listens(self) -> bool:
        """Whether it does, once that is known."""
        self._begun.wait(BEGINNING)
        return self.port > 0

    def wait(self) -> None:
        """Until all has come, or nothing comes any more."""
        octets, since = -1, time.monotonic()
        while self._state["waited_for"] > 0 and time.monotonic() - since < STANDSTILL:
            if self._state["octets"] != octets:
                octets, since = self._state["octets"], time.monotonic()
            gevent.sleep(0.05)

    def close(self) -> None:
        """End it."""
        self._process.stdin.close()
        if self._process.wait(5) is None:
            self._process.kill()
            self._process.wait()
        self._reader.join(timeout=1)
        self._process.close()
