"""Idle connections that only answer heartbeats; lost ones reconnect."""

from sockproof.load.users import SocketIOUser


class Idler(SocketIOUser):
    """Sends nothing but what keeps its connection alive."""
