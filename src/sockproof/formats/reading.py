"""TOML that a person wrote, as a record: what is wrong is one line with the file and the place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

from sockproof import files
from sockproof.formats import HandWritten

Record = TypeVar("Record", bound=HandWritten)

_NAMES = ("id", "that")  # keys that name an entry
_SHOWN = 60  # characters of a name
# What msgspec says, and what is said of TOML.
_WORDS = (
    (r"Object contains unknown field (.*)", "unknown key {0!r}"),
    (r"Object missing required field (.*)", "the key {0!r} is missing"),
    (r"Invalid enum value (.*)", "unknown value {0}"),
    (r"Expected str matching regex '\\\\S'", "must not be empty"),
    (r"Expected str matching regex '\^/'", "must begin with a slash"),
    (r"Expected str matching regex '\^\[0-9\].*", "must be a time such as 10s or 500ms"),
    (
        r"Expected str matching regex '\^\[\^/\].*",
        "must name a file beside this one, without .toml",
    ),
    (r"Expected array of length >= 1", "must not be empty"),
    (r"Expected (.*)", "expected {0}"),
)
_TYPES = {"object": "table", "str": "string", "int": "whole number", "bool": "true or false"}


def read_table(path: Path, kind: type[Record]) -> Record:
    """The file as this record; raises `FileError`."""
    return as_record(files.read_toml(path), kind, str(path))


def as_record(table: Mapping[str, Any], kind: type[Record], where: str) -> Record:
    """A table as this record; raises `FileError` with the place behind `where`."""
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        what, _, place = str(error).replace("`", "").partition(" - at $")
        told = f"{_place(place, table)}{_said(what)}{_known(what, place, kind)}"
        raise files.FileError(f"{where}: {_printable(told)}") from None


def _place(place: str, table: Mapping[str, Any]) -> str:
    """Where it is: an entry of an array is counted from 1, and named where it has a name."""
    path = place.removeprefix(".")
    if not path:
        return ""
    if found := re.match(r"(\w+)\[(\d+)\]\.?", path):
        number = int(found[2])
        entry = table[found[1]][number]
        names = [entry.get(key) for key in _NAMES] if isinstance(entry, dict) else []
        name = next((each for each in names if isinstance(each, str) and each), None)
        named = f" ({name[:_SHOWN]})" if name else ""
        return f"{found[1]} {number + 1}{named}: " + _behind(path[found.end() :])
    return _behind(path)


def _behind(path: str) -> str:
    counted = re.sub(r"\[(\d+)\]", lambda at: f" {int(at[1]) + 1}", path)
    return f"{counted}: " if path else ""


def _said(what: str) -> str:
    for pattern, words in _WORDS:
        if found := re.fullmatch(pattern, what, re.DOTALL):
            told = words.format(*(each[: 2 * _SHOWN] for each in found.groups()))
            if words.startswith("expected"):
                told = re.sub(r"\w+", lambda word: _TYPES.get(word[0], word[0]), told)
            return told.replace(" | ", " or ").replace(" or null", "")
    return what


def _known(what: str, place: str, kind: Any) -> str:
    """What could stand there instead."""
    here, inside = kind, [kind]
    for name in re.findall(r"\w+", re.sub(r"\[[^\]]*\]", "", place)):
        fields = msgspec.structs.fields(here) if _is_record(here) else ()
        types = [each.type for each in fields if each.name == name]
        inside = list(_inside(types[0])) if types else []
        here = inside[0] if inside else None
    if "unknown field" in what and _is_record(here):
        return f"; the keys are {', '.join(here.__struct_fields__)}"
    if "enum value" in what:
        words = [str(word) for each in inside for word in get_args(each)]
        return f"; the values are {', '.join(words)}"
    return ""


def _inside(kind: Any) -> Iterator[Any]:
    """Records and choices of words within a type."""
    if _is_record(kind) or get_origin(kind) is Literal:
        yield kind
        return
    for inner in get_args(kind):
        yield from _inside(inner)


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, HandWritten)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text[:500])
