"""Latency percentiles of each second, of deliveries and of acknowledgements."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sockproof.analysis.timeline.frames import LoadRun
from sockproof.render.plot import (
    Columns,
    band,
    column,
    each_second,
    has,
    latency_y,
    legend,
    line,
    over_time,
    worst,
)

title = "Latency over time"
caption = """
Measured from the time at which a message was due, so that a stalled server cannot hide it. The
dark band contains the messages between p50 and p90, the light one those between p90 and p99. For
a second with fewer than a hundred messages, p99 is the largest latency.
"""
order = 10
nothing = "No message was returned."

KINDS = ("delivery", "ack")
PERCENTILES = ("p50", "p90", "p99")


def draw(run: LoadRun) -> Figure | None:
    """A panel for each kind of which anything is known."""
    frame = each_second(run)
    kinds = [kind for kind in KINDS if has(frame, f"{kind}_intended_p50_ms")]
    if not kinds:
        return None
    figure, axes = over_time(run, [1.75] * len(kinds))
    for each, kind in zip(axes, kinds, strict=True):
        _bands(each, frame, kind)
    legend(axes[0])
    return figure


def _bands(axes: Axes, frame: Columns, kind: str) -> None:
    names = [f"{kind}_intended_{percentile}_ms" for percentile in PERCENTILES]
    x = frame["time_s"] + 0.5
    p50, p90, p99 = (column(frame, name) for name in names)
    band(axes, x, ("p50", p50), ("p90", p90), "#9dbbe0")
    band(axes, x, ("p90", p90), ("p99", p99), "#dbe6f4")
    for style, (name, values) in enumerate(zip(PERCENTILES, (p50, p90, p99), strict=True)):
        line(axes, x, values, name, style)
    latency_y(axes, worst(frame, *names), f"{kind} latency [ms]")
