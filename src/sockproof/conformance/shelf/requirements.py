"""The catalogue of requirements: one TOML file for a document, or for a chapter of one."""

from __future__ import annotations

import fnmatch
import graphlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sockproof.errors import WrongInput
from sockproof.formats.reading import read_table
from sockproof.formats.tables import FixEntry, RequirementsFile


class RequirementError(WrongInput):
    """A catalogue that cannot be used; the message is one line naming file and entry."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One sentence that binds a server, in our words.

    `untestable` says why nobody outside can see whether it is kept. `requires` names
    others without which this one cannot be kept, whatever the server does about it: where one
    of them is broken, what fails here follows from that. What a file requires at its top, each
    of its requirements does. `broken` is what is said of a server that does not keep it, with
    the server for a subject: requirements that one omission breaks say the same. `harms` is
    "data" where messages are lost or changed by that. `fix` says how such a server is usually
    fixed.
    """

    id: str
    document: str
    section: str
    level: str
    text: str
    untestable: str | None = None
    broken: str | None = None
    harms: str | None = None
    requires: tuple[str, ...] = ()
    fix: str | None = None


def load_requirements(folder: Path) -> dict[str, Requirement]:
    """Every requirement of the folder's files by id; raises `RequirementError` and `FileError`."""
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
    read = read_table(path, RequirementsFile)
    return [
        Requirement(
            **{**msgspec.structs.asdict(entry), "requires": (*read.requires, *entry.requires)},
            document=read.document,
            fix=_fix(entry.id, read.fix),
        )
        for entry in read.requirement
    ]


def _fix(name: str, fixes: Iterable[FixEntry]) -> str | None:
    for each in fixes:
        if any(fnmatch.fnmatchcase(name, glob) for glob in each.of):
            return each.text
    return None
