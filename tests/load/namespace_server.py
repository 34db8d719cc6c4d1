"""A python-socketio server with two namespaces, and a fault that the first argument names.

`/chat` has rooms, `/news` tells everyone in it. `leaks`: what is said in a room of `/chat` is also
told in `/news`; `refuses`: nobody is let into `/news`; `puts-out`: who speaks in `/news` is put
out of it.
"""

from __future__ import annotations

import sys
from typing import Any

import socketio
import uvicorn

FAULT, PORT = sys.argv[1], int(sys.argv[2])
server = socketio.AsyncServer(async_mode="asgi", namespaces=["/", "/chat", "/news"])


async def _let_in(sid: str, environ: Any, auth: Any = None) -> bool:
    del sid, environ, auth
    return FAULT != "refuses"


async def _enter(sid: str, room: str) -> str:
    await server.enter_room(sid, room, namespace="/chat")
    return "welcome"


async def _say(sid: str, room: str, text: str) -> str:
    del sid
    await server.emit("said", text, room=room, namespace="/chat")
    if FAULT == "leaks":
        await server.emit("said", text, namespace="/news")
    return "ok"


async def _typing(sid: str, room: str) -> None:
    await server.emit("typing", room, room=room, namespace="/chat", skip_sid=sid)
    if FAULT == "leaks":
        await server.emit("typing", room, namespace="/news")


async def _tell(sid: str, text: str) -> str:
    await server.emit("told", text, namespace="/news")
    if FAULT == "puts-out":
        await server.disconnect(sid, namespace="/news")
    return "ok"


async def _echo(sid: str, text: str) -> str:
    del sid
    return text


server.on("connect", _let_in, namespace="/news")
server.on("enter", _enter, namespace="/chat")
server.on("typing", _typing, namespace="/chat")
server.on("say", _say, namespace="/chat")
server.on("tell", _tell, namespace="/news")
server.on("echo", _echo, namespace="/")
uvicorn.run(socketio.ASGIApp(server), host="127.0.0.1", port=PORT, log_level="warning")
