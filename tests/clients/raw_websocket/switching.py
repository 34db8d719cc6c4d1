"""Short ways to write the classes that are put in front of the correct client."""

from __future__ import annotations

from typing import Any

Mixin = type[Any]
HANG = 6.0  # seconds for which a connection hangs that a fault lets hang: longer than cases wait


def skips(*methods: str) -> Mixin:
    """Does not do these at all."""
    return type("Skips", (), dict.fromkeys(methods, _nothing))


def _nothing(self: Any, *arguments: Any, **named: Any) -> None:
    return None


def has(**attributes: Any) -> Mixin:
    """Has these attributes instead of the correct client's."""
    return type("Has", (), attributes)


def offers(value: str, *others: Mixin) -> Mixin:
    """Offers these extensions, and is like the others besides."""
    return type("Offers", others, {"offered": value})
