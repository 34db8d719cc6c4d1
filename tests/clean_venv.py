"""A virtual environment with the wheel and what it says that it requires, and nothing else.

The wheel is made of what the Dockerfile's context holds. What it requires is linked from the
environment of the tests, which takes a second where an installation takes thirty.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from tests import shared
from tests.waiting import LIMIT

ROOT = Path(__file__).parents[1]


def python() -> Path:
    """Its interpreter; it is made once for all processes of a run of the tests."""
    return shared.once("clean_venv", _make)


def without_ours() -> dict[str, str]:
    """This process's environment without what would lead to the checkout."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def context(folder: Path) -> Path:
    """A copy of what `docker build` is sent of the checkout."""
    lines = (ROOT / ".dockerignore").read_text().split("\n")
    admitted = [line[1:] for line in lines if line.startswith("!")]
    left_out = [Path(line).name for line in lines if line.startswith("**/")]
    assert "*" in lines
    folder.mkdir(parents=True)
    for name in admitted:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(*left_out))
        else:
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def required(requirements: Iterable[str]) -> set[str]:
    """The distributions that requirements name, with all that those require."""
    waiting = [found for text in requirements if (found := _applies(text, frozenset()))]
    seen = set()
    while waiting:
        here = waiting.pop()
        if here not in seen:
            seen.add(here)
            further = metadata.requires(here[0]) or ()
            waiting += [found for text in further if (found := _applies(text, here[1]))]
    return {name for name, _ in seen}


def _applies(text: str, extras: frozenset[str]) -> tuple[str, frozenset[str]] | None:
    needed = Requirement(text)
    marker = needed.marker
    if marker and not any(marker.evaluate({"extra": each}) for each in (*extras, "")):
        return None
    return re.sub(r"[-_.]+", "-", needed.name).lower(), frozenset(needed.extras)


def _make() -> Path:
    folder = Path(os.environ[shared.FOLDER]) / "clean"
    sent = context(folder / "context")
    _run(sys.executable, "-m", "venv", str(folder / "venv"))
    interpreter = folder / "venv" / "bin" / "python"
    _run(str(interpreter), "-m", "pip", "wheel", "--no-deps", "-w", str(folder), str(sent))
    (wheel,) = folder.glob("sockproof-*.whl")
    _run(str(interpreter), "-m", "pip", "install", "--no-deps", "--no-index", str(wheel))
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (installed,) = metadata.distributions(name="sockproof", path=[str(packages)])
    for name in required(installed.requires or ()):
        _link(metadata.distribution(name), packages)
    return interpreter


def _run(*command: str) -> None:
    done = subprocess.run(
        command,
        env={**without_ours(), "PIP_CONSTRAINT": str(ROOT / "constraints.txt")},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _link(distribution: metadata.Distribution, packages: Path) -> None:
    """Link what a distribution has put into the folder of packages."""
    tops = {Path(str(file)).parts[0] for file in distribution.files or ()}
    for top in tops - {"..", "__pycache__"}:
        source = Path(str(distribution.locate_file(top)))
        if not (packages / top).exists() and not fnmatch.fnmatch(top, "*.pth"):
            (packages / top).symlink_to(source, target_is_directory=source.is_dir())
