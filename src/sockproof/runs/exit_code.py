"""What the summary of a load run comes to."""

from __future__ import annotations

from sockproof.formats.load import Summary
from sockproof.vocabulary import Counter, Property


def exit_code(summary: Summary) -> int:
    """The exit code: 1 where a property does not hold, 2 where the run is not fit to judge or
    nothing of it was judged."""
    if any(each.verdict is False for each in summary.properties.values()):
        return 1
    return 0 if summary.generator.fit and held(summary) else 2


def held(summary: Summary) -> list[str]:
    """The properties that hold.

    That connections held is nothing of itself where messages were sent.
    """
    found = [name for name, each in summary.properties.items() if each.verdict is True]
    return [] if found == [Property.BROKEN] and summary.counts[Counter.EMITTED] else found
