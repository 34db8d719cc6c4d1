"""Whether more messages a second come with longer latencies."""

import numpy as np
from matplotlib.figure import Figure

from sockproof.analysis.timeline.frames import LoadRun
from sockproof.render.plot import STYLES, column, counts_y, latency_y, legend, panels, short_number

title = "Latency against rate"
caption = """
Two marks for each second of the measured part: median and 99th percentile of the deliveries (or
of the acknowledgements, if nothing is delivered), at the rate of messages received in that
second. Marks that rise to the right show where the server or its machine saturates.
"""
order = 100
nothing = "The measured part has no second with messages."


def draw(run: LoadRun) -> Figure | None:
    """A scatter of p50 and p99."""
    measured = run.seconds["phase"] == "measured"
    frame = {name: values[measured] for name, values in run.seconds.items()}
    kind = "delivery" if np.isfinite(column(frame, "delivery_intended_p50_ms")).any() else "ack"
    rate = "received" if kind == "delivery" else "acknowledged"
    x = column(frame, f"{rate}_messages_per_s")
    values = []
    figure, (axes,) = panels((2.1,))
    for style, name in enumerate(("p50", "p99")):
        y = column(frame, f"{kind}_intended_{name}_ms")
        known = np.isfinite(x) & np.isfinite(y)
        if not known.any():
            return None
        step = max(1, int(known.sum()) // 2000)
        color, _, mark = STYLES[style]
        some = x[known][::step], y[known][::step]
        full = "none" if style else color
        axes.plot(*some, ls="none", marker=mark, ms=5, mec=color, mfc=full, label=name)
        values += y[known].tolist()
    counts_y(axes, "")
    axes.set_xlim(0, float(np.nanmax(x)) * 1.08 or 1)
    axes.xaxis.set_major_formatter(lambda value, _: short_number(value))
    axes.set_xlabel(f"{'received' if kind == 'delivery' else 'acknowledged'} [messages/s]")
    latency_y(axes, values, f"{kind} latency [ms]")
    legend(axes, above=-10)
    return figure
