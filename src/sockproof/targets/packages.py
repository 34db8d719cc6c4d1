"""What package managers know: whether something is installed, and in which version.

Python distributions are looked up in the running interpreter, packages of npm where a target has
installed them, packages of Debian with dpkg where there is one.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import json
import re
import shutil
import subprocess
from pathlib import Path


def distribution_installed(requirement: str) -> bool:
    """Whether a Python distribution is there, in whatever version."""
    return _distribution_version(re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]) is not None


def debian_lacks(package: str) -> bool:
    """Whether dpkg says that a package is not installed; False where there is no dpkg."""
    return debian_version(package) == ""


def version_of(what: str, home: Path) -> str | None:
    """The version of a Python distribution, or of `npm:NAME`, `deb:NAME` or `file:NAME`.

    `file:` is a file in `home`, into which a target's `install` has written the version.
    """
    manager, _, name = what.rpartition(":")
    if manager == "npm":
        package = home / "node_modules" / name / "package.json"
        with contextlib.suppress(OSError, ValueError, KeyError):
            return str(json.loads(package.read_text(encoding="utf-8"))["version"])
        return None
    if manager == "file":
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return (home / name).read_text(encoding="utf-8").strip() or None
        return None
    if manager == "deb":
        found = re.match(r"(?:\d+:)?([^-+~]+)", debian_version(name) or "")
        return found[1] if found else None  # of 2:1.5.0+dfsg-2 the library's own part
    return _distribution_version(what)


def _distribution_version(name: str) -> str | None:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(name)
    return None


@functools.cache
def debian_version(package: str) -> str | None:
    """Empty where the package is not installed; None where there is no dpkg."""
    program = shutil.which("dpkg-query")
    if program is None:
        return None
    try:
        asked = subprocess.run(
            [program, "--show", "--showformat=${db:Status-Status} ${Version}\n", package],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"^installed (\S+)$", asked.stdout, re.MULTILINE)
    return found[1] if found else ""
