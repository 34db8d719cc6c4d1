"""The catalogue of requirements: one TOML file for a document, or for a chapter of one."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sockproof.records import LEVELS

_KEYS = {"id", "section", "level", "text", "untestable", "row"}


class RequirementError(Exception):
    """A catalogue that cannot be used; the message is one line naming file and entry."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One sentence that binds a server, in our words.

    `untestable` says why nobody outside can see whether it is kept; `row` is the number of the
    table that a requirement of Engine.IO, Socket.IO or rooms was taken from.
    """

    id: str
    document: str
    section: str
    level: str
    text: str
    untestable: str | None = None
    row: str | None = None


def load_requirements(folder: Path) -> dict[str, Requirement]:
    """Every requirement of the folder's files by id; raises `RequirementError`."""
    found: dict[str, Requirement] = {}
    for path in sorted(folder.glob("*.toml")):
        for requirement in _load_file(path):
            if requirement.id in found:
                raise RequirementError(f"{path}: {requirement.id} is defined twice")
            found[requirement.id] = requirement
    if not found:
        raise RequirementError(f"{folder}: holds no requirements")
    return found


def _load_file(path: Path) -> list[Requirement]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RequirementError(f"{path}: {error}") from None
    document = tables.get("document")
    if not isinstance(document, str) or not isinstance(tables.get("title"), str):
        raise RequirementError(f"{path}: begins with `document` and `title`")
    return [_requirement(entry, document, path) for entry in tables.get("requirement", [])]


def _requirement(entry: dict[str, Any], document: str, path: Path) -> Requirement:
    where = f"{path}, {entry.get('id', 'an entry without id')}"
    for key in set(entry) - _KEYS:
        raise RequirementError(f"{where}: no key {key!r}; it knows {', '.join(sorted(_KEYS))}")
    for key in ("id", "section", "level", "text"):
        if not isinstance(entry.get(key), str) or not entry[key]:
            raise RequirementError(f"{where}: {key} must be a string that is not empty")
    if entry["level"] not in LEVELS:
        raise RequirementError(f"{where}: level is one of {', '.join(LEVELS)}")
    return Requirement(document=document, **entry)
