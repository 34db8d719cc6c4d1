"""How a right client may ask: RFC 6455, 4.1, RFC 7692, 7.1, and RFC 9110."""

from __future__ import annotations

import asyncio
import random
import re

from tests.clients.raw_websocket.client import Client
from tests.clients.raw_websocket.request import Place
from tests.clients.raw_websocket.switching import Mixin, has, offers


def fields(change) -> Mixin:
    """Other fields, or the same in another way."""

    class Fields:
        def fields(self):
            return change(self, super().fields())

    return Fields


def value_of(name: str, value: str) -> Mixin:
    return fields(lambda s, found: [(n, value if n == name else v) for n, v in found])


def line(form: str) -> Mixin:
    class Line:
        def field_line(self, name, value):
            return form.format(name, value)

    return Line


def extension_fields(*values: str) -> Mixin:
    """Several fields Sec-WebSocket-Extensions."""

    class Several:
        offered = ", ".join(values)

        def extensions(self):
            return list(values)

    return Several


class AbsoluteTarget:
    def request_line(self):
        return f"GET http://{self.host()}{self.place.resource} HTTP/1.1"


class MoreProtocols:
    """Offers subprotocols that nobody asked it to offer."""

    def protocols(self):
        return [*super().protocols(), "chat.v2", "x-+~own"]


class ProtocolsInSeveralFields:
    def fields(self):
        found = []
        for name, value in super().fields():
            if name == "Sec-WebSocket-Protocol":
                found += [(name, each) for each in value.split(", ")]
            else:
                found.append((name, value))
        return found


class ProtocolsWithoutBlanks:
    def fields(self):
        return [
            (n, v.replace(", ", ",")) if "Protocol" in n else (n, v) for n, v in super().fields()
        ]


class NoProtocols:
    """A driver that does not heed what it is told to offer."""

    def protocols(self):
        return []


class InPieces:
    """The request comes in many segments."""

    async def ask(self):
        head = self.head()
        for start in range(0, len(head), 40):
            self.writer.write(head[start : start + 40])
            await self.writer.drain()
            await asyncio.sleep(0.001)


class OctetByOctet:
    async def ask(self):
        for number in self.head():
            self.writer.write(bytes([number]))
            await self.writer.drain()
            await asyncio.sleep(0)


class HesitatesToAsk:
    """TCP is open for a while before anything is said."""

    async def ask(self):
        await asyncio.sleep(0.3)
        await super().ask()


class OtherConnectionsFirst:
    """Asks for an icon and opens a WebSocket somewhere else, before and after."""

    async def connect(self):
        await self.visit("/favicon.ico")
        return await super().connect()

    async def disconnect(self):
        await super().disconnect()
        await self.visit("/favicon.ico")

    async def visit(self, path):
        reader, writer = await super().connect()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {self.host()}\r\n\r\n".encode())
        await reader.read(20)
        writer.close()


class IconOnTheSameConnection:
    """Asks for an icon, and for the WebSocket behind it, on one connection."""

    async def ask(self):
        request = f"GET /favicon.ico HTTP/1.1\r\nHost: {self.host()}\r\n\r\n"
        self.writer.write(request.encode())
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = re.search(rb"content-length: *(\d+)", head)
        await self.reader.readexactly(int(length[1]) if length else 0)
        await super().ask()


class EmptyConnectionFirst:
    """Opens TCP, says nothing and ends it, as browsers do to be faster."""

    async def connect(self):
        _, writer = await super().connect()
        writer.close()
        return await super().connect()


class ResetConnectionFirst:
    async def connect(self):
        _, writer = await super().connect()
        writer.transport.abort()
        return await super().connect()


class OtherSocketBeside:
    """A WebSocket to another path is open beside, whose answer was awaited first."""

    async def connect(self):
        place = Place(self.place.host, self.place.port, "/getCaseCount")
        await Client(place, echoes=False).run()
        return await super().connect()


class PostsFirst:
    """Another request on a connection of its own, with a body, before the handshake."""

    async def connect(self):
        reader, writer = await super().connect()
        head = f"HEAD / HTTP/1.1\r\nHost: {self.host()}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        await reader.read()
        writer.close()
        return await super().connect()


class TriesAgain:
    """Comes again once, when the handshake was refused or TCP ended at once."""

    async def refuse(self, why):
        await super().refuse(why)
        if not self.place.seen.pop("again", None):
            self.place.seen["again"] = "yes"
            self.writer.close()
            again = type(self)(self.place)
            await again.run()
            self.place.seen.pop("again", None)


class FollowsRedirects:
    """Follows a redirect to the same server."""

    most = 3

    async def refuse(self, why):
        places = self.all("Location")
        hops = self.place.seen.get("hops", "") + "."
        if 300 <= self.status < 400 and places and len(hops) <= self.most:
            resource = places[0].split("//")[-1].partition("/")[2]
            self.writer.close()
            seen = {**self.place.seen, "hops": hops, "key before": self.key}
            place = Place(self.place.host, self.place.port, "/" + resource, (), seen)
            await type(self)(place).run()


def _shuffled(self, found):
    """Host stays the first, as RFC 9110 would have it."""
    return [found[0], *random.sample(found[1:], len(found) - 1)]


BROWSER = [
    ("Pragma", "no-cache"),
    ("Cache-Control", "no-cache"),
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"),
    ("Accept-Encoding", "gzip, deflate, br"),
    ("Accept-Language", "de;q=0.9, en"),
    ("Cookie", "a=1; b=2"),
    ("Sec-Fetch-Mode", "websocket"),
]
DEFLATE = "permessage-deflate"
FREEDOMS: dict[str, Mixin] = {
    "fields-in-another-order": fields(lambda self, found: found[::-1]),
    "fields-shuffled": fields(_shuffled),
    "fields-of-a-browser": fields(lambda self, found: [found[0], *BROWSER, *found[1:]]),
    "many-fields": fields(lambda s, found: [*found, *((f"X-{n}", "v" * 50) for n in range(80))]),
    "sends-no-origin": fields(lambda self, found: [e for e in found if e[0] != "Origin"]),
    "origin-null": value_of("Origin", "null"),
    "a-long-field": fields(lambda self, found: [*found, ("Authorization", "Bearer " + "x" * 7000)]),
    "an-empty-field": fields(lambda self, found: [*found, ("X-Empty", "")]),
    "a-field-twice": fields(lambda self, found: [*found, ("X-Two", "1"), ("X-Two", "2")]),
    "names-in-lower-case": fields(lambda self, found: [(n.lower(), v) for n, v in found]),
    "names-in-capitals": fields(lambda self, found: [(n.upper(), v) for n, v in found]),
    "values-without-blank-before": line("{}:{}"),
    "values-with-blanks-around": line("{}:  {} \t"),
    "upgrade-in-capitals": value_of("Upgrade", "WebSocket"),
    "connection-in-lower-case": value_of("Connection", "upgrade"),
    "connection-with-keep-alive": value_of("Connection", "keep-alive, Upgrade"),
    "absolute-target": AbsoluteTarget,
    "offers-nothing": offers(""),
    "offers-deflate-without-parameters": offers(DEFLATE),
    "offers-every-parameter": offers(
        f"{DEFLATE}; client_no_context_takeover; server_no_context_takeover;"
        " server_max_window_bits=12; client_max_window_bits=11"
    ),
    "offers-server-bits": offers(f"{DEFLATE}; server_max_window_bits=9"),
    "offers-server-bits-8": offers(f"{DEFLATE}; server_max_window_bits=8"),
    "offers-client-bits-15": offers(f"{DEFLATE}; client_max_window_bits=15"),
    "offers-client-bits-9": offers(f"{DEFLATE}; client_max_window_bits=9"),
    "offers-client-bits-8": offers(f"{DEFLATE}; client_max_window_bits=8"),
    "offers-server-no-takeover": offers(f"{DEFLATE}; server_no_context_takeover"),
    "offers-client-no-takeover": offers(
        f"{DEFLATE}; client_no_context_takeover; client_max_window_bits",
        has(keeps_context=lambda self: False),
    ),
    "offers-two-kinds-of-deflate": offers(
        f"{DEFLATE}; server_max_window_bits=10; client_max_window_bits, {DEFLATE}"
    ),
    "offers-three-kinds-of-deflate": offers(
        f"{DEFLATE}; server_no_context_takeover; client_no_context_takeover, "
        f"{DEFLATE}; server_max_window_bits=15; client_max_window_bits=15, {DEFLATE}"
    ),
    "offers-a-small-window-and-then-any": offers(
        f"{DEFLATE}; client_max_window_bits=10, {DEFLATE}; client_max_window_bits"
    ),
    "offers-deflate-in-two-fields": extension_fields(
        f"{DEFLATE}; client_max_window_bits", f"{DEFLATE}; client_no_context_takeover"
    ),
    "offers-other-extensions-too": offers(
        f"permessage-bzip2; level=9, x-webkit-deflate-frame, {DEFLATE}; client_max_window_bits"
    ),
    "offers-another-extension-only": offers("x-webkit-deflate-frame; no_context_takeover"),
    "offers-quoted-values": offers(
        f"{DEFLATE}; server_max_window_bits=9",
        fields(lambda self, found: [(n, v.replace("=9", '="9"')) for n, v in found]),
    ),
    "offers-without-blanks": offers(f"{DEFLATE};client_max_window_bits,{DEFLATE}"),
    "offers-more-subprotocols": MoreProtocols,
    "subprotocols-in-several-fields": ProtocolsInSeveralFields,
    "subprotocols-without-blanks": ProtocolsWithoutBlanks,
    "offers-no-subprotocols": NoProtocols,
    "request-in-pieces": InPieces,
    "request-octet-by-octet": OctetByOctet,
    "hesitates-to-ask": HesitatesToAsk,
    "asks-for-an-icon-beside": OtherConnectionsFirst,
    "icon-on-the-same-connection": IconOnTheSameConnection,
    "empty-connection-first": EmptyConnectionFirst,
    "reset-connection-first": ResetConnectionFirst,
    "another-websocket-before": OtherSocketBeside,
    "head-request-first": PostsFirst,
    "tries-again-when-refused": TriesAgain,
    "follows-redirects": FollowsRedirects,
}
