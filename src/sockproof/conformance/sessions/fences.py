"""Fences: what is sent behind something else, so that its answer shows that that was taken in.

A server may send MESSAGEs at any time: each fence tells its own answer from all others.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sockproof.wire import WireError, engineio
from sockproof.wire.socketio import Packet, PacketType, parse

ACKS = (PacketType.ACK, PacketType.BINARY_ACK)
FENCES = 2  # in a row: a server with threads may answer one a little early
CONNECT_ANSWERS = (PacketType.CONNECT, PacketType.CONNECT_ERROR)


@dataclass(frozen=True, slots=True)
class Fence:
    """A MESSAGE, and whether the data of another MESSAGE is the answer to it."""

    packet: engineio.Packet
    answered_by: Callable[[str | bytes], bool]

    @classmethod
    def echo(cls, word: str) -> Fence:
        """For a server that sends each MESSAGE back."""
        return cls(engineio.Packet(engineio.PacketType.MESSAGE, word), lambda data: data == word)

    @classmethod
    def connect(cls, auth: Any) -> Fence:
        """A CONNECT to the main namespace: whatever speaks Socket.IO accepts or refuses it."""
        return cls._packet(Packet(PacketType.CONNECT, "/", auth), CONNECT_ANSWERS)

    @classmethod
    def event(cls, number: int, namespace: str) -> Fence:
        """An event of the target contract, which is acknowledged with one word."""
        return cls._packet(acknowledged_event(number, namespace), ACKS)

    @classmethod
    def _packet(cls, packet: Packet, types: tuple[PacketType, ...]) -> Fence:
        def answered_by(data: str | bytes) -> bool:
            try:
                got = None if isinstance(data, bytes) else parse(data)[0]
            except WireError:
                return False
            if got is None or got.type not in types:
                return False
            return (got.namespace, got.id) == (packet.namespace, packet.id)

        text = packet.encode()[0]
        return cls(engineio.Packet(engineio.PacketType.MESSAGE, text), answered_by)


def fence_of(capabilities: Collection[str], auth: Any) -> Fence | None:
    """A fence that a server with these capabilities answers; with none it has not been asked."""
    if "engineio-echo" in capabilities:
        return Fence.echo(f"fence-{secrets.token_hex(8)}")
    return Fence.connect(auth) if "socketio" in capabilities or not capabilities else None


def acknowledged_event(number: int, namespace: str) -> Packet:
    """An event that the target contract has acknowledged with one word."""
    return Packet(PacketType.EVENT, namespace, ["message-with-ack", "fence"], number)
