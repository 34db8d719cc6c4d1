"""Messages without a stamp in the summary, and what cannot be told of them."""

from __future__ import annotations

from collections.abc import Iterator

from sockproof.analysis.delivery.findings import Delivery, Ephemeral
from sockproof.analysis.summary.latency import percentiles
from sockproof.formats.load import EphemeralPart


def ephemeral_of(delivery: Delivery) -> dict[str, EphemeralPart]:
    """By their name."""
    return {
        name: EphemeralPart(
            each.sent,
            each.received,
            each.due,
            each.missing,
            each.surplus,
            percentiles(each.latency),
            [*_untold(each)],
        )
        for name, each in sorted(delivery.ephemeral.items())
    }


def _untold(each: Ephemeral) -> Iterator[str]:
    yield "which of them was lost or came twice, their order and their contents cannot be told"
    if not each.matched:
        yield "none that was received has a value of `by` that was sent, so nothing is due"
    untimed = each.received - each.latency.samples
    if untimed:
        yield f"{untimed:,} have no latency, since their users did not receive all that were sent"
