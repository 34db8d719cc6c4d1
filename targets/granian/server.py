"""The WebSocket part of the target contract as an ASGI application, on granian as it comes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from granian import Granian

MAX_PUSH = 100_000
MAX_SIZE = 16 * 1024 * 1024  # octets

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """One connection: whatever its path asks for, then an echo."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"a WebSocket server\n"})
    if scope["type"] != "websocket":
        return
    assert (await receive())["type"] == "websocket.connect"
    offered = scope["subprotocols"]
    chosen = next((each for each in ("proof.v2", "proof.v1") if each in offered), None)
    await send({"type": "websocket.accept", "subprotocol": chosen})
    query = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode()).items()}
    if scope["path"] == "/push":
        size = min(int(query.get("size", 8)), MAX_SIZE)
        for number in range(min(int(query.get("count", 1)), MAX_PUSH)):
            message = number.to_bytes(8, "big")[:size].ljust(size, b"\0")
            await send({"type": "websocket.send", "bytes": message})
    elif scope["path"] == "/close":
        code, reason = int(query.get("code", 1000)), query.get("reason", "")
        await send({"type": "websocket.close", "code": code, "reason": reason})
        return
    asked = scope["path"] == "/headers"
    while (event := await receive())["type"] == "websocket.receive":
        if asked:
            asked = False
            fields = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
            event = {"text": json.dumps(fields)}
        await send({**event, "type": "websocket.send"})


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--key", type=Path)
    arguments = parser.parse_args()
    Granian(
        "server:app",
        address="127.0.0.1",
        port=arguments.port,
        interface="asginl",
        ssl_cert=arguments.certificate,
        ssl_key=arguments.key,
        workers_kill_timeout=1,
        log_level="error",
    ).serve()


if __name__ == "__main__":
    main()
