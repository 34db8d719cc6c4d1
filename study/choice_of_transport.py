"""C20: Socket.IO chooses its transport by itself, and loses nothing where WebSocket is blocked."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import requests
import socketio.exceptions
from matplotlib.figure import Figure

from sockproof.render.plot import INK, panels
from sockproof.study import Bench, Conclusion, NotMeasured, Relay, SocketIOClient, Verdict

claim = "C20"
title = "Choice of transport"
says = "It chooses a transport automatically: WebSocket, or else long-polling."
method = """
python-socketio's client connects with long-polling only, with WebSocket only, and with a free
choice, once directly and once through a relay that refuses each upgrade with 403, as some proxies
do. Every message must be acknowledged with the same text. The server is also tested for two older
features: JSONP and Engine.IO 3.
"""
caption = """
Messages that were returned, and the transport in use at the end. A missing bar is a client that
could not connect.
"""
order = 70

SERVERS = ("python-socketio-uvicorn", "node-socketio")
CHOICES: tuple[tuple[str, list[str] | None], ...] = (
    ("long-polling", ["polling"]),
    ("WebSocket", ["websocket"]),
    ("free to choose", None),
)
FREE = "free to choose"
OLD = (("JSONP", {"EIO": "4", "j": "0"}), ("Engine.IO 3", {"EIO": "3"}))
SECONDS = 5.0


def measure(bench: Bench) -> dict[str, Any]:
    """For each server and setting which transport it came to, and how many messages came back."""
    count = bench.few(100, 10)
    servers, missing = [], []
    for name in SERVERS:
        try:
            with bench.target(name) as target:
                tries = [
                    _try(target.url, choice, transports, blocked, count)
                    for blocked in (False, True)
                    for choice, transports in CHOICES
                ]
                old = [{"name": each, **_ask(target.url, query)} for each, query in OLD]
            servers.append({"server": bench.title(name), "tries": tries, "old": old})
        except NotMeasured as error:
            missing.append(f"{name}: {error}")
    if not servers:
        raise NotMeasured("; ".join(missing))
    return {"messages": count, "servers": servers, "missing": missing}


def _try(
    url: str, choice: str, transports: list[str] | None, blocked: bool, count: int
) -> dict[str, Any]:
    found: dict[str, Any] = {"choice": choice, "blocked": blocked, "transport": None, "back": 0}
    began = time.perf_counter()
    with Relay(url, blocks_upgrades=blocked) as relay:
        try:
            with SocketIOClient(relay.url, transports, event="message-with-ack") as client:
                found["transport"] = client.transport
                for number in range(count):
                    text = f"message {number}"
                    found["back"] += client.echo(text) == text
        except (socketio.exceptions.SocketIOError, OSError) as error:
            found["error"] = str(error)[:200]
    return {**found, "seconds": time.perf_counter() - began}


def _ask(url: str, query: Mapping[str, str]) -> dict[str, Any]:
    try:
        ask = {"transport": "polling", **query}
        answer = requests.get(f"{url}socket.io/", params=ask, timeout=SECONDS)
    except requests.RequestException:
        return {"status": None}
    return {"status": answer.status_code, "text": answer.text[:60]}


def _expected(each: Mapping[str, Any]) -> str | None:
    if each["choice"] == "long-polling" or (each["choice"] == FREE and each["blocked"]):
        return "polling"
    return None if each["blocked"] else "websocket"


def _told(transport: str | None) -> str:
    return {"polling": "long-polling", "websocket": "WebSocket"}.get(transport or "", "none")


def conclude(found: Mapping[str, Any]) -> Conclusion:
    """It holds when the free client comes to the right transport and nothing is lost."""
    count, rows, wrong = found["messages"], [], []
    for server in found["servers"]:
        for each in server["tries"]:
            where = "upgrades blocked" if each["blocked"] else "direct"
            rows.append(
                (
                    server["server"],
                    each["choice"],
                    where,
                    _told(each["transport"]),
                    f"{each['back']} of {count} messages",
                    f"{each['seconds']:.2f} s",
                )
            )
            due = 0 if _expected(each) is None else count
            if each["transport"] != _expected(each) or each["back"] != due:
                wrong.append(f"{each['choice']}, {where}, {server['server']}")
        for each in server["old"]:
            status = "no answer" if each["status"] is None else f"HTTP {each['status']}"
            rows.append((server["server"], each["name"], "direct", status, "–", "–"))
    names = " and ".join(server["server"] for server in found["servers"])
    sentence = (
        f"With {names}, a client with a free choice used WebSocket, and long-polling"
        " behind a proxy that blocks upgrades; all messages came back. A client that insisted on"
        " WebSocket was refused there."
    )
    if wrong:
        sentence = f"Unexpected: {'; '.join(wrong)}."
    if found["missing"]:
        sentence += f" Not measured: {'; '.join(found['missing'])}."
    verdict = Verdict.FAILS if wrong else Verdict.HOLDS
    head = ("server", "client", "network", "transport or answer", "came back", "took [s]")
    return Conclusion(verdict, sentence, head, rows)


def draw(found: Mapping[str, Any]) -> Figure:
    """For each server a bar for each client and network."""
    figure, panes = panels((1.75,) * len(found["servers"]), left=1.75, top=0.35)
    for axes, server in zip(panes, found["servers"], strict=True):
        _draw_server(axes, server, found["messages"])
    panes[-1].set_xlabel("returned messages [count]")
    return figure


def _draw_server(axes: Any, server: Mapping[str, Any], count: int) -> None:
    tries: Sequence[Mapping[str, Any]] = list(reversed(server["tries"]))
    for row, each in enumerate(tries):
        socket = each["transport"] == "websocket"
        axes.barh(
            row,
            each["back"],
            height=0.62,
            color="#9dbbe0" if socket else "#f0dcc8",
            hatch=None if socket else "////",
            edgecolor=INK,
            lw=0.8,
        )
        text = _told(each["transport"]) if each["transport"] else "refused"
        axes.annotate(text, (each["back"], row), (4, 0), textcoords="offset points", va="center")
    names = [f"{each['choice']}{', blocked' if each['blocked'] else ''}" for each in tries]
    axes.set_yticks(range(len(tries)), names)
    axes.set_xlim(0, count * 1.3)
    axes.grid(visible=False, axis="y")
    axes.set_title(server["server"], loc="left", fontsize=10)
