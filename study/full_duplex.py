"""C1: one handshake makes a lasting connection on which both sides speak at once."""

import contextlib
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from websocket import ABNF, WebSocketException

from sockproof.render.plot import INK, STYLES, panels
from sockproof.study import Bench, Conclusion, Verdict, WebSocketClient

claim = "C1"
title = "Both sides send at once"
says = "One handshake turns a TCP connection into a lasting, full-duplex one."
method = """
A client sends one long message as one WebSocket frame, in small pieces with pauses; meanwhile the
server sends short messages on the same connection. For comparison, the same body is uploaded in
pieces as an HTTP/1.1 request, where the response is all that the server can send on that
connection.
"""
caption = """
Bars: the upload of the long message. Marks: messages from the server. Marks above the bar arrived
while the client was still sending.
"""
order = 10

OCTETS = 1 << 20
PIECES = 40
PAUSE = 0.01  # seconds
TICK_MS = 10


def measure(bench: Bench) -> dict[str, Any]:
    """When pieces went and messages came, in seconds since the first piece."""
    pieces = bench.few(PIECES * 2, PIECES)
    with bench.target("every-transport") as target:
        return {
            "server": bench.title("every-transport"),
            "octets": OCTETS,
            "ways": [_over_websocket(target.url, pieces), _over_http(target.url, pieces)],
        }


def _over_websocket(url: str, pieces: int) -> dict[str, Any]:
    body = bytes(range(256)) * (OCTETS // 256)
    heard: list[float] = []

    def listen(client: WebSocketClient) -> bytes:
        """The long message, or nothing when the connection ends without it."""
        with contextlib.suppress(WebSocketException, OSError):
            while True:
                message = client.connection.recv()
                heard.append(time.perf_counter())
                if isinstance(message, bytes):
                    return message
        return b""

    # The client ends first: who listens on it then ends, too.
    with ThreadPoolExecutor(1) as aside, WebSocketClient(url, "/ws?ticks=1") as client:
        frame = ABNF.create_frame(body, ABNF.OPCODE_BINARY).format()
        count = int(pieces * PAUSE * 1000 / TICK_MS * 2)
        ask = {"count": count, "mean_ms": TICK_MS, "seed": 1}
        requests.post(f"{url}ticks", params=ask, timeout=10).raise_for_status()
        listening = aside.submit(listen, client)
        began, ended = _in_pieces(frame, pieces, client)
        answer = listening.result()
    return _way("WebSocket", began, ended, heard, answer == body)


def _over_http(url: str, pieces: int) -> dict[str, Any]:
    body = bytes(range(256)) * (OCTETS // 256)
    times: list[float] = []

    def parts() -> Any:
        step = -(-len(body) // pieces)
        for at in range(0, len(body), step):
            times.append(time.perf_counter())
            yield body[at : at + step]
            time.sleep(PAUSE)
        times.append(time.perf_counter())

    answer = requests.post(f"{url}echo", data=parts(), timeout=20, stream=True)
    first = time.perf_counter()
    return _way("HTTP/1.1 request", times[0], times[-1], [first], answer.content == body)


def _in_pieces(octets: bytes, pieces: int, client: WebSocketClient) -> tuple[float, float]:
    stream = client.connection.sock
    assert stream is not None
    step = -(-len(octets) // pieces)
    began = time.perf_counter()
    for at in range(0, len(octets), step):
        stream.sendall(octets[at : at + step])
        time.sleep(PAUSE)
    return began, time.perf_counter()


def _way(name: str, began: float, ended: float, heard: list[float], whole: bool) -> dict[str, Any]:
    return {
        "name": name,
        "sending_s": ended - began,
        "heard_s": [each - began for each in heard if each >= began],
        "whole": whole,
    }


def _during(way: Mapping[str, Any]) -> int:
    return sum(each < way["sending_s"] for each in way["heard_s"])


def conclude(found: Mapping[str, Any]) -> Conclusion:
    """It holds when messages came while one was sent, and all arrived whole."""
    socket, http = found["ways"]
    during = _during(socket)
    rows = [
        (
            way["name"],
            f"{way['sending_s'] * 1000:,.0f} ms",
            f"{_during(way):,}",
            "whole" if way["whole"] else "not whole",
        )
        for way in found["ways"]
    ]
    if not socket["whole"]:
        verdict, how = Verdict.FAILS, "but the long one was not returned unchanged"
    elif during == 0:
        verdict, how = Verdict.FAILS, "so the connection carried one way at a time"
    else:
        verdict, how = Verdict.HOLDS, "and the long one was returned unchanged"
    sentence = (
        f"While the client sent a message of {found['octets']:,} bytes over WebSocket,"
        f" {during:,} messages from the server arrived on the same connection, {how};"
        f" over HTTP/1.1 {_during(http) or 'none'} did."
    )
    head = ("way", "time to send [ms]", "received meanwhile [messages]", "the long message")
    return Conclusion(verdict, sentence, head, rows)


def draw(found: Mapping[str, Any]) -> Figure:
    """A row for each way: a bar for sending, marks for what is heard."""
    figure, (axes,) = panels((1.3,), left=1.0, top=0.15)
    names = []
    for row, way in enumerate(reversed(found["ways"])):
        color, _, mark = STYLES[row]
        axes.barh(row, way["sending_s"], height=0.5, color="#dfe5ea", edgecolor=INK, lw=0.8)
        heard = way["heard_s"]
        axes.plot(heard, [row] * len(heard), linestyle="", marker=mark, color=color, ms=4)
        names.append(way["name"].replace(" ", "\n", 1))
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    axes.set_xlim(left=0)
    axes.set_xlabel("time since the message began to be sent [s]")
    return figure
