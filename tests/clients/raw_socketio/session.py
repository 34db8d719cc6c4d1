"""An Engine.IO session as our raw client has it: opening, heartbeats, closing.

Engine.IO protocol, revision 4. The transports are in `transports`. Where a switch is asked
for, what it names is a fault (`tests/clients/mutants`) or a freedom (`tests/clients/freedoms`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from tests.clients.raw_socketio.http import Broken, Http
from tests.clients.raw_socketio.packets import Malformed, Message
from tests.clients.raw_socketio.switches import Switches
from tests.clients.raw_socketio.transports import Polling, WebSocketTransport, probed

JSON = dict[str, Any]
KNOWN = {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}
HUNG = 60.0  # seconds: longer than anybody waits


class Refused(Exception):
    """There is no session."""


class Listener(Protocol):
    """Whoever uses a session."""

    def heard(self, message: Message) -> None:
        """A MESSAGE has come; raises `Malformed` where it is not what it should be."""

    def died(self) -> None:
        """The program ends."""

    def failed(self, text: str) -> None:
        """Something has gone wrong; the session goes on."""

    def ended(self, reason: str) -> None:
        """The session is over."""


@dataclass
class Where:
    """A server, and the path of its sessions."""

    http: Http
    path: str
    transports: list[str]


class Session:
    """One session; `ended` of its listener is called once."""

    def __init__(self, where: Where, listener: Listener, switches: Switches) -> None:
        self.where = where
        self.http = where.http
        self.listener = listener
        self.switches = switches
        self.on = switches.on
        self.sid = ""  # which a session has once it is open
        self.first = where.transports[0]
        self.upgraded = False
        self.upgrades: list[str] = []
        self.max_payload: int | None = None
        self.waiting: list[Message] = []  # packets that have not been sent
        self.wake = asyncio.Event()
        self.transport: Polling | WebSocketTransport | None = None
        self.over = False
        self._patience = 45.0
        self._deadline = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._pongs = 0

    # The beginning.

    async def open(self) -> None:
        """Have a session; raises `Refused`."""
        transports = self.where.transports
        if "websocket" in transports and self.on("begins-with-a-websocket"):
            self.first = "websocket"
        if self.on("begins-with-the-other-transport") and len(transports) == 1:
            self.first = {"polling": "websocket", "websocket": "polling"}[self.first]
        if self.on("opens-with-a-sid"):
            self.sid = "mine"
        try:
            if self.first == "polling":
                await self._open_polling()
            else:
                await self._open_websocket()
        except (Broken, Malformed, Refused) as error:
            if self.on("hangs-at-bad-handshakes"):
                await asyncio.sleep(HUNG)
            raise Refused(str(error)) from None

    async def _open_polling(self) -> None:
        if self.on("asks-for-a-favicon"):
            await self.http.request("GET", "/favicon.ico")
        answer = await self.http.request(self._method(), self.target("polling", self.sid))
        if answer.status != 200 and not self.on("reads-refused-handshakes"):
            raise Refused(f"HTTP {answer.status}")
        transport = Polling(self)
        packets = transport.packets_of(answer.body)
        self.transport = transport
        self._begun(packets[0])
        self.start(transport.poll())
        transport.writer = self.start(transport.write())
        for packet in packets[1:]:
            self.take(packet)
        if self._may_upgrade():
            self.start(self._upgrade())

    async def _open_websocket(self) -> None:
        socket = await self.http.websocket(self.target("websocket", self.sid), self._method())
        transport = WebSocketTransport(self, socket)
        try:
            packet = await socket.receive()
            if packet is None:
                raise Refused("the WebSocket ended")
            self.transport = transport
            self._begun(packet)
        except BaseException:
            socket.drop()
            raise
        self.start(transport.read())
        self.start(transport.write())

    def _method(self) -> str:
        return "POST" if self.on("posts-its-handshake") else "GET"

    def _begun(self, packet: Message) -> None:
        on = self.on
        try:
            fields = _opened(packet)
            if on("knows-all-fields-of-a-handshake") and not fields.keys() <= KNOWN:
                raise Refused("a field that nobody knows")
            self._read(fields)
        except Refused:
            if not on("begins-with-whatever-comes-first"):
                raise
        self._alive()
        if not on("has-no-patience-limit"):
            self.start(self._watch())

    def _read(self, fields: JSON) -> None:
        sid = fields.get("sid")
        if not isinstance(sid, str) or not sid:
            raise Refused("no sid")
        self.sid = sid
        self.upgrades = fields.get("upgrades") or []
        interval, timeout = fields.get("pingInterval"), fields.get("pingTimeout")
        if not self.on("reads-no-intervals"):
            if not isinstance(interval, int) or not isinstance(timeout, int):
                raise Refused("no intervals")
            self._patience = (interval + timeout) / 1000
            if self.on("waits-for-the-interval-alone"):
                self._patience = interval / 1000
            if self.on("waits-for-the-timeout-alone"):
                self._patience = timeout / 1000
            if self.on("reads-intervals-as-seconds"):
                self._patience *= 1000
        limit = fields.get("maxPayload")
        self.max_payload = limit if isinstance(limit, int) else None

    def target(self, transport: str, sid: str = "") -> str:
        """Path and query of a request."""
        on = self.on
        query = [("EIO", "4"), ("transport", transport)]
        if on("asks-for-revision-3"):
            query[0] = ("EIO", "3")
        if on("names-no-revision"):
            del query[0]
        if on("names-no-transport"):
            query = [each for each in query if each[0] != "transport"]
        if on("names-the-transport-in-capitals"):
            query = [(name, value.capitalize()) for name, value in query]
        if on("sends-t"):
            query.append(("t", f"{time.monotonic_ns():x}"))
        if sid:
            query.append(("sid", sid if on("writes-sids-as-they-are") else quote(sid, safe="")))
        if on("has-more-in-its-query"):
            query += [("token", "a%20b"), ("b64", "1"), ("empty", "")]
        if on("orders-its-query-otherwise"):
            query.reverse()
        return f"{self.where.path}?" + "&".join(f"{name}={value}" for name, value in query)

    # Packets.

    def take(self, packet: Message) -> None:
        """A packet has come."""
        on = self.on
        if self.over:
            return
        try:
            if on("counts-any-packet-as-a-heartbeat"):
                self._alive()
            if isinstance(packet, bytes):
                self.listener.heard(packet)
                return
            match packet[:1]:
                case "1":
                    if not on("overlooks-close-packets"):
                        self.end("transport close")
                case "2":
                    self._pinged(packet[1:])
                case "4":
                    self.listener.heard(packet[1:])
                case "6":
                    on_websocket = isinstance(self.transport, WebSocketTransport)
                    if on("ends-at-a-noop" if not on_websocket else "ends-at-a-noop-on-websockets"):
                        self.end("transport close")
                case "0" | "3" | "5":
                    pass
                case _:
                    raise Malformed(f"no Engine.IO packet: {packet[:20]!r}")
        except Malformed as error:
            self.malformed(error)

    def malformed(self, error: Malformed) -> None:
        """What came was no packet."""
        on = self.on
        if on("lives-on-after-malformed-packets") and not error.closes:
            return
        if on("dies-of-malformed-packets"):
            self.listener.died()
        if on("is-deaf-after-malformed-packets", "dies-of-malformed-packets"):
            self.listener = NOBODY
            return
        if on("says-malformed-as-an-error") and not error.closes:
            self.listener.failed(str(error))
            return
        self.end("parse error", abruptly=on("cuts-off-at-malformed-packets"))

    def _pinged(self, content: str) -> None:
        on = self.on
        if not on("counts-no-pings"):
            self._alive()
        self._pongs += 1
        if on("sends-no-pongs") or (on("sends-one-pong") and self._pongs > 1):
            return
        if on("sends-pings-for-pongs"):
            self.send("2")
        elif on("sends-pongs-late"):
            asyncio.get_running_loop().call_later(0.05, self.send, "3")
        elif on("tells-pings-to-the-application"):
            self.listener.heard('2["ping"]')
            self.send(f"3{content}")
        else:
            self.send(f"3{content}")
        if on("sends-two-pongs"):
            self.send("3")

    def send(self, packet: Message) -> None:
        """Have a packet sent, in its turn."""
        if self.over:
            return
        self.waiting.append(packet)
        self.wake.set()

    # Heartbeats.

    def _alive(self) -> None:
        self._deadline = asyncio.get_running_loop().time() + self._patience

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        if self.on("pings-by-itself"):
            self.start(self._ping())
        while True:
            left = self._deadline - loop.time()
            if left <= 0:
                break
            await asyncio.sleep(left)
        if self.on("times-out-in-silence"):
            self.listener = NOBODY
        self.end("ping timeout")

    async def _ping(self) -> None:
        while True:
            self.send("2")
            await asyncio.sleep(0.05)

    # The change of transport.

    def _may_upgrade(self) -> bool:
        on = self.on
        if on("never-upgrades"):
            return False
        told = "websocket" in self.where.transports or on("upgrades-though-told-not-to")
        return told and ("websocket" in self.upgrades or on("upgrades-unasked"))

    async def _upgrade(self) -> None:
        polling = self.transport
        assert isinstance(polling, Polling)
        transport = await probed(self, polling)
        if transport is None:
            if self.on("ends-when-an-upgrade-fails"):
                self.end("transport error")
            return
        if self.over:
            transport.socket.drop()
            return
        self.transport = transport
        self.upgraded = True
        if not self.on("posts-after-upgrade", "stays-silent-after-an-upgrade"):
            polling.writer.cancel()
            self.start(transport.write())

    # The end.

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something beside; it ends with the session."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def end(self, reason: str, abruptly: bool = False) -> None:
        """The session is over, by the other end or by what it did."""
        if self.over:
            return
        self.over = True
        if self.transport is not None:
            self.transport.drop(abruptly)
        self._stop()
        self.listener.ended(reason)

    async def close(self, reason: str) -> None:
        """The application has had enough: send what waits, and say it."""
        if self.over:
            return
        told, self.listener = self.listener, NOBODY
        if self.transport is not None and not self.on("leaves-sessions-open"):
            with contextlib.suppress(Broken, asyncio.TimeoutError):
                await asyncio.wait_for(self.transport.close(), 2)
                await self.transport.closed()
        self.over = True
        self._stop()
        told.ended(reason)

    def _stop(self) -> None:
        running = asyncio.current_task()
        for task in list(self._tasks):
            if task is not running:
                task.cancel()


def _opened(packet: Message) -> JSON:
    """The fields of an OPEN packet; raises `Refused`."""
    if not isinstance(packet, str) or not packet.startswith("0"):
        raise Refused("no OPEN packet")
    try:
        fields = json.loads(packet[1:])
    except ValueError:
        raise Refused("the OPEN packet is not JSON") from None
    if not isinstance(fields, dict):
        raise Refused("the OPEN packet is no object")
    return fields


class _Nobody:
    """Hears nothing."""

    def heard(self, message: Message) -> None:
        """Is lost."""

    def died(self) -> None:
        """Is nobody's business."""

    def failed(self, text: str) -> None:
        """Is lost."""

    def ended(self, reason: str) -> None:
        """Is lost."""


NOBODY = _Nobody()
