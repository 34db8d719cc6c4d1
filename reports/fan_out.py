"""By how many each message was heard."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sockproof.analysis.timeline.frames import LoadRun
from sockproof.render.plot import INK, counts_y, legend, panels

title = "Fan-out"
caption = """
How many messages were received how often, in the whole run: in a room of twenty, twenty times
each. Bars to the left are messages that were lost, or sent while the room was filling or
emptying; bars to the right are messages that were duplicated.
"""
order = 70
nothing = "No message was sent that any client should receive."

BARS = 80


def draw(run: LoadRun) -> Figure | None:
    """A bar for each number of receipts, or for several where they are many."""
    heard = run.rows.heard
    if not heard.sum():
        return None
    figure, (axes,) = panels((2.1,))
    first = int(np.flatnonzero(heard)[0])
    width = max(1, int(np.ceil((len(heard) - first) / BARS)))
    starts = np.arange(first, len(heard), width)
    numbers = np.add.reduceat(heard, starts)
    axes.bar(
        starts - 0.5, numbers, width=width, align="edge", color="#9dbbe0", edgecolor=INK, lw=0.8
    )
    average = float((heard * np.arange(len(heard))).sum() / heard.sum())
    axes.axvline(average, color=INK, ls="--", lw=1.4, label=f"mean {average:.4g} receipts/message")
    axes.set_xlim(first - max(2.5, width), len(heard) + max(1.5, width))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.set_xlabel("receipts of a message [receipts/message]")
    if numbers.max() > 50 * numbers[numbers > 0].min():
        axes.set_yscale("symlog", linthresh=1)
        axes.set_ylim(0, numbers.max() * 3)
        axes.set_ylabel("messages [count]")
        powers = [0.0, *(10.0**power for power in range(0, len(str(int(numbers.max()))) + 1))]
        axes.set_yticks(powers[:: 1 + len(powers) // 7], minor=False)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.yaxis.minorticks_off()
    else:
        counts_y(axes, "messages [count]")
    legend(axes, above=-10)
    return figure
