"""Connections that only answer heartbeats; one that is lost is opened again, and counted."""

from sockproof.load.users import SocketIOUser


class Idler(SocketIOUser):
    """Sends nothing but what keeps its connection alive."""
