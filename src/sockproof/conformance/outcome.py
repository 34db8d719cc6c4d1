"""How a case ends: nothing raised is PASS; each other outcome has a name of its own here.

A case says FAIL by raising `Failure`, mostly through a peer's `expect…`; NON_STRICT by
`target.non_strict(…)`, which lets the case go on, since a FAIL may still follow.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What a standard asks for beside what was seen.

    `broken` is the requirement that speaks of it, where that is not the requirement of the case.
    """

    expected: str
    got: str
    broken: str | None = None


class CaseEnd(Exception):
    """A case that ends early; `expected` and `got` go into the report."""

    outcome: str
    broken: str | None = None  # the requirement accused, where it is not that of the case

    def __init__(self, expected: str, got: str = "") -> None:
        super().__init__(f"expected {expected}; got {got}" if got else expected)
        self.expected = expected
        self.got = got


class Failure(CaseEnd):
    """FAIL: the server does not do what the requirement says."""

    outcome = "FAIL"


class IllegalFrame(Failure):
    """FAIL: a frame, or a 101, that no server may send, in whatever case it is met.

    `broken` is the requirement that it breaks, which is then what the case accuses, whatever the
    case itself is about; None where the requirement of the case is as good as any.
    """

    def __init__(self, expected: str, got: str = "", broken: str | None = None) -> None:
        super().__init__(expected, got)
        self.broken = broken


class Overheard(Failure):
    """FAIL: what another case said, in whatever case it is met."""


class Unsupported(CaseEnd):
    """UNSUPPORTED: the target's profile or the negotiation lacks what the case needs."""

    outcome = "UNSUPPORTED"


class Inconclusive(CaseEnd):
    """INCONCLUSIVE: the case could not be set up, so it says nothing about its requirement."""

    outcome = "INCONCLUSIVE"


class StreamClosed(Exception):
    """The TCP stream ended where more was awaited; `how` says whether by FIN or by RST."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how
