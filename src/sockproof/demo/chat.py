"""A chat server with three bugs that people really have. `sockproof demo` finds them.

Browsers talk Socket.IO to it (python-socketio on uvicorn); devices open a plain WebSocket, which
returns each message. Look for "Bug" to see what is wrong, and for what is right instead.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import socketio
import uvicorn
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from sockproof.fixtures.python_socketio import install

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Chat(socketio.AsyncServer):  # type: ignore[misc]
    """Rooms, which a user gets back when it reconnects."""

    def __init__(self) -> None:
        super().__init__(async_mode="asgi")
        self.session_of: dict[str, str] = {}  # the Engine.IO session of each socket
        self.user_of: dict[str, str] = {}
        self.rooms_of: dict[tuple[str, str], list[str]] = {}  # by user and namespace
        self.upgrading: set[str] = set()  # sessions between long-polling and a WebSocket
        for namespace in ("/", "/custom"):
            self.greet(namespace)

    def greet(self, namespace: str) -> None:
        """Register what is done when a user comes and goes."""

        async def connect(sid: str, _environ: Any, auth: Any) -> None:
            session = self.manager.eio_sid_from_sid(sid, namespace)
            named = isinstance(auth, dict) and isinstance(auth.get("name"), str)
            user = auth["name"] if named else session
            self.session_of[sid], self.user_of[sid] = session, user
            # Bug 2: these are the rooms of a socket that is gone, and nobody has asked for them
            # again. Right: a new socket is in no room until it joins one.
            for room in self.rooms_of.pop((user, namespace), ()):
                await self.enter_room(sid, room, namespace=namespace)

        async def disconnect(sid: str) -> None:
            user = self.user_of.pop(sid)
            del self.session_of[sid]
            rooms = [room for room in self.rooms(sid, namespace) if room != sid]
            self.rooms_of[user, namespace] = rooms

        self.on("connect", connect, namespace=namespace)
        self.on("disconnect", disconnect, namespace=namespace)

    async def emit(
        self, event: str, data: Any = None, *, skip_sid: str | Iterable[str] = (), **how: Any
    ) -> None:
        """Emit an event, but to nobody whose transport changes."""
        # Bug 1: who is passed over never hears of it. Right: leave it to the server's queue, which
        # keeps what is emitted until the upgrade is complete.
        away = [sid for sid, session in self.session_of.items() if session in self.upgrading]
        skipped = [skip_sid] if isinstance(skip_sid, str) else list(skip_sid or ())
        await super().emit(event, data, skip_sid=[*skipped, *away], **how)

    async def watch(self, app: Any, scope: Scope, receive: Receive, send: Send) -> None:
        """The application, and beside it whose transport changes."""
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        if scope["type"] != "websocket" or "sid" not in query:
            await app(scope, receive, send)
            return
        session = query["sid"][0]

        async def heard() -> Any:
            event = await receive()
            if event.get("text") == "5":  # UPGRADE: from here on the WebSocket is the transport
                self.upgrading.discard(session)
            return event

        self.upgrading.add(session)
        try:
            await app(scope, heard, send)
        finally:
            self.upgrading.discard(session)


class Device(asyncio.Protocol):
    """A WebSocket that returns each message, put together from its fragments."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with the opening handshake."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.websocket = ServerProtocol()
        self.kind, self.message = Opcode.TEXT, b""

    def data_received(self, data: bytes) -> None:
        """Answer what came."""
        self.websocket.receive_data(data)
        for event in self.websocket.events_received():
            if isinstance(event, Request):
                self.websocket.send_response(self.websocket.accept(event))
            elif isinstance(event, Frame):
                self.frame(event)
        self.flush()

    def eof_received(self) -> None:
        """End as the protocol says."""
        self.websocket.receive_eof()
        self.flush()

    def frame(self, frame: Frame) -> None:
        """Take a frame; Pings and Close frames the protocol has answered by itself."""
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self.kind, self.message = frame.opcode, b""
        # Bug 3: a Ping may come between two fragments, and does not end the message. Right:
        # return, and leave the fragments alone.
        if frame.opcode in (Opcode.PING, Opcode.PONG, Opcode.CLOSE):
            self.message = b""
            return
        self.message += bytes(frame.data)
        if frame.fin:
            self.answer()

    def answer(self) -> None:
        """Return the message."""
        if self.kind == Opcode.TEXT:
            self.websocket.send_text(self.message)
        else:
            self.websocket.send_binary(self.message)

    def flush(self) -> None:
        """Write what the protocol has to say; an empty piece ends the stream."""
        for data in self.websocket.data_to_send():
            if data:
                self.transport.write(data)
            else:
                self.transport.close()


async def serve(port: int, device_port: int) -> None:
    """Serve browsers on one port and devices on the other, until SIGTERM."""
    chat = Chat()
    install(chat)  # the events that sockproof moves clients with: for tests only
    socketio_app = socketio.ASGIApp(chat)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await chat.watch(socketio_app, scope, receive, send)

    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    loop = asyncio.get_running_loop()
    devices = await loop.create_server(Device, "127.0.0.1", device_port)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1
    )
    async with devices:
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--device-port", type=int, default=5001)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.device_port))
