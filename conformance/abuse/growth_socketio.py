"""Engine.IO and Socket.IO, "Packet encoding": packets that are long in ways that cost much to read.

Each is compared with an event of the same length that holds one plain text. The documents set no
limits; RFC 6455, section 10.4, asks of servers that have none that they protect themselves.
"""

import contextlib
from functools import partial

from sockproof.conformance import (
    Failure,
    Send,
    SocketIOPeer,
    StreamClosed,
    Target,
    case,
    expect_proportion,
    request_probe,
)
from sockproof.wire.http import Request

MOST = 192 * 1024  # octets of a message
MOST_ATTACHMENTS = 2048
HEAD = 14 * 1024  # octets of a request, which most servers take
PLACEHOLDER = '{"_placeholder":true,"num":%d}'
PACKETS = (  # what is long in them, as a pattern: (begin, what is repeated, end)
    ("event-name", '2["', "a", '"]'),
    ("namespace", "2/", "a", ',["unheard"]'),
    ("namespace-slashes", "2", "/", ',["unheard"]'),
    ("connect-namespace", "0/", "a", ","),
    ("connect-query", "0/unknown?", "a&", ","),
    ("acknowledgement-id", "2", "1", '["unheard"]'),
    ("zeros", "2", "0", '1["unheard"]'),
    ("attachment-count", "5", "1", '-["unheard"]'),
    ("dashes", "51", "-", '["unheard"]'),
    ("commas", "2/", ",", '["unheard"]'),
    ("digits", '2["unheard",', "1", "]"),
    ("fraction", '2["unheard",0.', "1", "]"),
    ("exponent", '2["unheard",1e', "1", "]"),
    ("blanks", '2["unheard"', " ", "]"),
    ("blanks-in-front", "2", " ", '["unheard"]'),
    ("escapes", '2["unheard","', '\\"', '"]'),
    ("unicode-escapes", '2["unheard","', "\\u0061", '"]'),
    ("open-text", '2["unheard","', "a", ""),
    ("open-lists", '2["unheard",', "[", ""),
    ("open-objects", '2["unheard",', '{"":', ""),
    ("arguments", '2["unheard"', ",1", "]"),
    ("objects", '2["unheard"', ",{}", "]"),
    ("one-key", '2["unheard",{"":1', ',"":1', "}]"),
    ("placeholders", '51-["unheard"', "," + PLACEHOLDER % 0, "]"),
)
PATTERNS = {name: pattern for name, *pattern in PACKETS}
POSTED = {  # bodies of POSTs, likewise
    "packets": ('42["unheard"]', '\x1e42["unheard"]', ""),
    "pongs": ("3", "\x1e3", ""),
    "separators": ('42["unheard"]', "\x1e", ""),
    "octets": ("b", "AAAA", ""),
    "no-base64": ("b", "=", "A"),
}
REQUESTS = ("sid", "revision", "transport", "parameters", "cookies", "origin")


class _Client:
    """A connected client, and another one when the server has put the last one out."""

    def __init__(self, target: Target, transport: str | None = None) -> None:
        self.target = target
        self.transport = transport
        self.peer: SocketIOPeer | None = None

    async def ready(self) -> SocketIOPeer:
        if self.peer is None:
            self.peer = await self.target.socketio(self.transport)
        return self.peer

    async def says(self, *messages: str | bytes) -> Send:
        """What sends the messages and returns when they have been taken, or refused."""
        peer = await self.ready()

        async def send() -> None:
            self.peer = None
            with contextlib.suppress(Failure, StreamClosed):
                if await peer.aftermath(*messages, expected="an answer behind it") == []:
                    self.peer = peer

        return send

    async def posts(self, body: str) -> Send:
        """The same of the body of a POST."""
        peer = await self.ready()

        async def send() -> None:
            self.peer = None
            response = await peer.engine.post(body.encode())
            with contextlib.suppress(Failure, StreamClosed):
                if response.status == 200 and await peer.aftermath(expected="an answer") == []:
                    self.peer = peer

        return send

    async def most(self) -> int:
        """Octets that the server takes at once by its own account."""
        peer = await self.ready()
        told = [peer.engine.handshake.max_payload, self.target.limit("max_message")]
        return min([MOST, *(each - 64 for each in told if each is not None)])

    async def harmless(self, length: int) -> Send:
        return await self.says(f'2["unheard","{"x" * length}"]')


def _repeated(pattern: tuple[str, str, str] | list[str], length: int) -> str:
    begin, again, end = pattern
    return begin + again * max(1, length // len(again)) + end


@case(
    "sio-proportion",
    needs="fixture",
    exclusive=True,
    limit=90,
    over={"what": tuple(PATTERNS)},
)
async def long_packet_is_read_in_proportion(target: Target, what: str) -> None:
    client = _Client(target)
    octets = [b"attached"] if what == "placeholders" else []

    async def probe(length: int) -> Send:
        return await client.says(_repeated(PATTERNS[what], length), *octets)

    await expect_proportion(f"a packet: {what}", probe, client.harmless, await client.most())


@case("sio-proportion", needs={"fixture", "websocket"}, exclusive=True, limit=90)
async def many_attachments_are_put_in_their_places_in_proportion(target: Target) -> None:
    client = _Client(target, "websocket")

    async def attachments(count: int) -> Send:
        places = ",".join(PLACEHOLDER % number for number in range(count))
        return await client.says(f'5{count}-["unheard",{places}]', *[b"a"] * count)

    async def texts(count: int) -> Send:
        return await client.says(*['2["unheard","a text as long as a placeholder"]'] * count)

    room = (await client.most()) // len(PLACEHOLDER % MOST_ATTACHMENTS)
    most = min(MOST_ATTACHMENTS, room)
    await expect_proportion("attachments of an event", attachments, texts, most)


@case(
    "eio-proportion",
    needs={"fixture", "polling"},
    exclusive=True,
    limit=90,
    over={"what": tuple(POSTED)},
)
async def long_payload_is_read_in_proportion(target: Target, what: str) -> None:
    client = _Client(target, "polling")

    async def probe(length: int) -> Send:
        return await client.posts(_repeated(POSTED[what], length))

    await expect_proportion(f"a payload: {what}", probe, client.harmless, await client.most())


@case(
    "eio-proportion",
    needs={"socketio", "polling"},
    exclusive=True,
    limit=90,
    over={"what": REQUESTS},
)
async def long_query_is_read_in_proportion(target: Target, what: str) -> None:
    hostile = request_probe(target, partial(_request, target, what))
    harmless = request_probe(target, partial(_request, target, "harmless"))
    await expect_proportion(f"a request: {what}", hostile, harmless, HEAD)


def _request(target: Target, what: str, length: int) -> Request:
    query = "EIO=4&transport=polling"
    match what:
        case "sid":
            return target.engineio_request("GET", f"{query}&sid={'a' * length}")
        case "revision":
            return target.engineio_request("GET", f"EIO={'4' * length}&transport=polling")
        case "transport":
            return target.engineio_request("GET", f"EIO=4&transport={'polling' * (length // 7)}")
        case "parameters":
            return target.engineio_request("GET", query + "&a" * (length // 2))
    request = target.engineio_request("GET", query)
    match what:
        case "cookies":
            return request.adding("Cookie", ";".join(["a=b"] * (length // 4)))
        case "origin":
            return request.adding("Origin", "http://" + "a." * (length // 2))
    return request.adding("X-Sockproof", "x" * length)
