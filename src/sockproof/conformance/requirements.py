"""The catalogue of requirements: one TOML file for a document, or for a chapter of one."""

from __future__ import annotations

import graphlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sockproof.errors import WrongInput
from sockproof.files import read_toml
from sockproof.records import LEVELS

_FILE_KEYS = {"document", "title", "requires", "requirement"}
_NEEDED = ("id", "section", "level", "text")
_KEYS = {*_NEEDED, "untestable", "row", "requires", "broken", "harms"}
_HARMS = ("data",)


class RequirementError(WrongInput):
    """A catalogue that cannot be used; the message is one line naming file and entry."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One sentence that binds a server, in our words.

    `untestable` says why nobody outside can see whether it is kept; `row` is the number of the
    table that a requirement of Engine.IO, Socket.IO or rooms was taken from. `requires` names
    others without which this one cannot be kept, whatever the server does about it: where one
    of them is broken, what fails here follows from that. What a file requires at its top, each
    of its requirements does. `broken` is what is said of a server that does not keep it, with
    the server for a subject: requirements that one omission breaks say the same. `harms` is
    "data" where messages are lost or changed by that.
    """

    id: str
    document: str
    section: str
    level: str
    text: str
    untestable: str | None = None
    row: str | None = None
    broken: str | None = None
    harms: str | None = None
    requires: tuple[str, ...] = ()


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
    _check_requires(folder, found)
    return found


def _check_requires(folder: Path, found: dict[str, Requirement]) -> None:
    for requirement in found.values():
        for name in requirement.requires:
            if name not in found:
                raise RequirementError(f"{folder}: {requirement.id} requires {name}, unknown")
    try:
        graphlib.TopologicalSorter({n: each.requires for n, each in found.items()}).prepare()
    except graphlib.CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        raise RequirementError(f"{folder}: requirements in a circle: {circle}") from None


def _load_file(path: Path) -> list[Requirement]:
    tables = read_toml(path)
    document = tables.get("document")
    if not isinstance(document, str) or not isinstance(tables.get("title"), str):
        raise RequirementError(f"{path}: begins with `document` and `title`")
    for key in sorted(set(tables) - _FILE_KEYS):
        raise RequirementError(f"{path}: no key {key!r}; it knows {', '.join(sorted(_FILE_KEYS))}")
    entries = tables.get("requirement", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RequirementError(f"{path}: each requirement is a table [[requirement]]")
    common = _requires(tables, str(path))
    return [
        _requirement(entry, number, document, common, path)
        for number, entry in enumerate(entries, start=1)
    ]


def _requires(table: dict[str, Any], where: str) -> tuple[str, ...]:
    requires = table.pop("requires", [])
    if not isinstance(requires, list) or not all(isinstance(each, str) for each in requires):
        raise RequirementError(f"{where}: requires must be a list of ids")
    return tuple(requires)


def _requirement(
    entry: dict[str, Any], number: int, document: str, common: tuple[str, ...], path: Path
) -> Requirement:
    name = entry.get("id")
    where = f"{path}, {name if isinstance(name, str) and name else f'entry {number}'}"
    for key in sorted(set(entry) - _KEYS):
        raise RequirementError(f"{where}: no key {key!r}; it knows {', '.join(sorted(_KEYS))}")
    requires = common + _requires(entry, where)
    for key in (*_NEEDED, *sorted(set(entry) - set(_NEEDED))):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise RequirementError(f"{where}: {key} must be a string that is not empty")
    if entry["level"] not in LEVELS:
        raise RequirementError(f"{where}: level is one of {', '.join(LEVELS)}")
    if entry.get("harms", "data") not in _HARMS:
        raise RequirementError(f"{where}: harms is one of {', '.join(_HARMS)}")
    return Requirement(document=document, **entry, requires=requires)
