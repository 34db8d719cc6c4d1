"""How else HTTP lets a server write its answers: RFC 9110 and RFC 9112.

Each name is a freedom that a file in `tests/freedoms/` describes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import replace

from sockproof.wire.http import Headers, Request, Response, accept_value

Freedoms = Collection[str]

MORE_FIELDS = (
    ("Server", "some-server/1.0 (any system)"),
    ("Date", "Sat, 01 Jan 2022 00:00:00 GMT"),
    ("Set-Cookie", "io=abc; Path=/; HttpOnly; SameSite=Lax"),
    ("Set-Cookie", "lb=node-1"),
    ("Cache-Control", "no-store"),
    ("X-Powered-By", "something"),
    ("Strict-Transport-Security", "max-age=31536000"),
    ("Keep-Alive", "timeout=5, max=100"),
)
TYPES = {
    "labels-text-without-a-charset": "text/plain",
    "quotes-the-charset": 'text/plain;charset="utf-8"',
    "writes-the-charset-in-capitals": "Text/Plain ; Charset=UTF-8",
}
PAGE = b"<!doctype html><title>Bad Request</title><h1>Bad Request</h1>\n"
CHUNK = 7  # octets


def shaped(freedoms: Freedoms, request: Request, response: Response) -> Response:
    """The response with the fields and the body that freedoms give it."""
    headers = list(response.headers)
    body = response.body
    if response.status >= 400:
        body, headers = _refusal(freedoms, body, headers)
    for name, value in TYPES.items():
        if name in freedoms and response.status < 300 and body:
            headers = [*_but(headers, "Content-Type"), ("Content-Type", value)]
    if "names-no-content-type" in freedoms:
        headers = _but(headers, "Content-Type")
    if "has-no-cors" in freedoms or response.status == 403:
        headers = [pair for pair in headers if not pair[0].startswith("Access-Control")]
        headers = _but(headers, "Vary")
    elif "allows-credentials" in freedoms and request.get("Origin"):
        headers = _but(headers, "Vary")
        headers += [
            ("Access-Control-Allow-Credentials", "true"),
            ("Vary", "Accept-Encoding, origin"),
        ]
    if "sends-more-fields" in freedoms:
        headers = [*MORE_FIELDS, *headers]
    return replace(response, headers=tuple(headers), body=body)


def _refusal(
    freedoms: Freedoms, body: bytes, headers: list[tuple[str, str]]
) -> tuple[bytes, list[tuple[str, str]]]:
    if "refuses-with-a-page" in freedoms:
        body, kind = PAGE, "text/html"
    elif "refuses-in-plain-words" in freedoms:
        body, kind = b"Nope.", "text/plain"
    elif "refuses-without-a-body" in freedoms:
        body, kind = b"", ""
    else:
        return body, headers
    headers = _but(_but(headers, "Content-Type"), "Content-Length")
    typed = [("Content-Type", kind)] if kind else []
    return body, [*headers, *typed, ("Content-Length", str(len(body)))]


def _but(headers: list[tuple[str, str]], name: str) -> list[tuple[str, str]]:
    return [pair for pair in headers if pair[0].lower() != name.lower()]


def written(freedoms: Freedoms, response: Response) -> tuple[bytes, bool]:
    """The response's octets, and whether the connection goes on behind them."""
    stays = True
    headers = list(response.headers)
    body = response.body
    if "answers-in-chunks" in freedoms and body:
        headers = [*_but(headers, "Content-Length"), ("Transfer-Encoding", "chunked")]
        body = _chunks(body)
    elif "ends-bodies-by-the-connection" in freedoms and body:
        headers = [*_but(headers, "Content-Length"), ("Connection", "close")]
        stays = False
    elif "ends-each-connection" in freedoms:
        headers.append(("Connection", "close"))
        stays = False
    if "refusals-end-the-connection" in freedoms and response.status >= 400 and stays:
        headers.append(("Connection", "close"))
        stays = False
    octets = _head(freedoms, response, headers) + body
    if "sends-interim-responses" in freedoms:
        octets = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n" + octets
    return octets, stays


def _chunks(body: bytes) -> bytes:
    parts = [body[start : start + CHUNK] for start in range(0, len(body), CHUNK)]
    chunks = b"".join(b"%X;note=any\r\n%s\r\n" % (len(part), part) for part in parts)
    return chunks + b"0\r\nX-Trailer: any\r\n\r\n"


def _head(freedoms: Freedoms, response: Response, headers: list[tuple[str, str]]) -> bytes:
    phrase, line = response.reason, "{}: {}"
    if "writes-other-reason-phrases" in freedoms:
        phrase = "Fine" if response.status < 300 else "So What"
    if "writes-no-reason-phrases" in freedoms:
        phrase = ""
    if "writes-fields-otherwise" in freedoms:
        headers = [(name.lower(), value) for name, value in reversed(headers)]
        line = "{}:{} \t"
    fields = [line.format(name, value) for name, value in headers]
    head = "\r\n".join([f"HTTP/1.1 {response.status} {phrase}", *fields, "", ""])
    return head.encode("latin-1")


def handshake(freedoms: Freedoms, request: Request) -> bytes:
    """The 101 that answers an opening handshake: RFC 6455, 4.2.2."""
    accept = accept_value(request.get("Sec-WebSocket-Key") or "")
    headers: Headers = (
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept),
    )
    if "writes-101-otherwise" in freedoms:
        headers = (
            ("sec-websocket-accept", accept),
            ("CONNECTION", "keep-alive, upgrade"),
            ("upgrade", "WebSocket"),
        )
    if "sends-more-fields" in freedoms:
        headers = (*MORE_FIELDS, *headers)
    return _head(freedoms, Response(101, "Switching Protocols"), list(headers))


# OPEN packets.

OpenWriter = Callable[[dict[str, object]], str]
OPENS: dict[str, OpenWriter] = {
    "open-has-more-fields": lambda fields: json.dumps({**fields, "pid": "x", "v": [1, None]}),
    "open-has-another-order-and-blanks": lambda fields: json.dumps(
        dict(reversed(fields.items())), indent=2
    ),
    "open-has-numbers-with-fractions": lambda fields: json.dumps(
        {name: float(value) if isinstance(value, int) else value for name, value in fields.items()}
    ),
}
