"""The Socket.IO part of the target contract inside a Flask application with a page of its own."""

from __future__ import annotations

import flask
import socketio

from sockproof.fixtures.python_socketio import install


def application(ping_interval: int, ping_timeout: int) -> flask.Flask:
    """The Flask application; intervals in seconds."""
    app = flask.Flask(__name__)

    @app.get("/")
    def page() -> str:
        return "a page of Flask\n"

    sio = socketio.Server(
        async_mode="threading",
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
    )
    install(sio)
    app.wsgi_app = socketio.WSGIApp(sio, app.wsgi_app)  # type: ignore[method-assign]
    return app
