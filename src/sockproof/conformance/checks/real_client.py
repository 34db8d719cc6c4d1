"""Real clients: libraries and browsers that people use, each driven by lines of JSON.

A driver is a program (or a page) that reads commands `{"id": 1, "do": "connect", …}` and writes
what comes of them, `{"id": 1, "ok": true, …}` or `{"id": 1, "ok": false, "why": "…"}`, and what
its client hears, `{"heard": "event", "args": […]}`. Octets are `{"$bin": [0, 255]}`. A library
that blocks may do so: its driver is a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sockproof import leash
from sockproof.conformance.checks.relay import PAGES, Relay
from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import Failure, Inconclusive, Unsupported
from sockproof.conformance.context.wirelog import RECEIVED, SENT
from sockproof.conformance.targets.target import Target
from sockproof.targets.install import node_modules
from sockproof.targets.spec import TargetMissing

MAX_LINE = 1 << 20
CREDENTIALS = ("auth", "headers", "cookies")  # fields of commands that no log shows
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_BROWSER_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-extensions"),
)


class RealClient:
    """One driven client; what it hears is kept in order until it is asked for."""

    def __init__(self, context: CaseContext, name: str) -> None:
        self.context = context
        self.name = name
        self.number = context.log.new_connection()
        self._ids = 0
        self._inbox: deque[dict[str, Any]] = deque()
        self._changed = asyncio.Event()
        self._ended: str | None = None

    # What a driver of some kind has to be able to do.

    async def _say(self, line: str) -> None:
        raise NotImplementedError

    def reset(self) -> None:
        """Let go of the driver at once."""
        raise NotImplementedError

    # What a case asks for.

    async def do(self, what: str, **fields: Any) -> dict[str, Any]:
        """Have the client do something; raises `Failure` with its reason when it cannot."""
        self._ids += 1
        number = self._ids
        line = json.dumps({"id": number, "do": what, **fields})
        shown = {name: value for name, value in fields.items() if name not in CREDENTIALS}
        self.context.log.note(self.number, SENT, f"{self.name}: {what} {json.dumps(shown)[:300]}")
        with self.context.awaits(f"{self.name} to {what}"):
            await self._say(line)
            answer = await self._next(lambda said: said.get("id") == number)
        if "missing" in answer:
            raise Unsupported(self.name, str(answer["missing"]))
        if not answer.get("ok"):
            raise Failure(f"{self.name} to {what}", str(answer.get("why"))[:500])
        return answer

    async def expect_event(self, event: str, *args: Any) -> None:
        """The next thing that the client hears is this event with these arguments."""
        wanted = f"{self.name} to hear {event} {json.dumps(args)[:200]}"
        heard, got = await self.event(wanted)
        if heard != event or got != list(args):
            raise Failure(wanted, f"{heard} {json.dumps(got)[:300]}")

    async def event(self, wanted: str = "an event") -> tuple[str, Any]:
        """The next event that the client hears, with its arguments."""
        with self.context.awaits(wanted):
            said = await self._next(lambda said: "heard" in said)
        return str(said["heard"]), said.get("args")

    async def _next(self, wanted: Any) -> dict[str, Any]:
        while True:
            for at, said in enumerate(self._inbox):
                if wanted(said):
                    del self._inbox[at]
                    return said
            if self._ended is not None:
                raise Inconclusive(f"{self.name} that runs", self._ended)
            self._changed.clear()
            await self._changed.wait()

    def _heard(self, line: bytes) -> None:
        try:
            said = json.loads(line)
        except ValueError:
            return  # a library that prints something
        if isinstance(said, dict):
            self.context.log.note(self.number, RECEIVED, f"{self.name}: {json.dumps(said)[:300]}")
            self._inbox.append(said)
            self._changed.set()

    def _over(self, why: str) -> None:
        self._ended = why
        self._changed.set()


class ClientProcess(RealClient):
    """A driver in a process group of its own, on its standard input and output."""

    def __init__(
        self, context: CaseContext, name: str, process: asyncio.subprocess.Process
    ) -> None:
        super().__init__(context, name)
        self._process = process
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(
        cls,
        context: CaseContext,
        name: str,
        command: Sequence[str],
        environment: dict[str, str] | None = None,
    ) -> ClientProcess:
        """Start the driver; raises `Inconclusive` when that is impossible."""
        with context.preparing(f"{name} to start"):
            leash.ready()
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                limit=MAX_LINE,
            )
        leash.hold(process.pid)
        client = cls(context, name, process)
        context.owns(client)
        return client

    async def _read(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        with contextlib.suppress(ValueError):  # a line beyond the limit
            while line := await self._process.stdout.readline():
                self._heard(line)
        last = (await self._process.stderr.read(MAX_LINE))[-500:].decode("utf-8", "replace")
        self._over(f"its driver ended: {last.strip()}")

    async def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(line.encode() + b"\n")
            await self._process.stdin.drain()

    def reset(self) -> None:
        _end(self._process)  # which ends what is being read, too

    async def gone(self) -> None:
        """Its process has been reaped, and its pipes are closed."""
        await self._process.wait()
        leash.let_go(self._process.pid)
        await asyncio.gather(self._reading, return_exceptions=True)


class BrowserClient(RealClient):
    """A page in headless Chromium, which asks for its commands and tells what comes of them."""

    def __init__(self, context: CaseContext, name: str, files: dict[str, Path]) -> None:
        super().__init__(context, name)
        self._files = files
        self._commands: asyncio.Queue[str] = asyncio.Queue()
        self._process: asyncio.subprocess.Process | None = None
        self._profile = tempfile.TemporaryDirectory(prefix="sockproof-", ignore_cleanup_errors=True)

    async def open(self, relay: Relay, control: Relay) -> None:
        """Start the browser on `page.html`; raises `Unsupported` without one.

        The page comes through the relay, from the target's origin. What it is told and tells
        goes over a port of its own, since a browser puts requests for one origin on one
        connection, where the relay could not tell ours from the target's.
        """
        program = next((path for path in map(shutil.which, _BROWSERS) if path), None)
        if program is None:
            raise Unsupported("Chromium", f"none of {', '.join(_BROWSERS)} is on the PATH")
        self.context.owns(self)
        with self.context.preparing(f"{self.name} to start"):
            leash.ready()
            self._process = await asyncio.create_subprocess_exec(
                *(program, *_BROWSER_OPTIONS, f"--user-data-dir={self._profile.name}"),
                f"http://127.0.0.1:{relay.port}{PAGES}page.html?{control.port}",
                env={**os.environ, "TMPDIR": self._profile.name},  # it leaves folders behind
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        leash.hold(self._process.pid)

    async def pages(self, method: str, path: str, body: bytes) -> tuple[str, bytes]:
        """What the relay serves to the page: its files, its next command, a place to tell."""
        if method == "POST":
            for line in body.splitlines():
                self._heard(line)
            return "text/plain", b""
        path = path.partition("?")[0]
        if path == "next":
            return "application/json", (await self._commands.get()).encode()
        file = self._files.get(path)
        if file is None:
            return "text/plain", b"there is nothing here"
        kind = "text/html" if file.suffix == ".html" else "text/javascript"
        return f"{kind}; charset=utf-8", file.read_bytes()

    async def _say(self, line: str) -> None:
        await self._commands.put(line)

    def reset(self) -> None:
        if self._process is not None:
            _end(self._process)

    async def gone(self) -> None:
        """Its process has been reaped, and its folder is away."""
        if self._process is not None:
            await self._process.wait()
            leash.let_go(self._process.pid)
        self._profile.cleanup()


def _end(process: asyncio.subprocess.Process) -> None:
    """Kill a process with all that it has started."""
    leash.kill(process.pid)


_PAGES_SET = re.compile(r"authorization|x-.*", re.IGNORECASE)  # others are left out unsaid
SOCKETIO_CLIENTS = ("python-socketio", "python-socketio-async", "node", "chromium")
WEBSOCKET_CLIENTS = ("websocket-client", "chromium")


def carried(
    target: Target, kind: str, transports: Sequence[str] = ("websocket",)
) -> dict[str, Any]:
    """What the user wants sent with each request, as a driver is told of it.

    A page gives no WebSocket any header fields: raises `Unsupported` where it would have to.
    """
    cookies: list[str] = []
    headers: dict[str, str] = {}
    for name, value in target.credentials:
        if name.lower() == "cookie":
            cookies += [each.strip() for each in value.split(";")]
        else:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    fields: dict[str, Any] = {"protocols": list(target.server.subprotocols)}
    if kind != "chromium":
        fields["headers"] = {**headers, "Cookie": "; ".join(cookies)} if cookies else headers
        return fields
    barred = list(headers)
    if "websocket" not in transports:
        barred = [name for name in headers if not _PAGES_SET.fullmatch(name)]
    if barred:
        raise Unsupported("a client that sends header fields", f"no page sends {barred[0]}")
    return {**fields, "headers": headers, "cookies": cookies}


async def open_client(target: Target, kind: str, drivers: Path) -> tuple[RealClient, Relay]:
    """A real client of a kind, and the relay through which it reaches the target.

    `drivers` is the folder with the programs. Raises `Unsupported` where the library, node or
    the browser is missing.
    """
    where = target.address
    if where.tls:
        raise Unsupported("a target without TLS, which the relay need not break", where.scheme)
    if kind == "chromium":
        return await _open_browser(target, kind, drivers)
    relay = Relay(where.host, where.port)
    await relay.open()
    target.context.owns(relay)
    if kind == "node":
        modules = await _node_modules(drivers)
        command = ["node", str(drivers / "node_socketio_client.js")]
        environment = {"NODE_PATH": str(modules)}
        return await ClientProcess.open(target.context, kind, command, environment), relay
    program = "websocket_client.py" if kind == "websocket-client" else "python_socketio_client.py"
    options = ["--async"] if kind.endswith("-async") else []
    command = [sys.executable, str(drivers / program), *options]
    return await ClientProcess.open(target.context, kind, command), relay


async def _open_browser(target: Target, kind: str, drivers: Path) -> tuple[RealClient, Relay]:
    modules = await _node_modules(drivers)
    bundle = modules / "socket.io-client" / "dist" / "socket.io.min.js"
    files = {name: drivers / name for name in ("page.html", "commands.js")}
    client = BrowserClient(target.context, kind, {**files, "socket.io.js": bundle})
    where = target.address
    relays = [Relay(where.host, where.port, client.pages) for _ in range(2)]
    for relay in relays:
        await relay.open()
        target.context.owns(relay)
    await client.open(*relays)
    return client, relays[0]


async def _node_modules(drivers: Path) -> Path:
    try:
        return await asyncio.to_thread(node_modules, "clients", drivers)
    except TargetMissing as error:
        raise Unsupported("node and socket.io-client", str(error)) from None
