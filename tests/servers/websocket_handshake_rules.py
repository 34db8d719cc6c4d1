"""What a strictly correct server asks of an opening handshake, and rules that no standard knows.

RFC 6455, 4.2.1. Each rule bears the name of the fault that switches it off.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from sockproof.wire import WireError
from sockproof.wire.deflate import parse_extensions
from sockproof.wire.http import Request, is_token
from tests.servers.websocket_deflate import negotiate

USUAL = ("Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version")
LISTS = ("Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions")
BROWSERS = {"cookie", "pragma", "accept-encoding", "sec-fetch-dest", "x-empty", "x_empty_"}
DRAFTS = ("4", "5", "6", "7", "8")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%!$&'()*+,;=]+)(:[0-9]*)?")
_VERSION = re.compile(r"[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]")  # RFC 6455, 4.3

Rule = tuple[str, int, str, bool]  # the fault that switches it off, status, words, whether it holds


def rules(request: Request, fault: str | None) -> Iterator[Rule]:
    yield from _http_rules(request, fault)
    yield from _field_rules(request, fault)
    yield from _list_rules(request)
    yield from _overdone(request, fault)


def _http_rules(request: Request, fault: str | None) -> Iterator[Rule]:
    major, minor = int(request.version[5]), int(request.version[7])
    yield "http-1.0-accepted", 505, "HTTP/1.1 is needed", (major, minor) >= (1, 1)
    yield "http-2.0-accepted", 505, "this connection speaks HTTP/1", major <= 1
    method = request.method.upper() if fault == "method-case-ignored" else request.method
    yield "any-method-accepted", 405, "only GET opens a WebSocket", method == "GET"
    yield "broken-field-lines-accepted", 400, "a field line is broken", not request.violations
    clean = not any("\0" in value or "\r" in value for _, value in request.headers)
    yield "nul-in-fields-accepted", 400, "a field has a NUL or a CR", clean
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


def _field_rules(request: Request, fault: str | None) -> Iterator[Rule]:
    upgrade, connection = request.tokens("Upgrade"), request.tokens("Connection")
    if fault == "upgrade-matched-within-words":
        upgrade = ["websocket"] if "websocket" in str(upgrade) else []
    if fault == "connection-matched-within-words":
        connection = ["upgrade"] if "upgrade" in str(connection) else []
    if fault == "connection-split-at-comma-and-blank":
        connection = ", ".join(request.all("Connection")).lower().split(", ")
    if fault == "last-connection-line-only" and connection:
        connection = request.all("Connection")[-1].lower().split(", ")
    yield "upgrade-unchecked", 426, "Upgrade does not name websocket", "websocket" in upgrade
    yield "connection-unchecked", 400, "Connection lacks Upgrade", "upgrade" in connection
    keys = request.all("Sec-WebSocket-Key")
    yield "key-missing-accepted", 400, "Sec-WebSocket-Key is missing", len(keys) > 0
    yield "key-twice-accepted", 400, "Sec-WebSocket-Key stands twice", len(keys) < 2
    octets = _key_octets(keys[0], fault) if len(keys) == 1 else 16
    yield "key-undecoded", 400, "Sec-WebSocket-Key is not base64", octets is not None
    sixteen = octets is None or octets == 16
    if fault == "keys-of-24-characters-suffice":
        sixteen = len("".join(keys)) == 24
    yield "key-length-unchecked", 400, "Sec-WebSocket-Key has not 16 octets", sixteen
    versions = request.all("Sec-WebSocket-Version")
    yield "version-missing-accepted", 426, "Sec-WebSocket-Version is missing", len(versions) > 0
    yield "version-twice-accepted", 426, "the version stands twice", len(versions) < 2
    version = versions[0] if len(versions) == 1 else "13"
    if fault == "version-looked-at-as-a-number" and re.fullmatch(r"[+]?0*13", version):
        version = "13"
    if fault == "version-13-at-the-beginning-suffices" and version.startswith("13"):
        version = "13"
    if fault == "first-of-listed-versions-taken":
        version = version.split(",")[0]
    listed = "," in version
    yield "version-list-accepted", 426, "several versions", not listed
    readable = listed or _VERSION.fullmatch(version) is not None
    yield "version-grammar-unchecked", 426, "that is no version", readable
    draft = version in DRAFTS
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


def _key_octets(key: str, fault: str | None) -> int | None:
    """How many octets the key decodes to; None when it is not base64."""
    strict = fault != "key-decoded-leniently"
    try:
        return len(base64.b64decode(key, validate=strict)) if key else None
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
        "list-names-in-usual-case-only": any(
            name not in LISTS and name.lower() in map(str.lower, LISTS) for name in names
        ),
        "few-fields-only": len(names) > 32,
        "short-fields-only": any(len(value) > 2048 for _, value in request.headers),
        "short-targets-only": len(request.target) > 2048,
        "host-must-come-first": names[:1] != ["Host"],
        "lists-in-two-lines-refused": names.count("Accept-Language") > 1,
        "long-names-refused": any(len(name) > 64 for name in names),
        "short-names-refused": any(len(name) < 4 for name in names),
        "names-of-digits-refused": any(name[:1].isdigit() for name in names),
        "unknown-fields-refused": any(name.lower() == "x-sockproof" for name in names),
        "browsers-refused": bool({name.lower() for name in names} & BROWSERS),
        "queries-refused": "?" in request.target and not own,
        "absolute-form-refused": request.target.startswith(("http://", "https://")),
        "http-1.2-refused": request.version in ("HTTP/1.2", "HTTP/1.9"),
        "upgrade-in-lower-case-only": upgrade.lower() == "websocket" != upgrade,
        "upgrade-alone-only": "," in upgrade,
        "connection-as-usual-only": connection.lower() == "upgrade" and connection != "Upgrade",
        "connection-alone-only": "," in connection,
        "version-13-refused": request.get("Sec-WebSocket-Version") == "13",
        "origin-demanded-of-browsers": origin is None and request.get("User-Agent") is not None,
        "unknown-extensions-refused": "fast" in extensions,
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
