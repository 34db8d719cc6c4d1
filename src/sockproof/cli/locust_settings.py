"""What Locust's own files and variables say that `sockproof load` says otherwise.

All else in them is Locust's: the commands pass nothing on that is not set for them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from sockproof import files

# What the commands tell Locust themselves, by its own names.
_TOLD = {
    "host": "the URL of the command",
    "locustfile": "the scenario of the command",
    "users": "--users",
    "spawn-rate": "--spawn-rate",
    "run-time": "--run-time",
    "results": "--results",
}
_FILES = (Path("~/.locust.conf"), Path("locust.conf"))
_KEY = re.compile(r"^\s*(?:--)?([A-Za-z][\w-]*)\s*(?:[=:\s]|$)", re.MULTILINE)


def ignored_of_locust() -> Iterator[str]:
    """A line for each setting of Locust's that does not hold."""
    for name, instead in _TOLD.items():
        variable = f"LOCUST_{name.replace('-', '_').upper()}"
        if os.environ.get(variable) and name != "results":
            yield f"{variable} is ignored: {instead} holds"
    for path, keys in _keys():
        for name, instead in _TOLD.items():
            if name in keys:
                yield f"{path}: {name} is ignored: {instead} holds"


def _keys() -> Iterator[tuple[Path, set[str]]]:
    """The keys of each of Locust's files that is there; one that is broken Locust complains of."""
    for path in _FILES:
        try:
            text = files.read_text(path.expanduser(), files.MIB)
        except (files.FileError, RuntimeError):
            continue
        yield path, {each.replace("_", "-") for each in _KEY.findall(text)}
    project = Path("pyproject.toml")
    try:
        if b"locust" not in files.read_octets(project, files.MOST_TOML):
            return
        tables = files.read_toml(project).get("tool")
    except files.FileError:
        return
    found = tables.get("locust") if isinstance(tables, dict) else None
    if isinstance(found, dict):
        yield project, {each.replace("_", "-") for each in found}
