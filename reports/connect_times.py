"""How long connects took."""

import numpy as np
from matplotlib.figure import Figure

from sockproof.analysis.timeline.frames import LoadRun
from sockproof.render.plot import INK, counts_y, legend, log_x, panels
from sockproof.runs.histogram import value_of

title = "Connect times"
caption = """
From the time at which a connect was due until the client is connected: TCP, TLS, the WebSocket or
Engine.IO handshake, and the namespace. Covers the whole run. Lines mark the percentiles; with few
connects, the outer ones mean little.
"""
order = 60
nothing = "No connection was opened."

BARS = 24  # to a power of ten
MARKS = (("p50", 0.5, "-"), ("p90", 0.9, "--"), ("p99", 0.99, ":"))


def draw(run: LoadRun) -> Figure | None:
    """Bars on a logarithmic axis."""
    histogram = run.histograms["connect"]["intended"]
    if not histogram.samples:
        return None
    figure, (axes,) = panels((2.1,))
    values = np.array([max(value_of(bucket), 1) / 1e6 for bucket in histogram.counts])
    numbers = np.array(list(histogram.counts.values()))
    low = np.floor(np.log10(values.min()) * BARS) / BARS
    high = np.log10(values.max())
    edges = 10.0 ** (low + np.arange(max(2, int(np.ceil((high - low) * BARS)) + 2)) / BARS)
    counts, _ = np.histogram(values, edges, weights=numbers)
    axes.stairs(counts, edges, fill=True, facecolor="#9dbbe0", edgecolor=INK, lw=0.8)
    for name, fraction, dashes in MARKS:
        value = (histogram.at(fraction) or 0) / 1e6
        axes.axvline(value, color=INK, ls=dashes, lw=1.4, label=f"{name} {value:.3g} ms")
    log_x(axes, (edges[0], edges[-1]), "time to connect, log. [ms]")
    counts_y(axes, "connects [count]")
    legend(axes, above=-10)
    return figure
