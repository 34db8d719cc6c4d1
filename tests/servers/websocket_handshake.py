"""A strictly correct server's answer to an opening handshake, with single faults to switch on.

RFC 6455, 4.2. A rule of the request is checked unless the fault of its name is on; what no rule
objects to gets a 101 with the subprotocol of the target contract and permessage-deflate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sockproof.wire.http import Request, Response, accept_value
from tests.servers.freedom import NONE, Freedoms
from tests.servers.websocket_deflate import negotiate
from tests.servers.websocket_handshake_rules import rules

PROTOCOLS = ("proof.v2", "proof.v1")  # the most wanted one first
SAMPLE_KEYS = ("dGhlIHNhbXBsZSBub25jZQ==", "sN9cRrP/n9NdMgdcy2VJFQ==")
REDIRECTED = ("only version 13", "Sec-WebSocket-Key is missing")
AS_BROWSERS_DO = "permessage-deflate; client_max_window_bits"
CLOSE_1002 = b"\x88\x02\x03\xea"


def answer(request: Request, fault: str | None = None, freedoms: Freedoms = NONE) -> Response:
    """The 101 that the request deserves, or its refusal."""
    request = freedoms.understands(request)
    if (refused := freedoms.admits(request)) is not None:
        return freedoms.answer(request, refused)
    if fault == "folded-field-cut" and all("folded" in each for each in request.violations):
        request = replace(request, violations=())
    for name, status, words, holds in rules(request, fault):
        if not holds and name != fault:
            return freedoms.answer(request, refusal(status, words, fault))
    return freedoms.answer(request, _accepted(request, fault, freedoms))


def refusal(status: int, words: str, fault: str | None = None) -> Response:
    """A refusal with a body that says why; the connection ends behind it."""
    reasons = {
        400: "Bad Request",
        403: "Forbidden",
        405: "Method Not Allowed",
        426: "Upgrade Required",
        431: "Request Header Fields Too Large",
        505: "HTTP Version Not Supported",
    }
    if fault == "version-refused-by-cutting-off" and words == REDIRECTED[0]:
        raise ConnectionAbortedError
    if fault == "invalid-handshakes-cut-off" and words in REDIRECTED:
        raise ConnectionAbortedError
    if fault == "refusal-with-302" and words in REDIRECTED:
        status = 302
    body = f"{words}\n".encode()
    length = len(body) + (7 if fault == "refusal-announces-too-much" else 0)
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(length)),
        ("Connection", "close"),
    ]
    if status == 405:
        headers.append(("Allow", "GET"))
    if status == 426:
        headers[-1] = ("Connection", "close, Upgrade")
        if fault != "426-without-upgrade":
            headers.append(("Upgrade", "websocket"))
        if fault == "426-names-version-8-only":
            headers.append(("Sec-WebSocket-Version", "8"))
        elif fault == "426-names-version-8-too":
            headers.append(("Sec-WebSocket-Version", "13, 8"))
        elif fault == "426-names-no-version":
            headers.append(("Sec-WebSocket-Version", "13.0"))
        elif fault != "426-without-version":
            headers.append(("Sec-WebSocket-Version", "13"))
    if fault == "refusal-followed-by-octets":
        body += b"and more"
    if fault == "refusal-followed-by-a-close-frame":
        body += CLOSE_1002
    if fault == "misreads-what-follows-a-refusal" and words in REDIRECTED:
        headers = [pair for pair in headers if pair[0] != "Connection"]
    return Response(status, reasons.get(status, "Refused"), tuple(headers), body)


# What a request gets.


def _accepted(request: Request, fault: str | None, freedoms: Freedoms) -> Response:
    key = request.all("Sec-WebSocket-Key")[0] if request.get("Sec-WebSocket-Key") else ""
    headers = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", _accept(key, fault)),
    ]
    headers += _protocol_lines(request, fault)
    headers += _extension_lines(request, fault, freedoms)
    sample = key in SAMPLE_KEYS
    if fault == "content-length-in-101":
        headers.append(("Content-Length", "0"))
    elif fault == "transfer-encoding-in-101":
        headers.append(("Transfer-Encoding", "chunked"))
    elif fault == "blank-before-colon-in-101":
        headers.append(("Server ", "sockproof"))
    elif fault == "accept-twice" and sample:
        headers.append(headers[2])
    elif fault == "101-without-upgrade" and sample:
        del headers[0]
    elif fault == "101-without-connection" and sample:
        headers[1] = ("Connection", "keep-alive")
    version = "HTTP/1.0" if fault == "101-in-http-1.0" else "HTTP/1.1"
    return Response(101, "Switching Protocols", tuple(headers), version=version)


def _accept(key: str, fault: str | None) -> str:
    if fault == "accept-of-sample-keys-wrong" and key in SAMPLE_KEYS:
        return accept_value(key.lower())
    if fault == "accept-of-url-safe-key" and key.startswith(("+/+/", "++++")):
        return accept_value(key.replace("+", "-").replace("/", "_"))
    if fault == "accept-without-guid":
        return key
    if fault == "accept-of-the-key-without-padding":
        return accept_value(key.rstrip("="))
    if fault == "accept-always-that-of-the-example":
        return accept_value(SAMPLE_KEYS[0])
    return accept_value(key)


def choose_protocol(offered: Iterable[str], fault: str | None = None) -> str | None:
    """The subprotocol of the target contract: proof.v2 before proof.v1, or none."""
    names = list(offered)
    if fault == "protocol-first-looked-at-only":
        names = names[:1]
    if fault == "protocol-case-ignored":
        names = [name.lower() for name in names]
    if fault == "protocol-matched-within-words":
        return next((each for each in PROTOCOLS for name in names if each in name), None)
    if fault == "protocol-first-is-taken":
        return names[0] if set(names) & set(PROTOCOLS) else None
    if fault == "protocol-repeated" and names and not set(names) & set(PROTOCOLS):
        return names[0]
    if fault == "protocol-not-offered" and names == ["proof.v1"]:
        return "proof.v2"
    if fault == "protocol-of-version-1-always" and names == ["proof.v2"]:
        return "proof.v1"
    return next((name for name in PROTOCOLS if name in names), None)


def _protocol_lines(request: Request, fault: str | None) -> list[tuple[str, str]]:
    lines = request.all("Sec-WebSocket-Protocol")
    if fault == "protocol-first-line-only":
        lines = lines[:1]
    blanks = None if fault == "protocol-blanks-kept" else " \t"
    comma = ", " if fault == "protocol-list-needs-blanks" else ","
    parts = [part for line in lines for part in line.split(comma)]
    names = [part.strip(blanks) if blanks else part.removeprefix(" ") for part in parts]
    if fault == "protocol-unasked" and not lines:
        return [("Sec-WebSocket-Protocol", "proof.v1")]
    chosen = choose_protocol(names, fault)
    if chosen is None:
        return []
    if fault == "protocol-list-answered" and len(names) > 1:
        chosen = ", ".join(names)
    twice = fault == "protocol-named-twice" and len(names) > 1
    return [("Sec-WebSocket-Protocol", chosen)] * (2 if twice else 1)


def _extension_lines(
    request: Request, fault: str | None, freedoms: Freedoms
) -> list[tuple[str, str]]:
    offers = request.get("Sec-WebSocket-Extensions")
    if fault == "extensions-first-line-only" and offers is not None:
        offers = request.all("Sec-WebSocket-Extensions")[0]
    if fault == "quotes-not-taken-off" and '="' in (offers or ""):
        offers = None
    if fault == "escapes-in-quotes-not-taken-off" and "\\" in (offers or ""):
        offers = None
    agreed = negotiate(offers, fault, freedoms)
    values = [agreed[1]] if agreed else []
    if fault == "extensions-answered-with-a-stray-comma" and offers == AS_BROWSERS_DO:
        values.append("")
    if fault == "extension-unasked" and offers is None:
        values.append("x-sockproof")
    sample = request.get("Sec-WebSocket-Key") in SAMPLE_KEYS
    if fault == "extensions-empty" and offers is None and sample:
        values.append("")
    if fault == "unknown-extension-agreed" and "x-sockproof" in (offers or ""):
        values.append("x-sockproof")
    lines = [("Sec-WebSocket-Extensions", ", ".join(values))] if values else []
    if fault == "extensions-answered-line-by-line":
        lines *= len(request.all("Sec-WebSocket-Extensions"))
    return lines * 2 if fault == "extensions-in-two-lines" and offers == AS_BROWSERS_DO else lines
