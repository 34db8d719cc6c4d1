"""What may have become of a file: every kind of damage, drawn from dice.

`KINDS` has a function for each. It changes the file that it is given, whatever that holds.
`FATAL` are those after which nothing of the file can be read.
"""

from __future__ import annotations

import json
import os
import random
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

WEIRD: tuple[str, ...] = (
    *("null", "true", "-1", "0", "1e308", "-0.0", "1e999", "-1e999", "NaN", "Infinity"),
    *(str(2**31), str(2**63), str(2**64), "9" * 400, "-" + "9" * 5000, "0.1"),
    *('""', '"\\u0000"', '"\\ud800"', '"\\u001b[31m\\u202e"', '"../../../etc/passwd"', '"FAIL"'),
    '"' + "x" * 300_000 + '"',
    *("[]", "{}", "[" * 500 + "]" * 500, "[" * 100_000, '{"a":' * 100_000, "[[],{},[[1]]]"),
    '{"": {"": [null]}}',
    *("1979-05-27", "12:00:00", "0x10", "1_000", "'it'", '"""'),
)
WORDS = (0, 1, 2, 255, 2**31, 2**32 - 1, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
HUGE = 1 << 40  # octets of a file that is almost nothing but a hole

Damage = Callable[[Path, random.Random], None]


def empty(path: Path, dice: random.Random) -> None:
    """Nothing is left."""
    path.write_bytes(b"")


def missing(path: Path, dice: random.Random) -> None:
    """It is not there."""
    path.unlink()


def folder(path: Path, dice: random.Random) -> None:
    """A folder is in its place."""
    path.unlink()
    path.mkdir()


def fifo(path: Path, dice: random.Random) -> None:
    """A pipe that nobody writes to is in its place."""
    path.unlink()
    os.mkfifo(path)


def loop(path: Path, dice: random.Random) -> None:
    """A link that leads to itself."""
    path.unlink()
    path.symlink_to(path.name)


def device(path: Path, dice: random.Random) -> None:
    """A link to something without an end."""
    path.unlink()
    path.symlink_to(dice.choice(("/dev/zero", "/dev/urandom", "/dev/tty", "/dev/null")))


def unreadable(path: Path, dice: random.Random) -> None:
    """Nobody may read it, but root."""
    path.chmod(0)


def hole(path: Path, dice: random.Random) -> None:
    """A terabyte of nothing behind what is there."""
    os.truncate(path, HUGE)


def hole_before(path: Path, dice: random.Random) -> None:
    """A terabyte of nothing before what is there."""
    content = path.read_bytes()
    with path.open("wb") as file:
        file.seek(HUGE)
        file.write(content)


def deep(path: Path, dice: random.Random) -> None:
    """Nothing but brackets."""
    opening = dice.choice(("[", '{"a":', "a = " + "[" * 10, "[a" + ".a" * 10))
    path.write_text(opening * 100_000 + dice.choice(("", "\n")))


def dotted(path: Path, dice: random.Random) -> None:
    """A key of very many parts."""
    path.write_text("a" + ".a" * dice.choice((1000, 8000, 400_000)) + " = 1\n")


def long_line(path: Path, dice: random.Random) -> None:
    """A line without an end."""
    _insert(path, dice, b"x" * 20_000_000)


def many_brackets(path: Path, dice: random.Random) -> None:
    """Very many values that are small to write and big to hold."""
    path.write_bytes(b"[" + b"[]," * 8_000_000 + b"[]]\n")


def truncated(path: Path, dice: random.Random) -> None:
    """It ends somewhere."""
    os.truncate(path, dice.randrange(path.stat().st_size + 1))


def not_utf8(path: Path, dice: random.Random) -> None:
    """Octets that are no text."""
    _insert(path, dice, dice.choice((b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"\xef\xbb\xbf")))


def nuls(path: Path, dice: random.Random) -> None:
    """Octets that are nothing."""
    _insert(path, dice, b"\0" * dice.choice((1, 32, 5000)))


def rubbish(path: Path, dice: random.Random) -> None:
    """Random octets in place of some."""
    content = bytearray(path.read_bytes())
    at, length = dice.randrange(len(content) + 1), dice.choice((1, 8, 200, 5000))
    content[at : at + length] = dice.randbytes(length)
    path.write_bytes(content)


def bits(path: Path, dice: random.Random) -> None:
    """A few bits are turned."""
    content = bytearray(path.read_bytes())
    for _ in range(dice.choice((1, 1, 3, 30))):
        if content:
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    path.write_bytes(content)


def lines(path: Path, dice: random.Random) -> None:
    """Lines are gone, doubled or in another order."""
    split = path.read_bytes().split(b"\n")
    for _ in range(dice.choice((1, 5))):
        at = dice.randrange(len(split))
        change = dice.choice(("gone", "doubled", "moved"))
        line = split[at] if change == "doubled" or len(split) < 2 else split.pop(at)
        if change != "gone":
            split.insert(dice.randrange(len(split) + 1), line)
    path.write_bytes(b"\n".join(split))


def repeated(path: Path, dice: random.Random) -> None:
    """All of it, several times."""
    path.write_bytes(path.read_bytes() * dice.choice((2, 5)))


def value(path: Path, dice: random.Random) -> None:
    """A value is another: of a line of JSON, of a document, of a table."""
    _replaced(path, dice, dice.choice(WEIRD))


def values(path: Path, dice: random.Random) -> None:
    """Several values are others."""
    for _ in range(5):
        _replaced(path, dice, dice.choice(WEIRD))


def swapped_values(path: Path, dice: random.Random) -> None:
    """A value is that of another key."""
    found = _TOKEN.findall(path.read_text(errors="replace"))
    if found:
        _replaced(path, dice, dice.choice(found))


def without_key(path: Path, dice: random.Random) -> None:
    """A key is gone from an object, or stands there twice."""
    split = path.read_bytes().split(b"\n")
    places = [at for at, line in enumerate(split) if line.startswith(b"{")] or [0]
    whole = path.suffix == ".json"
    at = dice.choice(places)
    try:
        read = json.loads(path.read_bytes() if whole else split[at])
    except (ValueError, RecursionError):
        return value(path, dice)
    objects = [each for each in _objects(read) if each]
    if not objects:
        return None
    chosen = dice.choice(objects)
    key = dice.choice(list(chosen))
    text = json.dumps(read)
    if dice.random() < 0.5:
        del chosen[key]
        text = json.dumps(read)
    else:
        again = f"{json.dumps(key)}: {dice.choice(WEIRD[:20])}, {json.dumps(key)}:"
        text = text.replace(f"{json.dumps(key)}:", again, 1)
    split[at] = text.encode()
    path.write_bytes(text.encode() if whole else b"\n".join(split))
    return None


def header(path: Path, dice: random.Random) -> None:
    """What stands first is another: the words of a file of rows, the beginning of a text."""
    content = bytearray(path.read_bytes())
    at = dice.choice((0, 8, 12, 16, 20, 40, 56))
    if len(content) < at + 8:
        return
    content[at : at + 4] = struct.pack("<I", dice.choice(WORDS) & 0xFFFFFFFF)
    path.write_bytes(content)


def row(path: Path, dice: random.Random) -> None:
    """Words of a row are others, of one or of a hundred."""
    content = bytearray(path.read_bytes())
    for _ in range(dice.choice((1, 1, 100))):
        if len(content) < 96:
            return
        at = 64 + 32 * dice.randrange((len(content) - 64) // 32)
        place = dice.choice((0, 8, 16, 24, 28, 30, 31))
        length = {24: 4, 28: 2, 30: 1, 31: 1}.get(place, 8)
        number = dice.choice(WORDS) if length > 1 else dice.randrange(256)
        content[at + place : at + place + length] = (number % (1 << 8 * length)).to_bytes(
            length, "little"
        )
    path.write_bytes(content)


def _insert(path: Path, dice: random.Random, octets: bytes) -> None:
    content = path.read_bytes()
    at = dice.randrange(len(content) + 1)
    path.write_bytes(content[:at] + octets + content[at:])


_TOKEN = re.compile(
    r'"(?:[^"\\\n]|\\.)*"(?!\s*:)|(?<![\w.])-?\d+(?:\.\d+)?|\btrue\b|\bfalse\b|null'
)


def _replaced(path: Path, dice: random.Random, by: str) -> None:
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    found = list(_TOKEN.finditer(text))
    if not found:
        return
    chosen = dice.choice(found)
    text = text[: chosen.start()] + by + text[chosen.end() :]
    path.write_bytes(text.encode("utf-8", "surrogateescape"))


def _objects(value: Any) -> list[dict[str, Any]]:
    found, left = [], [value]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            found.append(each)
        left += each.values() if isinstance(each, dict) else each if isinstance(each, list) else []
    return found


FATAL: tuple[Damage, ...] = (
    *(empty, missing, folder, fifo, loop, device, hole_before, deep, dotted, many_brackets),
)
PARTIAL: tuple[Damage, ...] = (
    *(unreadable, hole, long_line, truncated, not_utf8, nuls, rubbish, bits, bits, lines),
    *(repeated, value, value, value, values, swapped_values, without_key, without_key),
)
ROWS: tuple[Damage, ...] = (header, row, row, row)
