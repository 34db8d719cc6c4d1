"""Whole files, read and written: what anybody may have damaged, and what may fail half-way.

The rules that hold here:

* Only a regular file is read, never one that is bigger than its reader says: a FIFO would be
  waited for and a device has no end. What is wrong is one line with the file's name and place.
* JSON is decoded into the type that its reader names, so that what has another shape costs no
  memory; what the type does not know is passed over. Of a key that stands twice the last counts.
* What is written stands beside its place until it is whole, and takes the place in one step. When
  that fails, the older file is as it was. Devices and pipes, which have no older file, are written
  to as they are.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from sockproof.errors import NotJudged, WrongInput

MIB = 1 << 20
MOST_TOML = MIB
MOST_TOML_LINE = 1 << 14  # characters: a key with dots takes tomllib the square of its length
MOST_DEPTH = 64  # of tables and arrays in each other
LONGEST_REASON = 200  # characters

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
Type = TypeVar("Type")


class FileError(WrongInput):
    """A file that cannot be read as what it should be; one line with its name."""


class WriteError(NotJudged):
    """A file that could not be written; one line with its name. What stood there before stays."""


def read_octets(path: Path, most: int) -> bytes:
    """All of a regular file; raises `FileError` when it is none, or bigger than `most` octets."""
    with opened(path, most) as handle:
        parts = []
        left = most + 1
        try:
            while left and (part := os.read(handle, min(left, MIB))):
                parts.append(part)
                left -= len(part)
        except OSError as error:
            raise FileError(f"{path}: cannot be read: {error.strerror}") from None
    if not left:  # it grew while it was read
        raise FileError(f"{path}: is bigger than {_size(most)}")
    return b"".join(parts)


@contextlib.contextmanager
def opened(path: Path, most: int) -> Iterator[int]:
    """The descriptor of a regular file of at most `most` octets; raises `FileError`."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:  # a NUL in the name
        raise FileError(f"{str(path)!r} is not a file name") from None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "not a regular file"
            raise FileError(f"{path}: is {kind}")
        if found.st_size > most:
            raise FileError(f"{path}: has {_size(found.st_size)}, more than {_size(most)}")
        yield handle
    finally:
        os.close(handle)


def is_there(path: Path) -> bool:
    """Whether anything has this name, be it a link that leads nowhere."""
    return os.path.lexists(path)


def read_text(path: Path, most: int) -> str:
    """All of a file in UTF-8."""
    octets = read_octets(path, most)
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileError(f"{path}: is not UTF-8 (byte {error.start})") from None


def read_json(path: Path, kind: type[Type], most: int) -> Type:
    """A JSON document of this type; raises `FileError`."""
    octets = read_octets(path, most)
    try:
        return decode(octets, kind)
    except ValueError as error:
        raise FileError(f"{path}: {error}") from None


def read_lines(path: Path, most: int, most_line: int = 8 * MIB) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their numbers, from 1 on, as far as newlines end them.

    Raises `FileError`; at a line that is longer than `most_line` octets, too.
    """
    with opened(path, most) as handle, open(handle, "rb", closefd=False) as file:
        number = 0
        try:
            while line := file.readline(most_line + 1):
                number += 1
                if len(line) > most_line:
                    raise FileError(f"{path}: line {number} is longer than {_size(most_line)}")
                if line.endswith(b"\n"):  # else it was never finished
                    yield number, line
        except OSError as error:
            raise FileError(f"{path}: cannot be read: {error.strerror}") from None


def decode(octets: bytes, kind: type[Type]) -> Type:
    """JSON of this type; raises `ValueError` with what is wrong in a few words, and where."""
    try:
        return msgspec.json.decode(octets, type=kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"is invalid: {_reason(error)}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON: {_reason(error)}") from None


def checked(value: Any, kind: type[Type]) -> Type:
    """What JSON was decoded to, as this type; raises `ValueError` as `decode` does."""
    try:
        return msgspec.convert(value, kind)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is invalid: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    text = str(error).removeprefix("JSON is malformed: ").replace("`", "")
    if isinstance(error, RecursionError):
        text = "it is nested too deeply"
    elif isinstance(error, UnicodeDecodeError):
        text = f"not UTF-8 (byte {error.start})"
    return "".join(char if char.isprintable() else "?" for char in text[:LONGEST_REASON])


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file's tables; raises `FileError`."""
    text = read_text(path, MOST_TOML)
    if max(map(len, text.split("\n"))) > MOST_TOML_LINE:
        raise FileError(f"{path}: has a line of more than {MOST_TOML_LINE:,} characters")
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError) as error:  # a date, or a number, that is none
        raise FileError(f"{path}: is not TOML: {_reason(error)}") from None
    except RecursionError:
        raise FileError(f"{path}: is nested too deeply") from None
    if _is_deeper(tables, MOST_DEPTH):
        raise FileError(f"{path}: is nested too deeply")
    return tables


def _is_deeper(value: Any, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def write(path: Path, content: str | bytes, durable: bool = False) -> None:
    """Put the content in the file's place in one step; raises `WriteError`.

    `durable` is for what cannot be made again: it is on the disk before it takes the place.
    """
    octets = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    try:
        place, mode = _place(path)
        if place is None:
            _write_through(path, octets)
        else:
            _write_beside(place, mode, octets, durable)
    except OSError as error:
        raise WriteError(f"cannot write {path}: {error.strerror}") from None
    except ValueError:
        raise WriteError(f"cannot write {str(path)!r}: that is not a file name") from None


def _place(path: Path) -> tuple[str | None, int | None]:
    """Where links lead and the mode of what is there; no place for what is not a regular file."""
    place = os.path.realpath(path)
    try:
        found = os.stat(path)  # noqa: PTH116 - a loop of links is an error
    except FileNotFoundError:
        return place, None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(21, "Is a directory")
    if not stat.S_ISREG(found.st_mode):
        return None, None
    if not os.access(place, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(13, "Permission denied")
    return place, stat.S_IMODE(found.st_mode)


def _write_through(path: Path, octets: bytes) -> None:
    """Into a device, or a pipe that somebody reads."""
    handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.set_blocking(handle, True)
        write_all(handle, octets)
    finally:
        os.close(handle)


def _write_beside(place: str, mode: int | None, octets: bytes, durable: bool) -> None:
    folder, name = os.path.split(place)
    fresh = os.path.join(folder, f".{name[:100]}.{secrets.token_hex(4)}")  # noqa: PTH118
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        try:
            if mode is not None:
                os.fchmod(handle, mode)
            write_all(handle, octets)
            if durable:
                os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(fresh, place)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(fresh)  # noqa: PTH108
        raise


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON that every reader takes: ASCII, finite numbers, lone surrogates spelt out."""
    text = _compact(value)
    if "\\ud" in text:  # a surrogate, which may be a lone one
        text = _compact(_spelt(value))
    return (text if indent is None else msgspec.json.format(text, indent=indent)) + "\n"


def _compact(value: Any) -> str:
    return json.dumps(value, allow_nan=False, default=_plain, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """What `json` knows no form of; raises TypeError where there is none."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, msgspec.Struct):
        return msgspec.to_builtins(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def _spelt(value: Any) -> Any:
    """`value` with its lone surrogates written as `\\udXXX` in every string and key."""
    match value:
        case str():
            if value.isascii():
                return value
            return _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", value)
        case int() | float() | None:
            return value
        case msgspec.Struct():
            return _spelt(msgspec.to_builtins(value))
        case dict() | Mapping():
            return {_spelt(str(key)): _spelt(item) for key, item in value.items()}
        case list() | tuple():
            return [_spelt(item) for item in value]
        case _:
            return value


class LineWriter:
    """A file of JSON lines, each of which is there when it was written, or not at all."""

    def __init__(self, path: Path, anew: bool = False) -> None:
        """Raises `WriteError`; `anew` empties a file that is there."""
        self.path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_TRUNC if anew else 0)
        try:
            self._handle = os.open(path, flags, 0o666)
            self._length = os.lseek(self._handle, 0, os.SEEK_END)
        except OSError as error:
            raise WriteError(f"cannot write {path}: {error.strerror}") from None

    def write(self, value: Any) -> None:
        """Append one line; raises `WriteError`."""
        octets = json_text(value).encode("ascii")
        try:
            write_all(self._handle, octets)
        except OSError as error:
            with contextlib.suppress(OSError):  # what there is of the line
                os.ftruncate(self._handle, self._length)
                os.lseek(self._handle, self._length, os.SEEK_SET)
            raise WriteError(f"cannot write {self.path}: {error.strerror}") from None
        self._length += len(octets)

    def close(self) -> None:
        """Nothing more is written."""
        if self._handle >= 0:
            with contextlib.suppress(OSError):
                os.close(self._handle)
            self._handle = -1


def make_folder(path: Path) -> None:
    """Have the folder be there, with those that it is in; raises `WriteError`."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"cannot make the folder {path}: {error.strerror}") from None


def remove(path: Path) -> None:
    """Have the file not be there; raises `WriteError`."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(f"cannot remove {path}: {error.strerror}") from None


def write_all(handle: int, octets: bytes) -> None:
    """Write all of it, however much the system takes at a time."""
    rest = memoryview(octets)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _size(octets: int) -> str:
    return f"{octets / MIB:,.0f} MiB" if octets >= MIB else f"{octets:,} octets"
