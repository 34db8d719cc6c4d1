"""What the delivery checker finds: counts, verdicts' chances, examples, and when.

By message and by class of users, too: what was sent and acknowledged counts for the class of its
sender, what was heard, or was not, for that of its receiver.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sockproof.analysis.delivery.violations import Violations
from sockproof.analysis.evidence.names import Names
from sockproof.analysis.evidence.strays import EXAMPLES
from sockproof.runs.histogram import Histogram
from sockproof.vocabulary import CHECKED, PROPERTIES, Property
from sockproof.vocabulary import Counter as Counted

Numbers = NDArray[np.int64]
# Servers that leave the sender out are right, and the scenario has to say so.
_NOT_BACK = (
    "a message to a room did not come back to its sender; where the server leaves the sender out,"
    " tell() needs skips_sender=True"
)


class Tally:
    """Counts, and chances of properties, in parts: of messages by name, or of clients by class."""

    def __init__(self, of: NDArray[Any], parts: int) -> None:
        """`of` has the number of the part, below `parts`, of each message or client."""
        self._parts = parts
        self.take(of)
        self.counts: dict[str, Numbers] = defaultdict(self._nothing)
        self.exercised: dict[str, Numbers] = defaultdict(self._nothing)

    def take(self, of: NDArray[Any]) -> None:
        """Others are counted from now on, in the same parts."""
        self._of = of
        first = int(of[0]) if len(of) else 0
        self._only = first if (of == first).all() else None

    def _nothing(self) -> Numbers:
        return np.zeros(self._parts, dtype=np.int64)

    @property
    def is_parted(self) -> bool:
        """Whether there are parts."""
        return self._only is None

    @property
    def of(self) -> NDArray[Any]:
        """The number of the part of each."""
        return self._of

    def add(
        self, to: dict[str, Numbers], name: str, which: Numbers, times: Numbers | None = None
    ) -> None:
        """Count messages, or clients, each as often as `times` says."""
        if self._only is not None:
            to[name][self._only] += len(which) if times is None else int(times.sum())
        elif len(which):
            found = np.bincount(self._of[which], weights=times, minlength=self._parts)
            to[name] += found.astype(np.int64)

    def part(self, number: int) -> tuple[dict[str, int], dict[str, int]]:
        """The counts and the chances of one part."""
        counts, chances = (
            {name: int(each[number]) for name, each in group.items()}
            for group in (self.counts, self.exercised)
        )
        return counts, chances


@dataclass
class Ephemeral:
    """Messages of a name that carry no stamp."""

    sent: int
    received: int
    due: int = 0
    missing: int = 0
    surplus: int = 0
    matched: bool = True  # whether any that was heard has a value that was sent
    latency: Histogram = field(default_factory=Histogram)


@dataclass
class Delivery:
    """What the checker found: how many violations, of how many chances, and examples."""

    counts: dict[str, int] = field(
        default_factory=lambda: {each.value: 0 for each in (*CHECKED, *PROPERTIES)}
    )
    exercised: dict[str, int] = field(default_factory=lambda: {p.value: 0 for p in PROPERTIES})
    examples: dict[str, list[str]] = field(
        default_factory=lambda: {p.value: [] for p in PROPERTIES}
    )
    # How many in each second: when what was lost or doubled was sent, when the rest was heard.
    when: dict[str, Counter[int]] = field(
        default_factory=lambda: {p.value: Counter() for p in PROPERTIES}
    )
    # How many of them the scenario declares that it provokes, and why each was, by its text.
    expected: Counter[str] = field(default_factory=Counter)
    why: dict[str, Counter[str]] = field(
        default_factory=lambda: {p.value: Counter() for p in PROPERTIES}
    )
    ephemeral: dict[str, Ephemeral] = field(default_factory=dict)
    addressed: int = 0  # messages that somebody was to hear
    spoken_to: set[int] = field(default_factory=set)  # rooms
    spoken: list[str] = field(default_factory=list)  # the names of rooms that they were said to
    entered: list[str] = field(default_factory=list)  # and of those that somebody was in
    # Receipts of messages to rooms that no user did enter, by their names: nobody knows whom they
    # were for.
    unentered: Counter[str] = field(default_factory=Counter)
    # Messages whose acknowledgement the scenario's own matcher was to know, where it never did.
    unmatched: int = 0
    killed: int = 0  # processes whose rows end abruptly
    unknown: int = 0  # receipts that may have been due to their clients
    own_heard: int = 0  # by senders, of what they said to a room
    violations: Violations | None = None  # message by message
    by_message: Tally = field(default_factory=lambda: Tally(np.zeros(0, dtype=np.int64), 1))
    by_class: Tally = field(default_factory=lambda: Tally(np.zeros(0, dtype=np.int64), 1))
    names: Names = field(default_factory=lambda: Names(0))

    def part(self, names: Names) -> None:
        """Count by message and class from now on."""
        self.names = names
        self.by_message = Tally(np.zeros(0, dtype=np.int64), len(names.messages))
        self.by_class = Tally(names.class_of, len(names.classes))

    def take(self, named: NDArray[Any]) -> None:
        """Messages are those of a partition; `named` has the number of each one's name."""
        self.by_message.take(named)

    def count_unentered(self, room: str, receipts: int) -> None:
        """So many receipts of what was said to a room that no user did enter."""
        if receipts:
            self.unentered[room] += receipts
            self.counts[Counted.UNDETERMINED] += receipts

    def count_own(self, lost: int = 0, heard: int = 0) -> None:
        """So many times a sender did not hear what it said to a room, and so many times it did."""
        texts = self.why[Property.LOST]
        self.own_heard += heard
        if lost:
            texts[_NOT_BACK] += lost
        if self.own_heard:  # this server does not leave them out
            texts.pop(_NOT_BACK, None)

    def count(
        self,
        name: str,
        messages: Numbers | None = None,
        clients: Numbers | None = None,
        times: Numbers | None = None,
    ) -> None:
        """Count in parts, by the messages' names and by the clients' classes."""
        for tally, which in self._tallies(messages, clients):
            tally.add(tally.counts, name, which, times)

    def chance(
        self,
        name: str,
        messages: Numbers | None = None,
        clients: Numbers | None = None,
        times: Numbers | None = None,
    ) -> None:
        """The same of the chances to violate a property."""
        for tally, which in self._tallies(messages, clients):
            tally.add(tally.exercised, name, which, times)

    def _tallies(
        self, messages: Numbers | None, clients: Numbers | None
    ) -> Iterator[tuple[Tally, Numbers]]:
        """The parts in which these count; None counts in none."""
        if messages is not None:
            yield self.by_message, messages
        if clients is not None:
            yield self.by_class, clients

    def count_sent(self, senders: Numbers, acked: NDArray[np.bool_], timed_out: Numbers) -> None:
        """Count all messages; `timed_out` are those whose acknowledgement did not come in time."""
        for name, at in (
            (Counted.EMITTED, np.arange(len(senders))),
            (Counted.ACKNOWLEDGED, np.flatnonzero(acked)),
            (Counted.ACK_TIMEOUTS, timed_out),
        ):
            self.counts[name] += len(at)
            self.count(name, at, senders[at])

    def count_receivers(
        self,
        counts: Numbers,
        live: Numbers,
        due: NDArray[np.bool_],
        messages: Numbers,
        receivers: Numbers,
    ) -> None:
        """Count in parts what was due, lost and doubled; a place for each message and receiver.

        `counts` says how often each was heard, `live` how often but for histories.
        """
        missing = counts == 0
        for name, which in (
            (Counted.DUE, due),
            (Property.LOST, due & missing),
            (Counted.UNDETERMINED, missing & ~due),
        ):
            self.count(name, messages[which], receivers[which])
        self.chance(Property.LOST, messages[due], receivers[due])
        self.chance(Property.DUPLICATED, messages[~missing], receivers[~missing])
        lost, twice = np.flatnonzero(due & missing), np.flatnonzero(live > 1)
        self.count(Property.DUPLICATED, messages[twice], receivers[twice], live[twice] - 1)
        if self.violations is not None:
            self.violations.take(Property.LOST, messages[lost], receivers[lost])
            self.violations.take(Property.DUPLICATED, messages[twice], receivers[twice])

    def set_losses_aside(self) -> None:
        """Nothing that was due is known to be lost."""
        counts = self.counts
        counts[Counted.UNDETERMINED] += counts[Counted.DUE]
        counts[Counted.DUE] = counts[Counted.LOST] = self.exercised[Property.LOST] = 0
        for tally in (self.by_message, self.by_class):
            tally.counts[Counted.UNDETERMINED] += tally.counts[Counted.DUE]
            for gone in (tally.counts[Counted.DUE], tally.counts[Counted.LOST]):
                gone[:] = 0
            tally.exercised[Property.LOST][:] = 0
        if self.violations is not None:
            self.violations.set_aside(Property.LOST)
        self.examples[Property.LOST].clear()
        self.when[Property.LOST].clear()

    def example(self, name: Property, text: str) -> None:
        """Show one, unless there are enough."""
        if len(self.examples[name]) < EXAMPLES:
            self.examples[name].append(text)

    def violated(self, name: Property, seconds: NDArray[np.int64]) -> None:
        """A property was violated in these seconds of the run."""
        self.counts[name] += len(seconds)
        each, counts = np.unique(seconds, return_counts=True)
        self.when[name].update(dict(zip(each.tolist(), counts.tolist(), strict=True)))
