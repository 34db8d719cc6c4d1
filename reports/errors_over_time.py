"""What went wrong second by second, as connections and the schedule counted it."""

from matplotlib.figure import Figure

from sockproof.analysis.timeline.frames import LoadRun
from sockproof.render.plot import column, counts_y, each_second, has, legend, line, over_time

title = "Errors over time"
caption = """
Errors at the time when they happened. Sends are withheld when too many acknowledgements are
outstanding or a connection is missing, so they show delays of the server.
"""
order = 90
nothing = "No error was counted."

COUNTED = (
    ("connect_failures_per_s", "connects failed"),
    ("connections_lost_per_s", "connections lost"),
    ("ack_timeouts_per_s", "acks timed out"),
    ("withheld_messages_per_s", "sends withheld"),
    ("corrupted_messages_per_s", "corrupted"),
    ("unreadable_messages_per_s", "unreadable"),
    ("wrong_acknowledgements_per_s", "wrong acks"),
    ("back_pressured_per_s", "back-pressured"),
)


def draw(run: LoadRun) -> Figure | None:
    """A line for each kind of error that occurred."""
    frame = each_second(run)
    seen = [(name, label) for name, label in COUNTED if has(frame, name)]
    if not seen:
        return None
    figure, (axes,) = over_time(run, (2.1,))
    x = frame["time_s"] + 0.5
    for style, (name, label) in enumerate(seen):
        line(axes, x, column(frame, name), label, style)
    counts_y(axes, "errors [count/s]")
    legend(axes)
    if len(seen) > 3:  # the legend takes a second row, and a third
        rows = (len(seen) + 2) // 3
        figure.set_figheight(figure.get_figheight())
        left, bottom, wide, high = axes.get_position().bounds
        less = 0.19 * (rows - 1) / figure.get_figheight()
        axes.set_position((left, bottom, wide, high - less))
        legend(axes)
    return figure
