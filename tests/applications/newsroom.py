"""Publish and subscribe in JSON over plain WebSockets, with a login, backlogs and cursors.

POST /login {"user": NAME} gives a token; GET /feed with it as a bearer is the WebSocket.
{"op": "sub", "topic", "from": cursor or null} is answered by {"op": "subbed", "topic", "backlog"};
who names a cursor is sent what it missed. {"op": "pub", "topic", "ref", "payload"} is answered by
{"op": "ok", "ref", "cursor"}, {"op": "dm", "user", "ref", "payload"} likewise, and {"op": "ping"}
by {"op": "pong"}. FAULT has one thing done wrong; GET /faults says how often it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sys
from typing import Any

from aiohttp import WSMsgType, web

FAULT, EVERY = os.environ.get("FAULT", ""), 100
HONEST, HELD, SHOWN = 300, 0.8, 20
Socket = web.WebSocketResponse
Item = dict[str, Any]
tokens: dict[str, str] = {}
online: dict[str, Socket] = {}
held: dict[tuple[str, Socket], Item] = {}
deliveries = done = 0


class Topic:
    """Its items, and who is subscribed."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.readers: set[Socket] = set()
        self.lock = asyncio.Lock()


topics: dict[str, Topic] = {}


def goes_wrong(kind: str) -> bool:
    """Whether it is time for this fault."""
    return kind == FAULT and deliveries > HONEST and deliveries % EVERY == 0


async def send(socket: Socket, item: Item) -> None:
    """Send to whoever is still there."""
    if not socket.closed:
        with contextlib.suppress(ConnectionError):
            await socket.send_json(item)


async def deliver(socket: Socket, item: Item) -> None:
    """Send an item to a reader."""
    global deliveries, done  # noqa: PLW0603
    deliveries += 1
    if goes_wrong("drop"):
        done += 1
        return
    if goes_wrong("mix-up"):
        other = next(topic for name, topic in topics.items() if name != item["topic"])
        await send(next(iter(other.readers)), item)
        done += 1
    key = item["author"], socket
    if goes_wrong("order") and key not in held:
        held[key] = item
        asyncio.get_running_loop().call_later(HELD, lambda: asyncio.ensure_future(late(key, 0)))
        return
    await send(socket, item)
    await late(key, 1)


async def late(key: tuple[str, Socket], wrong: int) -> None:
    """Send what was held back, if anything was."""
    global done  # noqa: PLW0603
    item = held.pop(key, None)
    if item is not None:
        done += wrong
        await send(key[1], item)


async def subscribe(socket: Socket, said: Item) -> None:
    """Let a reader in, with what it missed."""
    global done  # noqa: PLW0603
    topic = topics.setdefault(said["topic"], Topic())
    async with topic.lock:
        topic.readers.add(socket)
        last = said.get("from")
        backlog = topic.items[-SHOWN:] if last is None else []
        await send(socket, {"op": "subbed", "topic": said["topic"], "backlog": backlog})
        missed = [] if last is None else topic.items[last:]
        if FAULT == "replay" and missed:
            done += 1
            missed = missed[1:]
        if FAULT == "duplicate" and last:
            done += 1
            missed = [topic.items[last - 1], *missed]
        for item in missed:
            await send(socket, item)


async def publish(socket: Socket, said: Item, author: str) -> None:
    """Tell all readers, then the author."""
    topic = topics[said["topic"]]
    async with topic.lock:
        cursor = len(topic.items) + 1
        item = {"op": "item", "topic": said["topic"], "cursor": cursor, "author": author}
        item["payload"] = said["payload"]
        topic.items.append(item)
        for reader in list(topic.readers):
            await deliver(reader, item)
    await send(socket, {"op": "ok", "ref": said["ref"], "cursor": cursor})


async def feed(request: web.Request) -> web.StreamResponse:
    author = tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
    if author is None:
        raise web.HTTPUnauthorized
    socket = Socket()
    await socket.prepare(request)
    online[author] = socket
    async for message in socket:
        if message.type != WSMsgType.TEXT:
            break
        said = message.json()
        if said["op"] == "sub":
            await subscribe(socket, said)
        elif said["op"] == "pub":
            await publish(socket, said, author)
        elif said["op"] == "dm":
            if said["user"] in online:
                mail = {"op": "mail", "author": author, "payload": said["payload"]}
                await send(online[said["user"]], mail)
            await send(socket, {"op": "ok", "ref": said["ref"], "cursor": None})
        elif said["op"] == "ping":
            await send(socket, {"op": "pong"})
    for topic in topics.values():
        topic.readers.discard(socket)
    if online.get(author) is socket:
        del online[author]
    return socket


async def login(request: web.Request) -> web.Response:
    token = secrets.token_urlsafe(12)
    tokens[token] = (await request.json())["user"]
    return web.json_response({"token": token})


async def faults(_request: web.Request) -> web.Response:
    return web.json_response({"done": done})


def main() -> None:
    """Serve on the port that is named."""
    app = web.Application()
    app.add_routes([web.post("/login", login), web.get("/feed", feed), web.get("/faults", faults)])
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)


if __name__ == "__main__":
    main()
