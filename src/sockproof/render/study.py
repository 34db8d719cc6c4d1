"""A study: what was made of each claim, as lines, as Markdown and as a page.

Nothing is computed here: verdicts, sentences and tables are those that `study.json` holds.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sockproof import __version__
from sockproof.render.figures import Drawn
from sockproof.render.html_page import environment
from sockproof.render.markdown_page import Page, escape
from sockproof.render.text import number, short

TEMPLATE = "study.html.j2"
_TONES = {"holds": "good", "holds in part": "lax", "does not hold": "bad", "not shown": "unknown"}
_SIGNS = {"holds": "✓", "holds in part": "≈", "does not hold": "✕", "not shown": "–"}
_NUMBER = re.compile(r"(\d) (?=(?:%|ms|s|KiB|MiB|octets|bytes|messages)\b|%)")
_WORD = 200  # characters of a cell
_ROWS = 200


def headline(value: Mapping[str, Any]) -> str:
    """How many claims came to what."""
    verdicts = [claim["verdict"] for claim in value["claims"]]
    known = dict.fromkeys((*_TONES, "not measured"), 0)
    for each in verdicts:
        known[each if each in _TONES else "not measured"] += 1
    told = ", ".join(f"{each}: {count}" for each, count in known.items() if count)
    return f"{number(len(verdicts), 'claim')}; {told or 'none measured'}"


def _kept_together(text: str) -> str:
    """`text` with no line break between a number and its unit."""
    return _NUMBER.sub("\\1\u00a0", text)


def line(claim: Mapping[str, Any]) -> str:
    """A claim for the terminal."""
    sign = _SIGNS.get(claim["verdict"], "?")
    said = short(claim["sentence"], 2000)
    number, title, verdict = (short(claim[name], _WORD) for name in ("number", "title", "verdict"))
    return f"{sign} {number:4} {title}: {verdict}\n       {said}"


def _cells(claim: Mapping[str, Any]) -> list[list[str]]:
    return [[short(cell, _WORD) for cell in row] for row in claim["rows"][:_ROWS]]


def markdown(value: Mapping[str, Any]) -> str:
    """For a CI step's summary: at most 64 KiB."""
    page = Page()
    page.add(f"### {escape(headline(value))}\n")
    page.add(escape(about(value), 1000) + "\n")
    page.add_all(_parts(value), "\n{number} claims omitted: see the page.")
    return page.text()


def _parts(value: Mapping[str, Any]) -> Iterator[str]:
    for claim in value["claims"]:
        sign = _SIGNS.get(claim["verdict"], "?")
        yield "\n".join(
            (
                f"\n#### {sign} {escape(claim['number'])} {escape(claim['title'])}:"
                f" {escape(claim['verdict'])}",
                "",
                f"> {escape(claim['says'], 500)}",
                "",
                escape(claim["sentence"], 2000),
                "",
                *_table(claim),
            )
        )


def _table(claim: Mapping[str, Any]) -> Iterator[str]:
    if not claim["rows"]:
        return
    yield f"| {' | '.join(escape(cell, _WORD) for cell in claim['head'])} |"
    yield f"|{'---|' * len(claim['head'])}"
    for row in _cells(claim):
        yield f"| {' | '.join(escape(cell, _WORD) for cell in row)} |"


def about(value: Mapping[str, Any]) -> str:
    """When, on what, and how thoroughly."""
    machine = value["machine"]
    what = f"{value['started']}, on {machine['system']} with {number(machine['cpus'], 'CPU')}"
    return f"{what}{', with few repetitions (--quick)' if value['quick'] else ''}"


def render(value: Mapping[str, Any], figures: Sequence[Drawn], template: Path) -> str:
    """The page; `figures` stand in the order of the claims."""
    claims = [
        {
            "anchor": short(claim["name"], 100),
            "number": short(claim["number"], 20),
            "title": short(claim["title"], _WORD),
            "says": short(claim["says"], 500),
            "verdict": claim["verdict"] if claim["verdict"] in _TONES else "not measured",
            "tone": _TONES.get(claim["verdict"], "unknown"),
            "sign": _SIGNS.get(claim["verdict"], "?"),
            "sentence": _kept_together(short(claim["sentence"], 2000)),
            "method": short(claim["method"], 2000),
            "seconds": f"{claim['seconds']:,.0f} s",
            "head": [short(cell, _WORD) for cell in claim["head"]],
            "rows": _cells(claim),
            "caption": drawn.caption,
            "data": base64.b64encode(drawn.svg).decode() if drawn.svg else None,
            "instead": drawn.instead,
        }
        for claim, drawn in zip(value["claims"], figures, strict=True)
    ]
    page = environment(template).get_template(template.name)
    return page.render(
        headline=headline(value), about=short(about(value), 1000), claims=claims,
        sockproof=__version__,
    )  # fmt: skip
