"""The Socket.IO part of the target contract: python-socketio's AsyncServer on uvicorn."""

from __future__ import annotations

import argparse

import socketio
import uvicorn

from sockproof.fixtures.python_socketio import install


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ping-interval", type=int, default=25, help="seconds")
    parser.add_argument("--ping-timeout", type=int, default=20, help="seconds")
    arguments = parser.parse_args()
    sio = socketio.AsyncServer(
        async_mode="asgi",
        ping_interval=arguments.ping_interval,
        ping_timeout=arguments.ping_timeout,
    )
    install(sio)
    app = socketio.ASGIApp(sio)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=arguments.port,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
