"""Which faults and freedoms of a raw client are on, by their names."""

from __future__ import annotations

from collections.abc import Iterable


class Switches:
    """A raw client asks `on("name")` at each place where it could do otherwise."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = frozenset(names)

    def on(self, *names: str) -> bool:
        """Whether one of these is switched on."""
        return not self.names.isdisjoint(names)
