"""The WebSocket part of the target contract as an ASGI application, on uvicorn as it comes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import uvicorn

MAX_MESSAGE = 16 * 1024 * 1024  # octets; declared as max_message in target.toml
MAX_PUSH = 100_000
WEBSOCKETS = ("websockets", "websockets-sansio", "wsproto")

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """One connection: whatever its path asks for, then an echo."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"a WebSocket server\n"})
        return
    if scope["type"] != "websocket":
        return
    assert (await receive())["type"] == "websocket.connect"
    offered = scope["subprotocols"]
    chosen = next((each for each in ("proof.v2", "proof.v1") if each in offered), None)
    await send({"type": "websocket.accept", "subprotocol": chosen})
    query = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode()).items()}
    if scope["path"] == "/push":
        size = min(int(query.get("size", 8)), MAX_MESSAGE)
        for number in range(min(int(query.get("count", 1)), MAX_PUSH)):
            message = number.to_bytes(8, "big")[:size].ljust(size, b"\0")
            await send({"type": "websocket.send", "bytes": message})
    elif scope["path"] == "/close":
        code, reason = int(query.get("code", 1000)), query.get("reason", "")
        await send({"type": "websocket.close", "code": code, "reason": reason})
        return
    await echo(scope, receive, send)


async def echo(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Send back what comes, or the request's fields for the first message to /headers."""
    asked = scope["path"] == "/headers"
    while (event := await receive())["type"] == "websocket.receive":
        if asked:
            asked = False
            fields = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
            await send({"type": "websocket.send", "text": json.dumps(fields)})
        elif event.get("text") is not None:
            await send({"type": "websocket.send", "text": event["text"]})
        else:
            await send({"type": "websocket.send", "bytes": event["bytes"]})


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ws", choices=WEBSOCKETS, required=True)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    arguments = parser.parse_args()
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=arguments.port,
        ws=arguments.ws,
        ws_max_size=MAX_MESSAGE,
        ws_ping_interval=None,
        lifespan="off",
        log_level="warning",
        ssl_certfile=arguments.certificate,
        ssl_keyfile=arguments.key,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
