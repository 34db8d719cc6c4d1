"""What a driver is: a folder of the shelf with a `driver.toml` and a small program.

The program has a client library, and connects to `sockproof clients` again and again, once for each
case, by the client contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sockproof.files import FileError, is_there
from sockproof.formats.reading import read_table
from sockproof.formats.tables import DriverFile, Profile
from sockproof.targets.placeholders import command, environment
from sockproof.targets.spec import TargetError, TargetSpec

EXPECTATIONS = "expectations.toml"  # beside the driver: what is known of its library


@dataclass(frozen=True, slots=True)
class DriverSpec(TargetSpec):
    """What a `driver.toml` says; `start` is its command, `offers` what the library can do."""

    what: ClassVar[str] = "driver"
    offers: tuple[str, ...] = ()

    def command(self) -> list[str]:
        """The words that start it, once it has been prepared (`install.prepare`)."""
        return command(self, self.start)

    def environment(self) -> dict[str, str]:
        """Its environment, in which no proxy is used; where it connects to is told besides."""
        return {**environment(self), "NO_PROXY": "*", "no_proxy": "*"}

    def expectations(self) -> Path | None:
        """The file of what is known of its library, where there is one."""
        path = self.folder / EXPECTATIONS
        return path if is_there(path) else None


def load_drivers(shelf: Path) -> dict[str, DriverSpec]:
    """Every driver of the shelf by name; raises `TargetError`."""
    folders = (each for each in sorted(shelf.glob("*")) if is_there(each / "driver.toml"))
    found = [load_driver(folder) for folder in folders]
    return {spec.name: spec for spec in found}


def load_driver(folder: Path) -> DriverSpec:
    """Read a folder's `driver.toml`; raises `TargetError` naming the field that is wrong."""
    try:
        read = read_table(folder / "driver.toml", DriverFile)
    except FileError as error:
        raise TargetError(str(error)) from None
    return DriverSpec(
        read.name,
        read.title,
        read.kind,
        folder.resolve(),
        tuple(read.command),
        "",
        tuple(read.requires),
        read.version,
        Profile(),
        tools=tuple(read.tools),
        install=tuple(read.install),
        packages=read.packages,
        offers=tuple(read.offers),
    )
