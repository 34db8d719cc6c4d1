"""Which cases run again alone, before they count, and what becomes of their records.

What ended by a time-out counts when it repeats. What was disturbed, by a pause of the harness or
by a server that turned connections away, is replaced by what is seen without that. A time-out of a
server that is slow with everybody is tried again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sockproof.conformance.context.wirelog import RECEIVED
from sockproof.conformance.trials.trial import Trial
from sockproof.runs.records import CaseRecord, WireEntry

REPEATS = 3  # of one requirement that end alike stand for its other cases
LIMITS = 20  # of the run's limit are waited at most in all, so that a silent server costs minutes
ATTEMPTS = 3  # while the harness itself is disturbed, or the server lets everybody wait
SLOW = 1.0  # seconds for an ordinary handshake, behind which a time-out says little
VANISHED = "It timed out, but not when it ran again alone."
TAKEN_OVER = (
    *("outcome", "expected", "got", "seen", "came", "lacks", "seconds", "expectation"),
    *("wire", "notes", "aside"),
)


@dataclass(slots=True)
class SecondLook:
    """The doubtful cases of a run, and what has been seen of them the second time."""

    limit: float
    _waited: float = 0.0
    _repeated: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    _vanished: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def order(self, trials: Sequence[Trial]) -> Iterator[Trial]:
        """The trials by turns of their requirements, so that each of these is looked at."""
        groups: defaultdict[str, list[Trial]] = defaultdict(list)
        for trial in trials:
            groups[trial.case.requirement].append(trial)
        for turn in range(max(map(len, groups.values()), default=0)):
            for group in groups.values():
                if turn < len(group):
                    yield group[turn]

    def is_worth_it(self, trial: Trial) -> bool:
        """Whether others have not shown yet what would come of it."""
        enough = self._repeated[trial.case.requirement] >= REPEATS
        return not enough and self._waited < LIMITS * self.limit

    def saw(self, first: Trial, second: Trial) -> None:
        """Note what came of a case that ran again."""
        counts = self._vanished if is_well(second.record) else self._repeated
        counts[first.case.requirement] += 1
        if second.lapsed:
            self._waited += second.record.seconds

    def is_shown_to_vanish(self, trial: Trial) -> bool:
        """Whether of the same requirement all that ran again did not repeat."""
        name = trial.case.requirement
        return bool(self._vanished[name]) and not self._repeated[name]


def remark(stalled: Sequence[float]) -> str:
    """What the run says of cases that pauses of the harness, in seconds, put in doubt."""
    return (
        f"The harness itself was paused for up to {max(stalled):.1f} s;"
        f" {len(stalled)} cases ran again."
    )


def is_well(record: CaseRecord) -> bool:
    """Whether a case that ran again says nothing against the server."""
    return record.outcome not in ("FAIL", "INCONCLUSIVE")


def take_over(record: CaseRecord, other: CaseRecord) -> None:
    """Have `record` tell what `other`, of the same case, tells."""
    for name in TAKEN_OVER:
        setattr(record, name, getattr(other, name))


def did_not_repeat(record: CaseRecord, second: CaseRecord) -> None:
    """Set a case aside that ended by a time-out and, alone, in another way; both logs stay."""
    record.set_aside("did-not-repeat", "", VANISHED)
    record.notes = [*record.notes, f"run again alone: {second.outcome}"]
    record.wire = [*record.wire, marked("run again alone"), *second.wire]


def others_did_not_repeat(record: CaseRecord) -> None:
    """Set a case aside that ended by a time-out, as others of its requirement that vanished."""
    record.set_aside("did-not-repeat", "", VANISHED)
    record.notes = [*record.notes, "not run again: other cases of its requirement did not repeat"]


def too_busy(record: CaseRecord, seconds: float) -> None:
    """Set a case aside in all whose runs the harness stood still, for so long the last time."""
    record.set_aside("too-busy", "", "The harness was too busy to judge this case.")
    record.notes = [*record.notes, f"the harness was paused for {seconds:.1f} s meanwhile"]


def no_time(record: CaseRecord, why: str) -> None:
    """Set a case aside that was to run again when the run ended."""
    record.set_aside("no-time", "", f"It was due to run again alone, but the run ended: {why}.")


def marked(text: str) -> WireEntry:
    """An entry of the wire log that stands between two runs of one case."""
    return WireEntry(0, 0, RECEIVED, b"", False, 0, f"… {text} …")
