"""C11: a connection keeps its state, so nobody authenticates again with each message."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from sockproof.render.plot import INK, STYLES, panels
from sockproof.study import (
    Bench,
    Conclusion,
    HttpClient,
    Relay,
    Verdict,
    WebSocketClient,
    median_seconds,
)

claim = "C11"
title = "Connection state compared with a cookie in each request"
says = "It is stateful: authentication need not be repeated."
method = """
A client logs in and receives a signed cookie. Over HTTP the server checks it in each request,
over WebSocket once, in the handshake. Then short messages are echoed one after the other. A relay
counts their bytes; times are measured without it, in interleaved rounds on the loopback
interface. The clients are websocket-client and requests.
"""
caption = """
Above: bytes of TCP payload for one echoed message, in both directions, without the message
itself. Below: the median time of a round trip.
"""
order = 40

PAYLOAD = "x" * 32
SOCKET = "WebSocket, cookie at the handshake"
KEPT = "HTTP, cookie in each request"
NEW = "HTTP, a new connection each time"


def measure(bench: Bench) -> dict[str, Any]:
    """For each way the octets and milliseconds of a round trip."""
    times, rounds = bench.few(200, 30), bench.few(5, 3)
    with bench.target("every-transport") as target:
        with HttpClient(target.url, session=True) as visitor:
            cookie = visitor.cookie
        ways: list[dict[str, Any]] = []
        for name in (SOCKET, KEPT, NEW):
            with Relay(target.url) as relay, _client(relay.url, name, cookie) as client:
                client.echo(PAYLOAD)
                before = relay.settled()
                for _ in range(10):
                    client.echo(PAYLOAD)
                octets = relay.settled() - before
                each = (octets.forth + octets.back) / 10 - 2 * len(PAYLOAD)
                ways.append({"name": name, "octets": each, "ms": []})
        for _ in range(rounds):
            for way in ways:
                with _client(target.url, way["name"], cookie) as client:
                    way["ms"].append(1000 * median_seconds(lambda: client.echo(PAYLOAD), times))
    told = {"server": bench.title("every-transport"), "cookie_octets": len(cookie)}
    return {**told, "times": times * rounds, "ways": ways}


def _client(url: str, name: str, cookie: str) -> Any:
    if name == SOCKET:
        return WebSocketClient(url, "/account/ws", cookie=cookie)
    return HttpClient(url, "/account/echo", session=True, keep_alive=name == KEPT)


def _ms(way: Mapping[str, Any]) -> float:
    """The middle one of the rounds' medians."""
    return float(sorted(way["ms"])[len(way["ms"]) // 2])


def conclude(found: Mapping[str, Any]) -> Conclusion:
    """It holds when a message over WebSocket takes less than the cookie alone has octets."""
    ways = {way["name"]: way for way in found["ways"]}
    socket, kept = ways[SOCKET], ways[KEPT]
    cookie = found["cookie_octets"]
    holds = socket["octets"] < cookie
    sentence = (
        f"The cookie of {cookie} bytes was sent once over WebSocket; each message then took"
        f" {socket['octets']:,.0f} additional bytes, both directions together, and"
        f" {_ms(socket):.2f} ms. With the cookie in each request it took {kept['octets']:,.0f}"
        f" bytes and {_ms(kept):.2f} ms."
    )
    rows = [(name, f"{way['octets']:,.0f}", f"{_ms(way):.3f}") for name, way in ways.items()]
    head = ("way", "additional to the message [bytes]", "round trip, median [ms]")
    return Conclusion(Verdict.HOLDS if holds else Verdict.FAILS, sentence, head, rows)


def draw(found: Mapping[str, Any]) -> Figure:
    """Bars of octets above, of time below."""
    figure, panes = panels((1.15, 1.15), left=2.25, top=0.15)
    names = [way["name"].replace(", ", ",\n") for way in reversed(found["ways"])]
    octets = [way["octets"] for way in reversed(found["ways"])]
    ms = [_ms(way) for way in reversed(found["ways"])]
    told = ((octets, "{:,.0f} bytes", "octets"), (ms, "{:.2f} ms", "ms"))
    for axes, (values, text, unit) in zip(panes, told, strict=True):
        color = STYLES[0][0] if unit == "ms" else "#9dbbe0"
        bars = axes.barh(names, values, color=color, edgecolor=INK, lw=0.8, height=0.6)
        axes.bar_label(bars, [text.format(value) for value in values], padding=3)
        axes.set_xlim(0, max(values) * 1.3)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(
            "additional to the message [bytes]" if unit == "octets" else "round trip [ms]"
        )
    return figure
