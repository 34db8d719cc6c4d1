"""A chat on python-socketio: visitors enter rooms, talk there, and leave."""

import os
from typing import Any

import socketio

from sockproof.fixtures.python_socketio import install


class Chat(socketio.AsyncServer):
    """Rooms that cannot be left where CHAT_BUG says so."""

    async def leave_room(self, sid: str, room: str, namespace: str | None = None) -> None:
        """Take a visitor out of a room."""
        if os.environ.get("CHAT_BUG") != "leave":
            await super().leave_room(sid, room, namespace=namespace)


sio = Chat(async_mode="asgi")


@sio.event
async def enter(sid: str, room: str) -> str:
    """Let a visitor into a room."""
    await sio.enter_room(sid, room)
    return "welcome"


@sio.event
async def leave(sid: str, room: str) -> str:
    """Let a visitor out."""
    await sio.leave_room(sid, room)
    return "see you"


@sio.on("chat message")
async def chat_message(_sid: str, message: dict[str, Any]) -> str:
    """Tell a room what a visitor says."""
    await sio.emit("chat message", message, to=message["room"])
    return "sent"


if os.environ.get("SOCKPROOF"):  # in tests only: lets any client move any other
    install(sio)
app = socketio.ASGIApp(sio)
