"""A program: what python-socketio's client or websocket-client hands over in each named case."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import socketio
import websocket

SOON = 60  # seconds, for what comes at once where the machine has time


def of_socketio(url: str, name: str) -> list[str]:
    """Events and acknowledgements."""
    heard: list[Any] = []
    client = socketio.Client(reconnection=False, handle_sigint=False, request_timeout=SOON)
    started: list[threading.Thread] = []  # each packet is handled in one
    start = client.eio.start_background_task

    def start_background_task(*task: Any, **words: Any) -> threading.Thread:
        started.append(start(*task, **words))
        return started[-1]

    client.eio.start_background_task = start_background_task
    client.on("*", lambda *all: heard.append(all))
    client.on("connect", lambda: client.emit("asks", callback=lambda *all: heard.append(all)))
    with contextlib.suppress(socketio.exceptions.ConnectionError):
        # Of itself it would wait a second for its namespace, and hear nothing more.
        client.connect(f"{url}?name={name}", transports=["websocket"], wait_timeout=SOON)
        client.wait()
    for each in started:  # one may not have run yet when the connection has ended
        each.join(SOON)
    return [repr(each) for each in heard]


def of_websocket(url: str, name: str) -> list[str]:
    """Messages."""
    heard: list[str] = []
    with contextlib.suppress(websocket.WebSocketException, OSError, UnicodeDecodeError):
        client = websocket.create_connection(f"{url}?name={name}")
        while client.connected:
            opcode, data = client.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                break
            heard.append(repr(data))
        client.shutdown()  # type: ignore[no-untyped-call]
    return heard


if __name__ == "__main__":
    kind, url, *names = sys.argv[1:]
    run = partial(of_socketio if kind == "socketio" else of_websocket, url)
    with ThreadPoolExecutor(len(names)) as pool:
        found = dict(zip(names, pool.map(run, names), strict=True))
    sys.stdout.write(json.dumps(found))
