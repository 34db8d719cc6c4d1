"""One Engine.IO session on the server's side: its buffer, its transport, its heartbeat.

Engine.IO protocol, revision 4. The session outlives the change of transport: what is not sent
yet waits in `buffer`, which a long-polling GET takes, or the WebSocket once it is the transport.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sockproof.wire.engineio import Packet, PacketType
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
        self._heartbeat: asyncio.Task[None] | None = None

    # Sending.

    def send(self, packet: Packet) -> None:
        """Send a packet over the transport of the session, or keep it until there is a GET."""
        if self.closed:
            return
        if self.websocket is not None:
            self.websocket.send(packet.encode())
        else:
            self.buffer.append(packet)
            self.ready.set()

    def take(self) -> list[Packet]:
        """What a GET is answered with; a NOOP where there is nothing but it must not be held."""
        packets, self.buffer = self.buffer, []
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
                self.on_message(packet.data)
            case PacketType.PONG:
                self.ponged.set()
            case PacketType.CLOSE:
                self.close(CLOSED_BY_CLIENT)
            case PacketType.PING:  # revision 4: the server pings
                self.close("parse error")

    # Changing the transport.

    def probe(self, websocket: WebSocket) -> None:
        """A WebSocket has been probed: no GET is held from now on."""
        self.probing = websocket
        self.ready.set()

    def abandon(self) -> None:
        """The probed WebSocket has gone; long-polling goes on."""
        self.probing = None
        if not self.buffer and not self.closed:
            self.ready.clear()

    def upgrade(self, websocket: WebSocket) -> None:
        """The probed WebSocket becomes the transport and takes what is buffered."""
        self.transport = "websocket"
        self.websocket = websocket
        packets, self.buffer = self.buffer, []
        for packet in packets:
            self.send(packet)

    # Living and ending.

    def beat(self, interval: float, timeout: float) -> None:
        """Begin to send PINGs; `interval` and `timeout` are in seconds."""
        self._heartbeat = asyncio.get_running_loop().create_task(self._beats(interval, timeout))

    async def _beats(self, interval: float, timeout: float) -> None:
        while True:
            await asyncio.sleep(interval)
            self.ponged.clear()
            self.send(Packet(PacketType.PING))
            try:
                async with asyncio.timeout(timeout):
                    await self.ponged.wait()
            except TimeoutError:
                self.close("ping timeout")
                return

    def close(self, reason: str) -> None:
        """End the session: a pending GET is released, a WebSocket is closed."""
        if self.closed:
            return
        kind = PacketType.NOOP if reason == CLOSED_BY_CLIENT else PacketType.CLOSE
        self.buffer.append(Packet(kind))
        self.closed = True
        self.ready.set()
        if self._heartbeat is not None and self._heartbeat is not asyncio.current_task():
            self._heartbeat.cancel()
        for websocket in (self.websocket, self.probing):
            if websocket is not None:
                websocket.close()
        self.on_close(reason)
