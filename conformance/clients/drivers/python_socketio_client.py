"""python-socketio's Client or AsyncClient, driven by lines of JSON on the standard input."""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
import threading
from typing import Any

try:
    if "--async" in sys.argv:
        import aiohttp
    else:
        import requests
        import websocket  # noqa: F401
    import socketio

    MISSING = None
except ImportError as error:
    MISSING = f"pip install 'python-socketio[client,asyncio_client]': {error}"

LOCK = threading.Lock()
HEARD = ("auth", "message-back", "said")


def say(**fields: Any) -> None:
    """Write one line."""
    with LOCK:
        print(json.dumps(fields), flush=True)


def packed(value: Any) -> Any:
    """`value` with octets as JSON has them."""
    if isinstance(value, bytes | bytearray):
        return {"$bin": list(value)}
    if isinstance(value, dict):
        return {key: packed(item) for key, item in value.items()}
    return [packed(item) for item in value] if isinstance(value, list | tuple) else value


def unpacked(value: Any) -> Any:
    """`value` with octets as Python has them."""
    if isinstance(value, dict):
        if set(value) == {"$bin"}:
            return bytes(value["$bin"])
        return {key: unpacked(item) for key, item in value.items()}
    return [unpacked(item) for item in value] if isinstance(value, list) else value


async def done(answer: Any) -> Any:
    """What a method of either client gave, once it is done."""
    return await answer if inspect.isawaitable(answer) else answer


class Driver:
    """One client; `asynchronous` says which of the two."""

    def __init__(self, asynchronous: bool) -> None:
        self.client: Any = None
        self.namespace = "/"
        self.asynchronous = asynchronous

    def make(self, headers: dict[str, str], protocols: list[str]) -> None:
        """Make the client, whose session sends the headers with each request.

        Those that are given to `connect` go with the first request and the WebSocket's alone.
        """
        make = socketio.AsyncClient if self.asynchronous else socketio.Client
        session = aiohttp.ClientSession() if self.asynchronous else requests.Session()
        session.headers.update(headers)
        name = "protocols" if self.asynchronous else "subprotocols"
        self.client = make(
            http_session=session,
            websocket_extra_options={name: protocols} if protocols else None,
            reconnection_delay=0.1,
            reconnection_delay_max=0.2,
            randomization_factor=0,
        )

    def listen(self) -> None:
        """Tell of every event, of each connect and of each disconnect."""
        for event in HEARD:
            self.client.on(event, self.handler(event), namespace=self.namespace)
        self.client.on("connect", self.handler("connect"), namespace=self.namespace)
        self.client.on("disconnect", self.handler("disconnect"), namespace=self.namespace)

    def handler(self, event: str) -> Any:
        """A handler that says that the event was heard."""

        def heard(*args: Any) -> None:
            say(heard=event, args=[] if event == "disconnect" else packed(args))

        async def heard_later(*args: Any) -> None:
            heard(*args)

        return heard_later if self.asynchronous else heard

    async def carry_out(self, command: dict[str, Any]) -> dict[str, Any]:
        """Do one thing and give what to tell of it."""
        match command["do"]:
            case "connect":
                self.namespace = command.get("namespace", "/")
                self.make(command["headers"], command["protocols"])
                self.listen()
                await done(
                    self.client.connect(
                        command["url"] + command["query"],
                        # Anew for each connection: the client takes Cookie out of what it gets.
                        headers=lambda: dict(command["headers"]),
                        auth=command.get("auth"),
                        transports=command.get("transports"),
                        namespaces=[self.namespace],
                        socketio_path=command.get("path", "socket.io"),
                        wait_timeout=4,
                    )
                )
                return {"sid": self.client.get_sid(self.namespace)}
            case "emit":
                args = tuple(unpacked(command["args"]))
                await done(self.client.emit(command["event"], args, namespace=self.namespace))
            case "call":
                args = tuple(unpacked(command["args"]))
                answer = await done(
                    self.client.call(command["event"], args, namespace=self.namespace, timeout=4)
                )
                several = answer if isinstance(answer, tuple) else (answer,)
                return {"result": packed([] if answer is None else several)}
            case "sid":
                return {"sid": self.client.get_sid(self.namespace)}
            case "transport":
                return {"transport": self.client.transport()}
            case "disconnect":
                await done(self.client.disconnect())
        return {}

    async def answer(self, line: str) -> None:
        """Carry one line out and answer it."""
        command = json.loads(line)
        try:
            say(id=command["id"], ok=True, **await self.carry_out(command))
        except Exception as error:
            say(id=command["id"], ok=False, why=f"{type(error).__name__}: {error}")


async def main(asynchronous: bool) -> None:
    """Read commands until the end of the input."""
    if MISSING is not None:
        for line in sys.stdin:
            say(id=json.loads(line)["id"], missing=MISSING)
        return
    driver = Driver(asynchronous)
    if not asynchronous:
        for line in sys.stdin:
            await driver.answer(line)  # whose steps never wait
        return
    while line := await asyncio.to_thread(sys.stdin.readline):
        await driver.answer(line)


if __name__ == "__main__":
    asyncio.run(main("--async" in sys.argv))
