"""What a run needs beside its cases, and how long it waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sockproof.conformance.context.company import Company
from sockproof.conformance.shelf.case import Case
from sockproof.conformance.shelf.expectations import Expectation
from sockproof.conformance.shelf.requirements import Requirement
from sockproof.conformance.targets.server import Server
from sockproof.wire.redaction import Redactor

LAPSES = 50  # limits that were waited out, after which a server is known for it
LESS = 0.2  # of the limit of a case is waited from then on,
LEAST = 0.05  # and this after four times as many
AGAIN = 40  # limits that what runs again, alone, may take in all


@dataclass(slots=True)
class Patience:
    """How long cases wait: less for a server that has left many of them without an answer.

    Its verdict stands by then, and a run of hours tells nobody more.
    """

    lapses: int = 0

    def limit(self, seconds: float) -> float:
        """The limit of a case, in seconds."""
        if self.lapses < LAPSES:
            return seconds
        return seconds * (LESS if self.lapses < 4 * LAPSES else LEAST)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run needs beside its cases. `limit` is in seconds, for each case.

    `restart` starts a server of ours that has died again, at the same address, and says whether
    that went well; of a foreign server it is None. `second_look` says whether what ended by a
    time-out runs again. `stall` (seconds) is what the harness may be late before what it saw
    meanwhile is doubted; `alive_within` is how long a server may need to be seen alive again.
    After `max_time` seconds the run ends with the cases that have been told by then.
    """

    servers: Sequence[Server]
    requirements: Mapping[str, Requirement]
    expectations: Sequence[Expectation] = ()
    redactor: Redactor = field(default_factory=Redactor)
    rerun: Callable[[Case], str] = lambda case: case.id
    jobs: int = 32
    limit: float = 5.0
    repeat: int = 1
    shuffle: bool = False
    patience: Patience = field(default_factory=Patience)
    company: Company = field(default_factory=Company)
    restart: Callable[[Server], Awaitable[bool]] | None = None
    second_look: bool = True
    stall: float = 1.0
    alive_within: float = 10.0
    max_time: float | None = None

    def stall_with(self, server: Server | None) -> float:
        """What the harness may be late, in seconds, before what this server did is doubted.

        It ends the session of a client whose answer to a PING takes `ping_timeout`, and what is
        late twice, for the PING and for its answer, adds up.
        """
        if server is None:
            return self.stall
        return min(self.stall, server.ping_timeout / 1000 / 4)


def longest(cases: Sequence[Case], servers: Sequence[Server], jobs: int, limit: float) -> float:
    """Seconds that a run may take: so many that many of its cases may wait out their limits."""
    limit *= max([1.0, *(each.patience for each in servers)])
    server = servers[-1]
    turns, longer = 0.0, 0.0
    for case in cases:
        own = case.limit_with(server.ping_interval / 1000, server.ping_timeout / 1000)
        longer += max(0.0, own - limit) * (1.0 if case.exclusive else LESS / jobs)
        turns += 1.0 if case.exclusive else min(1.0, 2 / jobs)
    return 60.0 + longer + (LESS * turns + LAPSES + AGAIN) * limit
