"""Text that a server may have written, made fit to be looked at.

What Python calls printable stays. All else (controls, ANSI escapes, overrides of the writing
direction, spaces of no width, lone surrogates, code points without a character) is written as
Python would escape it. What comes out is therefore also free of all that XML 1.0 forbids.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sockproof.runs.records import cut

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}

ARROWS = {"sent": "→", "received": "←"}


def visible(text: str) -> str:
    """`text` on one line, with every character that cannot be seen written as an escape."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    point = ord(char)
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def aligned(rows: Sequence[Sequence[str]], left: Collection[int]) -> Iterator[str]:
    """The lines of a table: the columns `left` begin alike, the others end alike."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.ljust(width) if at in left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield ("  " + "  ".join(cells)).rstrip()


def short(text: object, limit: int = 2000) -> str:
    """At most `limit` characters of `text`, visible and on one line; nothing for None."""
    return "" if text is None else visible(cut(str(text), limit))


def lines(text: str, limit: int = 65536) -> str:
    """The last `limit` characters of a log, its lines kept and everything else visible."""
    dropped = len(text) - limit
    if dropped > 0:
        text = f"({dropped} characters before this left out)\n{text[dropped:]}"
    split = text.replace("\r\n", "\n").split("\n")
    return "\n".join(visible(line.replace("\t", "    ")) for line in split)


def spaced_hex(octets: str, limit: int = 256) -> str:
    """Hexadecimal digits as pairs with spaces between, of at most `limit` octets."""
    pairs = [octets[at : at + 2] for at in range(0, min(len(octets), 2 * limit), 2)]
    return visible(" ".join(pairs))


def octets_left_out(entry: Mapping[str, Any], shown: int) -> int:
    """How many octets of a wire entry stay unseen when `shown` of the kept ones are shown."""
    return max(int(entry["length"]) - min(shown, len(entry["octets"]) // 2), 0)


def wire_line(entry: Mapping[str, Any], width: int = 160) -> str:
    """A wire entry on one line: time, connection, direction, meaning, or octets without one."""
    meaning = short(entry["text"], width) or spaced_hex(entry["octets"], width // 3)
    arrow = ARROWS.get(entry["direction"], "?")
    return f"{entry['ns'] / 1e6:9.1f} ms  #{entry['connection']} {arrow} {meaning}"


def last_wire_lines(case: Mapping[str, Any], count: int, width: int = 160) -> list[str]:
    """The last lines of a case's wire log, with one before them that says what is missing."""
    wire: Sequence[Mapping[str, Any]] = case.get("wire") or []
    told = [wire_line(entry, width) for entry in wire[-count:]]
    if len(wire) > count:
        told.insert(0, f"{'…':>12}  {number(len(wire) - count, 'entry', 'entries')} before")
    return told


def sentence(case_id: str) -> str:
    """The sentence that a case checks: the function's name of its id, variant included."""
    path, bracket, variant = case_id.partition("[")
    words = path.rpartition("/")[2].replace("_", " ")
    return short(f"{words} [{variant}" if bracket else words, 300)


def group_of(case_id: str) -> tuple[str, str]:
    """Suite and file of a case's id: `websocket/control/…` stands in ("websocket", "control")."""
    before = case_id.partition("[")[0].split("/")
    return short(before[0], 100), short("/".join(before[1:-1]), 200)


def number(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun: `1 case`, `2 cases`."""
    return f"{count} {one if count == 1 else many or one + 's'}"
