"""What is set beside the command line: in a file of the working directory, or the environment.

An option `--spawn-rate` of the command `load` is, the first that is there: the variable
SOCKPROOF_LOAD_SPAWN_RATE, SOCKPROOF_SPAWN_RATE, the key `spawn-rate` of the table `[load]`, the
same key above all tables. What a value has to be, and which keys there are, commands know.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sockproof.errors import WrongInput

FILE = "sockproof.toml"
PROJECT = "pyproject.toml"  # where the same stands in [tool.sockproof]
_PREFIX = "SOCKPROOF_"
_TABLE = re.compile(rb"""tool["']?\s*\.\s*["']?sockproof""")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class SettingError(WrongInput):
    """A setting that is of no use; one line with its place."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value, with its place for messages, and the file or the variable that it is from."""

    value: Any
    place: str
    source: str
    is_variable: bool = False

    def wrong(self, why: str) -> SettingError:
        """The error of a value that is of no use."""
        return SettingError(f"{self.place}: {why}")

    def switch(self) -> bool:
        """The value of a flag; raises `SettingError`."""
        text = str(self.value).strip().lower()
        if isinstance(self.value, bool) or (self.is_variable and text in (*_TRUE, *_FALSE)):
            return text in _TRUE
        raise self.wrong("must be true or false")

    def texts(self, *, several: bool = False, numbers: bool = True) -> list[str]:
        """What would be typed, for each time that the option is there; raises `SettingError`."""
        if self.is_variable and several:
            return [line.strip() for line in self.value.splitlines() if line.strip()]
        values = self.value if isinstance(self.value, list) and several else [self.value]
        for each in values:
            is_number = isinstance(each, int | float) and not isinstance(each, bool)
            if not (isinstance(each, str) or (is_number and numbers)):
                expected = "a number or a string" if numbers else "a string"
                raise self.wrong(f"must be {expected}{' or a list of them' if several else ''}")
        texts = [str(each) for each in values]
        if any("\0" in each for each in texts):  # no command line could have it
            raise self.wrong("must not contain NUL")
        return texts


@dataclass(frozen=True, slots=True)
class Settings:
    """All that is set; `said` is what nobody will read."""

    file: str = FILE
    tables: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    said: tuple[str, ...] = ()

    def of(self, command: str, name: str) -> Setting | None:
        """What is set for an option of a command."""
        for variable in variables(command, name):
            text = self.environment.get(variable, "")
            if text and not _is_of_kubernetes(variable, text):
                return Setting(text, variable, variable, is_variable=True)
        for table in (command, ""):
            for setting in self.keys(table):
                if setting[0] == name:
                    return setting[1]
        return None

    def keys(self, table: str) -> Iterator[tuple[str, Setting]]:
        """The keys of a table, as options are spelled; those above all tables for \"\"."""
        found = self.tables if not table else self.tables.get(table)
        if not isinstance(found, dict):
            return
        seen: dict[str, str] = {}
        for key, value in found.items():
            if not table and isinstance(value, dict):
                continue
            name = key.replace("_", "-")
            place = f"{self.file}: {table}.{key}" if table else f"{self.file}: {key}"
            if name in seen:
                raise SettingError(f"{place}: the same as {seen[name]}; keep one of them")
            seen[name] = key
            yield name, Setting(value, place, self.file)


def variables(command: str, name: str) -> tuple[str, str]:
    """The variables of an option, for its command alone and for all commands that have it."""
    spelled = name.replace("-", "_").upper()
    return f"{_PREFIX}{command.upper()}_{spelled}", _PREFIX + spelled


def _is_of_kubernetes(variable: str, text: str) -> bool:
    """Whether Kubernetes has set it, as SOCKPROOF_MASTER_PORT for a Service `sockproof-master`."""
    return variable.endswith("_PORT") and re.match(r"(tcp|udp|sctp)://", text) is not None


def read_settings() -> Settings:
    """What holds here and now; raises `WrongInput` where a file is no TOML."""
    environment = {name: value for name, value in os.environ.items() if name.startswith(_PREFIX)}
    own, project = Path(FILE), _project()
    if not os.path.lexists(own):
        return Settings(f"{PROJECT} [tool.sockproof]", project or {}, environment)
    from sockproof import files

    ignored = f"{PROJECT}: [tool.sockproof] is ignored, as there is a {FILE}"
    said = () if project is None else (ignored,)
    return Settings(FILE, files.read_toml(own), environment, said)


def _project() -> dict[str, Any] | None:
    """What `pyproject.toml` says of sockproof; if it says nothing it need not even be TOML."""
    path = Path(PROJECT)
    if not path.is_file() or not os.access(path, os.R_OK):
        return None
    from sockproof import files

    octets = files.read_octets(path, files.MOST_TOML)
    if b"sockproof" not in octets:
        return None
    try:
        tool = files.read_toml(path).get("tool")
    except files.FileError:
        if _TABLE.search(octets):
            raise
        return None
    found = tool.get("sockproof") if isinstance(tool, dict) else None
    if found is not None and not isinstance(found, dict):
        raise SettingError(f"{PROJECT}: tool.sockproof: must be a table")
    return found
