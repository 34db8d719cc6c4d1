"""What runs were run with: scenario, target, parameters, versions and machine, from `run.json`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sockproof.files import FileError
from sockproof.formats.load import About
from sockproof.runs.reader import LoadRunFolder

Conditions = dict[str, str]

_MOST = 100  # of one group; nobody has more, but the file may be anyone's


def read(folder: Path) -> Conditions:
    """The conditions of one run by name; none of a file that is missing or damaged."""
    try:
        return dict(_named(LoadRunFolder(folder).about))
    except FileError:
        return {}


def _named(run: About) -> Iterator[tuple[str, str]]:
    for name, told in (("scenario", run.scenario), ("target", run.target)):
        if told is not None:
            yield name, told
    for group in (run.parameters, run.versions, run.machine):
        for name, each in list(group.items())[:_MOST]:
            if name != "boot" and each not in (None, []):  # the boot is an id, and says nothing
                yield name, str(each)


def values(runs: Sequence[Conditions], name: str) -> list[str]:
    """The values of one condition among runs, each once, in their order."""
    return list(dict.fromkeys(each[name] for each in runs if name in each))


def differing(
    a: Sequence[Conditions], b: Sequence[Conditions]
) -> dict[str, tuple[list[str], list[str]]]:
    """Conditions but the target's address that A's runs and B's do not share, with their values."""
    names = dict.fromkeys(name for each in (*a, *b) for name in each if name != "target")
    both = {name: (values(a, name), values(b, name)) for name in names}
    return {name: told for name, told in both.items() if set(told[0]) != set(told[1])}
