"""Where the server of a pair is, and what it offers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PairServer:
    """A server that is ours to start, as a pair meets it; `offers` are its capabilities."""

    name: str
    host: str
    port: int
    path: str = "/"
    offers: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.name

    @property
    def authority(self) -> str:
        """Host and port as a Host field has them."""
        return f"{self.host}:{self.port}"
