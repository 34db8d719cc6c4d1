"""One Engine.IO session on the server's side: its buffer, its transport, its heartbeat.

Engine.IO protocol, revision 4. The session outlives the change of transport: what is not sent
yet waits in `buffer`, which a long-polling GET takes, or the WebSocket once it is the transport.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sockproof.wire.engineio import SEPARATOR, Packet, PacketType
from tests.servers.engineio_http import WebSocket

CLOSED_BY_CLIENT = "transport close"


class Session:
    """What the server knows of one client. `layer` is free for the protocol above."""

    def __init__(self, sid: str, transport: str, fault: str | None) -> None:
        self.sid = sid
        self.transport = transport
        self.fault = fault
        self.layer: Any = None
        self.on_message: Callable[[str | bytes], None] = lambda _: None
        self.on_close: Callable[[str], None] = lambda _: None
        self.buffer: list[Packet] = []
        self.ready = asyncio.Event()  # a GET has something to take
        self.ponged = asyncio.Event()
        self.polling = False  # a GET is pending
        self.posting = False  # a POST is on its way
        self.websocket: WebSocket | None = None
        self.probing: WebSocket | None = None  # the WebSocket of an upgrade not completed yet
        self.closed = False
        self.abandoned = False  # an upgrade was begun and given up
        self.sent = self.received = 0  # MESSAGEs; what follows is what faults keep
        self.late: list[Packet] = []
        self.joined: list[str] = []
        self.hidden = False
        self.loses_next = False
        self.later: tuple[float, float] | None = None  # the timers of a heartbeat that waits
        self._heartbeat: asyncio.Task[None] | None = None

    # Sending.

    def send(self, packet: Packet) -> None:
        """Send a packet over the transport of the session, or keep it until there is a GET."""
        if self.closed:
            return
        self.sent += packet.type == PacketType.MESSAGE
        websocket = self.websocket
        match self.fault:
            case "sends-an-untyped-packet" if self.sent == 50:
                packet = Packet(7, packet.data)  # type: ignore[arg-type]
            case "loses-packets-with-gets" if self.loses_next:
                self.loses_next = False
                return
            case "sends-on-websockets-too-early":
                websocket = websocket or self.probing
            case "stays-on-long-polling" if "after UPGRADE" in str(packet.data):
                websocket = None
        if websocket is not None:
            self._send_on(websocket, packet.encode())
        else:
            self.buffer.append(packet)
            if not (self.fault == "holds-gets-for-ever" and self.polling):
                self.ready.set()

    def _send_on(self, websocket: WebSocket, message: str | bytes) -> None:
        if self.fault == "joins-messages" and isinstance(message, str):
            if not self.joined:
                asyncio.get_running_loop().call_soon(self._send_joined, websocket)
            self.joined.append(message)
            return
        if self.fault == "types-long-binary-messages" and isinstance(message, bytes):
            message = b"\x04" * (len(message) > 200) + message
        if self.fault == "joins-messages":
            self._send_joined(websocket)
        websocket.send(message)

    def _send_joined(self, websocket: WebSocket) -> None:
        """Send what was collected in this round of the loop, many packets in one message."""
        messages, self.joined = self.joined, []
        if len(messages) >= 5:
            messages = [SEPARATOR.join(messages)]
        for message in messages:
            websocket.send(message)

    def take(self) -> list[Packet]:
        """What a GET is answered with; a NOOP where there is nothing but it must not be held."""
        if self.fault == "answers-noop-before-packets" and len(self.buffer) > 1:
            self.hidden = not self.hidden
            if self.hidden:
                return [Packet(PacketType.NOOP)]
        packets, self.buffer = self.buffer, []
        if self.fault == "gives-packets-twice":
            self.buffer = [each for each in packets if "for the GET" in str(each.data)]
        if not self.probing and not self.closed:
            self.ready.clear()
        return packets or [Packet(PacketType.NOOP)]

    # Receiving.

    def receive(self, packet: Packet) -> None:
        """Take one packet of the client in."""
        if self.closed:
            return
        match packet.type:
            case PacketType.MESSAGE:
                self._message(packet)
            case PacketType.PONG:
                self.ponged.set()
            case PacketType.CLOSE if self.fault != "ignores-close-packets":
                self.close(CLOSED_BY_CLIENT)
            case PacketType.PING if self.fault == "answers-pings-of-clients":
                self.send(Packet(PacketType.PONG, packet.data))
            case PacketType.PING:  # revision 4: the server pings
                self.close("parse error")

    def _message(self, packet: Packet) -> None:
        self.received += 1
        data = packet.data
        match self.fault:
            case "handles-a-message-late" if self.received == 90:
                self.late.append(packet)
                return
            case "loses-nul" if isinstance(data, str):
                data = data.replace("\\u0000", "")
            case "loses-parts-of-long-text" if isinstance(data, str) and len(data) > 0xFFFF:
                data = data[:40_000] + data[40_005:]
            case "handles-posts-late" if self.probing and "posted" in str(data):
                asyncio.get_running_loop().call_later(0.05, self.on_message, data)
                return
        self.on_message(data)
        if self.late:
            self.on_message(self.late.pop().data)

    # Changing the transport.

    def probe(self, websocket: WebSocket) -> None:
        """A WebSocket has been probed: no GET is held from now on."""
        self.probing = websocket
        if self.fault != "keeps-gets-waiting-at-upgrade":
            self.ready.set()

    def abandon(self) -> None:
        """The probed WebSocket has gone; long-polling goes on."""
        self.probing = None
        self.abandoned = self.websocket is None
        if self.fault == "waits-for-the-upgrade-that-was-lost" and self.abandoned:
            self._rest()
        if not self.buffer and not self.closed:
            self.ready.clear()

    def upgrade(self, websocket: WebSocket) -> None:
        """The probed WebSocket becomes the transport and takes what is buffered."""
        self.came_back()
        self.transport = "websocket"
        self.websocket = websocket
        packets, self.buffer = self.buffer, []
        if self.fault == "loses-what-waits-at-upgrade":
            packets = []
        if self.fault == "doubles-what-waits-at-upgrade":
            packets *= 2
        for packet in packets:
            self.send(packet)

    # Living and ending.

    def beat(self, interval: float, timeout: float) -> None:
        """Begin to send PINGs; `interval` and `timeout` are in seconds."""
        if self.fault == "waits-for-the-first-get" and self.transport == "polling":
            self.later = (interval, timeout)
            return
        self._heartbeat = asyncio.get_running_loop().create_task(self._beats(interval, timeout))

    def came_back(self) -> None:
        """The client has sent a GET, or is on a WebSocket."""
        if self.later is not None:
            later, self.later, self.fault = self.later, None, None
            self.beat(*later)

    def gave_up(self) -> None:
        """The client has given up a GET that waited."""
        self.loses_next = True
        if self.fault == "waits-for-the-get-that-was-given-up":
            self._rest()

    def _rest(self) -> None:
        """Send no more PINGs, which is a fault."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()

    async def _beats(self, interval: float, timeout: float) -> None:
        if self.fault == "pings-too-often":
            interval *= 0.3
        if self.fault == "is-impatient":
            timeout *= 0.5
        while self.fault != "never-pings":
            await asyncio.sleep(interval)
            self.ponged.clear()
            self.send(Packet(PacketType.PING, "hello" if self.fault == "pings-with-data" else ""))
            try:
                async with asyncio.timeout(timeout):
                    await self.ponged.wait()
                    if self.fault == "ignores-pongs":
                        await asyncio.sleep(timeout)
            except TimeoutError:
                if self.fault != "never-times-out":
                    self.close("ping timeout")
                    return

    def close(self, reason: str) -> None:
        """End the session: a pending GET is released, a WebSocket is closed."""
        if self.closed:
            return
        kind = PacketType.NOOP if reason == CLOSED_BY_CLIENT else PacketType.CLOSE
        self.buffer.append(Packet(kind))
        self.closed = True
        if self.fault != "closes-and-keeps-gets-waiting" or reason != CLOSED_BY_CLIENT:
            self.ready.set()
        if self._heartbeat is not None and self._heartbeat is not asyncio.current_task():
            self._heartbeat.cancel()
        for websocket in (self.websocket, self.probing):
            if websocket is not None:
                websocket.close()
        self.on_close(reason)
