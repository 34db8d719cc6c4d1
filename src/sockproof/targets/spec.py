"""What a target is: a folder of the shelf with a `target.toml`, read and checked."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from sockproof.errors import NotJudged
from sockproof.files import FileError, is_there, read_toml
from sockproof.formats.reading import as_record
from sockproof.formats.tables import Profile, TargetFile
from sockproof.targets.packages import debian_lacks, distribution_installed, version_of


class TargetError(NotJudged):
    """A target that cannot be started; the message is one line, or ends with its last lines."""


class TargetMissing(TargetError):
    """A target whose requirements are not installed; it may be passed over."""


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """What a `target.toml` says.

    `kind` is `websocket` or `socketio`, or `application`, which is for load tests alone.
    `requires` are Python distributions and `tools` programs that must be there. `packages` names
    the package of Debian that has a tool, or anything else that is needed. `install` is run once,
    before the first start, for what comes from elsewhere or has to be built. `tls` is what `start`
    has behind it when the server is to speak TLS.
    """

    what: ClassVar[str] = "target"  # as messages call it
    name: str
    title: str
    kind: str
    folder: Path
    start: tuple[str, ...]
    url: str
    requires: tuple[str, ...]
    version: str
    profile: Profile
    tools: tuple[str, ...] = ()
    install: tuple[str, ...] = ()
    tls: tuple[str, ...] = ()
    packages: Mapping[str, str] = field(default_factory=dict)

    def needs(self) -> list[str]:
        """What is not there: the commands that install it, then tools that no package has."""
        commands = []
        absent = [each for each in self.requires if not distribution_installed(each)]
        if absent:
            commands.append("pip install " + " ".join(f"'{each}'" for each in absent))
        tools = [each for each in self.tools if shutil.which(each) is None]
        lacking = [self.packages[each] for each in tools if each in self.packages]
        others = [name for what, name in self.packages.items() if what not in self.tools]
        lacking += [each for each in others if debian_lacks(each)]
        if lacking:
            commands.append("apt-get install " + " ".join(dict.fromkeys(lacking)))
        return commands + [f"{each} on the PATH" for each in tools if each not in self.packages]

    @property
    def sources(self) -> list[Path]:
        """The files of its folder that `install` uses: every *.json and those that it names."""
        named = " ".join(self.install)
        files = sorted(self.folder.iterdir()) if self.install else []
        return [
            each for each in files if each.suffix == ".json" or f"{{folder}}/{each.name}" in named
        ]

    @property
    def home(self) -> Path:
        """Where `install` puts things: a cache folder of this target, as it is written now.

        Another version of the package of Debian that it is built on makes another folder.
        """
        digest = hashlib.sha256(repr(self.install).encode())
        if self.version.startswith("deb:"):
            digest.update(str(version_of(self.version, self.folder)).encode())
        for path in self.sources:
            digest.update(path.read_bytes())
        return _cache() / "sockproof" / f"{self.name}-{digest.hexdigest()[:12]}"

    def server_version(self) -> str | None:
        """The version of what it runs on, where it can be told."""
        return version_of(self.version, self.home)

    def described(self) -> str:
        """The target's title with the version of the library that it runs on, behind its name."""
        version = self.server_version()
        if version is None:
            return self.title
        name = self.version.rpartition(":")[2]
        at = len(name) if self.title.lower().startswith(name.lower()) else len(self.title)
        return f"{self.title[:at]} {version}{self.title[at:]}"


def _cache() -> Path:
    """Where what is installed is kept; where there is no home, a folder that nobody can make."""
    with contextlib.suppress(RuntimeError):
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path("/nonexistent/.cache")


def load_targets(shelf: Path) -> dict[str, TargetSpec]:
    """Every target of the shelf by name; raises `TargetError`."""
    folders = (each for each in sorted(shelf.glob("*")) if is_there(each / "target.toml"))
    found = [load_target(folder) for folder in folders]
    return {spec.name: spec for spec in found}


def load_target(folder: Path) -> TargetSpec:
    """Read a folder's `target.toml`; raises `TargetError` naming the field that is wrong."""
    path = folder / "target.toml"
    table = read_toml(path)
    try:
        read = as_record(table, TargetFile, str(path))
    except FileError as error:
        raise TargetError(str(error)) from None
    return TargetSpec(
        read.name,
        read.title,
        read.kind,
        folder.resolve(),
        tuple(read.start),
        read.url,
        tuple(read.requires),
        read.version,
        read.profile,
        tools=tuple(read.tools),
        install=tuple(read.install),
        tls=tuple(read.tls),
        packages=read.packages,
    )
