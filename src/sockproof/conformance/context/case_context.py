"""The context of one case: its wire log, what it is waiting for, and what it noted on the way.

Peers and the target share it, so that a time-out can say what was awaited, and whether that was
the case's preparation (INCONCLUSIVE) or what the standard demands (FAIL).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Protocol, runtime_checkable

from sockproof.conformance.context.company import Company
from sockproof.conformance.context.outcome import (
    Failure,
    Finding,
    IllegalFrame,
    Inconclusive,
    Overheard,
    StreamClosed,
    finding,
)
from sockproof.conformance.context.policy import Policy
from sockproof.conformance.context.spoken import Spoken
from sockproof.conformance.context.wirelog import WireLog
from sockproof.vocabulary import Seen

# What one message or body may hold. Cases that run side by side share the harness's memory.
MAX_OCTETS_ALONE = 20 * 1024 * 1024
MAX_OCTETS_BESIDE_OTHERS = 2 * 1024 * 1024


class Resettable(Protocol):
    """What a case opened and must let go of: a stream, a relay, a client's process."""

    def reset(self) -> None:
        """End it at once."""


@runtime_checkable
class Lingering(Protocol):
    """What is gone a little later than it is let go of."""

    async def gone(self) -> None:
        """Return when it is."""


class CaseContext:
    """What one running case has opened, awaits and noted."""

    other = "the server"  # who is at the other end

    def __init__(
        self,
        log: WireLog,
        max_octets: int = MAX_OCTETS_ALONE,
        company: Company | None = None,
        case: str = "",
    ) -> None:
        self.log = log
        self.company = company or Company()
        self.case = case
        self.max_octets = max_octets  # of one message or body that is received
        self.findings: list[Finding] = []
        self.notes: list[tuple[str, str]] = []  # what the case saw and does not judge
        self._awaiting = ""
        self.setting_up = 0
        self.connecting = False  # in the innermost preparation
        self.policy = Policy()
        self.spoken = Spoken()
        self.sessions: dict[str, None] = {}  # sids of what was opened over long-polling
        self.last_unasked: str | None = None  # what a time-out says besides
        self.stands_on: dict[str, bool] = {}  # requirements, and whether however the case ends
        self._awaits = 0
        self.timer: asyncio.Timeout | None = None  # of the case's limit, while it runs
        self._owned: list[Resettable] = []

    @property
    def awaiting(self) -> str:
        """What was expected when time ran out or the stream ended; by default, more to come."""
        if self._awaiting:
            return self._awaiting
        sent = [each.text for each in self.log.entries() if each.direction == "sent" and each.text]
        return f"more from {self.other}, behind {sent[-1]}" if sent else f"a word from {self.other}"

    @cached_property
    def mark(self) -> str:
        """The word that tells what this case says from all else."""
        return self.company.mark(self.case)

    def non_strict(
        self,
        expected: str,
        got: object,
        broken: str | None = None,
        *,
        came: object = None,
        seen: Seen | None = None,
    ) -> None:
        """Note that the server did what is allowed but is not the best; the case goes on."""
        self.findings.append(finding(expected, got, broken, came, seen))

    def saw_body(self, body: bytes) -> None:
        """Note the session that an answer over long-polling opens, if it opens one."""
        if body.startswith(b"0{"):
            with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
                self.sessions[str(json.loads(body.partition(b"\x1e")[0][1:])["sid"])] = None

    def passed_over(self, what: str) -> None:
        """Note that the application said something of its own accord, which is its right."""
        self.last_unasked = what
        note = ("messages that nobody asked for", "passed over")
        if note not in self.notes:
            self.notes.append(note)

    def owns(self, thing: Resettable) -> None:
        """Have it let go of when the case ends."""
        self._owned.append(thing)

    @contextmanager
    def preparing(self, what: str, connecting: bool = False) -> Iterator[None]:
        """Inside, what goes wrong means that the case could not be set up.

        `connecting` says that a connection is what the case needs: a crowded server takes none.

        A frame that no server may send, and what was said to another case, is a FAIL even so: it
        is wrong whenever it comes.
        """
        self.setting_up += 1
        before, self._awaiting = self._awaiting, what
        outer, self.connecting = self.connecting, connecting
        try:
            yield
        except (IllegalFrame, Overheard):
            raise
        except (Failure, StreamClosed, OSError) as error:
            got = str(error) or type(error).__name__
            if isinstance(error, Failure):
                got = f"expected {error.expected}; got {error.got}"
            raise Inconclusive(f"{what}, so that the case can begin", got, came=error) from error
        # Left as it is by a time-out, so that the runner can tell what it was waiting for.
        self.setting_up -= 1
        self._awaiting, self.connecting = before, outer

    @contextmanager
    def unhurried(self, seconds: float) -> Iterator[None]:
        """Inside, the case may take so many seconds, and has its whole limit again behind it."""
        timer, now = self.timer, asyncio.get_running_loop().time
        began = now()
        before = None if timer is None else timer.when()
        if timer is not None and before is not None:
            timer.reschedule(began + seconds)
        yield
        if timer is not None and before is not None:
            timer.reschedule(before + now() - began)

    def builds_on(self, requirement: str, however: bool = True) -> None:
        """From here on the case says little where this requirement is not kept.

        Not `however` it ends, but where a time-out ends it.
        """
        self.stands_on[requirement] = however or self.stands_on.get(requirement, False)

    @contextmanager
    def step(self, requirement: str, however: bool = True) -> Iterator[None]:
        """Inside is what this requirement is about: a case that ends there builds on it."""
        try:
            yield
        except BaseException:  # a time-out, too
            self.builds_on(requirement, however)
            raise

    @contextmanager
    def awaits(self, what: str) -> Iterator[None]:
        """Inside, `what` is what a time-out will say was expected; the outermost counts."""
        before, outermost = self._awaiting, not self.setting_up and not self._awaits
        self._awaits += 1
        if outermost:
            self._awaiting = what
        try:
            yield
        except StreamClosed as error:
            raise Failure(what, error) from error
        else:  # after a time-out it stays, so that the runner can tell what was awaited
            if outermost:
                self._awaiting = before
        finally:
            self._awaits -= 1

    @property
    def owned(self) -> Sequence[Resettable]:
        """What the case has opened."""
        return self._owned

    def close(self) -> None:
        """Let go of every connection at once, whatever the servers think of it."""
        for thing in self._owned:
            thing.reset()

    def reset(self) -> None:
        """The same, of a context within another one."""
        self.close()

    async def gone(self) -> None:
        """What takes its time to go, a process or a relay, has gone."""
        for thing in self._owned:
            if isinstance(thing, Lingering):
                await thing.gone()
