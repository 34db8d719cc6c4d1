"""A chat application that knows nothing of sockproof: what `own_application.py` loads.

POST /login with {"name": …} gives {"token": …}, without which nobody is let in. A visitor emits
`enter` with a room, then `chat message` with {"room", "text"}; everyone in the room hears it as
`chat message` with {"from", "text"}.
"""

from __future__ import annotations

import argparse
import json
import secrets
from typing import Any

import socketio
import uvicorn

names: dict[str, str] = {}  # of visitors, by token
sio = socketio.AsyncServer(async_mode="asgi")


@sio.event
async def connect(sid: str, _environ: dict[str, Any], auth: Any) -> None:
    """Let in who has logged in."""
    name = names.get(auth.get("token", "")) if isinstance(auth, dict) else None
    if name is None:
        raise ConnectionRefusedError("log in first")
    await sio.save_session(sid, {"name": name})


@sio.event
async def enter(sid: str, room: str) -> str:
    """Let a visitor into a room."""
    await sio.enter_room(sid, room)
    return f"welcome to {room}"


@sio.on("chat message")
async def chat_message(sid: str, message: dict[str, str]) -> str:
    """Tell a room what a visitor says."""
    session = await sio.get_session(sid)
    told = {"from": session["name"], "text": message["text"]}
    await sio.emit("chat message", told, to=message["room"])
    return "sent"


async def login(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The pages of the application: one, which logs a visitor in."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body"):
            break
    status, answer = 404, {"error": "there is /login and nothing else"}
    if (scope["method"], scope["path"]) == ("POST", "/login"):
        token = secrets.token_urlsafe(16)
        names[token] = str(json.loads(body)["name"])
        status, answer = 200, {"token": token}
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    app = socketio.ASGIApp(sio, login)
    options = {"log_level": "warning", "timeout_graceful_shutdown": 1}
    uvicorn.run(app, host="127.0.0.1", port=port, **options)


if __name__ == "__main__":
    main()
