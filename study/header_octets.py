"""C9: a frame's header is small beside that of an HTTP message."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from matplotlib.figure import Figure

from sockproof.render.plot import legend, line, log_x, log_y, panels
from sockproof.study import (
    Bench,
    Conclusion,
    HttpClient,
    Octets,
    Relay,
    SocketIOClient,
    Verdict,
    WebSocketClient,
)

claim = "C9"
title = "Header bytes per message"
says = "A frame's header has 2 to 10 bytes from the server, and 4 more from the client."
method = """
One server echoes messages over four protocols, to real clients: websocket-client, python-socketio
and requests. A relay counts the bytes of TCP payload in each direction; the message payload is
subtracted. Connects are not counted. Headers are those that these clients and this server send by
default, without cookies; browsers send more. Nothing is compressed. For long-polling, the GET and
the response to the POST are counted too.
"""
caption = """
Bytes that are not payload, in both directions together, for one echoed message. Both axes are
logarithmic.
"""
order = 20

LENGTHS = (16, 125, 126, 1000, 65_535, 65_536)  # octets; the edges of RFC 6455 5.2's length classes
RAW = "WebSocket"
WAYS: tuple[tuple[str, Callable[[str], AbstractContextManager[Any]]], ...] = (
    (RAW, WebSocketClient),
    ("Socket.IO on WebSocket", lambda url: SocketIOClient(url, ["websocket"])),
    ("Socket.IO on long-polling", lambda url: SocketIOClient(url, ["polling"], compressed=False)),
    ("HTTP requests", HttpClient),
)


def frame_header(length: int) -> int:
    """Octets of the shortest header of an unmasked frame (RFC 6455 5.2)."""
    return 2 if length < 126 else 4 if length < 65_536 else 10


def measure(bench: Bench) -> dict[str, Any]:
    """For each way and length the octets beside the payload, to the server and from it."""
    times = bench.few(10, 3)
    with bench.target("every-transport") as target:
        ways = [
            {"name": name, "beside": _beside(target.url, client, times)} for name, client in WAYS
        ]
    return {"server": bench.title("every-transport"), "lengths": LENGTHS, "ways": ways}


def _beside(
    url: str, connect: Callable[[str], AbstractContextManager[Any]], times: int
) -> list[dict[str, float]]:
    beside = []
    with Relay(url) as relay, connect(relay.url) as client:
        client.echo("first")  # nothing of the connect is counted with what follows
        for length in LENGTHS:
            before = relay.settled()
            for _ in range(times):
                client.echo("x" * length)
            octets: Octets = relay.settled() - before
            forth, back = octets.forth / times - length, octets.back / times - length
            beside.append({"forth": forth, "back": back})
    return beside


def conclude(found: Mapping[str, Any]) -> Conclusion:
    """It holds when each raw frame has the shortest header that its length allows."""
    ways = {way["name"]: way["beside"] for way in found["ways"]}
    rows = [
        (name, *(f"{each['forth']:,.0f} + {each['back']:,.0f}" for each in beside))
        for name, beside in ways.items()
    ]
    wrong = [
        length
        for length, each in zip(found["lengths"], ways[RAW], strict=True)
        if (each["forth"], each["back"]) != (frame_header(length) + 4, frame_header(length))
    ]
    at = found["lengths"].index(125)
    costs = {name: each[at]["forth"] + each[at]["back"] for name, each in ways.items()}
    told = ", ".join(f"{cost:,.0f} over {name}" for name, cost in costs.items())
    if wrong:
        start = f"Frames of {wrong[0]:,} bytes do not have the shortest header"
    else:
        start = "Every frame had the shortest header: 2, 4 or 10 bytes, and a 4-byte mask"
    sentence = f"{start}; echoing 125 bytes takes this many more bytes, both ways: {told}."
    head = ("to + from the server [bytes]", *(f"{each:,} bytes" for each in found["lengths"]))
    return Conclusion(Verdict.FAILS if wrong else Verdict.HOLDS, sentence, head, rows)


def draw(found: Mapping[str, Any]) -> Figure:
    """A line for each way."""
    figure, (axes,) = panels((2.6,), top=0.5)
    shown = []
    for style, way in enumerate(found["ways"]):
        both = [each["forth"] + each["back"] for each in way["beside"]]
        line(axes, found["lengths"], both, way["name"], style, marks=20)
        shown += both
    log_x(axes, found["lengths"], "payload [bytes]")
    log_y(axes, shown, "beside the payload [bytes]")
    legend(axes, 2, above=-8)
    return figure
