"""What the summary of a load run comes to."""

from __future__ import annotations

from sockproof.formats.load import PropertyFound, Summary
from sockproof.vocabulary import OF_MESSAGES, OF_SCENARIO, Counter, Property


def exit_code(summary: Summary) -> int:
    """The exit code: 1 where a property does not hold, 2 where the run is inconclusive: it is not
    fit to be judged, the scenario failed, or nothing of it was judged."""
    if any(is_violated(name, each) for name, each in summary.properties.items()):
        return 1
    return 0 if summary.generator.fit and held(summary) else 2


def is_violated(name: str, found: PropertyFound) -> bool:
    """Whether the target did what it must not; errors of the scenario are none of its doing."""
    return found.verdict is False and name not in OF_SCENARIO


def held(summary: Summary) -> list[str]:
    """The properties of messages that hold.

    That connections held is nothing of itself where messages were sent.
    """
    verdicts = {name: each.verdict for name, each in summary.properties.items()}
    found = [name.value for name in OF_MESSAGES if verdicts.get(name) is True]
    return [] if found == [Property.BROKEN.value] and summary.counts[Counter.EMITTED] else found
