"""The Socket.IO part of the target contract: python-socketio's Server under gunicorn's gevent.

The worker patches the standard library by itself. WebSockets are those of simple-websocket, which
python-engineio takes where the older gevent-websocket is not installed.
"""

from __future__ import annotations

import socketio

from sockproof.fixtures.python_socketio import install


def application(ping_interval: int, ping_timeout: int) -> socketio.WSGIApp:
    """The WSGI application; intervals in seconds."""
    sio = socketio.Server(
        async_mode="gevent",
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
    )
    install(sio)
    return socketio.WSGIApp(sio)
