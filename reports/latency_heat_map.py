"""How many messages had which latency when."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from sockproof.analysis.timeline.frames import LoadRun
from sockproof.analysis.timeline.latency_frames import HEAT_FROM, HEAT_STEPS
from sockproof.render.plot import INK, log_y, over_time, short_number

title = "Latency heat map"
caption = """
The darker a cell, the more messages had that latency at that time, from intended time. Two dark
bands are two paths through the server; a slope that falls to the right is a queue that drains
after a stall.
"""
order = 30
nothing = "No message was returned."


def draw(run: LoadRun) -> Figure | None:
    """A panel for each kind of which anything is known."""
    kinds = [kind for kind in ("delivery", "ack") if run.latency.heat[kind].any()]
    if not kinds or not run.end:
        return None
    figure, axes = over_time(run, [1.75] * len(kinds))
    most = max(int(run.latency.heat[kind].max()) for kind in kinds)
    norm = LogNorm(1, max(most, 10))
    for each, kind in zip(axes, kinds, strict=True):
        image = _map(each, run.latency.heat[kind], run.end, norm, kind)
    left, _, wide, _ = axes[0].get_position().bounds
    height = figure.get_figheight()
    scale = figure.add_axes((left + wide * 0.5, 1 - 0.2 / height, wide * 0.5, 0.1 / height))
    powers = [10.0**power for power in range(0, 12) if 10**power <= max(most, 10)]
    bar = figure.colorbar(image, cax=scale, orientation="horizontal")
    bar.ax.xaxis.set_major_locator(FixedLocator(powers[:: 1 + len(powers) // 5]))
    bar.ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))
    bar.ax.minorticks_off()
    bar.ax.tick_params(labelsize=9, length=2, pad=1)
    figure.text(
        left + wide * 0.48, 1 - 0.15 / height, "messages in a cell [count]",
        ha="right", va="center", color=INK,
    )  # fmt: skip
    return figure


def _map(axes: Axes, counts: np.ndarray, end: float, norm: LogNorm, kind: str) -> QuadMesh:
    filled = np.flatnonzero(counts.any(axis=1))
    low, high = int(filled[0]), int(filled[-1]) + 1
    edges = 10.0 ** (HEAT_FROM + np.arange(low, high + 1) / HEAT_STEPS) / 1e6
    times = np.linspace(0, end, counts.shape[1] + 1)
    cells = np.ma.masked_equal(counts[low:high], 0)
    axes.grid(False)
    image = axes.pcolormesh(times, edges, cells, norm=norm, cmap="Blues", rasterized=True)
    log_y(axes, (edges[0], edges[-1]), f"{kind} latency, log. [ms]")
    return image
