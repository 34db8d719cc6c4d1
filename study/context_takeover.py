"""C14: compression is better when its context carries over from message to message."""

import gzip
import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

import requests
from matplotlib.figure import Figure

from sockproof.render.plot import legend, line, log_x, panels
from sockproof.study import Bench, Conclusion, NotMeasured, Relay, Verdict

claim = "C14"
title = "Compression with context takeover"
says = "Compression is better, since its context carries over between messages."
method = """
The same JSON chat messages are echoed one after the other: with permessage-deflate and context
takeover (RFC 7692 7.1), with no_context_takeover in both directions, without compression, and as
HTTP requests whose bodies and responses are compressed separately with gzip. The counts include
frames with their headers in both directions, and the bodies of HTTP messages. The WebSocket
client is the websockets library, the HTTP client is requests.
"""
caption = """
Bytes on the wire as a share of the size of the messages, after a number of messages. The message
axis is logarithmic.
"""
order = 60

TAKEOVER, ALONE, PLAIN = "context takeover", "no context takeover", "no compression"
HTTP = "HTTP, gzip for each message"
SEED = 14
TEXT = """
the server room join leave message hello thanks later again maybe works for me now please see
attached report green build failed test passed deploy tonight review merge branch
"""


def messages(count: int) -> list[str]:
    """What a chat's clients say: the same fields with other values."""
    chance = random.Random(SEED)
    return [
        json.dumps(
            {
                "type": "message",
                "id": chance.getrandbits(48),
                "room": f"room-{chance.randrange(20)}",
                "from": {"name": f"user{chance.randrange(200)}", "role": "member"},
                "sent": 1_700_000_000_000 + number * 137,
                "text": " ".join(chance.choices(TEXT.split(), k=chance.randint(3, 25))),
            }
        )
        for number in range(count)
    ]


def measure(bench: Bench) -> dict[str, Any]:
    """For each way the octets on the wire after each message."""
    said = messages(bench.few(1000, 200))
    plain = [2 * len(text.encode()) for text in said]  # there and back
    with bench.target("every-transport") as target:
        ways = {
            PLAIN: list(_over_websocket(target.url, said, None)),
            HTTP: list(_over_http(target.url, said)),
            ALONE: list(_over_websocket(target.url, said, True)),
            TAKEOVER: list(_over_websocket(target.url, said, False)),
        }
    told = {"server": bench.title("every-transport"), "plain": plain}
    return {**told, "ways": [{"name": name, "octets": found} for name, found in ways.items()]}


def _over_websocket(url: str, said: list[str], alone: bool | None) -> Iterator[int]:
    try:
        from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
        from websockets.sync.client import connect
    except ImportError:
        raise NotMeasured("the client needs: pip install 'websockets>=15.0'") from None
    extensions = None
    if alone is not None:
        offer = ClientPerMessageDeflateFactory(
            server_no_context_takeover=alone, client_no_context_takeover=alone
        )
        extensions = [offer]
    with Relay(f"{url}ws") as relay:
        there = relay.url.replace("http", "ws", 1)
        with connect(there, extensions=extensions, compression=None, proxy=None) as client:
            agreed = [str(each) for each in client.protocol.extensions]
            if len(agreed) != (0 if alone is None else 1):
                raise NotMeasured(f"the server agreed to {agreed or 'no compression'}")
            before = relay.octets
            for text in said:
                client.send(text)
                if client.recv(timeout=20) != text:
                    raise NotMeasured("a compressed message was changed")
                octets = relay.octets - before  # an echo that is here has been counted
                before = relay.octets
                yield octets.forth + octets.back


def _over_http(url: str, said: list[str]) -> Iterator[int]:
    headers = {"Content-Encoding": "gzip", "Accept-Encoding": "gzip"}
    with requests.Session() as http:
        http.trust_env = False
        for text in said:
            body = gzip.compress(text.encode(), mtime=0)
            answer = http.post(
                f"{url}compressed", data=body, headers=headers, stream=True, timeout=20
            )
            answer.raise_for_status()
            octets = answer.raw.read(decode_content=False)
            if gzip.decompress(octets) != text.encode():
                raise NotMeasured("a compressed answer was changed")
            yield len(body) + len(octets)


def _share(found: Mapping[str, Any], name: str) -> float:
    """Of all octets, in percent."""
    octets = next(way["octets"] for way in found["ways"] if way["name"] == name)
    return 100.0 * float(sum(octets)) / float(sum(found["plain"]))


def conclude(found: Mapping[str, Any]) -> Conclusion:
    """It holds when context takeover leaves the fewest octets."""
    shares = {way["name"]: _share(found, way["name"]) for way in found["ways"]}
    best = min(shares, key=lambda name: shares[name])
    count, mean = len(found["plain"]), sum(found["plain"]) / 2 / len(found["plain"])
    sentence = (
        f"Of {count:,} JSON messages of {mean:,.0f} bytes each, {shares[TAKEOVER]:.0f} % of the"
        f" bytes were sent with context takeover, {shares[ALONE]:.0f} % without it, and"
        f" {shares[HTTP]:.0f} % with HTTP, which compresses each message separately."
    )
    rows = [
        (name, f"{share:.1f} %", f"{sum(way['octets']):,}")
        for (name, share), way in zip(shares.items(), found["ways"], strict=True)
    ]
    head = ("way", "share of message size [%]", "sent [bytes]")
    verdict = Verdict.HOLDS if best == TAKEOVER else Verdict.FAILS
    return Conclusion(verdict, sentence, head, rows)


def draw(found: Mapping[str, Any]) -> Figure:
    """A line for each way, over the number of messages."""
    figure, (axes,) = panels((2.4,), top=0.5)
    number = range(1, len(found["plain"]) + 1)
    for style, way in enumerate(found["ways"]):
        wire = own = 0
        shares = []
        for octets, plain in zip(way["octets"], found["plain"], strict=True):
            wire, own = wire + octets, own + plain
            shares.append(100 * wire / own)
        line(axes, number, shares, way["name"], style, marks=0)
    log_x(axes, number, "messages [count]")
    axes.set_ylim(0, None)
    axes.set_ylabel("bytes on the wire [%]")
    legend(axes, 2, above=-8)
    return figure
