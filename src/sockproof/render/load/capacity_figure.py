"""Latency and delivery against load, with the largest load that was kept marked."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from sockproof.files import write
from sockproof.formats.judgements import Capacity
from sockproof.render.plot import INK, RC, SOFT, counts_y, legend, line, log_x, log_y, panels
from sockproof.vocabulary import MESSAGE_KINDS, P50, P99

_SHOWN = tuple((kind, each) for kind in MESSAGE_KINDS for each in (P50, P99))
_NAN = float("nan")


def draw(value: Capacity) -> Figure:
    """Above, latency by users; below, messages heard each second."""
    probes = sorted(value.probes, key=lambda each: each.users)
    users = [each.users for each in probes]
    figure, (latency, heard) = panels((2.2, 1.5))
    shown = []
    for style, (kind, percentile) in enumerate(_SHOWN):
        points = [each.latency[kind][percentile.ms] or _NAN for each in probes]
        shown += points
        if any(point == point for point in points):
            line(latency, users, points, f"{kind} {percentile.label}", style, marks=40)
    log_y(latency, shown, "latency [ms]")
    line(heard, users, [each.heard_rate or _NAN for each in probes], "heard", 3, marks=40)
    counts_y(heard, "received [messages/s]")
    for axes in (latency, heard):
        log_x(axes, users, "users [count]")
        if value.kept is not None:
            axes.axvline(value.kept, color=INK, ls="--", lw=1.2)
        if value.limit is not None:
            axes.axvspan(value.limit, axes.get_xlim()[1], color="#e9ecef", lw=0, zorder=0)
    latency.set_xlabel("")
    latency.tick_params(labelbottom=False)
    if value.kept is not None:
        latency.annotate(
            f"{value.kept:,} users",
            (value.kept, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-4, -12),
            textcoords="offset points",
            ha="right",
            fontsize=9,
            color=SOFT,
        )
    legend(latency, columns=2)
    return figure


def write_figure(value: Capacity, folder: Path) -> list[Path]:
    """Write it as SVG and PNG; may raise `WriteError`."""
    paths = [folder / "capacity.svg", folder / "capacity.png"]
    svg, png = io.BytesIO(), io.BytesIO()
    with mpl.rc_context({**RC, "svg.hashsalt": "capacity"}):
        figure = draw(value)
        FigureCanvasSVG(figure)
        figure.savefig(svg, format="svg", metadata={"Date": None})
        FigureCanvasAgg(figure)
        figure.savefig(png, format="png", dpi=144)
    for path, octets in zip(paths, (svg, png), strict=True):
        write(path, octets.getvalue())
    return paths
