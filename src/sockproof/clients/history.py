"""What was seen of a client over all its connections, for what only many of them show."""

from __future__ import annotations

from dataclasses import dataclass, field

KEPT = 100_000  # of each kind, the first


@dataclass(slots=True)
class History:
    """The keys of a client's opening handshakes, and of its masks, in the order they came."""

    keys: list[str] = field(default_factory=list)
    masks: list[bytes] = field(default_factory=list)

    def saw_key(self, key: str) -> None:
        """Note a Sec-WebSocket-Key."""
        if len(self.keys) < KEPT:
            self.keys.append(key)

    def saw_mask(self, key: bytes) -> None:
        """Note the masking key of a frame."""
        if len(self.masks) < KEPT:
            self.masks.append(key)
