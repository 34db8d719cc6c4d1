"""The faults of our own servers, and which cases notice them.

A fault is described in `tests/mutants/SUITE/FILE.toml`, beside the case file that catches it:

    [answers-pongs]
    what = "A Pong is answered by a Pong."
    catches = { "websocket/control_frames/…" = { seen = "not-closed", came = "PONG" } }
    disturbs = ["websocket/…/*"]  # other cases whose outcome this fault rightly changes
    liveness = true               # a catching case may end by its limit: liveness is what it tests

A case that catches it sees and says what its table names: `seen` and `came` are those of the record
(one, or several), `accuses` is the requirement where it is not that of the case, and `shows` is a
regex on the contents, which are in the words of the record. A regex alone is `shows`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sockproof.conformance.shelf.case import OFFERS
from sockproof.conformance.shelf.expectations import glob_matches
from sockproof.runs.records import CaseRecord
from sockproof.vocabulary import Seen
from tests.servers.blind import ROUND

KINDS = {
    "websocket": ("websocket", "deflate"),
    "abuse": ("abuse",),
    "socketio": ("engineio", "socketio", "rooms"),
}
MUTANTS = Path(__file__).parent / "mutants"
BLIND = Path(__file__).parent / "blind"


@dataclass(frozen=True)
class Catch:
    """What a case that notices a fault sees, and what it says; what is empty is not asked."""

    seen: tuple[str, ...] = ()
    came: tuple[str, ...] = ()
    accuses: tuple[str, ...] | None = ()  # none named: the case's own; None: not asked
    shows: str = ""

    @classmethod
    def read(cls, value: str | dict[str, Any]) -> Catch:
        """As it stands in a file."""
        if isinstance(value, str):
            return cls(shows=value, accuses=None)
        known = {name: value.pop(name, ()) for name in ("seen", "came", "accuses")}
        lists = {n: (each,) if isinstance(each, str) else tuple(each) for n, each in known.items()}
        assert set(lists["seen"]) <= set(Seen), value
        return cls(lists["seen"], lists["came"], lists["accuses"], **value)

    def misses(self, record: CaseRecord, own: str) -> str | None:
        """What the record of a case about the requirement `own` has otherwise, if anything."""
        for name, wanted in (("seen", self.seen), ("came", self.came)):
            found = str(getattr(record, name) or "")
            if wanted and found not in wanted:
                return f"{name} {' or '.join(wanted)}, not {found or 'nothing'}"
        accused = self.accuses or (own,)
        if self.accuses is not None and record.requirement not in accused:
            return f"against {' or '.join(accused)}, not {record.requirement}"
        if re.search(self.shows, f"{record.expected} | {record.got}") is None:
            return f"which shows {self.shows!r}"
        return None


@dataclass(frozen=True)
class Fault:
    """One deviation of a server, and which cases notice it."""

    name: str
    file: str
    what: str
    catches: dict[str, Catch]
    disturbs: tuple[str, ...] = ()
    liveness: bool = False

    def explains(self, case_id: str) -> bool:
        """Whether a changed outcome of the case is what this fault is known to bring.

        What is known of a case holds for its compressed twins in the suite `deflate` as well,
        and a fault of compression may change any twin.
        """
        if self.file.startswith("deflate/") and plain_id(case_id) != case_id:
            return True
        globs = (*self.catches, *self.disturbs)
        names = (case_id, plain_id(case_id))
        return any(glob_matches(glob, name) for glob in globs for name in names)


def plain_id(case_id: str) -> str:
    """The id of the case that this one runs again compressed; itself when it is no twin."""
    name, _, variant = case_id.removesuffix("]").partition("[")
    rest, _, offer = variant.rpartition(",")
    if offer not in OFFERS:
        return case_id
    return name.replace("deflate/", "websocket/", 1) + (f"[{rest}]" if rest else "")


def described(folder: Path, kind: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What `SUITE/FILE.toml` in a folder describe for the suites of a kind: name, file, table."""
    names: set[str] = set()
    for suite in KINDS[kind]:
        for path in sorted((folder / suite).glob("*.toml")):
            for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
                assert name not in names, f"{path}: {name} is described twice"
                names.add(name)
                yield name, f"{suite}/{path.name}", table


@cache
def faults(kind: str) -> dict[str, Fault]:
    """The faults of a kind by name."""
    found: dict[str, Fault] = {}
    for name, file, table in described(MUTANTS, kind):
        catches = {glob: Catch.read(each) for glob, each in table["catches"].items()}
        disturbs = tuple(table.get("disturbs", ()))
        fields = {**table, "disturbs": disturbs, "catches": catches}
        if name in ROUND:
            fields["what"] = _blind(kind)[name]["what"]
        found[name] = Fault(name, file, **fields)
    return found


@cache
def _blind(kind: str) -> dict[str, dict[str, str]]:
    """What is said of blind faults where they are described: see `blind_run`."""
    found: dict[str, dict[str, str]] = {}
    for suite in KINDS[kind]:
        found |= tomllib.loads((BLIND / f"{suite}.toml").read_text(encoding="utf-8"))
    return found
