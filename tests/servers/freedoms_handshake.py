"""How a right server writes its answers to handshakes: RFC 6455, 4.2.2; RFC 9110; RFC 9112.

Order, case and number of fields, reason phrases, bodies of refusals, and what requests it reads
where the documents leave that to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sockproof.wire.http import Request, Response
from tests.servers.freedom import Freedom, refused, without
from tests.servers.websocket_handshake import refusal

Headers = tuple[tuple[str, str], ...]
ODD_KEY = "AQIDBAUGBwgJCgsMDQ4PEC=="  # the example of 4.1, whose last bits are not zero
EXTRA = (
    ("Server", "Example/1.0 (freedom) mod_ws/2.4"),
    ("Date", "Sat, 28 Nov 2026 16:00:00 GMT"),
    ("X-Powered-By", "Example"),
    ("Set-Cookie", "session=d41d8cd98f; Path=/; HttpOnly; SameSite=Lax"),
    ("Set-Cookie", "theme=dark, light; Expires=Sun, 29 Nov 2026 16:00:00 GMT"),
    ("Cache-Control", "no-store"),
    ("Vary", "Origin, Sec-WebSocket-Protocol"),
    ("Access-Control-Allow-Origin", "*"),
    ("Strict-Transport-Security", "max-age=31536000"),
    ("Via", "1.1 proxy.example"),
)
PAGE = b"<!doctype html><title>No</title><p>" + b"This is an ordinary page. " * 800


class Fields(Freedom):
    """The fields of the 101, and of refusals where `always`, put otherwise."""

    def __init__(self, change: Callable[[Headers], Headers], always: bool = True) -> None:
        self.change = change
        self.always = always

    def answer(self, request: Request, response: Response) -> Response:
        if response.status != 101 and not self.always:
            return response
        return replace(response, headers=tuple(self.change(response.headers)))


class Reason(Freedom):
    """Another reason phrase, or none: it means nothing (RFC 9112, 4)."""

    def __init__(self, words: str) -> None:
        self.words = words

    def answer(self, request: Request, response: Response) -> Response:
        return replace(response, reason=self.words)


class Written(Freedom):
    """The octets of a head written in another way that means the same."""

    def __init__(self, change: Callable[[bytes], bytes]) -> None:
        self.change = change

    def head(self, octets: bytes) -> bytes:
        head, end, body = octets.partition(b"\r\n\r\n")
        return self.change(head) + end + body


def values_in_other_case(headers: Headers) -> Headers:
    other = {"Upgrade": "WebSocket", "Connection": "upgrade"}
    return tuple(
        (name, other[name] if value.lower() in ("websocket", "upgrade") else value)
        for name, value in headers
    )


def connection_among_others(headers: Headers) -> Headers:
    return tuple(
        (
            name,
            "keep-alive, Upgrade, X-Extra" if (name, value) == ("Connection", "Upgrade") else value,
        )
        for name, value in headers
    )


def connection_in_two_lines(headers: Headers) -> Headers:
    if ("Connection", "Upgrade") not in headers:
        return headers
    return (("Connection", "keep-alive"), *headers, ("X-Extra", ""))


class Refusing(Freedom):
    """Refusals have this status, or are put so."""

    def __init__(
        self,
        status: int | None = None,
        body: bytes | None = None,
        kind: str = "text/plain",
        framing: str = "length",
        keeps: bool = False,
    ) -> None:
        self.status = status
        self.body = body
        self.kind = kind
        self.framing = framing
        self.keeps = keeps  # TCP is left open for another request

    def answer(self, request: Request, response: Response) -> Response:
        if response.status == 101:
            return response
        if self.status is not None and response.status in (400, 405, 426, 505):
            versions = [("Sec-WebSocket-Version", "13")] if response.status == 426 else []
            response = refusal(self.status, "no")
            response = replace(response, headers=(*response.headers, *versions))
        body = response.body if self.body is None else self.body
        response = without(response, "Content-Length", "Content-Type", "Transfer-Encoding")
        fields = [("Content-Type", self.kind)] if body else []
        if self.framing == "length":
            fields.append(("Content-Length", str(len(body))))
        elif self.framing == "chunked":
            fields.append(("Transfer-Encoding", "chunked"))
            half = len(body) // 2
            chunks = [piece for piece in (body[:half], body[half:]) if piece]
            body = b"".join(b"%x;note=1\r\n%s\r\n" % (len(each), each) for each in chunks)
            body += b"0\r\nX-Trailer: 1\r\n\r\n"
        response = replace(response, headers=(*response.headers, *fields), body=body)
        if self.keeps and response.status in (404, 426):
            response = without(response, "Connection")
            if response.status == 426:
                response = replace(response, headers=(*response.headers, ("connection", "Upgrade")))
        return response


class PlainRequests(Freedom):
    """A request without an offer to upgrade gets something ordinary."""

    def __init__(self, status: int, reason: str, *headers: tuple[str, str], body: bytes = b""):
        self.response = refused(status, reason, *headers, body=body)

    def admits(self, request: Request) -> Response | None:
        return self.response if request.get("Upgrade") is None else None


class Reads(Freedom):
    """Excuses what a server may excuse, when its words are among what is wrong."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def understands(self, request: Request) -> Request:
        left = [each for each in request.violations if not any(w in each for w in self.words)]
        return replace(request, violations=tuple(left))


class Refuses(Freedom):
    """Refuses what a server may refuse and need not."""

    def __init__(self, wrong: Callable[[Request], bool], status: int = 400) -> None:
        self.wrong = wrong
        self.status = status

    def admits(self, request: Request) -> Response | None:
        return refusal(self.status, "that is not for this server") if self.wrong(request) else None


def repeats_a_protocol(request: Request) -> bool:
    names = [each.strip() for each in (request.get("Sec-WebSocket-Protocol") or "").split(",")]
    return len(set(names)) < len(names)


def has_an_empty_protocol(request: Request) -> bool:
    value = request.get("Sec-WebSocket-Protocol")
    return value is not None and any(not each.strip() for each in value.split(","))


class Names(Freedom):
    """The subprotocol is chosen in another way; `none` means that there is none."""

    def __init__(self, choose: Callable[[list[str]], str | None]) -> None:
        self.choose = choose

    def answer(self, request: Request, response: Response) -> Response:
        offered = [
            name.strip(" \t")
            for value in request.all("Sec-WebSocket-Protocol")
            for name in value.split(",")
        ]
        if response.status != 101 or not offered:
            return response
        chosen = self.choose([name for name in offered if name])
        response = without(response, "Sec-WebSocket-Protocol")
        if chosen is None:
            return response
        named = ("Sec-WebSocket-Protocol", chosen)
        return replace(response, headers=(*response.headers, named))


def without_blanks(head: bytes) -> bytes:
    return head.replace(b": ", b":")


def with_blanks(head: bytes) -> bytes:
    first, *lines = head.split(b"\r\n")
    return b"\r\n".join([first, *(line.replace(b": ", b": \t ", 1) + b" \t" for line in lines)])


def in_upper_case(headers: Headers) -> Headers:
    return tuple((name.upper(), value) for name, value in headers)


def in_lower_case(headers: Headers) -> Headers:
    return tuple((name.lower(), value) for name, value in headers)


def with_a_long_field(headers: Headers) -> Headers:
    return (("X-Long", "v" * 8000), *headers)


def with_latin_1(headers: Headers) -> Headers:
    return (("X-Place", "Zürich \xa7\xff"), *headers, ("X-Empty", ""))


SWITCHES = {
    "fields-backwards": lambda: Fields(lambda headers: headers[::-1]),
    "fields-beside-the-needed": lambda: Fields(lambda headers: (*EXTRA, *headers)),
    "fields-behind-the-needed": lambda: Fields(lambda headers: (*headers, *EXTRA)),
    "field-names-in-lower-case": lambda: Fields(in_lower_case),
    "field-names-in-upper-case": lambda: Fields(in_upper_case),
    "field-values-in-other-case": lambda: Fields(values_in_other_case, always=False),
    "field-of-8000-octets": lambda: Fields(with_a_long_field),
    "fields-in-latin-1": lambda: Fields(with_latin_1),
    "connection-names-more": lambda: Fields(connection_among_others, always=False),
    "connection-in-two-lines": lambda: Fields(connection_in_two_lines, always=False),
    "reason-phrase-of-its-own": lambda: Reason("Web Socket Protocol Handshake"),
    "reason-phrase-left-out": lambda: Reason(""),
    "reason-phrase-in-latin-1": lambda: Reason("Protokoll ge\xe4ndert"),
    "no-blank-behind-colons": lambda: Written(without_blanks),
    "blanks-around-values": lambda: Written(with_blanks),
    "refuses-with-400": lambda: Refusing(400),
    "refuses-with-403": lambda: Refusing(403),
    "refuses-with-404": lambda: Refusing(404),
    "refuses-with-500": lambda: Refusing(500),
    "refuses-without-a-word": lambda: Refusing(body=b""),
    "refuses-in-json": lambda: Refusing(body=b'{"error":"no"}', kind="application/json"),
    "refuses-with-a-page": lambda: Refusing(body=PAGE, kind="text/html"),
    "refuses-in-chunks": lambda: Refusing(framing="chunked"),
    "refuses-until-the-end-of-tcp": lambda: Refusing(framing="end"),
    "refuses-and-keeps-the-connection": lambda: Refusing(keeps=True),
    "plain-requests-get-a-page": lambda: PlainRequests(
        200, "OK", ("Content-Type", "text/html"), body=PAGE
    ),
    "plain-requests-get-404": lambda: PlainRequests(404, "Not Found"),
    "plain-requests-get-a-redirect": lambda: PlainRequests(
        302, "Found", ("Location", "https://www.example/")
    ),
    "reads-folded-fields": lambda: Reads("folded"),
    "reads-lines-that-end-in-lf": lambda: Reads("LF alone"),
    "refuses-repeated-protocols": lambda: Refuses(repeats_a_protocol),
    "refuses-empty-protocols": lambda: Refuses(has_an_empty_protocol),
    "refuses-the-key-of-the-example": lambda: Refuses(
        lambda request: request.get("Sec-WebSocket-Key") == ODD_KEY
    ),
    "agrees-to-no-protocol": lambda: Names(lambda offered: None),
    "agrees-to-any-protocol": lambda: Names(lambda offered: offered[0]),
    "agrees-to-the-last-protocol": lambda: Names(lambda offered: offered[-1]),
    "agrees-to-version-1-alone": lambda: Names(
        lambda offered: "proof.v1" if "proof.v1" in offered else None
    ),
    "agrees-by-the-clients-preference": lambda: Names(
        lambda offered: next((each for each in offered if each in ("proof.v1", "proof.v2")), None)
    ),
}
