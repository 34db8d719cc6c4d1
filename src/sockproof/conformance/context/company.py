"""What the cases of a run say, so that whoever else hears of it can be told from an application.

Cases run beside each other and beside bystanders, idle clients of the run's own. What an
application says is its own affair. What a case said, and somebody hears whom it was not meant
for, is a leak: the server confuses its clients. Contents tell whose they are by a mark, which no
other run and no other case has, or by having been said by one case only.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from dataclasses import dataclass, field
from typing import Protocol

KEPT_SAYINGS = 200_000  # of which a run remembers who said them
KEPT_TALK = 20_000  # messages of the application's own, of which it remembers that
KEPT_LEAKS = 100
SHOWN = 200  # characters of what was said, in a report

Contents = str | bytes


@dataclass(frozen=True, slots=True)
class Saying:
    """What a case said; `audiences` hear it beside the case's own peers, by their names."""

    case: str
    audiences: frozenset[str] = frozenset()

    def is_meant_for(self, case: str | None, audience: str | None = None) -> bool:
        """Whether a peer of `case` (None: a bystander) that is in `audience` may hear it."""
        return case == self.case or audience in self.audiences


@dataclass(frozen=True, slots=True)
class Leak:
    """What `case` said, and `hearer`, another case or a bystander, heard."""

    case: str
    hearer: str
    contents: str
    idle: bool = False  # whether the hearer is a bystander

    def __str__(self) -> str:
        return f"what {self.case} said is heard by {self.hearer}: {self.contents}"


class Listener(Protocol):
    """An idle client of the run's own; `gone` says why it is not there, if it is not."""

    kind: str
    gone: str
    leaks: list[Leak]

    async def leave(self, why: str) -> None:
        """Let go of the connection."""


@dataclass(slots=True)
class Company:
    """All that say something and all that listen in one run.

    `is_told` says that a case at the end tells of the leaks, so that no other has to.
    `farewells_unanswered` counts the last cases whose sessions could not be closed behind them.
    """

    leaks: list[Leak] = field(default_factory=list)
    is_told: bool = False
    farewells_unanswered: int = 0
    bystanders: list[Listener] = field(default_factory=list)
    _run: str = field(default_factory=lambda: f"sp{os.urandom(3).hex()}")
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _marks: dict[str, str] = field(default_factory=dict)  # mark -> case
    _open: dict[str, frozenset[str]] = field(default_factory=dict)  # case -> its audiences
    _sayings: dict[bytes, Saying | None] = field(default_factory=dict)  # None: said by several
    _talk: set[bytes] = field(default_factory=set)  # what the application says by itself

    def mark(self, case: str) -> str:
        """A word that tells contents of this case from all others, to be put into them."""
        mark = f"{self._run}{next(self._numbers):06d}"
        self._marks[mark] = case
        return mark

    def said(self, case: str, contents: Contents, meant_for: str | None = None) -> None:
        """A case says `contents` to its own peers and, where given, to a whole audience.

        An audience is whoever the server says things to at once: a namespace, a path.
        """
        audiences = frozenset() if meant_for is None else frozenset({meant_for})
        self._open[case] = self._open.get(case, frozenset()) | audiences
        key = _key(contents)
        known = None if key in self._talk else self._sayings.get(key, Saying(case))
        if known is None or len(self._sayings) >= KEPT_SAYINGS:
            return
        same = known.case == case
        self._sayings[key] = Saying(case, known.audiences | audiences) if same else None

    def talked(self, contents: Contents) -> None:
        """The application said this of its own accord: who says the same later owns it not."""
        if len(self._talk) < KEPT_TALK:
            self._talk.add(_key(contents))

    def whose(self, contents: Contents) -> Saying | None:
        """What is known of `contents`; None when no case, or more than one, has said that.

        Contents with a mark that were not said just so are their case's even so.
        """
        said = self._sayings.get(_key(contents))
        if said is not None:
            return said
        case = self.marked(contents)
        return None if case is None else Saying(case, self._open.get(case, frozenset()))

    def marked(self, contents: Contents) -> str | None:
        """The case whose mark is in the contents, wherever it stands."""
        text = contents.decode("latin-1") if isinstance(contents, bytes) else contents
        found = re.search(rf"{self._run}[0-9]{{6}}", text)
        return None if found is None else self._marks.get(found[0])

    async def make_room(self) -> bool:
        """Have the bystanders leave a server that turns connections away; whether any was there."""
        present = [each for each in self.bystanders if not each.gone]
        for each in present:
            await each.leave("the server turned connections of cases away")
        return bool(present)

    def leaked(
        self, saying: Saying, hearer: str, contents: Contents, *, idle: bool = False
    ) -> Leak:
        """Note that `hearer` heard what was not meant for it."""
        text = contents if isinstance(contents, str) else repr(contents[:SHOWN])
        leak = Leak(saying.case, hearer, text[:SHOWN], idle)
        if len(self.leaks) < KEPT_LEAKS:
            self.leaks.append(leak)
        return leak


def _key(contents: Contents) -> bytes:
    data = contents.encode("utf-8", "surrogatepass") if isinstance(contents, str) else contents
    kind = b"text" if isinstance(contents, str) else b"octets"
    return hashlib.blake2b(data, digest_size=16, key=kind).digest()
