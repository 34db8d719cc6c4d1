"""Two load runs beside each other, as lines for the terminal and as a page."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from sockproof import __version__
from sockproof.formats.judgements import ChangeVerdict, Compared
from sockproof.render.html_page import environment
from sockproof.render.text import aligned, number, short

if TYPE_CHECKING:  # matplotlib takes its time to import
    from sockproof.render.figures import Drawn

_MOST = 20  # folders, or conditions, that are named

_NOISE = (
    "The intervals cover the noise within runs, not the larger noise between runs; sockproof ab"
    " measures both."
)


def sentence(value: Compared) -> str:
    """What changed, in a line."""
    worse = [name for name, (before, after) in value.violations.items() if after and not before]
    if worse:
        return f"B has violations that A does not have: {', '.join(worse)}"
    whole = [each.verdict for each in value.changes if "[" not in each.metric]
    if not whole:
        return "Inconclusive: no latency has enough samples in both"
    parts = [each.verdict for each in value.changes if "[" in each.metric]
    told = f"B compared with A, in {number(len(whole), 'percentile')}: {_counted(whole)}"
    return f"{told}; by message and class: {_counted(parts)}" if parts else told


def _counted(verdicts: list[ChangeVerdict]) -> str:
    return ", ".join(
        f"{verdicts.count(each)} {each}" for each in get_args(ChangeVerdict) if each in verdicts
    )


def rows(value: Compared) -> list[tuple[str, str, str, str, str]]:
    """Metric, A, B, B to A with its interval, verdict."""
    return [
        (
            each.metric,
            f"{each.a:,.2f} ms",
            f"{each.b:,.2f} ms",
            f"{each.ratio:.2f} ({each.low:.2f} … {each.high:.2f})",
            each.verdict,
        )
        for each in value.changes
    ]


def about(value: Compared, side: str) -> list[str]:
    """What one side is: scenario and target, then the folders of its runs."""
    scenarios, targets = (_few(value.ran[side][name]) for name in ("scenario", "target"))
    what = f"{scenarios or 'unknown scenario'} on {targets or 'unknown target'}"
    return [what, _few(value.a if side == "a" else value.b)]


def _few(values: Sequence[object]) -> str:
    """Values as a list in a line, of which not all are shown when there are many."""
    told = [short(each, 300) for each in values[:_MOST]]
    return ", ".join(told) + (f" and {len(values) - _MOST} more" if values[_MOST:] else "")


def notes(value: Compared) -> Iterator[str]:
    """What a reader has to know besides."""
    for name, sides in list(value.differing.items())[:_MOST]:
        told, of_a, of_b = short(name, 60), *(_few(each) or "nothing" for each in sides)
        yield f"different: {told.replace('_', ' ')} ({of_a} in A, {of_b} in B)"
    for name, (before, after) in value.violations.items():
        if before or after:
            yield f"{name}: {before:,} in A, {after:,} in B"
    for folder in value.unfit:
        yield f"inconclusive: {short(folder, 300)}"
    yield _NOISE


def lines(value: Compared) -> Iterator[str]:
    """For the terminal."""
    for side in ("a", "b"):
        what, folders = about(value, side)
        yield f"{side.upper()}: {what} ({folders})"
    yield ""
    yield sentence(value)
    table = [("metric", "A", "B", "B to A (95 %)", "verdict"), *rows(value)]
    if len(table) > 1:
        yield from aligned(table, left=(0, 4))
    for note in notes(value):
        yield f"  {note}"


def render(value: Compared, pictures: Sequence[Drawn], template: Path) -> str:
    """The page; `template` is `compare.html.j2` of the reports shelf."""
    page = environment(template).get_template(template.name)
    return page.render(
        sentence=sentence(value),
        sides=[(side.upper(), about(value, side)) for side in ("a", "b")],
        rows=rows(value),
        notes=list(notes(value)),
        figures=[
            (each.name, each.title, each.caption, base64.b64encode(each.svg).decode())
            for each in pictures
            if each.svg
        ],
        sockproof=__version__,
    )
