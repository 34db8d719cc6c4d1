"""What a session asks of its transport, and what the change of transport asks of the session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.net.websocket import WebSocketConnection


class Transport(Protocol):
    """What carries Engine.IO packets: a WebSocket, long-polling, or what waits between them."""

    @property
    def congested(self) -> bool:
        """Whether nothing more is taken."""

    @property
    def buffered(self) -> int:
        """Octets that wait."""

    def send_text(self, data: bytes) -> bool:
        """Send a text packet; false when it was not taken."""

    def send_packet(self, text: bytes, attachments: Sequence[bytes]) -> bool:
        """Send a text packet and binary ones directly behind it."""

    def close(self) -> None:
        """End the session; `on_close` follows."""


class Upgrading(Protocol):
    """A session whose transport is being changed."""

    endpoint: Endpoint
    headers: tuple[tuple[str, str], ...]
    on_upgrade: Callable[[], None] | None

    def use(self, transport: Transport | None) -> None:
        """Send over this transport for now, or over long-polling again."""

    def upgraded(self, connection: WebSocketConnection) -> None:
        """Go on over this WebSocket."""
