"""The Socket.IO part of the target contract: python-socketio's Server on eventlet.

`Middleware` is the older name of `WSGIApp`, which many introductions still use.
"""
# ruff: noqa: E402 (the standard library is patched before anything else is imported)

from __future__ import annotations

import eventlet

eventlet.monkey_patch()

import argparse

import eventlet.wsgi
import socketio

from sockproof.fixtures.python_socketio import install


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ping-interval", type=int, default=25, help="seconds")
    parser.add_argument("--ping-timeout", type=int, default=20, help="seconds")
    arguments = parser.parse_args()
    sio = socketio.Server(
        async_mode="eventlet",
        ping_interval=arguments.ping_interval,
        ping_timeout=arguments.ping_timeout,
    )
    install(sio)
    app = socketio.Middleware(sio)
    listener = eventlet.listen(("127.0.0.1", arguments.port), backlog=1024)
    eventlet.wsgi.server(listener, app, max_size=16_000, log_output=False)


if __name__ == "__main__":
    main()
