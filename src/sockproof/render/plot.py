"""What the figures on the shelf `reports/` have in common: one size, one look, one time axis.

The rules that hold here:

* Nothing is told by colour alone: lines differ in their dashes and marks, areas in their hatching.
* All axes over time are equal, and stand at the same place of their figure, so that figures below
  each other can be read together. What is not the measured part is shaded.
* Figures are 5.6 inches wide with letters of 10 points, to be legible on a telephone too.
* No text is taken for mathematics, and no state of pyplot is touched.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[Any]]  # by name, all of one length

WIDTH = 5.6  # inches
_LEFT, _RIGHT, _TOP, _BOTTOM, _BETWEEN = 0.82, 0.2, 0.62, 0.62, 0.55  # inches
POINTS = 600  # of a line, at most
TIME = "time since the run began [s]"
SHARE = "share of messages at least as fast [%]"
BAND = "_band|"  # how the label of an area begins, with those of the lines below and above it
HIDES = 30  # times the usual latency, from which on a linear axis would hide the usual
INK, SOFT, WASH = "#1c2024", "#4d565f", "#e9ecef"
# Colour, dashes, mark; those that often stand side by side differ most.
STYLES = (
    ("#0b57a4", "-", "o"),
    ("#b3460f", (0, (5, 2)), "s"),
    ("#1c2024", (0, (1.2, 1.4)), "^"),
    ("#6b2fa0", (0, (6, 1.6, 1.2, 1.6)), "D"),
    ("#17693a", (0, (9, 2)), "v"),
    ("#7a5200", (0, (3, 1, 1, 1, 1, 1)), "P"),
    ("#a81818", (0, (2, 2)), "X"),
)
RC: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "axes.labelsize": 10,
    "axes.titlesize": 10,
    "axes.labelcolor": INK,
    "axes.edgecolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.use_mathtext": False,
    "grid.color": "#d9dde1",
    "grid.linewidth": 0.7,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "hatch.linewidth": 0.6,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "text.parse_math": False,
    "text.usetex": False,
}


class Phase(Protocol):
    """A part of the run, in seconds since it began."""

    @property
    def name(self) -> str: ...
    @property
    def begin(self) -> float: ...
    @property
    def end(self) -> float: ...


class Run(Protocol):
    """What an axis over time needs to know of a load run."""

    @property
    def seconds(self) -> Columns: ...
    @property
    def spans(self) -> Sequence[Phase]: ...
    @property
    def end(self) -> float: ...


def panels(
    heights: Sequence[float] = (2.1,), left: float = _LEFT, top: float = _TOP
) -> tuple[Figure, list[Axes]]:
    """A figure with axes below each other, so many inches high.

    `left` and `top` are the inches beside and above them, for labels and for the legend.
    """
    height = top + sum(heights) + _BETWEEN * (len(heights) - 1) + _BOTTOM
    figure = Figure(figsize=(WIDTH, height))
    upper, axes = height - top, []
    for each in heights:
        place = (left / WIDTH, (upper - each) / height, (WIDTH - left - _RIGHT) / WIDTH)
        axes.append(figure.add_axes((*place, each / height)))
        upper -= each + _BETWEEN
    return figure, axes


def over_time(run: Run, heights: Sequence[float] = (2.1,)) -> tuple[Figure, list[Axes]]:
    """The same with the time of the run across, and its phases marked."""
    figure, axes = panels(heights)
    for number, each in enumerate(axes):
        each.set_xlim(0, max(run.end, 1.0))
        each.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=2))
        last = number == len(axes) - 1
        each.tick_params(labelbottom=last)
        if last:
            each.set_xlabel(TIME)
        _mark_phases(each, run, named=number == 0)
    return figure, axes


def _mark_phases(axes: Axes, run: Run, named: bool) -> None:
    for span in run.spans:
        end = max(run.end, 1.0) if span.name == "drain" else span.end
        if span.name != "measured":
            hatch = "////" if span.name == "drain" else None
            axes.axvspan(span.begin, end, facecolor=WASH, edgecolor="#c3c9cf", hatch=hatch, lw=0)
        if span.begin > 0:
            axes.axvline(span.begin, color=SOFT, lw=0.9, ls=(0, (4, 3)))
        wide = (end - span.begin) / max(run.end, 1.0)
        if named and wide * (WIDTH - _LEFT - _RIGHT) > 0.1 * len(span.name):
            axes.annotate(
                span.name,
                ((span.begin + end) / 2, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, 1.5),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=9,
                color=SOFT,
            )


def each_second(run: Run) -> Columns:
    """The columns of a run; of a long one, with a value for several seconds: the mean of what is
    per second, the largest of all else."""
    seconds = run.seconds
    length = len(seconds["time_s"])
    width = math.ceil(length / POINTS)
    if width <= 1:
        return seconds
    first = np.arange(0, length, width)
    numbers = {name: each for name, each in seconds.items() if each.dtype.kind in "fiu"}
    told = {
        name: _means(each, first) if name.endswith("_per_s") else np.fmax.reduceat(each, first)
        for name, each in numbers.items()
    }
    return {**told, "time_s": seconds["time_s"][first]}


def _means(values: NDArray[Any], first: NDArray[Any]) -> NDArray[Any]:
    """The mean of what is known from each first to the next; unknown where nothing is."""
    known = ~np.isnan(values)
    count = np.add.reduceat(known.astype(int), first)
    total = np.add.reduceat(np.where(known, values, 0.0), first)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def column(frame: Columns, name: str) -> Any:
    """A column's numbers; NaN throughout when the run knows no such thing."""
    return frame[name].astype(float) if name in frame else np.full(len(frame["time_s"]), np.nan)


def has(frame: Columns, *names: str) -> bool:
    """Whether anything other than 0 is known in any of these columns."""
    return any(bool((np.nan_to_num(column(frame, name)) != 0).any()) for name in names)


def line(axes: Axes, x: Any, y: Any, label: str, style: int = 0, marks: int = 12) -> None:
    """A line in the n-th style, with about so many marks on it, offset from those of others."""
    color, dashes, mark = STYLES[style % len(STYLES)]
    every = max(1, len(x) // marks) if marks else 1
    axes.plot(
        x,
        y,
        color=color,
        linestyle=dashes,
        marker=mark if marks else None,
        markevery=((style * every) // 3 % every, every),
        label=label,
    )


def legend(axes: Axes, columns: int = 3, above: float = 0.0) -> None:
    """The legend over the axes, where it hides nothing; `above` so many points higher."""
    height = axes.get_position().height * axes.figure.get_figheight() * 72  # type: ignore[union-attr]
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0 + (13 + above) / height),
        ncols=columns,
        borderaxespad=0,
        borderpad=0.1,
        handlelength=2.6,
        handletextpad=0.5,
        columnspacing=1.1,
    )


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers from below `low` to above `high`: the fewer of each power of ten, the more
    powers there are."""
    low, high = max(low, 1e-9), max(high, low, 1e-9)
    decades = math.log10(high / low)
    leading: tuple[float, ...] = (1.0, 2.0, 5.0) if decades < 2.2 else (1.0,)
    if decades < 0.8:
        leading = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    ticks = [first * 10.0**power for power in powers for first in leading]
    below = [tick for tick in ticks if tick <= low] or ticks[:1]
    above = [tick for tick in ticks if tick >= high] or ticks[-1:]
    return [tick for tick in ticks if below[-1] <= tick <= above[0]]


def log_y(axes: Axes, values: Iterable[float], label: str) -> None:
    """A logarithmic axis upwards for these values, whose numbers are written out."""
    _log(axes, "y", values)
    axes.set_ylabel(label)


def latency_y(axes: Axes, values: Iterable[float], label: str) -> None:
    """An axis upwards for latencies: from 0, or logarithmic where a few dwarf all others.

    On a logarithmic axis 20 and 60 ms look alike; it says in its label that it is one.
    """
    known = sorted(value for value in values if math.isfinite(value) and value > 0)
    usual = known[len(known) // 2] if known else 1.0
    if known and known[-1] > HIDES * usual:
        what, bracket, unit = label.partition(" [")
        log_y(axes, known, f"{what}, log.{bracket}{unit}")
        return
    axes.set_ylim(0, known[-1] if known else 1.0)
    counts_y(axes, label)


def band(axes: Axes, x: Any, low: tuple[str, Any], high: tuple[str, Any], color: str) -> None:
    """The area between two lines, each given by its label and its values."""
    axes.fill_between(x, low[1], high[1], color=color, lw=0, label=f"{BAND}{low[0]}|{high[0]}")


def log_x(axes: Axes, values: Iterable[float], label: str) -> None:
    """The same across."""
    _log(axes, "x", values)
    axes.set_xlabel(label)


def _log(axes: Axes, which: str, values: Iterable[float]) -> None:
    known = [value for value in values if math.isfinite(value) and value > 0]
    ticks = log_ticks(min(known, default=1.0), max(known, default=10.0))
    if len(ticks) < 2:
        ticks = [ticks[0], ticks[0] * 10]
    axis = getattr(axes, f"{which}axis")
    getattr(axes, f"set_{which}scale")("log")
    getattr(axes, f"set_{which}lim")(ticks[0], ticks[-1])
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def counts_y(axes: Axes, label: str) -> None:
    """An axis upwards from 0."""
    axes.set_ylabel(label)
    low, high = axes.get_ylim()
    del low
    axes.set_ylim(0, high * 1.05 if high > 0 else 1)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, min_n_ticks=2))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))


def short_number(value: float) -> str:
    """`0.05`, `20`, `1.5k`, `3M`."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9999:
            return f"{value / size:.4g}{sign}"
    return f"{value:.4g}"


def worst(frame: Columns, *names: str) -> list[float]:
    """All that is known in these columns, for the range of an axis."""
    return [value for name in names for value in column(frame, name).tolist() if value == value]
