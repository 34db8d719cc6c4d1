"""Connections are opened as fast as --spawn-rate says, and held."""

from sockproof.load.users import SocketIOUser


class Holder(SocketIOUser):
    """Opens a connection and holds it; one that is lost stays lost, and is counted."""

    reconnect_after = None
