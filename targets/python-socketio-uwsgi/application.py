"""The Socket.IO part of the target contract: python-socketio's Server as uWSGI loads it."""

from __future__ import annotations

import sys

import socketio

from sockproof.fixtures.python_socketio import install

sio = socketio.Server(
    async_mode="gevent_uwsgi",
    ping_interval=int(sys.argv[1]),
    ping_timeout=int(sys.argv[2]),
)
install(sio)
application = socketio.WSGIApp(sio)
