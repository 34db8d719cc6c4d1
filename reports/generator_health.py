"""The generator's own state: when it is busy or late, the run tells of it and not of the server."""

from matplotlib.figure import Figure

from sockproof.analysis.timeline.frames import LoadRun
from sockproof.render.plot import (
    column,
    counts_y,
    each_second,
    has,
    latency_y,
    legend,
    line,
    over_time,
    worst,
)

title = "Health of the load generator"
caption = """
CPU of the busiest process (above 90 % the run is inconclusive), lag of the event loop and of
sends (99th percentile), and the memory of all processes. Latency that rises together with these
is caused by the load generator; latency that rises alone is caused by the server.
"""
order = 110
nothing = "No process recorded its state."


def draw(run: LoadRun) -> Figure | None:
    """CPU, lag and memory below each other."""
    frame = each_second(run)
    if not has(frame, "cpu_percent_of_a_core", "memory_mib"):
        return None
    figure, (cpu, lag, memory) = over_time(run, (1.2, 1.2, 0.9))
    x = frame["time_s"] + 0.5
    line(cpu, x, column(frame, "cpu_percent_of_a_core"), "busiest process", 0)
    cpu.axhline(90, color="#a81818", ls=(0, (5, 3)), lw=1)
    counts_y(cpu, "CPU [% of a core]")
    lags = ("loop_lag_ms", "send_lag_ms")
    line(lag, x, column(frame, lags[0]), "loop woke late", 1)
    line(lag, x, column(frame, lags[1]), "sends left late", 2)
    latency_y(lag, worst(frame, *lags), "lag [ms]")
    legend(lag, above=-11)
    line(memory, x, column(frame, "memory_mib"), "memory", 4, marks=0)
    counts_y(memory, "memory [MiB]")
    return figure
