"""A chat on python-socketio: sessions by HTTP, rooms with history, typing, whispers, ids.

POST /api/session {"user": NAME} gives a ticket for CONNECT. `open` [room, last id or null] is
answered by {"ok": true, "history": […]}; who names the last id it has seen is sent what it missed
as `line`. `line` {"room", "text"} is answered by {"ok": true, "id": N}. FAULT has one thing done
wrong; GET /api/faults says how often it was.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from typing import Any

import socketio
from aiohttp import web

FAULT, EVERY = os.environ.get("FAULT", ""), 100
HONEST, HELD, SHOWN = 300, 0.8, 20  # deliveries; seconds; lines of history
sio = socketio.AsyncServer(async_mode="aiohttp")
tickets: dict[str, str] = {}
online: dict[str, str] = {}  # who has which connection


class Room:
    """Its lines, and who is in it: connections and names."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.members: dict[str, str] = {}
        self.lock = asyncio.Lock()


rooms: dict[str, Room] = {}
deliveries = done = typed = 0
held: dict[tuple[str, str], dict[str, Any]] = {}


def goes_wrong(kind: str) -> bool:
    """Whether it is time for this fault."""
    return kind == FAULT and deliveries > HONEST and deliveries % EVERY == 0


async def deliver(sid: str, line: dict[str, Any]) -> None:
    """Send a line to a member."""
    global deliveries, done  # noqa: PLW0603
    deliveries += 1
    if goes_wrong("drop"):
        done += 1
        return
    if goes_wrong("mix-up"):
        other = next(room for name, room in rooms.items() if name != line["room"])
        await sio.emit("line", line, to=next(iter(other.members)))
        done += 1
    key = line["by"], sid
    if goes_wrong("order") and key not in held:
        held[key] = line
        asyncio.get_running_loop().call_later(HELD, lambda: asyncio.ensure_future(late(key, 0)))
        return
    await sio.emit("line", line, to=sid)
    await late(key, 1)


async def late(key: tuple[str, str], wrong: int) -> None:
    """Send what was held back, if anything was."""
    global done  # noqa: PLW0603
    line = held.pop(key, None)
    if line is not None:
        done += wrong
        await sio.emit("line", line, to=key[1])


@sio.event
async def connect(sid: str, _environ: object, auth: Any) -> None:
    name = tickets.get((auth or {}).get("ticket", ""))
    if name is None:
        raise ConnectionRefusedError("no ticket")
    online[name] = sid
    await sio.save_session(sid, {"name": name})


@sio.event
async def disconnect(sid: str, _reason: object) -> None:
    for room in rooms.values():
        room.members.pop(sid, None)
    for name in [name for name, theirs in online.items() if theirs == sid]:
        del online[name]


@sio.on("open")
async def open_room(sid: str, name: str, last: int | None) -> dict[str, Any]:
    global done  # noqa: PLW0603
    room = rooms.setdefault(name, Room())
    who = (await sio.get_session(sid))["name"]
    async with room.lock:
        room.members[sid] = who
        if last is None:
            return {"ok": True, "history": room.lines[-SHOWN:]}
        missed = [line for line in room.lines if line["id"] > last]
        if FAULT == "replay" and missed:
            done += 1
            missed = missed[1:]
        if FAULT == "duplicate" and last:
            done += 1
            missed = [room.lines[last - 1], *missed]
        for line in missed:
            await sio.emit("line", line, to=sid)
    return {"ok": True, "history": []}


@sio.on("line")
async def line(sid: str, said: dict[str, Any]) -> dict[str, Any]:
    room, who = rooms[said["room"]], (await sio.get_session(sid))["name"]
    async with room.lock:
        number = len(room.lines) + 1
        told = {"id": number, "room": said["room"], "by": who, "text": said["text"]}
        room.lines.append(told)
        for member in list(room.members):
            await deliver(member, told)
    return {"ok": True, "id": number}


@sio.on("typing")
async def typing(sid: str, name: str) -> None:
    global typed, done  # noqa: PLW0603
    who = (await sio.get_session(sid))["name"]
    for member in list(rooms[name].members):
        if member != sid:
            typed += 1
            if FAULT == "typing" and typed > HONEST and typed % EVERY == 0:
                done += 1
            else:
                await sio.emit("typing", {"room": name, "by": who}, to=member)


@sio.on("whisper")
async def whisper(sid: str, said: dict[str, Any]) -> dict[str, Any]:
    who, theirs = (await sio.get_session(sid))["name"], online.get(said["to"])
    if theirs is not None:
        await sio.emit("whisper", {"by": who, "text": said["text"]}, to=theirs)
    return {"ok": True, "there": theirs is not None}


async def session(request: web.Request) -> web.Response:
    ticket = secrets.token_urlsafe(12)
    tickets[ticket] = (await request.json())["user"]
    return web.json_response({"ticket": ticket})


async def faults(_request: web.Request) -> web.Response:
    return web.json_response({"done": done})


def main() -> None:
    """Serve on the port that is named."""
    app = web.Application()
    sio.attach(app)
    app.add_routes([web.post("/api/session", session), web.get("/api/faults", faults)])
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)


if __name__ == "__main__":
    main()
