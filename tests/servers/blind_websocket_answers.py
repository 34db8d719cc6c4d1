"""Blind faults in how a handshake is answered: RFC 6455, 4.2.2, and RFC 7692, 5 and 7.1."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sockproof.wire.deflate import Extension
from sockproof.wire.http import Request, Response
from tests.servers import websocket_deflate, websocket_handshake, websocket_server
from tests.servers.blind_weaving import fault
from tests.servers.blind_websocket_handshake import EXTENSIONS, PROTOCOL, refuses_requests
from tests.servers.freedom import Freedoms
from tests.servers.websocket_connection import Connection

ACCEPT = "Sec-WebSocket-Accept"
SERVER_BITS, CLIENT_BITS = "server_max_window_bits", "client_max_window_bits"
SERVER_FLAG, CLIENT_FLAG = "server_no_context_takeover", "client_no_context_takeover"
Fields = tuple[tuple[str, str], ...]


def answers(name: str, change: Callable[[Request, Response], Response]) -> None:
    """A fault that answers a handshake with another response."""

    @fault(name, websocket_server, "answer")
    def answer(go: Any, request: Request, *rest: Any) -> Response:
        return change(request, go(request, *rest))


def opens(name: str, change: Callable[[Request, Response], Fields]) -> None:
    """A fault in the fields of a 101."""
    answers(
        name,
        lambda request, response: (
            replace(response, headers=change(request, response))
            if response.status == 101
            else response
        ),
    )


def refusals(name: str, change: Callable[[Request, Response], Response]) -> None:
    """A fault in a refusal."""
    answers(
        name,
        lambda request, response: change(request, response) if response.status != 101 else response,
    )


def _changed(response: Response, name: str, value: Callable[[str], str]) -> Fields:
    return tuple((n, value(v) if n == name else v) for n, v in response.headers)


def _names(request: Request) -> list[str]:
    return [part.strip() for part in (request.get(PROTOCOL) or "").split(",") if part.strip()]


# The 101.
opens(
    "upgrade-is-sent-back-as-it-came",
    lambda q, r: _changed(r, "Upgrade", lambda _: q.get("Upgrade") or ""),
)
opens(
    "connection-is-keep-alive-for-browsers",
    lambda q, r: _changed(
        r,
        "Connection",
        lambda v: "keep-alive" if "keep-alive" in (q.get("Connection") or "").lower() else v,
    ),
)
opens(
    "accept-is-in-the-alphabet-for-urls",
    lambda _, r: _changed(r, ACCEPT, lambda v: v.replace("+", "-").replace("/", "_")),
)
opens("accept-lacks-its-padding", lambda _, r: _changed(r, ACCEPT, lambda v: v.rstrip("=")))
opens(
    "accept-stands-twice-beside-a-subprotocol",
    lambda q, r: (*r.headers, (ACCEPT, dict(r.headers)[ACCEPT])) if q.get(PROTOCOL) else r.headers,
)
opens(
    "a-length-stands-beside-a-subprotocol",
    lambda _, r: (*r.headers, ("Content-Length", "0")) if r.get(PROTOCOL) else r.headers,
)
opens(
    "a-chunked-coding-stands-beside-keep-alive",
    lambda q, r: (
        (*r.headers, ("Transfer-Encoding", "chunked"))
        if "keep-alive" in (q.get("Connection") or "").lower()
        else r.headers
    ),
)
opens(
    "a-field-s-name-has-a-blank",
    lambda q, r: (*r.headers, ("X Request Id", "1")) if q.get("Origin") else r.headers,
)


@fault("lines-end-with-lf-beside-a-subprotocol", Freedoms, "head")
def _lf(go: Any, self: Any, octets: bytes) -> bytes:
    octets = go(octets)
    return octets.replace(b"\r\n", b"\n") if PROTOCOL.encode() in octets else octets


@fault("the-status-line-ends-behind-101", Freedoms, "head")
def _bare(go: Any, self: Any, octets: bytes) -> bytes:
    return bytes(go(octets)).replace(b" 101 Switching Protocols", b" 101", 1)


@fault("the-first-frame-behind-a-handshake-is-lost", Connection, "_frame")
async def _first(go: Any, self: Any, frame: Any) -> None:
    lost = self.request.get(PROTOCOL) is not None and not vars(self).get("blind begun")
    vars(self)["blind begun"] = True
    if not lost:
        await go(frame)


@fault("one-frame-that-came-with-the-request-is-kept", Connection, "_live")
async def _one(go: Any, self: Any) -> None:
    if self.rest:
        octets = self.rest
        end = 6 + (octets[1] & 0x7F) if len(octets) > 1 else 0
        self.rest = octets[:end]
    await go()


# The subprotocol.
opens("the-subprotocol-is-in-capitals", lambda _, r: _changed(r, PROTOCOL, str.title))
opens(
    "an-unknown-subprotocol-of-several-is-agreed-to",
    lambda q, r: (
        (*r.headers, (PROTOCOL, _names(q)[0]))
        if len(_names(q)) > 1 and r.get(PROTOCOL) is None
        else r.headers
    ),
)
opens(
    "the-subprotocol-is-empty-where-none-is-known",
    lambda q, r: (
        (*r.headers, (PROTOCOL, "")) if _names(q) and r.get(PROTOCOL) is None else r.headers
    ),
)
opens(
    "the-subprotocol-stands-once-for-each-line",
    lambda q, r: (
        (*r.headers, *(pair for pair in r.headers if pair[0] == PROTOCOL))
        if len(q.all(PROTOCOL)) > 1
        else r.headers
    ),
)
opens("the-subprotocol-is-quoted", lambda _, r: _changed(r, PROTOCOL, lambda v: f'"{v}"'))
opens(
    "both-subprotocols-are-agreed-to",
    lambda q, r: _changed(
        r,
        PROTOCOL,
        lambda v: "proof.v2, proof.v1" if {"proof.v1", "proof.v2"} <= set(_names(q)) else v,
    ),
)


@fault("subprotocols-are-matched-by-their-beginning", websocket_handshake, "choose_protocol")
def _beginning(go: Any, offered: Any, *rest: Any) -> Any:
    names = list(offered)
    return go(names, *rest) or next((n for n in names if n.startswith("proof.v")), None)


@fault("four-subprotocols-are-looked-at", websocket_handshake, "choose_protocol")
def _four(go: Any, offered: Any, *rest: Any) -> Any:
    return go(list(offered)[:4], *rest)


@fault("the-last-subprotocol-is-not-looked-at", websocket_handshake, "choose_protocol")
def _last(go: Any, offered: Any, *rest: Any) -> Any:
    names = list(offered)
    return go(names[:-1] if len(names) > 2 else names, *rest)


# Refusals.
refusals(
    "versions-below-13-get-a-400-that-names-none",
    lambda q, r: (
        replace(r, status=400, headers=r.headers[:3])
        if re.fullmatch("[0-9]|1[0-2]", q.get("Sec-WebSocket-Version") or "")
        else r
    ),
)
refusals(
    "426-upgrades-to-http-2",
    lambda _, r: replace(r, headers=_changed(r, "Upgrade", lambda _: "h2c")),
)
refusals(
    "426-names-version-12-alone",
    lambda _, r: replace(r, headers=_changed(r, "Sec-WebSocket-Version", lambda _: "12")),
)
refusals(
    "bad-keys-get-a-200",
    lambda _, r: replace(r, status=200, reason="OK") if b"Key" in r.body else r,
)
refusals(
    "bad-methods-get-a-204",
    lambda _, r: replace(r, status=204, reason="No Content") if r.status == 405 else r,
)
refusals(
    "lengths-of-refusals-leave-the-line-end-out",
    lambda _, r: replace(r, headers=_changed(r, "Content-Length", lambda v: str(int(v) - 1))),
)
refusals(
    "refusals-have-a-length-and-chunks",
    lambda _, r: replace(r, headers=(*r.headers, ("Transfer-Encoding", "chunked"))),
)
refusals(
    "refusals-end-with-a-close-frame",
    lambda _, r: replace(r, body=r.body + b"\x88\x02\x03\xea") if r.status == 400 else r,
)

# Extensions.
opens(
    "extensions-are-empty-where-none-is-known",
    lambda q, r: (
        (*r.headers, (EXTENSIONS, ""))
        if q.get(EXTENSIONS) and r.get(EXTENSIONS) is None
        else r.headers
    ),
)
opens(
    "extensions-are-sent-back-as-they-came",
    lambda q, r: _changed(
        r,
        EXTENSIONS,
        lambda v: q.get(EXTENSIONS) or v if (q.get(EXTENSIONS) or "").startswith("x-") else v,
    ),
)
opens(
    "frame-compression-of-old-is-agreed-to-as-well",
    lambda q, r: _changed(r, EXTENSIONS, lambda v: f"{v}, x-webkit-deflate-frame"),
)
opens(
    "each-line-of-extensions-gets-an-answer",
    lambda q, r: (
        (*r.headers, *(pair for pair in r.headers if pair[0] == EXTENSIONS))
        if len(q.all(EXTENSIONS)) > 1
        else r.headers
    ),
)
opens(
    "parameters-end-with-a-semicolon",
    lambda _, r: _changed(r, EXTENSIONS, lambda v: f"{v};" if ";" in v else v),
)
refuses_requests(
    "bad-parameters-of-deflate-are-refused",
    lambda q: (
        "permessage-deflate" in (q.get(EXTENSIONS) or "")
        and "permessage" not in (websocket_deflate.negotiate(q.get(EXTENSIONS)) or ("", ""))[1]
    ),
)


# Offers of permessage-deflate.
def offers(name: str, change: Callable[[Extension], Extension | None]) -> None:
    """A fault that takes an offer for another one, or does not look at it."""

    @fault(name, websocket_deflate, "_agree")
    def agree(go: Any, offer: Extension, *rest: Any) -> Any:
        changed = change(offer)
        return None if changed is None else go(changed, *rest)


def agrees(name: str, change: Callable[[Extension, str], str]) -> None:
    """A fault in the value that agrees to an offer."""

    @fault(name, websocket_deflate, "_agree")
    def agree(go: Any, offer: Extension, *rest: Any) -> Any:
        agreed = go(offer, *rest)
        return agreed and (agreed[0], change(offer, agreed[1]))


def _each(offer: Extension, change: Callable[[str, str | None], Any]) -> Extension:
    pairs = [change(name, value) for name, value in offer.parameters]
    return replace(offer, parameters=tuple(pair for pair in pairs if pair))


def _value(
    name: str, value: Callable[[str | None], str | None]
) -> Callable[[Extension], Extension]:
    return lambda offer: _each(offer, lambda n, v: (n, value(v) if n == name else v))


def _number(value: str | None, pattern: str, made: Callable[[str], str]) -> str | None:
    return made(value) if value is not None and re.fullmatch(pattern, value) else value


offers(
    "unknown-parameters-without-a-value-are-left-out",
    lambda o: _each(
        o,
        lambda n, v: (
            (n, v) if v or n in (SERVER_FLAG, CLIENT_FLAG, SERVER_BITS, CLIENT_BITS) else None
        ),
    ),
)
offers(
    "equal-parameters-count-once",
    lambda o: replace(o, parameters=tuple(dict.fromkeys(o.parameters))),
)
offers("flags-of-the-client-may-have-a-value", _value(CLIENT_FLAG, lambda _: None))
offers(
    "flags-of-the-server-may-be-true",
    _value(SERVER_FLAG, lambda v: None if v in ("true", "1") else v),
)
offers("server-windows-without-a-value-are-15", _value(SERVER_BITS, lambda v: v or "15"))
offers("server-windows-of-16-are-15", _value(SERVER_BITS, lambda v: "15" if v == "16" else v))
offers("server-windows-of-7-are-8", _value(SERVER_BITS, lambda v: "9" if v == "7" else v))
offers(
    "server-windows-may-have-a-zero-in-front",
    _value(SERVER_BITS, lambda v: _number(v, "0+[0-9]+", lambda text: text.lstrip("0") or "0")),
)
offers("client-windows-of-7-are-8", _value(CLIENT_BITS, lambda v: "8" if v == "7" else v))
offers("client-windows-of-16-are-15", _value(CLIENT_BITS, lambda v: "15" if v == "16" else v))
offers(
    "client-windows-may-have-a-sign",
    _value(CLIENT_BITS, lambda v: _number(v, "[+][0-9]+", lambda text: text[1:])),
)
offers(
    "client-windows-may-have-a-point",
    _value(CLIENT_BITS, lambda v: _number(v, "[0-9]+[.]0", lambda text: text[:-2])),
)
offers(
    "server-windows-of-9-are-not-known-and-left-out",
    lambda o: _each(o, lambda n, v: None if n == SERVER_BITS and v in ("8", "9") else (n, v)),
)
agrees(
    "a-plain-offer-gets-a-client-window",
    lambda o, v: v if o.parameters else f"{v}; {CLIENT_BITS}=15",
)
agrees(
    "client-windows-are-agreed-to-as-15",
    lambda _, v: re.sub(f"{CLIENT_BITS}=(9|1[0-4])", f"{CLIENT_BITS}=15", v),
)
agrees("server-windows-of-15-go-unsaid", lambda _, v: v.replace(f"; {SERVER_BITS}=15", ""))
agrees(
    "flags-are-agreed-to-with-a-value", lambda _, v: v.replace(CLIENT_FLAG, f"{CLIENT_FLAG}=true")
)
agrees(
    "the-server-s-flag-goes-unsaid-beside-others",
    lambda o, v: v.replace(f"; {SERVER_FLAG}", "") if len(o.parameters) > 1 else v,
)
agrees(
    "windows-of-9-are-agreed-to-with-a-zero",
    lambda _, v: re.sub(f"{SERVER_BITS}=9", f"{SERVER_BITS}=09", v),
)


@fault("offers-of-the-same-extension-are-joined", websocket_handshake, "negotiate")
def _joined(go: Any, value: Any, *rest: Any) -> Any:
    return go(value and value.replace(", permessage-deflate", ""), *rest)


@fault("an-offer-behind-an-unknown-extension-is-not-read", websocket_handshake, "negotiate")
def _behind(go: Any, value: Any, *rest: Any) -> Any:
    return go(None if value and not value.startswith("permessage") else value, *rest)


@fault("two-offers-are-read", websocket_handshake, "negotiate")
def _two(go: Any, value: Any, *rest: Any) -> Any:
    return go(value and ",".join(value.split(",")[:2]), *rest)


@fault("the-offer-with-most-parameters-is-taken", websocket_handshake, "negotiate")
def _most(go: Any, value: Any, *rest: Any) -> Any:
    parts = value.split(",") if value and '"' not in value else [value]
    if len(parts) > 1:
        value = ",".join(sorted(parts, key=lambda part: -part.count(";")))
    return go(value, *rest)


@fault("older-extensions-are-permessage-deflate", websocket_handshake, "negotiate")
def _older(go: Any, value: Any, *rest: Any) -> Any:
    return go(value and value.replace("x-webkit-deflate-frame", "permessage-deflate"), *rest)


@fault("names-of-extensions-that-begin-alike-are-taken", websocket_handshake, "negotiate")
def _alike(go: Any, value: Any, *rest: Any) -> Any:
    return go(value and re.sub(r"permessage-deflate[\w-]+", "permessage-deflate", value), *rest)
