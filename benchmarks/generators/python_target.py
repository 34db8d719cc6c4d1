"""The target where there is no C compiler: python-socketio on uvicorn, with counters.

It prints the port that it listens on; `GET /counters` tells what it has done so far.
"""

from __future__ import annotations

import json
import socket
from typing import Any

import socketio
import uvicorn

counters = {"open": 0, "opened": 0, "acknowledged": 0, "receipts": 0}
sio = socketio.AsyncServer(async_mode="asgi", ping_interval=25, ping_timeout=20)


@sio.on("connect")
async def _connect(_sid: str, _environ: dict[str, Any], _auth: Any = None) -> None:
    counters["open"] += 1
    counters["opened"] += 1


@sio.on("disconnect")
async def _disconnect(_sid: str, _reason: Any = None) -> None:
    counters["open"] -= 1


@sio.on("message-with-ack")
async def _acknowledge(_sid: str, *args: Any) -> tuple[Any, ...]:
    counters["acknowledged"] += 1
    return args


@sio.on("say-all")
async def _say_all(_sid: str, body: Any) -> None:
    await sio.emit("said", (None, body))
    counters["receipts"] += counters["open"]


@sio.on("sockproof")
async def _operate(sid: str, request: Any) -> dict[str, Any]:
    if not isinstance(request, dict) or request.get("op") != "info":
        return {"ok": False, "error": "unsupported"}
    about = {"sid": sid, "namespace": "/", "transport": sio.transport(sid), "process": "1"}
    return {"ok": True, **about, "capabilities": ["info"]}


async def _pages(scope: Any, _receive: Any, send: Any) -> None:
    """Answer `GET /counters`."""
    if scope["type"] != "http":
        return
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(counters).encode()})


def main() -> None:
    """Serve until SIGTERM."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    print(listener.getsockname()[1], flush=True)
    app = socketio.ASGIApp(sio, _pages)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()
