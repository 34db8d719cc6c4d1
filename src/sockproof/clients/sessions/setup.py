"""What a case has `/next` tell the driver about the client that it makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

POLLING, WEBSOCKET, UPGRADE = "polling", "websocket", "upgrade"
TRANSPORTS = (POLLING, WEBSOCKET, UPGRADE)
USUAL_TIMEOUT_MS = 20_000


@dataclass(frozen=True, slots=True)
class Setup:
    """What `/next` tells the driver about the client that it makes."""

    transport: str = WEBSOCKET
    namespaces: tuple[str, ...] = ("/",)
    auth: dict[str, Any] | None = None
    reconnect: bool = False
    timeout_ms: int = USUAL_TIMEOUT_MS

    def to_json(self) -> dict[str, Any]:
        """The keys of the answer to `/next`."""
        both = ["polling", "websocket"]
        return {
            "transports": both if self.transport == UPGRADE else [self.transport],
            "namespaces": list(self.namespaces),
            "auth": self.auth,
            "reconnect": self.reconnect,
            "timeout_ms": self.timeout_ms,
        }
