"""A strictly correct server's answer to an opening handshake, with single faults to switch on.

RFC 6455, 4.2. A rule of the request is checked unless the fault of its name is on; what no rule
objects to gets a 101 with the subprotocol of the target contract and permessage-deflate.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from sockproof.wire import WireError
from sockproof.wire.deflate import parse_extensions
from sockproof.wire.http import Request, Response, accept_value, is_token
from tests.servers.websocket_deflate import negotiate

PROTOCOLS = ("proof.v2", "proof.v1")  # the most wanted one first
SAMPLE_KEYS = ("dGhlIHNhbXBsZSBub25jZQ==", "sN9cRrP/n9NdMgdcy2VJFQ==")
REDIRECTED = ("only version 13", "Sec-WebSocket-Key is missing")
AS_BROWSERS_DO = "permessage-deflate; client_max_window_bits"
USUAL = ("Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%!$&'()*+,;=]+)(:[0-9]*)?")
_VERSION = re.compile(r"[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]")  # RFC 6455, 4.3

Rule = tuple[str, int, str, bool]  # the fault that switches it off, status, words, whether it holds


def answer(request: Request, fault: str | None = None) -> Response:
    """The 101 that the request deserves, or its refusal."""
    if fault == "folded-field-cut" and all("folded" in each for each in request.violations):
        request = replace(request, violations=())
    for name, status, words, holds in _rules(request, fault):
        if not holds and name != fault:
            return refusal(status, words, fault)
    return _accepted(request, fault)


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
        elif fault != "426-without-version":
            headers.append(("Sec-WebSocket-Version", "13"))
    if fault == "refusal-followed-by-octets":
        body += b"and more"
    return Response(status, reasons.get(status, "Refused"), tuple(headers), body)


# What a request has to be.


def _rules(request: Request, fault: str | None) -> Iterator[Rule]:
    yield from _http_rules(request)
    yield from _field_rules(request)
    yield from _list_rules(request)
    yield from _overdone(request, fault)


def _http_rules(request: Request) -> Iterator[Rule]:
    major, minor = int(request.version[5]), int(request.version[7])
    yield "http-1.0-accepted", 505, "HTTP/1.1 is needed", (major, minor) >= (1, 1)
    yield "http-2.0-accepted", 505, "this connection speaks HTTP/1", major <= 1
    yield "any-method-accepted", 405, "only GET opens a WebSocket", request.method == "GET"
    yield "broken-field-lines-accepted", 400, "a field line is broken", not request.violations
    clean = not any("\0" in value for _, value in request.headers)
    yield "nul-in-fields-accepted", 400, "a field has a NUL", clean
    hosts = request.all("Host")
    yield "host-missing-accepted", 400, "Host is missing", len(hosts) > 0
    yield "host-twice-accepted", 400, "Host stands twice", len(hosts) < 2
    valid = not hosts or _AUTHORITY.fullmatch(hosts[0]) is not None
    yield "host-invalid-accepted", 400, "Host names no host", valid
    lengths = set(request.all("Content-Length"))
    numbers = all(re.fullmatch(r"[0-9]+", length) for length in lengths)
    yield "content-length-unchecked", 400, "Content-Length is invalid", numbers and len(lengths) < 2
    bodiless = not (lengths - {"0"}) and request.get("Transfer-Encoding") is None
    body_is_wrong_anyway = not numbers or len(lengths) > 1
    yield "body-taken-for-frames", 400, "a body is not expected", bodiless or body_is_wrong_anyway
    yield "fragment-in-target-accepted", 400, "the target has a fragment", "#" not in request.target


def _field_rules(request: Request) -> Iterator[Rule]:
    upgrade, connection = request.tokens("Upgrade"), request.tokens("Connection")
    yield "upgrade-unchecked", 426, "Upgrade does not name websocket", "websocket" in upgrade
    yield "connection-unchecked", 400, "Connection lacks Upgrade", "upgrade" in connection
    keys = request.all("Sec-WebSocket-Key")
    yield "key-missing-accepted", 400, "Sec-WebSocket-Key is missing", len(keys) > 0
    yield "key-twice-accepted", 400, "Sec-WebSocket-Key stands twice", len(keys) < 2
    octets = _key_octets(keys[0]) if len(keys) == 1 else 16
    yield "key-undecoded", 400, "Sec-WebSocket-Key is not base64", octets is not None
    sixteen = octets is None or octets == 16
    yield "key-length-unchecked", 400, "Sec-WebSocket-Key has not 16 octets", sixteen
    versions = request.all("Sec-WebSocket-Version")
    yield "version-missing-accepted", 426, "Sec-WebSocket-Version is missing", len(versions) > 0
    yield "version-twice-accepted", 426, "the version stands twice", len(versions) < 2
    version = versions[0] if len(versions) == 1 else "13"
    listed = "," in version
    yield "version-list-accepted", 426, "several versions", not listed
    readable = listed or _VERSION.fullmatch(version) is not None
    yield "version-grammar-unchecked", 426, "that is no version", readable
    draft = version in ("7", "8")
    yield "draft-versions-accepted", 426, "drafts are over", not draft
    known = version == "13" or draft or listed or not readable
    yield "any-version-accepted", 426, "only version 13", known


def _list_rules(request: Request) -> Iterator[Rule]:
    offered = request.all("Sec-WebSocket-Protocol")
    names = [part.strip(" \t") for value in offered for part in value.split(",")]
    proper = all(is_token(name) for name in names if name) and (not offered or any(names))
    yield "protocol-grammar-unchecked", 400, "Sec-WebSocket-Protocol is malformed", proper
    well_formed = True
    try:
        value = request.get("Sec-WebSocket-Extensions")
        well_formed = value is None or bool(parse_extensions(value))
    except WireError:
        well_formed = False
    yield "extensions-grammar-unchecked", 400, "Sec-WebSocket-Extensions is malformed", well_formed


def _key_octets(key: str) -> int | None:
    """How many octets the key decodes to; None when it is not base64."""
    try:
        return len(base64.b64decode(key, validate=True)) if key else None
    except (binascii.Error, ValueError):
        return None


def _overdone(request: Request, fault: str | None) -> Iterator[Rule]:
    """Rules that no standard knows, each in force only with its fault."""
    names = [name for name, _ in request.headers]
    upgrade, connection = request.get("Upgrade") or "", request.get("Connection") or ""
    own = request.target.startswith(("/push?", "/close?"))  # the contract's own queries
    extensions = request.get("Sec-WebSocket-Extensions") or ""
    origin = request.get("Origin")
    refused: dict[str, bool] = {
        "names-in-usual-case-only": any(
            name not in USUAL and name.lower() in map(str.lower, USUAL) for name in names
        ),
        "few-fields-only": len(names) > 32,
        "short-fields-only": any(len(value) > 2048 for _, value in request.headers),
        "short-targets-only": len(request.target) > 2048,
        "host-must-come-first": names[:1] != ["Host"],
        "unknown-fields-refused": any(name.lower() == "x-sockproof" for name in names),
        "queries-refused": "?" in request.target and not own,
        "absolute-form-refused": request.target.startswith(("http://", "https://")),
        "http-1.2-refused": request.version == "HTTP/1.2",
        "upgrade-in-lower-case-only": upgrade.lower() == "websocket" != upgrade,
        "upgrade-alone-only": "," in upgrade,
        "connection-as-usual-only": connection.lower() == "upgrade" and connection != "Upgrade",
        "connection-alone-only": "," in connection,
        "version-13-refused": request.get("Sec-WebSocket-Version") == "13",
        "origin-demanded-of-browsers": origin is None and request.get("User-Agent") is not None,
        "unknown-extensions-refused": "x-sockproof" in extensions,
        "bad-deflate-offer-refused": "permessage-deflate" in extensions
        and negotiate(extensions, None) is None,
    }
    if fault in refused:
        yield "", 400, "this server is overdoing it", not refused[fault]
    foreign = origin is not None and "elsewhere" in origin
    if fault == "foreign-origin-gets-401":
        yield "", 401, "the origin is foreign", not foreign
    if fault == "null-origin-gets-401":
        yield "", 401, "the origin is null", origin != "null"
    if fault == "foreign-origin-gets-200":
        yield "", 200, "the origin is foreign", not foreign


# What a request gets.


def _accepted(request: Request, fault: str | None) -> Response:
    key = request.all("Sec-WebSocket-Key")[0] if request.get("Sec-WebSocket-Key") else ""
    headers = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", _accept(key, fault)),
    ]
    headers += _protocol_lines(request, fault)
    headers += _extension_lines(request, fault)
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
    elif fault == "location-in-101":
        headers.append(("Sec-WebSocket-Location", "ws://127.0.0.1/"))
    version = "HTTP/1.0" if fault == "101-in-http-1.0" else "HTTP/1.1"
    return Response(101, "Switching Protocols", tuple(headers), version=version)


def _accept(key: str, fault: str | None) -> str:
    if fault == "accept-of-sample-keys-wrong" and key in SAMPLE_KEYS:
        return accept_value(key.lower())
    if fault == "accept-of-url-safe-key" and key.startswith(("+/+/", "++++")):
        return accept_value(key.replace("+", "-").replace("/", "_"))
    if fault == "accept-without-guid":
        return key
    return accept_value(key)


def choose_protocol(offered: Iterable[str], fault: str | None = None) -> str | None:
    """The subprotocol of the target contract: proof.v2 before proof.v1, or none."""
    names = list(offered)
    if fault == "protocol-first-looked-at-only":
        names = names[:1]
    if fault == "protocol-case-ignored":
        names = [name.lower() for name in names]
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


def _extension_lines(request: Request, fault: str | None) -> list[tuple[str, str]]:
    offers = request.get("Sec-WebSocket-Extensions")
    if fault == "extensions-first-line-only" and offers is not None:
        offers = request.all("Sec-WebSocket-Extensions")[0]
    agreed = negotiate(offers, fault)
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
    return [("Sec-WebSocket-Extensions", ", ".join(values))] if values else []
