"""Connections: how many live, how many come and go."""

from matplotlib.figure import Figure

from sockproof.analysis.timeline.frames import LoadRun
from sockproof.render.plot import column, counts_y, each_second, has, legend, line, over_time

title = "Connections over time"
caption = """
Above: connections that are open at the end of each second. Below: connections that were opened,
failed to open, or ended unexpectedly.
"""
order = 50
nothing = "No connection was opened, and none failed."


def draw(run: LoadRun) -> Figure | None:
    """Levels above, changes below."""
    frame = each_second(run)
    if not has(frame, "live_connections", "connections_opened_per_s", "connect_failures_per_s"):
        return None
    figure, (live, changes) = over_time(run, (1.4, 1.4))
    x = frame["time_s"]
    line(live, x + 1, column(frame, "live_connections"), "live", 2, marks=0)
    counts_y(live, "live [connections]")
    for style, (name, label) in enumerate(
        (
            ("connections_opened_per_s", "opened"),
            ("connect_failures_per_s", "failed"),
            ("connections_lost_per_s", "lost"),
        )
    ):
        line(changes, x + 0.5, column(frame, name), label, style)
    counts_y(changes, "changes [connections/s]")
    legend(changes, above=-11)
    return figure
