"""What a load run was: its `run.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypedDict

from msgspec import Meta

from sockproof import files

MOST_OCTETS = 16 * files.MIB

Plain = None | bool | int | float | str
Whole = Annotated[int, Meta(ge=0, le=1 << 62)]
Group = dict[str, Plain | list[Plain | list[Plain]] | dict[str, Plain]]


class About(TypedDict, total=False):
    """What any reader relies on; a run that was killed early knows little of itself."""

    schema: int
    run: Whole
    target: str | None
    scenario: str | None
    parameters: Group
    versions: Group
    machine: Group
    started: str | None
    ended: str | None
    started_ns: Whole | None
    processes: Whole | None


def read(path: Path) -> dict[str, Any]:
    """What is known of a run; raises `FileError`."""
    return dict(files.read_json(path, About, MOST_OCTETS))
