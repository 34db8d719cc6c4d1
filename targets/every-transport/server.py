"""One server that does the same over WebSocket, Socket.IO and plain HTTP, so that a study can
compare them.

Echo: `/ws` (each message), the event `echo` (in its acknowledgement), POST `/echo` (the body).
With a session: POST `/login` sets a signed cookie, which `/account/echo` checks with each request
and `/account/ws` once, at the handshake. POST `/compressed` undoes the gzip of the request's body
and answers with the same, compressed anew.

Ticks, which the server sends unasked: POST `/ticks?count=&mean_ms=&seed=` starts them, at random
intervals. Each is `{"n": 0, 1, …, "at": nanoseconds of the system's monotonic clock}` and goes to
every WebSocket of `/ws?ticks=1`, to every Socket.IO client as the event `tick`, and into the list
from which GET `/inbox?after=N` answers at once.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import hashlib
import hmac
import json
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs

import socketio
import uvicorn

COOKIE = "session"
Scope, Receive, Send = (
    dict[str, Any],
    Callable[[], Awaitable[Any]],
    Callable[[Any], Awaitable[None]],
)
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]

secret = secrets.token_bytes(32)
sio = socketio.AsyncServer(async_mode="asgi")
listeners: set[Send] = set()
inbox: list[dict[str, int]] = []
ticking: set[asyncio.Task[None]] = set()


def signed(name: str) -> str:
    """A session's cookie: who it is, and a signature over that."""
    return f"{name}.{hmac.new(secret, name.encode(), hashlib.sha256).hexdigest()}"


def has_session(scope: Scope) -> bool:
    """Whether the request's cookie is one of ours."""
    sent = SimpleCookie(dict(scope["headers"]).get(b"cookie", b"").decode("latin-1"))
    cookie = sent[COOKIE].value if COOKIE in sent else ""
    return hmac.compare_digest(signed(cookie.partition(".")[0]), cookie)


def query(scope: Scope) -> dict[str, str]:
    """The query's fields."""
    return {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}


def answer(scope: Scope, body: bytes) -> Answer:
    """What an HTTP request is answered with."""
    plain = [(b"content-type", b"application/octet-stream")]
    where = (scope["method"], scope["path"])
    if scope["path"].startswith("/account/") and not has_session(scope):
        return 401, plain, b""
    if where in (("POST", "/echo"), ("POST", "/account/echo")):
        return 200, plain, body
    if where == ("POST", "/compressed"):
        return 200, [(b"content-encoding", b"gzip")], gzip.compress(gzip.decompress(body), mtime=0)
    if where == ("POST", "/login"):
        cookie = f"{COOKIE}={signed(secrets.token_urlsafe(12))}; Path=/; HttpOnly"
        return 200, [(b"set-cookie", cookie.encode())], b""
    if where == ("POST", "/ticks"):
        start_ticks(**{name: int(value) for name, value in query(scope).items()})
        return 200, plain, b""
    if where == ("GET", "/inbox"):
        news = inbox[int(query(scope)["after"]) :]
        return 200, [(b"content-type", b"application/json")], json.dumps(news).encode()
    return 404, plain, b""


async def http(scope: Scope, receive: Receive, send: Send) -> None:
    """A request with its body, and its answer."""
    body = bytearray()
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        body += event.get("body", b"")
        if not event.get("more_body"):
            break
    status, headers, content = answer(scope, bytes(body))
    headers = [*headers, (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def websocket(scope: Scope, receive: Receive, send: Send) -> None:
    """Echo each message; ticks go out between."""
    await receive()  # the handshake
    path = scope["path"]
    if path not in ("/ws", "/account/ws") or (path != "/ws" and not has_session(scope)):
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept"})
    if "ticks" in query(scope):
        listeners.add(send)
    try:
        while (event := await receive())["type"] == "websocket.receive":
            kind = "text" if event.get("text") is not None else "bytes"
            await send({"type": "websocket.send", kind: event[kind]})
    finally:
        listeners.discard(send)


@sio.on("echo")
def sio_echo(_sid: str, data: Any) -> Any:
    """Acknowledge with what came."""
    return data


def start_ticks(count: int, mean_ms: int, seed: int) -> None:
    """Begin to send."""
    inbox.clear()
    task = asyncio.create_task(send_ticks(count, mean_ms / 1000, random.Random(seed)))
    ticking.add(task)
    task.add_done_callback(ticking.discard)


async def send_ticks(count: int, mean: float, chance: random.Random) -> None:
    """Tell everybody, so many times."""
    for number in range(count):
        await asyncio.sleep(chance.expovariate(1 / mean))
        tick = {"n": number, "at": time.monotonic_ns()}
        inbox.append(tick)
        for each in tuple(listeners):
            await each({"type": "websocket.send", "text": json.dumps(tick)})
        await sio.emit("tick", tick)


async def pages(scope: Scope, receive: Receive, send: Send) -> None:
    """All that is not Socket.IO."""
    if scope["type"] == "http":
        await http(scope, receive, send)
    elif scope["type"] == "websocket":
        await websocket(scope, receive, send)


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    app = socketio.ASGIApp(sio, pages)
    options = {"log_level": "warning", "timeout_graceful_shutdown": 1, "ws": "websockets-sansio"}
    uvicorn.run(app, host="127.0.0.1", port=port, **options)


if __name__ == "__main__":
    main()
