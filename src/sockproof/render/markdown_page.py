"""A page of Markdown that fits a CI step summary: never more than 64 KiB.

Text from elsewhere is written with every ASCII punctuation mark as a numeric reference, which
CommonMark never takes for structure: no table cell ends, no link or mention begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sockproof.render.text import short

LIMIT_OCTETS = 64 * 1024
_RESERVED = 1024  # for the lines that say what was left out

_PUNCTUATION = re.compile(r"[!-+./:-@\[-`{-~]")  # of ASCII, all but the comma and the hyphen
SIGNS = {"good": "✅", "bad": "❌", "unknown": "❔"}


def escape(text: object, limit: int = 300) -> str:
    """`text` as Markdown that shows it literally, on one line."""
    return _PUNCTUATION.sub(lambda found: f"&#{ord(found[0])};", short(text, limit))


def code(text: object, limit: int = 300) -> str:
    """The same as code."""
    return f"<code>{escape(text, limit)}</code>" if text else ""


class Page:
    """Parts of a page, taken for as long as there is room, in octets."""

    def __init__(self, room: int = LIMIT_OCTETS - _RESERVED) -> None:
        self._parts: list[str] = []
        self._room = room

    def add(self, part: str) -> bool:
        """Add a part; False when there is no room for it."""
        size = len(part.encode()) + 1
        if size > self._room:
            return False
        self._parts.append(part)
        self._room -= size
        return True

    def add_all(self, parts: Iterable[str], left_out: str) -> None:
        """Add part by part; `left_out` stands for those there is no room for."""
        waiting = list(parts)
        for at, part in enumerate(waiting):
            if not self.add(part):
                more = left_out.format(number=len(waiting) - at)
                self._parts.append(more)
                self._room -= len(more.encode()) + 1
                return

    def text(self) -> str:
        """What there was room for."""
        return "\n".join(self._parts) + "\n"
