"""The figures of a load run: found on the shelf `reports/`, drawn, and written as SVG or PNG too.

A file of the shelf has a `title`, a `caption` that says how to read it, a number `order` by which
figures are sorted, `nothing`, which is said in its place when there is nothing to draw, and
`draw(run)`, which gives a matplotlib figure or None. A figure that fails costs a line, never the
report.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from sockproof import files
from sockproof.render.plot import RC
from sockproof.render.plot_data import plot_data
from sockproof.render.text import short
from sockproof.shelves import ShelfError, load_module

FOLDER = "figures"
_DOTS = 144  # to an inch


@dataclass(frozen=True, slots=True)
class FigureFile:
    """One file of the shelf."""

    name: str
    title: str
    caption: str
    order: int
    nothing: str
    draw: Callable[[Any], Figure | None]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What became of a figure: an SVG, or in its place a line that says why there is none."""

    name: str
    title: str
    caption: str
    svg: bytes | None
    instead: str
    data: dict[str, Any] | None = None  # what it shows, where a script can draw it again


def load_figures(shelf: Path) -> list[FigureFile]:
    """The figures of a shelf, in their order; raises `ShelfError`."""
    found = [_load(path) for path in sorted(shelf.glob("*.py"))]
    return sorted(found, key=lambda each: (each.order, each.name))


def _load(path: Path) -> FigureFile:
    module = load_module(path, f"sockproof_reports_{path.stem}")
    for name, kind in (("title", str), ("caption", str)):
        if not isinstance(getattr(module, name, None), kind):
            raise ShelfError(f"{path}: a figure needs a text {name}")
    if not callable(getattr(module, "draw", None)):
        raise ShelfError(f"{path}: a figure needs a function draw(run)")
    return FigureFile(
        path.stem,
        module.title,
        " ".join(module.caption.split()),
        int(getattr(module, "order", 1000)),
        str(getattr(module, "nothing", "There is no data for it.")),
        module.draw,
    )


def draw_all(run: Any, shelf: Path, folder: Path, png: bool) -> list[Drawn]:
    """Draw every figure of the shelf, as PNG too or not, into `folder`, which is made.

    May raise `WriteError` and `ShelfError`.
    """
    files.make_folder(folder)
    drawn = [draw_one(each, run, folder, png) for each in load_figures(shelf)]
    ends = (".svg", ".png") if png else (".svg",)
    kept = {f"{each.name}{end}" for each in drawn if each.svg for end in ends}
    for old in (*folder.glob("*.svg"), *folder.glob("*.png")):
        if old.name not in kept:
            files.remove(old)
    return drawn


def draw_one(file: FigureFile, run: Any, folder: Path, png: bool = True) -> Drawn:
    """Draw one figure into `folder`, which takes twice as long as PNG too.

    May raise `WriteError`.
    """
    svg, data, instead = None, None, file.nothing
    try:
        figure = drawing(file, run)
        if figure is not None:
            svg, data = svg_of(file, figure), None
            if hasattr(run, "spans"):  # a load run
                data = plot_data(figure, run.spans)
            picture = png_of(file, figure) if png else None
            files.write(folder / f"{file.name}.svg", svg)
            if picture is not None:
                files.write(folder / f"{file.name}.png", picture)
    except files.WriteError:
        raise
    except Exception as error:  # a figure of somebody else's shelf may do anything
        svg = data = None
        instead = f"It could not be drawn: {short(f'{type(error).__name__}: {error}', 300)}"
    return Drawn(file.name, short(file.title, 200), short(file.caption, 1000), svg, instead, data)


def drawing(file: FigureFile, run: Any) -> Figure | None:
    """The figure, drawn in our style whatever matplotlib is set to."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(RC)
        return file.draw(run)


def svg_of(file: FigureFile, figure: Figure) -> bytes:
    """The figure as SVG; the same figure gives the same octets."""
    with mpl.rc_context({**RC, "svg.hashsalt": file.name}):
        octets = io.BytesIO()
        FigureCanvasSVG(figure)
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(octets, format="svg", metadata=nothing)
    return octets.getvalue()


def png_of(file: FigureFile, figure: Figure) -> bytes:
    """The figure as PNG, with its title, since it may be shown by itself."""
    with mpl.rc_context(RC):
        octets = io.BytesIO()
        FigureCanvasAgg(figure)
        height = figure.get_figheight()
        more = 0.35  # inches for the title
        places = [(axes, axes.get_position().bounds) for axes in figure.axes]
        figure.set_figheight(height + more)
        for axes, (left, bottom, wide, high) in places:
            scale = height / (height + more)
            axes.set_position((left, bottom * scale, wide, high * scale))
        for text in figure.texts:
            text.set_y(text.get_position()[1] * height / (height + more))
        figure.suptitle(file.title, x=0.02, y=1 - 0.08 / (height + more), ha="left", va="top")
        figure.savefig(octets, format="png", dpi=_DOTS, metadata={"Software": None})
    return octets.getvalue()
