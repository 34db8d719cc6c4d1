"""Deliveries, and when each property was violated."""

import numpy as np
from matplotlib.figure import Figure

from sockproof.analysis.timeline.frames import LoadRun
from sockproof.render.plot import STYLES, column, counts_y, each_second, legend, line, over_time

title = "Deliveries and violations over time"
caption = """
Above: receipts. Below: a mark for each second with a violation and the number of violations. Lost
and duplicated messages are shown at the time when they were sent, all others when they were
received.
"""
order = 80
nothing = "No property was violated at a known time."


def draw(run: LoadRun) -> Figure | None:
    """Receipts above, marks below."""
    found = run.violations
    broken = [name for name, seconds in found.items() if seconds]
    if not broken:
        return None
    frame = each_second(run)
    figure, (heard, wrong) = over_time(run, (1.0, 1.7))
    received = column(frame, "received_messages_per_s")
    line(heard, frame["time_s"] + 0.5, received, "heard", 2, marks=0)
    counts_y(heard, "received [messages/s]")
    for style, name in enumerate(broken):
        counts = list(found[name].values())
        color, _, mark = STYLES[style % len(STYLES)]
        x = np.array(list(found[name])) + 0.5
        wrong.vlines(x, 0, counts, color=color, lw=1)
        wrong.plot(x, counts, color=color, marker=mark, ls="none", ms=6, label=name)
    counts_y(wrong, "violations [count/s]")
    legend(wrong, above=-11)
    return figure
