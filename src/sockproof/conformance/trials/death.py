"""A server that died: what is said of the cases beside it, and of the one that killed it.

Which case it was shows when each runs alone, on a server that was started again. Of a server that
nobody can start again, a single suspect is the killer, and of several none is accused.
"""

from __future__ import annotations

from collections.abc import Sequence

from sockproof.conformance.shelf.expectations import Expectation, apply_expectations
from sockproof.runs.records import CaseRecord
from sockproof.vocabulary import Seen

SERVES = "a server that goes on serving other clients"
DIED = "the server died"
RESTARTS = 25  # of a server of ours, in one run
JOBS = 4  # cases at a time beside a server that has died, so that the suspects are few
NAMED = 40  # suspects that a remark names


def accuse(record: CaseRecord, how: str, expectations: Sequence[Expectation]) -> None:
    """Make the record that of the case which killed the server."""
    own = f"; the case itself: {record.outcome} {record.got}".rstrip()
    passed = record.outcome == "PASS"
    record.seen, record.came = Seen.DIED, ""
    record.outcome, record.expected, record.expectation = "FAIL", SERVES, None
    record.aside = None
    record.got = f"{DIED}: {how}" + ("" if passed else own)
    apply_expectations(record, expectations)


def excuse(record: CaseRecord) -> None:
    """Set a case aside that ran when the server died and is not known to have killed it."""
    record.set_aside("follows", "", "The server died while this case ran, or just after it.")


def untried(record: CaseRecord) -> None:
    """Set a case aside that was to run again, which a dead server does not let it."""
    record.set_aside(
        "follows", "", "It was due to run again alone, but the server died before that."
    )


def remark_on_killer(record: CaseRecord) -> str:
    """What a run says of a case that kills its server."""
    return f"The server died of {record.id}: {record.rerun}"


def remark_on_end(suspects: Sequence[str], how: str) -> str:
    """What a run says that ends since its server died."""
    return f"The server died ({how}), and the run ended with it. {named(suspects)}"


def remark_on_none(suspects: Sequence[str], how: str) -> str:
    """What a run says whose server died of no case alone."""
    what = f"The server died ({how}) and was started again."
    return f"{what} No single case reproduces this. {named(suspects)}"


def remark_on_silence(suspects: Sequence[str], how: str) -> str:
    """What a run says whose server did not answer for a while."""
    silence = f"The server stopped responding for a while ({how})."
    return f"{silence} {named(suspects)} Each ran again, alone."


def remark_on_time(left: Sequence[str]) -> str:
    """What is said of a run whose time was over."""
    return f"The time limit of the run was reached (--max-time). {remark_on_left(left)}"


def remark_on_left(names: Sequence[str]) -> str:
    """What a run says of the cases that it did not come to."""
    if not names:
        return "All cases had run by then."
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    count = "1 case was" if len(names) == 1 else f"{len(names)} cases were"
    return f"{count} not run: {', '.join(names[:NAMED])}{more}."


def named(suspects: Sequence[str]) -> str:
    """The sentence that says which cases ran then."""
    if not suspects:
        return "No case was running at that time."
    more = f" and {len(suspects) - NAMED} more" if len(suspects) > NAMED else ""
    which = "This case" if len(suspects) == 1 else "These cases"
    return f"{which} ran then: {', '.join(suspects[:NAMED])}{more}."
