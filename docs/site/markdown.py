"""Text as MyST shows it literally, and tables of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sockproof.render.text import short

_PUNCTUATION = re.compile(r"[\\`*_{}\[\]<>()#+!|~$&:^-]")


def literal(text: object, most: int = 2000) -> str:
    """Text on one line, none of it structure."""
    return _PUNCTUATION.sub(lambda found: f"&#{ord(found[0])};", short(text, most))


def prose(text: str) -> str:
    """Our own text, whose backticks stand for code."""
    parts = text.split("`")
    return "".join(code(part) if at % 2 else literal(part) for at, part in enumerate(parts))


def code(text: object, most: int = 400) -> str:
    """Text as code."""
    told = short(text, most)
    if not told:
        return ""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", told)), default=0))
    blank = " " if told.startswith("`") or told.endswith("`") else ""
    return f"{fence}{blank}{told}{blank}{fence}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown; a bar ends a cell even inside code."""
    told = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for each in rows:
        told.append("| " + " | ".join(cell.replace("|", "\\|") for cell in each) + " |")
    return "\n".join(told) + "\n"
