"""C12: octets travel as they are, where long-polling has to write them in base64."""

import random
from collections.abc import Mapping
from functools import partial
from typing import Any

from matplotlib.figure import Figure

from sockproof.render.plot import legend, line, log_x, log_y, panels
from sockproof.study import (
    Bench,
    Conclusion,
    Relay,
    SocketIOClient,
    Verdict,
    WebSocketClient,
    median_seconds,
)

claim = "C12"
title = "Binary data"
says = "Binary data is better supported."
method = """
Random data, which cannot be compressed, is echoed in messages of several lengths and compared on
return: as binary WebSocket messages, as Socket.IO attachments over WebSocket, and over long-
polling, where Engine.IO encodes it in base64 and the server compresses its responses with gzip. A
relay counts the bytes of TCP payload; times are measured without it, in interleaved rounds on the
loopback interface. The clients are websocket-client and python-socketio.
"""
caption = """
Above: bytes on the wire for each byte of payload, in both directions. Below: the median time of a
round trip. Both length axes are logarithmic.
"""
order = 50

LENGTHS = (256, 1024, 16_384, 131_072, 524_288)  # Engine.IO's servers take 10^6 octets of base64
RAW, SOCKET, POLLING = "WebSocket", "Socket.IO on WebSocket", "Socket.IO on long-polling"
WAYS = (RAW, SOCKET, POLLING)


def measure(bench: Bench) -> dict[str, Any]:
    """For each way and length the octets on the wire, milliseconds, and whether all came back."""
    times, rounds = bench.few(20, 3), bench.few(3, 1)
    ways: dict[str, list[dict[str, Any]]] = {name: [] for name in WAYS}
    with bench.target("every-transport") as target:
        for name in WAYS:
            with Relay(target.url) as relay, _client(relay.url, name) as client:
                client.echo(b"\0")
                for length in LENGTHS:
                    body = random.Random(length).randbytes(length)
                    before = relay.settled()
                    intact = all(client.echo(body) == body for _ in range(3))
                    octets = relay.settled() - before
                    wire = (octets.forth + octets.back) / 3
                    ways[name].append({"octets": wire, "intact": intact, "ms": []})
        for _ in range(rounds):
            for name in WAYS:
                with _client(target.url, name) as client:
                    for each, length in zip(ways[name], LENGTHS, strict=True):
                        echo = partial(client.echo, random.Random(length).randbytes(length))
                        each["ms"].append(1000 * median_seconds(echo, times))
    told = {"server": bench.title("every-transport"), "lengths": LENGTHS}
    return {**told, "ways": [{"name": name, "found": found} for name, found in ways.items()]}


def _client(url: str, name: str) -> Any:
    if name == RAW:
        return WebSocketClient(url)
    return SocketIOClient(url, ["websocket" if name == SOCKET else "polling"])


def _ms(each: Mapping[str, Any]) -> float:
    return float(sorted(each["ms"])[len(each["ms"]) // 2])


def _factors(found: Mapping[str, Any], name: str) -> list[float]:
    """Octets on the wire for an octet of payload, at each length."""
    way = next(way for way in found["ways"] if way["name"] == name)
    lengths = found["lengths"]
    return [each["octets"] / 2 / size for each, size in zip(way["found"], lengths, strict=True)]


def conclude(found: Mapping[str, Any]) -> Conclusion:
    """It holds when all octets come back, and WebSocket takes fewer at each length."""
    broken = [
        f"{length:,} octets over {way['name']}"
        for way in found["ways"]
        for each, length in zip(way["found"], found["lengths"], strict=True)
        if not each["intact"]
    ]
    raw, polling = _factors(found, RAW), _factors(found, POLLING)
    fewer = all(a < b for a, b in zip(raw, polling, strict=True))
    rows = [
        (
            f"{length:,}",
            way["name"],
            f"{factor:.3f}",
            f"{_ms(each):,.2f}",
            "yes" if each["intact"] else "no",
        )
        for way in found["ways"]
        for each, length, factor in zip(
            way["found"], found["lengths"], _factors(found, way["name"]), strict=True
        )
    ]
    start = "All data was returned unchanged"
    if broken:
        start = f"Not all data was returned unchanged ({broken[0]})"
    sentence = (
        f"{start}; a message of {found['lengths'][-1]:,} bytes takes {raw[-1]:.3f} bytes on the"
        f" wire per byte over WebSocket and {polling[-1]:.3f} over long-polling; one of"
        f" {found['lengths'][0]:,} bytes takes {raw[0]:.2f} and {polling[0]:.2f}."
    )
    verdict = Verdict.HOLDS if fewer and not broken else Verdict.FAILS
    if broken and not any("WebSocket" in each for each in broken):
        verdict = Verdict.HOLDS if fewer else Verdict.IN_PART
    head = ("payload [bytes]", "way", "on the wire [bytes/byte]", "round trip [ms]", "intact")
    return Conclusion(verdict, sentence, head, rows)


def draw(found: Mapping[str, Any]) -> Figure:
    """Octets above, time below, a line for each way."""
    figure, (octets, time) = panels((1.6, 1.6), top=0.5)
    every: list[float] = []
    for style, way in enumerate(found["ways"]):
        line(octets, found["lengths"], _factors(found, way["name"]), way["name"], style)
        ms = [_ms(each) for each in way["found"]]
        line(time, found["lengths"], ms, way["name"], style)
        every += ms
    log_x(octets, found["lengths"], "")
    octets.tick_params(labelbottom=False)
    octets.set_ylim(0.9, None)
    octets.set_ylabel("on the wire\n[bytes/byte]")
    log_x(time, found["lengths"], "payload [bytes]")
    log_y(time, every, "round trip [ms]")
    legend(octets, 2, above=-8)
    return figure
