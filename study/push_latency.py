"""C10: what the server says unasked arrives sooner over WebSocket than by polling."""

import json
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import requests
from matplotlib.figure import Figure

from sockproof.render.plot import legend, line, log_x, panels
from sockproof.study import Bench, Conclusion, Relay, SocketIOClient, Verdict, WebSocketClient

claim = "C10"
title = "Latency of server push"
says = "It is real-time: lower delay than HTTP requests, and than long-polling."
method = """
One server sends the same messages, at random times with an exponential distribution, to each
client in turn: over WebSocket, over Socket.IO on WebSocket and on long-polling, and to plain HTTP
polling at a fixed interval. Latency is measured from the send in the server until the client's
own code has the message, on one clock; once directly on the loopback interface, and once through
a relay that adds 25 ms in each direction. The clients are websocket-client, python-socketio and
requests; rounds are interleaved.
"""
caption = """
The share of messages that arrived within a time. Above: on the loopback interface. Below: with 25
ms added in each direction, where long-polling needs extra time to ask again. The time axis is
logarithmic.
"""
order = 30

SEED = 20
MEAN_MS = 40
DELAY = 0.025  # seconds each way
SETTINGS = (("loopback", 0.0), ("25 ms each way", DELAY))
WEBSOCKET, LONG = "WebSocket", "Socket.IO on long-polling"
LIMIT = 30.0  # seconds for a round

Latencies = list[float]  # milliseconds


def measure(bench: Bench) -> dict[str, Any]:
    """For each setting and way the latencies in milliseconds."""
    rounds, count = bench.few(5, 1), bench.few(40, 10)
    settings = []
    with bench.target("every-transport") as target:
        for name, delay in SETTINGS:
            with Relay(target.url, delay) as relay:
                url = relay.url if delay else target.url
                found: dict[str, Latencies] = {way: [] for way in WAYS}
                for each in range(rounds):
                    for way, listen in WAYS.items():
                        start = _Start(target.url, count, SEED + each)
                        found[way] += listen(url, start)
            bench.say(f"{name}: {rounds} rounds of {count} messages each")
            ways = [{"name": way, "ms": sorted(values)} for way, values in found.items()]
            settings.append({"name": name, "delay_s": delay, "ways": ways})
    told = {"server": bench.title("every-transport"), "mean_ms": MEAN_MS}
    return {**told, "messages": rounds * count, "settings": settings}


class _Start:
    """Asks the server, by a way of its own, to begin."""

    def __init__(self, url: str, count: int, seed: int) -> None:
        self.count = count
        self._url = f"{url}ticks?count={count}&mean_ms={MEAN_MS}&seed={seed}"

    def __call__(self) -> None:
        requests.post(self._url, timeout=10).raise_for_status()


def _taken(tick: Mapping[str, int]) -> float:
    return (time.monotonic_ns() - tick["at"]) / 1e6


def _websocket(url: str, start: _Start) -> Latencies:
    with WebSocketClient(url, "/ws?ticks=1") as client:
        client.echo("here")  # the server has us among its listeners
        start()
        return [_taken(json.loads(client.connection.recv())) for _ in range(start.count)]


def _socketio(transport: str) -> Callable[[str, _Start], Latencies]:
    def listen(url: str, start: _Start) -> Latencies:
        heard: Latencies = []
        all_here = threading.Event()

        def tick(data: Mapping[str, int]) -> None:
            heard.append(_taken(data))
            if len(heard) >= start.count:
                all_here.set()

        with SocketIOClient(url, [transport]) as client:
            client.socket.on("tick", tick)
            client.echo("here")
            start()
            if not all_here.wait(LIMIT):
                raise TimeoutError(f"{len(heard)} of {start.count} messages in {LIMIT:g} s")
        return heard

    return listen


def _polling(interval: float) -> Callable[[str, _Start], Latencies]:
    def listen(url: str, start: _Start) -> Latencies:
        heard: Latencies = []
        with requests.Session() as http:
            http.trust_env = False
            start()
            due = time.monotonic()
            while len(heard) < start.count:
                news = http.get(f"{url}inbox", params={"after": len(heard)}, timeout=10).json()
                heard += [_taken(tick) for tick in news]
                due += interval
                time.sleep(max(0.0, due - time.monotonic()))
        return heard

    return listen


WAYS: dict[str, Callable[[str, _Start], Latencies]] = {
    WEBSOCKET: _websocket,
    "Socket.IO on WebSocket": _socketio("websocket"),
    LONG: _socketio("polling"),
    "HTTP polling each 100 ms": _polling(0.1),
    "HTTP polling each second": _polling(1.0),
}


def conclude(found: Mapping[str, Any]) -> Conclusion:
    """It holds where WebSocket's median is the lowest of all."""
    rows, slower = [], []
    for setting in found["settings"]:
        medians = {way["name"]: statistics.median(way["ms"]) for way in setting["ways"]}
        for way in setting["ways"]:
            p90 = float(np.quantile(way["ms"], 0.9))
            rows.append(
                (setting["name"], way["name"], f"{medians[way['name']]:,.2f}", f"{p90:,.2f}")
            )
            if way["name"] != WEBSOCKET and medians[way["name"]] <= medians[WEBSOCKET]:
                slower.append((setting["name"], way["name"]))
        setting_told = medians
    told = ", ".join(f"{value:,.1f} ms by {name}" for name, value in setting_told.items())
    sentence = f"With 25 ms added each way, half of the messages took at most {told}."
    if slower:
        where = "; ".join(f"{way} was as fast ({setting})" for setting, way in slower)
        sentence += f" But {where}."
    verdict = Verdict.HOLDS
    if slower:
        verdict = Verdict.FAILS if len(slower) == len(rows) - len(SETTINGS) else Verdict.IN_PART
    head = ("network", "way", "median [ms]", "p90 [ms]")
    return Conclusion(verdict, sentence, head, rows)


def draw(found: Mapping[str, Any]) -> Figure:
    """For each setting a curve for each way."""
    figure, panes = panels((1.8,) * len(found["settings"]), top=0.75)
    every = [value for each in found["settings"] for way in each["ways"] for value in way["ms"]]
    for axes, setting in zip(panes, found["settings"], strict=True):
        for style, way in enumerate(setting["ways"]):
            share = 100 * (np.arange(len(way["ms"])) + 1) / len(way["ms"])
            line(axes, way["ms"], share, way["name"], style, marks=5)
        log_x(axes, every, "latency [ms]" if axes is panes[-1] else "")
        axes.set_ylim(0, 102)
        axes.set_ylabel(f"{setting['name']}\nmessages [%]")
    legend(panes[0], 2, above=-8)
    return figure
