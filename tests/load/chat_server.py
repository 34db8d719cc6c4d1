"""A chat on python-socketio that answers a join with its history, after it has let one in.

`enter` with a room is answered by {"ok": true, "history": […]}, a while after the visitor hears
what is said there. `say` with a room and a text is heard as `said` with {"text": …}.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict

import socketio
import uvicorn

WHILE = 0.05  # seconds
sio = socketio.AsyncServer(async_mode="asgi")
history: dict[str, list[str]] = defaultdict(list)


async def enter(sid: str, room: str) -> dict[str, object]:
    """Let a visitor into a room."""
    await sio.enter_room(sid, room)
    await asyncio.sleep(WHILE)
    return {"ok": True, "history": history[room][-50:]}


async def say(_sid: str, room: str, text: str) -> dict[str, bool]:
    """Tell a room what a visitor says."""
    history[room].append(text)
    await sio.emit("said", {"text": text}, to=room)
    return {"ok": True}


if __name__ == "__main__":
    sio.on("enter", enter)
    sio.on("say", say)
    app = socketio.ASGIApp(sio)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
