"""The WebSocket part of the target contract as a WSGI application: simple-websocket on gunicorn."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from gunicorn.app.base import BaseApplication
from simple_websocket import ConnectionClosed, ConnectionError, Server  # noqa: A004

MAX_MESSAGE = 16 * 1024 * 1024  # octets; declared as max_message in target.toml
MAX_PUSH = 100_000
THREADS = 200  # a WebSocket holds its thread as long as it lives


class Chosen(Server):
    """A server that prefers `proof.v2` to `proof.v1`."""

    def choose_subprotocol(self, request: Any) -> str | None:
        """The subprotocol; none when neither is offered."""
        offered = request.subprotocols
        return next((each for each in ("proof.v2", "proof.v1") if each in offered), None)


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """One connection: whatever its path asks for, then an echo."""
    try:
        socket = Chosen.accept(environ, max_message_size=MAX_MESSAGE)
    except (ConnectionError, RuntimeError, ValueError):
        start_response("400 Bad Request", [("Content-Length", "0")])
        return []
    with contextlib.suppress(ConnectionClosed, OSError):
        serve(socket, environ)
    return leave(environ, start_response)


def serve(socket: Server, environ: dict[str, Any]) -> None:
    """Speak with the client until it closes."""
    query = {name: values[-1] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
    path = environ["PATH_INFO"]
    if path == "/push":
        size = min(int(query.get("size", 8)), MAX_MESSAGE)
        for number in range(min(int(query.get("count", 1)), MAX_PUSH)):
            socket.send(number.to_bytes(8, "big")[:size].ljust(size, b"\0"))
    elif path == "/close":
        socket.close(int(query.get("code", 1000)), query.get("reason", ""))
    if path == "/headers":
        socket.receive()
        fields = {
            name[5:].replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        socket.send(json.dumps(fields))
    while True:
        socket.send(socket.receive())


def leave(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Tell gunicorn that the connection is over, in its own way."""
    del environ, start_response
    raise StopIteration


class Gunicorn(BaseApplication):
    """gunicorn with the options of this target."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        """Take the options over."""
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Iterable[bytes]]:
        """The application to serve."""
        return app


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    arguments = parser.parse_args()
    options = {
        "bind": f"127.0.0.1:{arguments.port}",
        "worker_class": "gthread",
        "threads": THREADS,
        "graceful_timeout": 1,
        "loglevel": "critical",
        "certfile": arguments.certificate,
        "keyfile": arguments.key,
    }
    Gunicorn({name: value for name, value in options.items() if value is not None}).run()


if __name__ == "__main__":
    main()
