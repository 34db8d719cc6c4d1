"""A chat on Flask-SocketIO."""

import os

from flask import Flask
from flask_socketio import SocketIO, join_room, leave_room

from sockproof.fixtures.python_socketio import install

app = Flask(__name__)
socketio = SocketIO(app, async_mode="threading")


@socketio.on("enter")
def enter(room: str) -> str:
    """Let a visitor into a room."""
    join_room(room)
    return "welcome"


@socketio.on("leave")
def leave(room: str) -> str:
    """Let a visitor out."""
    leave_room(room)
    return "see you"


if os.environ.get("CHAT_BUG") == "leave":  # rooms that cannot be left
    socketio.server.leave_room = lambda *_, **__: None
if os.environ.get("SOCKPROOF"):  # in tests only: lets any client move any other
    install(socketio.server)
