"""What a scenario declares that it provokes, and which properties that excuses."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Self

from sockproof.vocabulary import Property


class Expected(StrEnum):
    """What a scenario may declare that it provokes, by `expects` of a class of users."""

    bit: int

    def __new__(cls, name: str, bit: int) -> Self:
        """A member; the value is the word, the bit stands in the rows of a run."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.bit = bit
        return member

    RECONNECTS = "reconnects", 1  # connections end, and are opened again when that succeeds
    LOST_CONNECTIONS = "lost connections", 2
    FAILED_CONNECTS = "failed connects", 4
    REFUSALS = "refusals", 8  # answers and acknowledgements that refuse
    TIME_OUTS = "time-outs", 16  # answers and acknowledgements that do not come
    WITHHELD_SENDS = "withheld sends", 32


def expected_bits(words: Collection[str]) -> int:
    """The bits of such words; raises `ValueError` with a line where one is unknown."""
    known = {each.value: each.bit for each in Expected}
    given = [words] if isinstance(words, str) else list(words)
    for word in given:
        if word not in list(known):
            raise ValueError(f"{word!r} is unknown; choose from {', '.join(known)}")
    return sum(known[word] for word in set(given))


# Which of them, as bits, excuse that a property is violated. Nothing excuses the others.
EXCUSES = {
    Property.DISCONNECTED: Expected.RECONNECTS.bit | Expected.LOST_CONNECTIONS.bit,
    Property.BROKEN: Expected.RECONNECTS.bit | Expected.LOST_CONNECTIONS.bit,
    Property.OUTAGES: Expected.RECONNECTS.bit,
    Property.CONNECT_FAILURES: Expected.RECONNECTS.bit | Expected.FAILED_CONNECTS.bit,
    Property.REFUSED: Expected.REFUSALS.bit,
    Property.UNANSWERED: Expected.TIME_OUTS.bit,
    Property.UNACKNOWLEDGED: Expected.TIME_OUTS.bit,
}
