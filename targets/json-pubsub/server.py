"""Pub/sub in JSON over plain WebSockets, as an application has it: what `pubsub_json.py` loads.

`?token=NAME` lets a client in, nothing else does (401). It sends {"type": "join", "room": R} and
is told {"type": "joined", "room": R}, `leave` and `left` likewise; {"type": "publish", "room": R,
"id": N, "data": …}, which everyone in the room hears as {"type": "message", "room": R, "number": K,
"from": NAME, "data": …}, where K counts the messages of the room, and which is acknowledged by
{"type": "published", "id": N, "message": M}, where M counts all messages, or by {"type": "refused",
"id": N, "reason": …}; and {"type": "ping"}, which is answered by {"type": "pong"}, and without
which a client is put out after 30 s. `?room=R` joins a room with the connection. Who joins with
{"since": K} hears behind the answer all messages after K, but for those from before NAME joined for
the first time; with {"history": true} the answer has the last messages of the room in `history`.
{"type": "typing", "room": R} is told to all others in the room, with "from": NAME.

`--fault` makes it do one thing wrong with every n-th delivery, from the 500th on; GET /truth tells
how often it did.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
from collections import defaultdict
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

FAULTS = (
    *("drop", "mix-up", "reorder", "double-after-reconnect", "replay-leaves-the-first-out"),
    *("replay-out-of-order", "refuse", "refuse-and-deliver", "same-id", "mute", "drop-typing"),
)
HONEST = 500  # deliveries at first: while clients still join, not all is surely due
HELD = 0.2  # seconds that a message is kept back for a later one to overtake it
KEPT, SHOWN = 2000, 50  # messages of a room that are kept, and shown as its history
rooms: dict[str, dict[ServerConnection, str]] = defaultdict(dict)  # members and their names
logs: dict[str, list[dict[str, Any]]] = defaultdict(list)  # messages of each room
firsts: dict[tuple[str, str], int] = {}  # messages of a room before a name joined it


class Faults:
    """What is done wrong, and how often it was."""

    def __init__(self, kind: str | None, every: int, room: str | None = None) -> None:
        self.kind = kind
        self.room = room  # the only one in which deliveries go wrong
        self.every = every
        self.turns = 0
        self.truth = {"deliveries": 0, "messages": 0, "refused": 0, "done": 0}
        self.held: dict[tuple[str, ServerConnection], str] = {}
        self.last: dict[tuple[str, str], str] = {}  # what a name heard last in a room
        self.gone: set[tuple[str, str]] = set()

    def is_due(self, *kinds: str) -> bool:
        """Whether it is time for a fault of these kinds."""
        if self.kind not in kinds:
            return False
        self.turns += 1
        return self.turns > HONEST and self.turns % self.every == 0

    def deliver(self, sender: str, room: str, receiver: ServerConnection, text: str) -> None:
        """Let a member of a room hear something."""
        if self.room not in (None, room):
            self.say(receiver, text)
            return
        if self.is_due("drop"):
            self.truth["done"] += 1
            return
        if self.is_due("mix-up"):
            strangers = (
                each for name, members in rooms.items() if name != room for each in members
            )
            stranger = next((each for each in strangers if each not in rooms[room]), None)
            if stranger is not None:
                self.truth["done"] += 1
                receiver = stranger
        if self.is_due("reorder") and (sender, receiver) not in self.held:
            self.held[sender, receiver] = text
            asyncio.get_running_loop().call_later(HELD, self.release, sender, receiver, False)
            return
        self.say(receiver, text)
        self.release(sender, receiver, True)

    def release(self, sender: str, receiver: ServerConnection, overtaken: bool) -> None:
        """Let go of what is held back."""
        text = self.held.pop((sender, receiver), None)
        if text is not None:
            self.truth["done"] += overtaken
            self.say(receiver, text)

    def drops_typing(self) -> bool:
        """Whether nobody hears that somebody is typing."""
        dropped = self.is_due("drop-typing")
        self.truth["done"] += dropped
        return dropped

    def replayed(self, missed: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What a client hears of what it missed."""
        if self.kind == "replay-leaves-the-first-out" and missed:
            self.truth["done"] += 1
            return missed[1:]
        if self.kind == "replay-out-of-order":
            for at, each in enumerate(missed):
                later = [more for more in missed[at + 1 :] if more["from"] == each["from"]]
                if later:  # one message of a sender behind the next
                    self.truth["done"] += 1
                    rest = [more for more in missed if more is not each]
                    rest.insert(rest.index(later[0]) + 1, each)
                    return rest
        return missed

    def say(self, receiver: ServerConnection, text: str) -> None:
        """Say it, for which one need not wait."""
        self.truth["deliveries"] += 1
        write(receiver, text)


def write(connection: ServerConnection, text: str) -> None:
    """Send at once what there is room for, in the order of the calls."""
    queue: asyncio.Queue[str] = connection.outbox  # type: ignore[attr-defined]
    queue.put_nowait(text)


class Server:
    """The application."""

    def __init__(self, faults: Faults, silence: float) -> None:
        self.faults = faults
        self.silence = silence

    def request(self, connection: ServerConnection, request: Request) -> Response | None:
        """Let in who has a token."""
        url = urlsplit(request.path)
        if url.path == "/truth":
            return connection.respond(HTTPStatus.OK, json.dumps(self.faults.truth))
        if not parse_qs(url.query).get("token"):
            return connection.respond(HTTPStatus.UNAUTHORIZED, "no token\n")
        return None

    async def handle(self, connection: ServerConnection) -> None:
        """One client."""
        assert connection.request is not None
        query = parse_qs(urlsplit(connection.request.path).query)
        name = query["token"][-1]
        connection.outbox = asyncio.Queue()  # type: ignore[attr-defined]
        writer = asyncio.create_task(self.write(connection))
        for room in query.get("room", ()):
            rooms[room][connection] = name
        try:
            while True:
                async with asyncio.timeout(self.silence):
                    told = json.loads(await connection.recv())
                self.hear(connection, name, told)
        except (ConnectionClosed, TimeoutError, ValueError):
            pass
        finally:
            for room, members in rooms.items():
                if members.pop(connection, None) is not None:
                    self.faults.gone.add((name, room))
            writer.cancel()

    async def write(self, connection: ServerConnection) -> None:
        """Send what is written, one after the other."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await connection.send(await connection.outbox.get())  # type: ignore[attr-defined]

    def hear(self, connection: ServerConnection, name: str, told: dict[str, Any]) -> None:
        """One message of a client."""
        room = str(told.get("room", ""))
        match told.get("type"):
            case "ping" if self.faults.kind != "mute":
                write(connection, '{"type":"pong"}')
            case "join":
                self.join(connection, name, room, told)
            case "leave":
                rooms[room].pop(connection, None)
                write(connection, json.dumps({"type": "left", "room": room}))
            case "typing":
                text = json.dumps({"type": "typing", "room": room, "from": name})
                for member in list(rooms[room]):
                    if member is not connection and not self.faults.drops_typing():
                        write(member, text)
            case "publish":
                self.publish(connection, name, room, told)

    def publish(
        self, connection: ServerConnection, name: str, room: str, told: dict[str, Any]
    ) -> None:
        """Pass a message on."""
        faults = self.faults
        refused = faults.is_due("refuse", "refuse-and-deliver")
        if refused:
            faults.truth["refused"] += 1
            answer = {"type": "refused", "id": told.get("id"), "reason": "rate limit"}
            write(connection, json.dumps(answer))
            if faults.kind == "refuse":
                return
        if not faults.is_due("same-id"):
            faults.truth["messages"] += 1
        else:
            faults.truth["done"] += 1
        log = logs[room]
        number = log[-1]["number"] + 1 if log else 1
        said = {"type": "message", "room": room, "number": number, "from": name}
        data = {**said, "data": told.get("data")}
        log.append(data)
        del log[:-KEPT]
        text = json.dumps(data)
        for member, called in list(rooms[room].items()):
            faults.last[called, room] = text
            faults.deliver(name, room, member, text)
        if refused:
            return
        number = faults.truth["messages"]
        write(
            connection, json.dumps({"type": "published", "id": told.get("id"), "message": number})
        )

    def join(
        self, connection: ServerConnection, name: str, room: str, told: dict[str, Any]
    ) -> None:
        """Let a client into a room, and hand over what it asks for."""
        faults, log = self.faults, logs[room]
        answer: dict[str, Any] = {"type": "joined", "room": room}
        if told.get("history"):
            answer["history"] = log[-SHOWN:]
        first = firsts.setdefault((name, room), log[-1]["number"] if log else 0)
        rooms[room][connection] = name
        write(connection, json.dumps(answer))
        if isinstance(told.get("since"), int):
            since = max(first, told["since"])
            for each in faults.replayed([each for each in log if each["number"] > since]):
                faults.say(connection, json.dumps(each))
        self.welcome_back(connection, name, room)

    def welcome_back(self, connection: ServerConnection, name: str, room: str) -> None:
        """Who comes again hears again what it had heard last, where that is the fault."""
        faults = self.faults
        came_again = (name, room) in faults.gone
        if came_again and faults.kind == "double-after-reconnect" and (name, room) in faults.last:
            faults.truth["done"] += 1
            faults.say(connection, faults.last[name, room])


async def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--fault", choices=FAULTS, default=os.environ.get("JSON_PUBSUB_FAULT"))
    parser.add_argument("--every", type=int, default=100, help="n of the n-th")
    parser.add_argument("--room", help="the only room in which deliveries go wrong")
    parser.add_argument("--silence", type=float, default=30.0, help="seconds without a message")
    arguments = parser.parse_args()
    server = Server(Faults(arguments.fault, arguments.every, arguments.room), arguments.silence)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    options: dict[str, Any] = {"ping_interval": None, "close_timeout": 1, "compression": None}
    async with serve(
        server.handle, "127.0.0.1", arguments.port, process_request=server.request, **options
    ):
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(main())
