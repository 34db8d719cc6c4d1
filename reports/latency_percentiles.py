"""The percentile curve, as HdrHistogram's plotter draws it."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from sockproof.analysis.timeline.frames import LoadRun
from sockproof.render.plot import SHARE, latency_y, legend, line, panels
from sockproof.runs.histogram import Histogram, value_of

title = "Latency by percentile"
caption = """
Horizontal: the share of messages that were at least as fast; each step to the right is ten times
rarer. Covers the measured part. Where "from intended" lies above "from actual", messages were
sent late because the generator or its connection was delayed, and users would have waited that
much longer.
"""
order = 20
nothing = "Nothing was measured."

TICKS = (2, 10, 100, 1000, 10_000, 100_000, 1_000_000)
LABELS = ("50 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %")


def draw(run: LoadRun) -> Figure | None:
    """A curve for each kind and origin."""
    known = [
        (kind, origin, run.histograms[kind][origin])
        for kind in ("delivery", "ack")
        for origin in ("intended", "actual")
        if run.histograms[kind][origin].samples
    ]
    if not known:
        return None
    figure, (axes,) = panels((2.6,))
    most, values = 10.0, []
    for style, (kind, origin, histogram) in enumerate(known):
        x, y = curve(histogram)
        line(axes, x, y, f"{kind}, from {origin}", style, marks=9)
        most = max(most, float(x[-1]))
        values += [float(histogram.at(0.5) or 0) / 1e6, float(y[-1])]
    axes.set_xscale("log")
    axes.set_xlim(1, most * 1.05)
    shown = [(tick, text) for tick, text in zip(TICKS, LABELS, strict=True) if tick <= most * 1.05]
    axes.xaxis.set_major_locator(FixedLocator([tick for tick, _ in shown]))
    axes.xaxis.set_major_formatter(FixedFormatter([text for _, text in shown]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(SHARE)
    latency_y(axes, values, "latency [ms]")
    legend(axes, 2, above=-10)
    return figure


def curve(histogram: Histogram) -> tuple[np.ndarray, np.ndarray]:
    """1 / (1 - share) and milliseconds; the last message ends the curve."""
    buckets = sorted(histogram.counts)
    upto = np.cumsum([histogram.counts[bucket] for bucket in buckets])
    total = int(upto[-1])
    below = np.concatenate(([0], upto[:-1]))  # a bucket begins where the one before it ends
    x = total / (total - below)
    return x, np.array([value_of(bucket) / 1e6 for bucket in buckets])
