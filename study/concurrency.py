"""C26: how many connections threads, coroutines and event loops hold, and at what latency."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.figure import Figure

from sockproof.render.plot import legend, line, log_x, log_y, panels
from sockproof.study import Bench, Conclusion, NotMeasured, Verdict

claim = "C26"
title = "Connections held, by kind of server"
says = "Threads or processes hold few concurrent connections, coroutines many."
method = """
The same Socket.IO application runs on each kind of server in turn, in one worker process with a
high connection limit. The clients connect over WebSocket, 500 per second, and stay; each sends a
message every ten seconds, which the server acknowledges. The run leaves enough time to connect at
half that rate. Latency is measured from the time at which a message was due until its
acknowledgement. Memory and CPU time are those of the server's processes. Runs in which the load
generator saturated are left out.
"""
caption = """
Above: p50 latency. Middle: memory of the server per connection. Below: CPU time per message,
including connects. A line ends where a server did not hold all connections. Axes are logarithmic.
"""
order = 80

SERVERS = {
    "threads": "python-socketio-gunicorn-gthread",
    "eventlet": "python-socketio-eventlet",
    "gevent": "python-socketio-gunicorn-gevent",
    "asyncio": "python-socketio-uvicorn",
    "node": "node-socketio",
}
THREADS = "threads"
COUNTS, QUICK_COUNTS = (100, 1000, 4000, 10_000), (20, 100)
RATE, QUICK_RATE = 0.1, 1.0  # messages a second and connection
SPAWN = 500.0  # connects a second that are asked for
SLOWEST = 250.0  # connects a second with which every connection is still open in time


def measure(bench: Bench) -> dict[str, Any]:
    """For each kind and number of connections what the load run found."""
    kinds, missing = [], []
    for kind, name in SERVERS.items():
        try:
            points = []
            for users in QUICK_COUNTS if bench.quick else COUNTS:
                with bench.target(name) as target:
                    point = _point(bench, target.url, target.pid, users)
                points.append(point)
                bench.say(f"{kind}: {_line(point)}")
                if point["fit"] and not _holds(point):
                    break
            kinds.append({"kind": kind, "server": bench.title(name), "points": points})
        except NotMeasured as error:
            missing.append(f"{kind}: {error}")
    if not kinds:
        raise NotMeasured("; ".join(missing))
    return {"kinds": kinds, "missing": missing}


def _point(bench: Bench, url: str, pid: int, users: int) -> dict[str, Any]:
    seconds = bench.few(12, 2) + users / SPAWN + users / SLOWEST
    summary = bench.load(
        "echo",
        url,
        pid,
        users=users,
        spawn_rate=SPAWN,
        run_time=f"{math.ceil(seconds)}s",
        more=["--rate", f"{QUICK_RATE if bench.quick else RATE:g}"],
    )
    counts, latency = summary["counts"], summary["latency"]["ack"]["intended"]
    connect = summary["latency"]["connect"]["intended"]
    target, generator = summary["target"], summary["generator"]
    return {
        "asked": users,
        "opened": counts["connections_opened"],
        "lost": counts["disconnected"],
        "failed": counts["connect_failures"],
        "acknowledged": counts["acknowledged"],
        "p50_ms": latency["p50_ms"],
        "p99_ms": latency["p99_ms"],
        "connect_p50_ms": connect["p50_ms"],
        "rss": target.get("max_rss_bytes"),
        "cpu_s": target.get("cpu_s"),
        "fit": generator["fit"] or _server_fault(counts),
    }


def _server_fault(counts: Mapping[str, int]) -> bool:
    """Whether the run is unfit only since the server let connections go."""
    return bool(counts["connect_failures"] or counts["disconnected"])


def _holds(point: Mapping[str, Any]) -> bool:
    all_open = point["opened"] >= point["asked"]
    return all_open and not point["lost"] and not point["failed"]


def _line(point: Mapping[str, Any]) -> str:
    p50 = "–" if point["p50_ms"] is None else f"{point['p50_ms']:.2f} ms"
    held = point["opened"] - point["lost"]
    return f"{held:,} of {point['asked']:,} connections held, p50 {p50}"


def _largest(kind: Mapping[str, Any]) -> int:
    held = [each["asked"] for each in kind["points"] if each["fit"] and _holds(each)]
    return max(held, default=0)


def _at(kind: Mapping[str, Any], asked: int) -> Mapping[str, Any]:
    return next((each for each in kind["points"] if each["asked"] == asked), {})


def conclude(found: Mapping[str, Any]) -> Conclusion:
    """It holds when threads hold fewer than every kind of coroutine does."""
    kinds = {kind["kind"]: kind for kind in found["kinds"]}
    largest = {name: _largest(kind) for name, kind in kinds.items()}
    told = ", ".join(f"{name} {held:,}" for name, held in largest.items())
    sentence = f"Connections held, each of them served: {told}."
    others = [held for name, held in largest.items() if name != THREADS]
    if THREADS not in largest or not others:
        verdict = Verdict.OPEN
    elif largest[THREADS] < min(others):
        verdict = Verdict.HOLDS
    elif largest[THREADS] < max(others):
        verdict = Verdict.IN_PART
    elif largest[THREADS] > max(others):
        verdict = Verdict.FAILS
    else:
        verdict = Verdict.OPEN
        sentence += " Threads were not shown to hold fewer: no kind reached its limit."
    sentence += _costs(kinds, min(largest.values(), default=0))
    if found["missing"]:
        sentence += f" Not measured: {'; '.join(found['missing'])}."
    rows = [_row(kind, each) for kind in found["kinds"] for each in kind["points"]]
    head = (
        "kind",
        "asked [connections]",
        "held [connections]",
        "p50 [ms]",
        "p99 [ms]",
        "connect p50 [ms]",
        "memory [MiB]",
        "CPU [s]",
        "acknowledged [messages]",
    )
    return Conclusion(verdict, sentence, head, rows)


def _costs(kinds: Mapping[str, Any], asked: int) -> str:
    told = []
    for name, kind in kinds.items():
        point = _at(kind, asked)
        if point.get("rss") and point.get("p50_ms") is not None:
            told.append(f"{name} {point['p50_ms']:.1f} ms and {point['rss'] / 2**20:,.0f} MiB")
    return f" At {asked:,} the median latency and memory were: {', '.join(told)}." if told else ""


def _row(kind: Mapping[str, Any], each: Mapping[str, Any]) -> tuple[str, ...]:
    def ms(value: float | None) -> str:
        return "too few" if value is None else f"{value:,.2f}"

    return (
        kind["kind"],
        f"{each['asked']:,}",
        f"{each['opened'] - each['lost']:,}" if each["fit"] else "inconclusive",
        ms(each["p50_ms"]),
        ms(each["p99_ms"]),
        ms(each["connect_p50_ms"]),
        "–" if each["rss"] is None else f"{each['rss'] / 2**20:,.0f}",
        "–" if each["cpu_s"] is None else f"{each['cpu_s']:,.2f}",
        f"{each['acknowledged']:,}",
    )


def draw(found: Mapping[str, Any]) -> Figure:
    """Lines of latency, memory and CPU, one for each kind."""
    figure, panes = panels((1.5, 1.5, 1.5), top=0.5)
    values: tuple[tuple[Callable[[Mapping[str, Any]], Any], str], ...] = (
        (lambda each: each["p50_ms"], "p50 latency\n[ms]"),
        (
            lambda each: each["rss"] and each["rss"] / 1024 / each["asked"],
            "memory\n[KiB/connection]",
        ),
        (
            lambda each: each["cpu_s"] and 1000 * each["cpu_s"] / max(each["acknowledged"], 1),
            "CPU\n[ms/message]",
        ),
    )
    asked = sorted({each["asked"] for kind in found["kinds"] for each in kind["points"]})
    for axes, (value, label) in zip(panes, values, strict=True):
        shown: list[float] = []
        for style, kind in enumerate(found["kinds"]):
            points = [each for each in kind["points"] if each["fit"] and _holds(each)]
            known = [(each["asked"], value(each)) for each in points if value(each)]
            if known:
                x, y = zip(*known, strict=True)
                line(axes, x, y, kind["kind"], style)
                shown += y
        log_x(axes, asked, "connections [count]" if axes is panes[-1] else "")
        axes.tick_params(labelbottom=axes is panes[-1])
        log_y(axes, shown, label)
    legend(panes[0], 3, above=-8)
    return figure
