"""Connections opened at --spawn-rate and held open."""

from sockproof.load.users import SocketIOUser


class Holder(SocketIOUser):
    """Opens a connection and holds it; one that is lost stays lost, and is counted."""

    reconnect_after = None
