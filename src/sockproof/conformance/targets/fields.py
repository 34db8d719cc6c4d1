"""The header fields that the user gives, beside those of a case."""

from __future__ import annotations

from collections.abc import Iterable

from sockproof.conformance.context.outcome import Unsupported


def beside(
    given: tuple[tuple[str, str], ...], more: Iterable[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """A case's own fields beside the user's; cookies share one field (RFC 6265, 5.4)."""
    own = list(more)
    kept = []
    for name, value in given:
        same = [each for each in own if each[0].lower() == name.lower()]
        if same and name.lower() != "cookie":
            raise Unsupported(f"a handshake without the {name} field that you gave")
        kept.append((name, "; ".join([value, *(each[1] for each in same)])))
        own = [each for each in own if each not in same]
    return (*kept, *own)
