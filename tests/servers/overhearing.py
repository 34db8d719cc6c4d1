"""Faults of our WebSocket server by which one client overhears another: RFC 6455, 6.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockproof.wire.websocket import Frame
from tests.servers import neighbours

if TYPE_CHECKING:
    from tests.servers.websocket_connection import Connection


def arrived(connection: Connection) -> None:
    """A connection is open."""
    neighbours.memory(connection.writer).connections.append(connection)


def left(connection: Connection) -> None:
    """A connection has ended."""
    neighbours.memory(connection.writer).forget_connection(connection)


def echoed(connection: Connection, opcode: int, payload: bytes) -> None:
    """A message has been sent back; a fault sends it to somebody else besides."""
    known = neighbours.memory(connection.writer)
    others = [each for each in known.connections if each is not connection]
    known.echoes += 1
    chosen: list[Connection] = []
    match connection.fault:
        case "echoes-to-the-first-client-too":
            chosen = others[:1]
        case "echoes-to-the-last-client-too":
            chosen = others[-1:]
        case "echoes-to-everyone-now-and-then" if known.echoes % 40 == 0:
            chosen = others
    for other in chosen:
        if not other.close_sent and other.codec is None and not other.writer.is_closing():
            other.send(Frame(opcode, payload))
