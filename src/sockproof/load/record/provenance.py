"""Where a load run comes from, for `run.json`: what is needed to run it again.

The rules that hold here:

* Nothing here may hold up a run or fail: what cannot be told is left out.
* A locustfile's text is cut, and strings that are given to names such as `token` are masked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sockproof.load.child import Child
from sockproof.wire.url import is_secret

MOST_SOURCE = 64 * 1024  # characters of all locustfiles together
_GIT_SECONDS = 3.0
_ASSIGNED = re.compile(
    r"""(["']?\b(?P<name>\w+)\b["']?\s*[:=]\s*)[rbf]{0,2}(?P<quote>["'])(?P<value>[^"'\n]{4,})(?P=quote)"""
)

_LINE = re.compile(r"^[ \t]*(?:self\.)?(?P<name>\w+)[ \t]*(?::[^=\n]*)?=(?!=).*$", re.MULTILINE)
_LITERAL = re.compile(r"""(["'])[^"'\n]{4,}\1""")


def sources(paths: Iterable[str], hide: Callable[[str], str] = str) -> list[dict[str, Any]]:
    """Each locustfile with its text; `hide` shows a text without the secrets of the run."""
    found, left = [], MOST_SOURCE
    for path in paths:
        try:
            text = Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        shown = hide(_ASSIGNED.sub(_masked, _LINE.sub(_all_masked, text)))
        found.append(
            {
                "name": Path(path).name,
                "text": shown[:left],
                "left_out": max(0, len(shown) - left),
            }
        )
        left = max(0, left - len(shown))
    return found


def _all_masked(found: re.Match[str]) -> str:
    """A line that assigns to such a name, whatever its strings stand in."""
    return _LITERAL.sub(r"\1***\1", found[0]) if is_secret(found["name"]) else found[0]


def _masked(found: re.Match[str]) -> str:
    if not is_secret(found["name"]):
        return found[0]
    return f"{found[1]}{found['quote']}***{found['quote']}"


def revision(folder: Path) -> dict[str, Any] | None:
    """The commit of a working directory, and whether its tracked files were changed since."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit.strip()[:64], "dirty": None if changed is None else bool(changed)}


def _git(folder: Path, *words: str) -> str | None:
    command = ["git", "--no-optional-locks", "-C", str(folder), *words]
    try:
        environment = {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
        process = Child(command, environment, heard=True, silent=True)
    except OSError:
        return None
    try:
        said = process.read(_GIT_SECONDS)
    finally:
        process.kill()
        process.close()
    return said.decode("utf-8", "replace") if said is not None and process.wait() == 0 else None
