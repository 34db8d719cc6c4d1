"""A release is refused while something is left open."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = ("pyproject.toml", "SECURITY.md", "CHANGELOG.md", "src/sockproof/__init__.py")


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    """What `.ci/release --check` says of a checkout."""
    command = [sys.executable, str(ROOT / ".ci/release"), "--check"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def checkout(folder: Path) -> Path:
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def test_placeholders_and_a_missing_date_are_named(tmp_path: Path) -> None:
    done = check(checkout(tmp_path))
    assert done.returncode == 1
    for what in ("[project.urls] Homepage", "[project.urls] Issues", "SECURITY.md", "has no date"):
        assert what in done.stderr


def test_nothing_is_left_when_all_is_filled_in(tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    for name in FILES:
        text = (folder / name).read_text().replace("sockproof.invalid", "sockproof.test")
        (folder / name).write_text(text.replace(", unreleased\n", ", 2030-01-31\n"))
    done = check(folder)
    assert (done.returncode, done.stderr) == (0, "")
