"""What a drawn figure shows, as plain data: the page's script draws it again, to be looked into.

Lines, steps, bars, bands between lines and marks are taken over from the matplotlib figure, so a
figure of the shelf need not be written twice. A figure with anything else stays a picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch
from matplotlib.ticker import FixedLocator

from sockproof.render.plot import BAND, SHARE, STYLES, TIME, Phase

MOST = 5000  # points of a line
_DIGITS = 5
_DASHES = {color: dashes for color, dashes, _ in STYLES}


def plot_data(figure: Figure, spans: Sequence[Phase]) -> dict[str, Any] | None:
    """The panels of a figure with their lines; None where it is more than lines."""
    panels = [_panel(axes) for axes in figure.axes]
    if not panels or any(panel is None for panel in panels):
        return None
    found = [panel for panel in panels if panel is not None]
    over_time = found[-1]["x"]["label"] == TIME
    for panel in found:
        panel["x"]["kind"] = "time" if over_time else panel["x"]["kind"]
    phases = [[span.name, _plain(span.begin), _plain(span.end)] for span in spans]
    return {"panels": found, "spans": phases if over_time else []}


def _panel(axes: Axes) -> dict[str, Any] | None:
    if any(not isinstance(each, PolyCollection | LineCollection) for each in axes.collections):
        return None  # a heat map, or the scale beside it
    series, marks, limits = [], [], []
    for line in axes.lines:
        label, x, y = str(line.get_label()), line.get_xdata(), line.get_ydata()
        if line.get_transform() == axes.get_xaxis_transform():
            if not label.startswith("_"):
                marks.append([label, _plain(np.asarray(x)[0]), to_hex(line.get_color())])
        elif line.get_transform() == axes.get_yaxis_transform():
            limits.append(_plain(np.asarray(y)[0]))
        else:
            series.append(_line(line, label, np.asarray(x), np.asarray(y)))
    series += _steps(axes)
    if not series or any(len(each["x"]) > MOST for each in series):
        return None
    return {
        "x": {"label": axes.get_xlabel(), "kind": _kind(axes), **_axis(axes, "x")},
        "y": {"label": axes.get_ylabel(), **_axis(axes, "y")},
        "series": series,
        "bands": [band for each in axes.collections if (band := _band(each))],
        "marks": marks,
        "limits": limits,
        "inches": round(axes.get_position().height * _height(axes), 2),
    }


def _height(axes: Axes) -> float:
    return float(axes.get_figure(root=True).get_figheight())  # type: ignore[union-attr]


def _kind(axes: Axes) -> str:
    return "share" if axes.get_xlabel() == SHARE else "number"


def _axis(axes: Axes, which: str) -> dict[str, Any]:
    axis, log = getattr(axes, f"{which}axis"), getattr(axes, f"get_{which}scale")() == "log"
    found: dict[str, Any] = {"log": log, "range": _list(getattr(axes, f"get_{which}lim")())}
    if log and isinstance(axis.get_major_locator(), FixedLocator):
        places = axis.get_major_locator()()
        named = axis.get_major_formatter().format_ticks(places)
        found["ticks"] = [[_plain(at), text] for at, text in zip(places, named, strict=False)]
    return found


def _line(line: Line2D, label: str, x: Any, y: Any) -> dict[str, Any]:
    alone = line.get_linestyle() == "None"
    color = to_hex(line.get_markeredgecolor() if alone else line.get_color())
    dashes = _DASHES.get(color, "-")
    pattern = [] if isinstance(dashes, str) else [round(1.6 * each, 1) for each in dashes[1]]
    order = np.argsort(x, kind="stable") if alone else slice(None)
    return {
        "label": label,
        "color": color,
        "dash": pattern,
        "shape": "points" if alone else "line",
        "x": _list(x[order]),
        "y": _list(y[order]),
    }


def _steps(axes: Axes) -> list[dict[str, Any]]:
    """Bars, each from an edge to the next, and what is between them."""
    found = []
    for patch in axes.patches:
        if isinstance(patch, StepPatch):
            values, edges, _ = patch.get_data()
            found.append(_stairs(axes, np.asarray(edges), np.asarray(values)))
    for bars in axes.containers:
        if isinstance(bars, BarContainer):
            boxes = [(bar.get_x(), bar.get_width(), bar.get_height()) for bar in bars]
            edges = np.array([*(left for left, _, _ in boxes), sum(boxes[-1][:2])])
            found.append(_stairs(axes, edges, np.array([high for _, _, high in boxes])))
    return found


def _stairs(axes: Axes, edges: Any, values: Any) -> dict[str, Any]:
    what = axes.get_ylabel().partition(" [")[0]
    steps = [*values.tolist(), values[-1]]
    return {
        "label": what, "color": STYLES[0][0], "dash": [], "shape": "steps",
        "x": _list(edges), "y": _list(steps),
    }  # fmt: skip


def _band(collection: Any) -> list[str] | None:
    """The labels of the lines that a band lies between, and its colour."""
    label = str(collection.get_label())
    if not label.startswith(BAND):
        return None
    low, high = label.removeprefix(BAND).split("|")
    return [low, high, to_hex(collection.get_facecolor()[0])]


def _list(values: Any) -> list[float | None]:
    return [_plain(float(value)) for value in values]


def _plain(value: float) -> float | None:
    """A number as short as it may be; None for what is none."""
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{_DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short
