"""What the answer to a message has to say: whether it was accepted, and values such as its id.

    Message("say", {"text": BODY}, ack={"ok": True})  # a dict of fields: accepted where they match
    Message("say", {"text": BODY}, ack=lambda answer: answer.get("error") or True)
    Message("say", {"text": BODY}, ack=[{"ok": True}, Unique("id"), Increasing("seq", "room")])

An answer is the decoded message that acknowledges; in Socket.IO the only argument of the
acknowledgement, or the list of them.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

from sockproof.load.messages.matching import field, matches
from sockproof.runs.load_records import ValueFlag

_WITHIN = {"run": 0, "room": ValueFlag.IN_ROOM, "sender": ValueFlag.OF_SENDER}
_WHY = ("error", "reason", "message", "code")  # fields that say why something is refused
_LONGEST = 200  # characters of a reason
_LOWEST = -(1 << 63)

Field = str | Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Unique:
    """A field of the answer, or a function of it, whose value no other answer may have.

    `within` is among which: those of the `run`, of one `room`, or of one `sender`.
    """

    field: Field
    within: str = "run"

    def __post_init__(self) -> None:
        """Refuse another `within`; raises ValueError."""
        if self.within not in _WITHIN:
            raise ValueError(f"within is one of {', '.join(_WITHIN)}, not {self.within!r}")

    def number(self, found: Any) -> int:
        """What stands for a value in 64 bits: the same for the same one."""
        text = json.dumps(found, sort_keys=True, separators=(",", ":"))
        return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")

    @property
    def flags(self) -> int:
        """Of its rows."""
        return int(_WITHIN[self.within])


class Increasing(Unique):
    """The same, where an answer also has a larger value than all before it, a whole number.

    One comes before another where it was there when the other's message was sent.
    """

    def number(self, found: Any) -> int:
        """What stands for a value in 64 bits, in the same order; raises ValueError."""
        if isinstance(found, str) and found.removeprefix("-").isdecimal():
            found = int(found)
        if isinstance(found, float) and found.is_integer():
            found = int(found)
        if not isinstance(found, int) or isinstance(found, bool):
            raise ValueError(f"{found!r:.60} is no whole number, so nothing increases")
        if not _LOWEST <= found < -_LOWEST:
            raise ValueError(f"{found} has more than 64 bits")
        return found - _LOWEST

    @property
    def flags(self) -> int:
        """Of its rows."""
        return int(_WITHIN[self.within] | ValueFlag.INCREASING)


Check = Mapping[str, Any] | Callable[[Any], Any] | Unique


class Value(NamedTuple):
    """A value that an answer holds, or lacks; `label` says which it is."""

    label: str
    flags: int
    number: int


class Answers:
    """What the answers to a message have to say."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self._values = [each for each in checks if isinstance(each, Unique)]
        self._checks = [each for each in checks if not isinstance(each, Unique)]
        for each in self._checks:
            if not isinstance(each, Mapping) and not callable(each):
                raise ValueError(f"{each!r:.60} says nothing of an answer")

    def refusal(self, answer: Any) -> str | None:
        """Why the answer refuses; None: it accepts. Raises what a check of the scenario's raises.

        A function returns True where it accepts, False or a reason where it refuses.
        """
        for check in self._checks:
            found = check(answer) if callable(check) else matches(check, answer)
            if isinstance(found, str):
                return found[:_LONGEST] or reason_in(answer)
            if found is False:
                return reason_in(answer)
            if found is not True:
                said = f"a check returns {found!r:.60}, not True, False or a reason"
                raise TypeError(said)
        return None

    def values(self, answer: Any) -> Iterator[Value]:
        """The values that are asserted; raises what a function of the scenario's raises."""
        for each in self._values:
            found = each.field(answer) if callable(each.field) else field(answer, each.field)
            label = getattr(each.field, "__name__", str(each.field))
            if found is None:
                yield Value(label, each.flags | ValueFlag.MISSING, 0)
            else:
                yield Value(label, each.flags, each.number(found))


def reason_in(answer: Any, named: str | None = None) -> str:
    """Why an answer refuses, by a field of this name or one that usually says it."""
    for name in _WHY if named is None else (named,):
        found = field(answer, name)
        if isinstance(found, str | int) and not isinstance(found, bool):
            return str(found)[:_LONGEST]
    try:
        return json.dumps(answer, ensure_ascii=False)[:_LONGEST]
    except (TypeError, ValueError):
        return f"{answer!r:.200}"


def answers(checks: Check | Sequence[Check] | None) -> Answers | None:
    """What `ack` of a message says; None: its answers are not looked at. Raises ValueError."""
    if checks is None:
        return None
    return Answers(checks if isinstance(checks, Sequence) else [checks])


@functools.lru_cache(maxsize=64)
def answers_by(check: Callable[[Any], Any]) -> Answers:
    """What `tell(..., check=...)` says."""
    return Answers([check])
