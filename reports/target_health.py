"""What the server under test cost, where its process is known."""

from matplotlib.figure import Figure

from sockproof.analysis.timeline.frames import LoadRun
from sockproof.render.plot import column, counts_y, each_second, has, line, over_time

title = "CPU and memory of the target"
caption = """
The process of the target with all its child processes. One core is 100 %: a single-threaded
server near that value is at its limit.
"""
order = 120
nothing = "The process of the target is unknown: it runs elsewhere or was started by others."


def draw(run: LoadRun) -> Figure | None:
    """CPU above, memory below."""
    frame = each_second(run)
    if not has(frame, "target_cpu_percent_of_a_core", "target_memory_mib"):
        return None
    figure, (cpu, memory) = over_time(run, (1.3, 1.3))
    x = frame["time_s"] + 0.5
    line(cpu, x, column(frame, "target_cpu_percent_of_a_core"), "CPU", 1)
    counts_y(cpu, "CPU [% of a core]")
    line(memory, x, column(frame, "target_memory_mib"), "memory", 4, marks=0)
    counts_y(memory, "memory [MiB]")
    return figure
