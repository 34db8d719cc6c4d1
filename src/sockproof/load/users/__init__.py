"""The API for locustfiles.

from sockproof.load.users import RoomUser, paced

class Chatter(RoomUser):
    rate = 2  # messages per second, whatever the server does

    @paced
    def talk(self):
        self.say("hello, room")
"""

from sockproof.load.messages.answers import Increasing, Unique
from sockproof.load.messages.ephemeral import Ephemeral
from sockproof.load.messages.matching import Acknowledgements, Heartbeat
from sockproof.load.messages.message import Message
from sockproof.load.messages.payload import Payload
from sockproof.load.messages.placeholders import BINARY_BODY, BODY, ID, NUMBER
from sockproof.load.record.recorder import EVERYONE, ITSELF, NOBODY
from sockproof.load.users.backoff import Backoff
from sockproof.load.users.connected_user import ConnectedUser
from sockproof.load.users.pacing import exponential, lognormal, paced, uniform
from sockproof.load.users.room_user import RoomUser
from sockproof.load.users.socketio_user import SocketIOUser
from sockproof.load.users.websocket_user import WebSocketUser

__all__ = [
    "BINARY_BODY",
    "BODY",
    "EVERYONE",
    "ID",
    "ITSELF",
    "NOBODY",
    "NUMBER",
    "Acknowledgements",
    "Backoff",
    "ConnectedUser",
    "Ephemeral",
    "Heartbeat",
    "Increasing",
    "Message",
    "Payload",
    "RoomUser",
    "SocketIOUser",
    "Unique",
    "WebSocketUser",
    "exponential",
    "lognormal",
    "paced",
    "uniform",
]
