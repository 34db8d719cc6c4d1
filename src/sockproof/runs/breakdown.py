"""Parts of what a load run counts and measures: those of one message, or of one class of users.

In metrics and in the lines of latencies a part stands in brackets behind what it is a part of:
`counts["private"].lost`, `latency.delivery[class="Chatter"].intended.p99_ms`. The name is a string
of JSON: it may hold anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

GROUP = r'\[(?:class=)?"(?:[^"\\\x00-\x1f]|\\.)*"\]'
_BEFORE = re.compile(r"counts|latency(_less_lag)?\.\w+")
_GROUP = re.compile(r'\[(class=)?("(?:[^"\\\x00-\x1f]|\\.)*")\]')


class By(StrEnum):
    """By what a run is parted; the value is the key in `summary.json`."""

    NAME = "names"
    CLASS = "classes"

    @property
    def what(self) -> str:
        """In words, of one."""
        return "message" if self is By.NAME else "class of users"


class Group(NamedTuple):
    """The messages of one name, or the users of one class."""

    by: By
    name: str

    def __str__(self) -> str:
        name = json.dumps(self.name, ensure_ascii=False)
        return f"[{name}]" if self.by is By.NAME else f"[class={name}]"


def parted(metric: str) -> tuple[str, Group | None]:
    """A metric without its part, and the part; raises ValueError."""
    found = _GROUP.search(metric)
    if found is None:
        return metric, None
    if not _BEFORE.fullmatch(metric, 0, found.start()):
        raise ValueError('a name stands behind what it is a part of, as in counts["private"].lost')
    try:
        name = json.loads(found[2])
    except ValueError:
        raise ValueError(f"{found[2]} is not valid JSON") from None
    plain = metric[: found.start()] + metric[found.end() :]
    return plain, Group(By.CLASS if found[1] else By.NAME, name)


def whole(plain: str, group: Group | None) -> str:
    """A metric with its part: what `parted` has taken apart."""
    if group is None:
        return plain
    depth = 1 if plain.startswith("counts.") else 2
    names = plain.split(".")
    return ".".join([*names[: depth - 1], f"{names[depth - 1]}{group}", *names[depth:]])


def look_up(summary: Mapping[str, Any], metric: str) -> Any:
    """A value of `summary.json` by its path; None where there is none."""
    try:
        plain, group = parted(metric)
    except ValueError:
        return None
    value: Any = summary
    for part in (*(group or ()), *plain.split(".")):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def is_known(summary: Mapping[str, Any], group: Group | None) -> bool:
    """Whether the run has this part."""
    return group is None or group.name in (summary.get(group.by) or {})


def only(summary: Mapping[str, Any], group: Group | None) -> bool:
    """Whether this part is the whole run: then its latencies are written as those of the whole."""
    return group is None or list(summary.get(group.by) or {}) == [group.name]
