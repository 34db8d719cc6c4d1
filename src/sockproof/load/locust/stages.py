"""How many users there are as time goes by.

A stage is a number of users, and the seconds within which they come, or go, one after the other.
One that ends with as many users as it began with holds. The first stage is the ramp of the run,
unless there is no other.
"""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

NAME = "stages"  # in a locustfile
# What a command gives to Locust though nobody has asked for it, where the stages may say otherwise.
USUAL = "SOCKPROOF_USUAL"
_AMOUNT = {"num_users": "--users", "spawn_rate": "--spawn-rate", "run_time": "--run-time"}
_MOST_USERS, _LONGEST, _MOST = 1_000_000, 10_000_000, 1000
_STAGE = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,7}(?:\.\d{1,3})?)s?)?:(\d{1,7})", re.A)


class Stage(NamedTuple):
    """So many users at its end."""

    users: int
    seconds: float


class StageError(ValueError):
    """Stages that are of no use; one line."""


def read_stages(text: str) -> tuple[Stage, ...]:
    """Stages as they are typed: `30s:100,5m:1000`; raises `StageError`."""
    found = []
    for word in filter(None, map(str.strip, text.split(","))):
        match = _STAGE.fullmatch(word)
        if match is None:
            raise StageError(
                f"--stages must be TIME:USERS,…, e.g. 30s:100,5m:1000, not {word!r:.60}"
            )
        hours, minutes, seconds = (float(each or 0) for each in match.groups()[:3])
        found.append((int(match[4]), hours * 3600 + minutes * 60 + seconds))
    return checked(found, "--stages") if found else ()


def checked(value: Any, what: str = NAME) -> tuple[Stage, ...]:
    """Stages as a locustfile has them, pairs of users and seconds; raises `StageError`."""
    pairs = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []
    if not 1 <= len(pairs) <= _MOST:
        raise StageError(f"{what} must be a list of (users, seconds), not {value!r:.60}")
    found = []
    for each in pairs:
        pair = tuple(each) if isinstance(each, Sequence) and not isinstance(each, str) else ()
        if len(pair) != 2 or any(type(number) not in (int, float) for number in pair):
            raise StageError(f"{what}: a stage is (users, seconds), not {each!r:.60}")
        users, seconds = pair
        if users != int(max(0, min(users, _MOST_USERS))):
            raise StageError(f"{what}: users are from 0 to {_MOST_USERS:,}, not {users!r}")
        if not 1 <= seconds <= _LONGEST:
            raise StageError(f"{what}: a stage lasts 1 to {_LONGEST:,} s, not {seconds!r}")
        found.append(Stage(int(users), float(seconds)))
    if not any(stage.users for stage in found):
        raise StageError(f"{what}: no stage has users")
    return tuple(found)


def told(stages: Sequence[Stage]) -> str:
    """Stages as they are typed."""
    return ",".join(f"{seconds:.10g}s:{users}" for users, seconds in stages)


def wanted(parsed: Namespace, locustfiles: Sequence[str], usual: str) -> tuple[Stage, ...]:
    """The stages of `--stages`, or else of a locustfile; empty where there are none.

    `usual` names what of the amount of load nobody has asked for. Raises `StageError`.
    """
    found = read_stages(str(getattr(parsed, NAME, "") or ""))
    where = "--stages"
    if not found:
        where = NAME
        named = [vars(module)[NAME] for module in _modules(locustfiles) if NAME in vars(module)]
        if not named:
            return ()
        if len(named) > 1:
            raise StageError(f"{len(named)} locustfiles have {NAME}; choose by --stages")
        found = checked(named[0])
    for dest, option in _AMOUNT.items():
        if getattr(parsed, dest, None) is not None and dest not in usual.split(","):
            raise StageError(f"{option} and {where} cannot be combined: stages say how many users")
    return found


def _modules(locustfiles: Sequence[str]) -> list[ModuleType]:
    names = [Path(path).stem for path in locustfiles]
    found = [sys.modules.get("locustfile" if name == "locust" else name) for name in names]
    return [each for each in found if each is not None]
