"""Faults by which one client of the WebSocket server harms the others: RFC 6455, 10.4.

What a server remembers of its clients is kept here by its port, since connections share nothing
else.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

NEVER = 30.0  # seconds, more than any case waits
FEW = 150  # connections at once that a server with the fault of few takes


@dataclass
class _Memory:
    """What the faults of one server have brought about."""

    deaf: bool = False
    turns_away: bool = False
    open: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    connections: list[Any] = field(default_factory=list)  # those that are open, in their order
    echoes: int = 0

    def forget_connection(self, connection: object) -> None:
        """It has ended."""
        self.connections[:] = [each for each in self.connections if each is not connection]


_servers: dict[int, _Memory] = {}


def memory(writer: asyncio.StreamWriter) -> _Memory:
    """What the server that accepted this connection remembers."""
    name = writer.get_extra_info("sockname")  # None once TLS has let go of its transport
    return _servers.setdefault(name[1], _Memory()) if name else _Memory()


def forget(port: int) -> None:
    """The server on this port is gone."""
    _servers.pop(port, None)


def deafen(writer: asyncio.StreamWriter) -> None:
    """The next client of this server will get no answer."""
    memory(writer).deaf = True


def turn_away(writer: asyncio.StreamWriter) -> None:
    """The next client of this server will be cut off at once."""
    memory(writer).turns_away = True


async def admit(
    fault: str | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Let a new connection in, or keep it waiting for what others have done."""
    known = memory(writer)
    known.open += 1
    if known.turns_away:
        known.turns_away = False
        raise ConnectionAbortedError
    if known.deaf or (fault == "few-connections-at-once" and known.open > FEW):
        known.deaf = False
        await asyncio.sleep(NEVER)
    if fault == "slow-requests-block-others":
        async with known.lock:
            with contextlib.suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                head = await reader.readuntil(b"\r\n\r\n")
                vars(reader)["_buffer"][:0] = head  # to be read again


def leave(writer: asyncio.StreamWriter) -> None:
    """A connection has ended."""
    memory(writer).open -= 1
