"""The Socket.IO part of the target contract: python-socketio's Server under gunicorn's threads.

A client holds a thread: its WebSocket all the time, long-polling while a GET waits. A GET whose
client has gone holds it until the ping timeout, so that there are many.
"""

from __future__ import annotations

import socketio

from sockproof.fixtures.python_socketio import install


def application(ping_interval: int, ping_timeout: int) -> socketio.WSGIApp:
    """The WSGI application; intervals in seconds."""
    sio = socketio.Server(
        async_mode="threading",
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
    )
    install(sio)
    return socketio.WSGIApp(sio)
