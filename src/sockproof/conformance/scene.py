"""The scene of one case: its wire log, what it is waiting for, and what it noted on the way.

Peers and the target share it, so that a time-out can say what was awaited, and whether that was
the case's preparation (INCONCLUSIVE) or what the standard demands (FAIL).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sockproof.conformance.outcome import Failure, Finding, Inconclusive, StreamClosed
from sockproof.conformance.stream import Stream
from sockproof.conformance.wirelog import WireLog


class Scene:
    """What one running case has opened, awaits and noted."""

    def __init__(self, log: WireLog) -> None:
        self.log = log
        self.findings: list[Finding] = []
        self.awaiting = "the case to end"
        self.setting_up = 0
        self._awaits = 0
        self._streams: list[Stream] = []

    def non_strict(self, expected: str, got: str) -> None:
        """Note that the server did what is allowed but is not the best; the case goes on."""
        self.findings.append(Finding(expected, got))

    def owns(self, stream: Stream) -> None:
        """Have the stream closed when the case ends."""
        self._streams.append(stream)

    @contextmanager
    def preparing(self, what: str) -> Iterator[None]:
        """Inside, whatever goes wrong means that the case could not be set up."""
        self.setting_up += 1
        before, self.awaiting = self.awaiting, what
        try:
            yield
        except (Failure, StreamClosed, OSError) as error:
            got = str(error) or type(error).__name__
            if isinstance(error, Failure):
                got = f"expected {error.expected}; got {error.got}"
            raise Inconclusive(f"{what}, so that the case can begin", got) from error
        # Left as it is by a time-out, so that the runner can tell what it was waiting for.
        self.setting_up -= 1
        self.awaiting = before

    @contextmanager
    def awaits(self, what: str) -> Iterator[None]:
        """Inside, `what` is what a time-out will say was expected; the outermost counts."""
        before, outermost = self.awaiting, not self.setting_up and not self._awaits
        self._awaits += 1
        if outermost:
            self.awaiting = what
        try:
            yield
        except StreamClosed as error:
            raise Failure(what, error.how) from error
        else:  # after a time-out it stays, so that the runner can tell what was awaited
            if outermost:
                self.awaiting = before
        finally:
            self._awaits -= 1

    def close(self) -> None:
        """Let go of every connection at once, whatever the servers think of it."""
        for stream in self._streams:
            stream.reset()
