"""The Socket.IO part of the target contract: python-socketio's AsyncServer on aiohttp."""

from __future__ import annotations

import argparse

import socketio
from aiohttp import web

from sockproof.fixtures.python_socketio import install


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ping-interval", type=int, default=25, help="seconds")
    parser.add_argument("--ping-timeout", type=int, default=20, help="seconds")
    arguments = parser.parse_args()
    sio = socketio.AsyncServer(
        async_mode="aiohttp",
        ping_interval=arguments.ping_interval,
        ping_timeout=arguments.ping_timeout,
    )
    install(sio)
    app = web.Application()
    sio.attach(app)
    web.run_app(
        app,
        host="127.0.0.1",
        port=arguments.port,
        print=None,
        access_log=None,
        shutdown_timeout=0.5,
    )


if __name__ == "__main__":
    main()
