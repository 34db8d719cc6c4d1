"""Messages a second: what was to be sent, what was, and what came of it."""

from matplotlib.figure import Figure

from sockproof.analysis.timeline.frames import LoadRun
from sockproof.render.plot import column, counts_y, each_second, has, legend, line, over_time

title = "Throughput, offered and achieved"
caption = """
Above: messages that were due and messages that were sent; where "achieved" falls below "offered",
sends were withheld because acknowledgements or connections were missing. Below: messages that
clients received; each message is received once by each member of its room.
"""
order = 40
nothing = "No message was sent or received."


def draw(run: LoadRun) -> Figure | None:
    """Sent above, heard below."""
    frame = each_second(run)
    if not has(frame, "offered_messages_per_s", "received_messages_per_s"):
        return None
    figure, (sent, heard) = over_time(run, (1.5, 1.2))
    x = frame["time_s"] + 0.5
    for style, (name, label) in enumerate(
        (("offered", "offered"), ("emitted", "achieved"), ("acknowledged", "acknowledged"))
    ):
        line(sent, x, column(frame, f"{name}_messages_per_s"), label, style)
    line(heard, x, column(frame, "received_messages_per_s"), "heard", 3)
    counts_y(sent, "sent [messages/s]")
    counts_y(heard, "received [messages/s]")
    legend(sent)
    return figure
