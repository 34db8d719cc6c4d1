"""The percentile curves of two runs over each other, with their intervals."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from sockproof.render.figures import FigureFile
from sockproof.render.plot import STYLES, legend, line, log_y, panels

_TICKS = {2: "50 %", 10: "90 %", 100: "99 %", 1000: "99.9 %", 10_000: "99.99 %"}

_CAPTION = """
Horizontal: the share of messages that were at least as fast; each step to the right is ten times
rarer.
Where the hatched areas do not overlap, the runs differ by more than the noise within them.
"""


class Curve(Protocol):
    """Latencies in milliseconds at shares of the messages, with their interval."""

    @property
    def shares(self) -> Any: ...
    @property
    def values(self) -> Any: ...
    @property
    def low(self) -> Any: ...
    @property
    def high(self) -> Any: ...


def overlay(a: Curve, b: Curve, kind: str) -> Figure:
    """Latency over the share of messages, on logarithmic axes."""
    figure, (axes,) = panels((2.6,))
    shown: list[float] = []
    for style, (name, each) in enumerate((("A", a), ("B", b))):
        x = 1 / (1 - np.asarray(each.shares))
        hatch = ("////", "\\\\\\\\")[style]
        axes.fill_between(
            x,
            each.low,
            each.high,
            facecolor="none",
            edgecolor=STYLES[style][0],
            hatch=hatch,
            lw=0,
            alpha=0.5,
        )
        line(axes, x, each.values, f"{name}, with its 95 % interval", style, marks=8)
        shown += [*each.low, *each.high]
    most = max(1 / (1 - max(a.shares[-1], b.shares[-1])), 10)
    axes.set_xscale("log")
    axes.set_xlim(1, most)
    ticks = [tick for tick in _TICKS if tick <= most]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FixedFormatter([_TICKS[tick] for tick in ticks]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("share of messages at least as fast [%]")
    log_y(axes, shown, f"{kind} latency [ms]")
    legend(axes, 2)
    return figure


def figure_file(kind: str) -> FigureFile:
    """The figure of one kind of latency; what is drawn is a pair of curves."""

    def draw(curves: tuple[Curve, Curve]) -> Figure:
        return overlay(*curves, kind)

    return FigureFile(
        kind, f"{kind} latency of A and B by percentile", " ".join(_CAPTION.split()), 0, "", draw
    )
