"""Expectations: known deviations of a named server, each with its reason.

    extends = "python-socketio"         # the entries of python-socketio.toml, beside this file, too
    without = ["engineio/upgrade/*"]    # but for those that name exactly this

    [server]
    version = "websockets 17.4"         # on which they were read against the standard

    [[expectation]]
    case = "websocket/close/*"          # an id, or a glob in which only * and ? are special,
                                        # or an array of them
    outcome = "FAIL"
    reason = "websockets 15 answers with 1000; reported as issue 1234"
    sometimes = false                   # true: a fault that races, and may go either way

A FAIL that an expectation names does not fail the run; an expectation that no longer holds does.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sockproof.errors import WrongInput
from sockproof.formats.reading import read_table
from sockproof.formats.tables import ExpectationsFile
from sockproof.runs.records import CaseRecord

NOT_JUDGED = ("UNSUPPORTED", "INCONCLUSIVE")
MOST = 5000  # cases and globs that a file may name


class ExpectationError(WrongInput):
    """An expectations file that cannot be used; the message is one line."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One known deviation; `file` is where it is written, `version` on what it was read.

    One that is `lent` is a library's, whose applications may not show it.
    """

    case: str
    outcome: str
    reason: str
    sometimes: bool
    file: str
    version: str | None = None
    lent: bool = False

    def names(self, case_id: str) -> bool:
        """Whether the expectation is about this case."""
        return glob_matches(self.case, case_id)


def glob_matches(glob: str, text: str) -> bool:
    """Whether `text` matches `glob` as a whole; brackets, which ids hold, mean themselves."""
    head, pattern = _pattern(glob)
    return text.startswith(head) and pattern.fullmatch(text) is not None


@functools.cache
def _pattern(glob: str) -> tuple[str, re.Pattern[str]]:
    """What each text that matches begins with, and the pattern of all of it."""
    head = re.split(r"[*?]", glob, maxsplit=1)[0]
    return head, re.compile(fnmatch.translate(glob.replace("[", "[[]")))


def load_expectations(path: Path) -> list[Expectation]:
    """Read an expectations file and what it extends; raises `ExpectationError` and `FileError`.

    Its own entries come first: what they name, they judge before what is extended does.
    """
    read = read_table(path, ExpectationsFile)
    own = _own(read, path)
    if read.extends is None:
        if read.without:
            raise ExpectationError(f"{path}: without is for what a file extends")
        return own
    base = path.parent / f"{read.extends}.toml"
    extended = read_table(base, ExpectationsFile)
    if extended.extends is not None:
        raise ExpectationError(f"{base}: {path.name} extends it, so it can extend nothing itself")
    entries = _own(extended, base)
    for case in set(read.without) - {each.case for each in entries}:
        raise ExpectationError(f"{path}: without names {case!r}, which {base.name} has not")
    return own + [each for each in entries if each.case not in read.without]


def _own(read: ExpectationsFile, path: Path) -> list[Expectation]:
    """One for each case or glob that an entry names."""
    found = [
        Expectation(
            case, entry.outcome, entry.reason, entry.sometimes, str(path), read.server.version
        )
        for entry in read.expectation
        for case in ([entry.case] if isinstance(entry.case, str) else entry.case)
    ]
    if len(found) > MOST:
        raise ExpectationError(f"{path}: names {len(found):,} cases, more than {MOST:,}")
    return found


def apply_expectations(record: CaseRecord, expectations: Iterable[Expectation]) -> None:
    """Write into the record the expectation that names its outcome, if there is one."""
    for expectation in expectations:
        if expectation.outcome == record.outcome and expectation.names(record.id):
            record.expectation = {
                "file": expectation.file,
                "reason": expectation.reason,
                "sometimes": expectation.sometimes,
                "version": expectation.version,
            }
            return


def stale_expectations(
    expectations: Sequence[Expectation], outcomes: Iterable[tuple[str, str]], known: Iterable[str]
) -> list[dict[str, str]]:
    """The expectations that no longer hold.

    `outcomes` are the ids and outcomes of the cases that ran; `known` are the ids of all cases
    of the suites that ran. An expectation is stale when a case it names was judged otherwise,
    and when it names no case at all. A case that could not be judged says nothing about it, and
    one that is lent never is.
    """
    ran = list(outcomes)
    ids = list(known)
    suites = {case_id.partition("/")[0] for case_id in ids}
    stale = []
    for expectation in expectations:
        named = [outcome for case_id, outcome in ran if expectation.names(case_id)]
        judged = [outcome for outcome in named if outcome not in NOT_JUDGED]
        other = [outcome for outcome in judged if outcome != expectation.outcome]
        told = ""
        if expectation.lent:
            continue
        if other and not expectation.sometimes and expectation.outcome not in NOT_JUDGED:
            told = other[0]
        elif expectation.case.partition("/")[0] in (*suites, "*") and not any(
            expectation.names(case_id) for case_id in ids
        ):
            told = "no such case"
        if told:
            stale.append(
                {
                    "file": expectation.file,
                    "case": expectation.case,
                    "expected": expectation.outcome,
                    "outcome": told,
                    "reason": expectation.reason,
                }
            )
    return stale
