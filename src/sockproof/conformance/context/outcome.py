"""How a case ends: nothing raised is PASS; each other outcome has a name of its own here.

A case says FAIL by raising `Failure`, mostly through a peer's `expect…`; NON_STRICT by
`target.non_strict(…)`, which lets the case go on, since a FAIL may still follow. What was seen
instead is for people in words (`got`), and for all that judges in `Evidence`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sockproof.vocabulary import Seen
from sockproof.wire import engineio, socketio
from sockproof.wire.http import Response
from sockproof.wire.websocket import Frame, Opcode, opcode_name


@dataclass(frozen=True, slots=True)
class Evidence:
    """What came instead of what was expected, without its contents.

    `came` is a frame's opcode, a packet's type or a response's status: `TEXT`, `CLOSE 1007`,
    `EVENT`, `HTTP 400`; `FIN` or `RST` where TCP ended.
    """

    seen: Seen | None = None
    came: str = ""
    close_code: int | None = None


def evidence(thing: object) -> Evidence:
    """What a thing that came says without its contents; nothing of what is in words already."""
    if isinstance(thing, CaseEnd | StreamClosed):
        return thing.evidence
    if isinstance(thing, Frame):
        if thing.opcode != Opcode.CLOSE:
            return Evidence(came=opcode_name(thing.opcode))
        code = int.from_bytes(thing.payload[:2], "big") if len(thing.payload) >= 2 else None
        return Evidence(Seen.CLOSED, "CLOSE" if code is None else f"CLOSE {code}", code)
    if isinstance(thing, Response):
        return Evidence(Seen.REFUSED if thing.status >= 400 else None, f"HTTP {thing.status}")
    if isinstance(thing, engineio.Packet | socketio.Packet):
        return Evidence(came=thing.type.name)
    return Evidence()


def _words(thing: object) -> str:
    return thing.got if isinstance(thing, CaseEnd) else str(thing)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a standard asks for beside what was seen.

    `broken` is the requirement that speaks of it, where that is not the requirement of the case.
    """

    expected: str
    got: str
    broken: str | None = None
    evidence: Evidence = Evidence()


def finding(
    expected: str,
    got: object,
    broken: str | None = None,
    came: object = None,
    seen: Seen | None = None,
) -> Finding:
    """What is seen, from the thing that came: `got` itself, or `came` where that is in words."""
    of = evidence(got if came is None else came)
    return Finding(expected, _words(got), broken, replace(of, seen=seen or of.seen))


class CaseEnd(Exception):
    """A case that ends early; `expected` and `got` go into the report.

    `got` is the thing that came, or words about it: then `came` is the thing, if there is one.
    """

    outcome: str
    broken: str | None = None  # the requirement accused, where it is not that of the case
    sees: Seen | None = None  # whatever came

    def __init__(
        self, expected: str, got: object = "", *, came: object = None, seen: Seen | None = None
    ) -> None:
        found = finding(expected, got, None, came, seen or self.sees)
        super().__init__(f"expected {expected}; got {found.got}" if found.got else expected)
        self.expected = expected
        self.got = found.got
        self.evidence = found.evidence

    @property
    def close_code(self) -> int | None:
        """The code of the Close frame that came instead, if one came and has one."""
        return self.evidence.close_code


class Failure(CaseEnd):
    """FAIL: the server does not do what the requirement says."""

    outcome = "FAIL"


class IllegalFrame(Failure):
    """FAIL: a frame, or a 101, that no server may send, in whatever case it is met.

    `broken` is the requirement that it breaks, which is then what the case accuses, whatever the
    case itself is about; None where the requirement of the case is as good as any.
    """

    sees = Seen.FORBIDDEN

    def __init__(
        self, expected: str, got: object = "", broken: str | None = None, *, came: object = None
    ) -> None:
        super().__init__(expected, got, came=came)
        self.broken = broken


class Overheard(Failure):
    """FAIL: what another case said, in whatever case it is met."""

    sees = Seen.OVERHEARD


class TurnedAway(Failure):
    """FAIL: an ordinary client is refused by a namespace that lets others in."""


class Unsupported(CaseEnd):
    """UNSUPPORTED: the target's profile or the negotiation lacks what the case needs."""

    outcome = "UNSUPPORTED"

    def __init__(
        self, expected: str, got: object = "", *, came: object = None, lacks: Sequence[str] = ()
    ) -> None:
        super().__init__(expected, got, came=came)
        self.lacks = lacks  # capabilities, or `limits.NAME`


class Inconclusive(CaseEnd):
    """INCONCLUSIVE: the case could not be set up, so it says nothing about its requirement."""

    outcome = "INCONCLUSIVE"


class StreamClosed(Exception):
    """The TCP stream ended where more was awaited; `how` says so in words.

    `reset`: by RST. `inside`: in the middle of a frame.
    """

    def __init__(self, how: str, *, reset: bool = False, inside: bool = False) -> None:
        super().__init__(how)
        self.how = how
        self.reset = reset
        self.inside = inside
        self.evidence = Evidence(Seen.TCP_ENDED, "RST" if reset else "FIN")


UNANSWERED = StreamClosed("the server closed the TCP connection without an answer")
"""What is told where a stream ended instead of an answer over HTTP."""
