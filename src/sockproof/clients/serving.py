"""Serving a run to whoever comes, in the process and loop of the caller."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sockproof.clients.listener import Listener, Scheme
from sockproof.clients.run import ClientRun
from sockproof.clients.schemes.page import Page
from sockproof.clients.schemes.socketio import SocketIOScheme
from sockproof.clients.schemes.websocket import WebSocketScheme


def schemes(run: ClientRun) -> list[Scheme]:
    """All by which a driver can come for the cases of a run."""
    return [WebSocketScheme(run), SocketIOScheme(run), Page(run)]


@asynccontextmanager
async def serving(
    run: ClientRun, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Listener]:
    """Serve the run's cases inside; `Listener.port` says where. Raises `OSError`."""
    async with run.lag, Listener(schemes(run)).listening(host, port) as listener:
        yield listener
