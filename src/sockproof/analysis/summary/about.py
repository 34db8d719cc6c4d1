"""What a load run was: its `run.json`."""

from __future__ import annotations

from pathlib import Path

from sockproof import files
from sockproof.formats.load import About
from sockproof.vocabulary import renamed

MOST_OCTETS = 16 * files.MIB


def read(path: Path) -> About:
    """What is known of a run; raises `FileError`."""
    found = files.read_json(path, About, MOST_OCTETS)
    found.parameters = renamed(found.parameters)
    return found
