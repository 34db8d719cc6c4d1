"""What a faulty Engine.IO server does to queries, OPEN packets, payloads and CORS fields.

Each function gives what a correct server would, unless the fault is one that it knows.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sockproof.wire.engineio import (
    SEPARATOR,
    Handshake,
    Packet,
    PacketType,
    decode_payload,
    encode_payload,
)
from sockproof.wire.http import Response

ASTRAL = re.compile("[\U00010000-\U0010ffff]")
MARK = "sockproof"  # the `t` of the handshakes that faults spoil, so that others still succeed

# Queries: the kind of request, the parameter, when it is mended, and what it becomes.


def _is_missing(value: str | None) -> bool:
    return value is None


def _is_number(value: str | None) -> bool:
    return value is not None and value.isdigit()


def _is_no_number(value: str | None) -> bool:
    return value is not None and not value.isdigit()


def _is_there(value: str | None) -> bool:
    return value is not None


Mend = tuple[str, str, Callable[[str | None], bool], str | None]
MENDS: dict[str, Mend] = {
    "takes-polling-without-eio": ("polling", "EIO", _is_missing, "4"),
    "takes-polling-without-transport": ("polling", "transport", _is_missing, "polling"),
    "takes-polling-of-no-revision": ("polling", "EIO", _is_no_number, "4"),
    "takes-polling-of-every-revision": ("polling", "EIO", _is_number, "4"),
    "takes-polling-for-every-transport": ("polling", "transport", _is_there, "polling"),
    "takes-websockets-without-eio": ("websocket", "EIO", _is_missing, "4"),
    "takes-websockets-without-transport": ("websocket", "transport", _is_missing, "websocket"),
    "takes-websockets-of-every-revision": ("websocket", "EIO", _is_there, "4"),
    "takes-websockets-for-every-transport": ("websocket", "transport", _is_there, "websocket"),
}


def mended(fault: str | None, kind: str, query: dict[str, str]) -> dict[str, str]:
    """The query as a server reads it."""
    where, name, when, value = MENDS.get(fault or "", ("", "", _is_missing, None))
    if where == kind and value is not None and when(query.get(name)):
        return {**query, name: value}
    return query


# OPEN packets.


def session_id(fault: str | None, number: int) -> str:
    """The sid of the session of this number, which it ends with."""
    match fault:
        case "counts-its-sessions":
            return f"engine-{number}"
        case "numbers-sessions-by-the-clock":
            return f"engine-{time.time_ns() // 1000}"
    return f"engine-{secrets.token_hex(12)}-{number}"


OPEN_FIELDS: dict[str, dict[str, Any]] = {
    "open-has-a-number-as-sid": {"sid": 7},
    "open-has-text-as-upgrades": {"upgrades": "websocket"},
    "open-has-text-as-interval": {"pingInterval": "25000"},
    "open-has-text-as-timeout": {"pingTimeout": "20000"},
    "open-has-text-as-max-payload": {"maxPayload": "1000000"},
    "open-has-no-room-for-payload": {"maxPayload": 0},
    "open-tells-seconds": {"pingInterval": 25, "pingTimeout": 20},
    "open-hides-the-upgrade": {"upgrades": []},
}


def open_packets(fault: str | None, handshake: Handshake, mark: str | None) -> list[Packet]:
    """The packets that answer a handshake."""
    packet = handshake.encode()
    if fault is None or mark != MARK:
        return [packet]
    fields = json.loads(packet.data)
    if fault == "open-comes-second":
        return [Packet(PacketType.NOOP), packet]
    if fault == "open-holds-a-list":
        return [Packet(PacketType.OPEN, json.dumps(list(fields.items())))]
    if fault == "websockets-have-upgrades" and not handshake.upgrades:
        fields["upgrades"] = ["websocket"]
    if fault == "websockets-share-a-sid" and not handshake.upgrades:
        fields["sid"] = "engine-0"
    fields.update(OPEN_FIELDS.get(fault, {}))
    return [Packet(PacketType.OPEN, json.dumps(fields, separators=(",", ":")))]


# Payloads.


def payload(fault: str | None, packets: list[Packet]) -> bytes:
    """The body of the answer to a GET."""
    body = encode_payload(packets)
    many = len(packets) >= 5
    match fault:
        case "separates-by-newlines" if many:
            return body.replace(SEPARATOR.encode(), b"\n")
        case "ends-with-a-separator" if many:
            return body + SEPARATOR.encode()
        case "long-base64-has-no-b":
            parts = body.split(SEPARATOR.encode())
            return SEPARATOR.encode().join(
                part[1:] if part[:1] == b"b" and len(part) > 200 else part for part in parts
            )
        case "base64-is-for-urls":
            parts = body.split(SEPARATOR.encode())
            table = bytes.maketrans(b"+/", b"-_")
            return SEPARATOR.encode().join(
                part.translate(table) if part[:1] == b"b" else part for part in parts
            )
        case "sends-surrogates":
            return _surrogates(body.decode("utf-8"))
        case "writes-the-separator-as-it-is":
            return body.replace(b"\\u001e", SEPARATOR.encode())
    return body


def _surrogates(text: str) -> bytes:
    """Text whose characters beyond U+FFFF are encoded as two surrogates, which is no UTF-8."""

    def halves(found: re.Match[str]) -> str:
        code = ord(found[0]) - 0x10000
        return chr(0xD800 + (code >> 10)) + chr(0xDC00 + (code & 0x3FF))

    return ASTRAL.sub(halves, text).encode("utf-8", "surrogatepass")


def posted(fault: str | None, body: bytes) -> list[Packet]:
    """The packets of a POST; raises `WireError`."""
    mark = SEPARATOR.encode()
    match fault:
        case "skips-empty-packets" if body:
            body = mark.join(part for part in body.split(mark) if part)
        case "takes-empty-bodies" if not body:
            return [Packet(PacketType.NOOP)]
        case "skips-packets-without-a-type":
            parts = [part for part in body.split(mark) if part[:1] in b"0123456b"]
            body = mark.join(parts) if parts else b"6"
        case "reads-any-base64":
            body = body.replace(b"b$$$", b"b" + base64.b64encode(b"$"))
        case "reads-no-astral-text":
            body = ASTRAL.sub("?", body.decode("utf-8", "replace")).encode("utf-8")
    packets = decode_payload(body)
    if fault == "handles-posts-backwards" and len(packets) >= 3:
        packets.reverse()
    if fault == "loses-zeros-of-posts":
        packets = [
            replace(each, data=each.data.rstrip(b"\0")) if isinstance(each.data, bytes) else each
            for each in packets
        ]
    return packets


def messages(fault: str | None, message: str | bytes) -> list[str | bytes]:
    """What has arrived on a WebSocket, which is one message but for faults."""
    match fault:
        case "splits-messages" if isinstance(message, str):
            return list(message.split("\x1e"))
        case "reads-a-type-before-binary" if isinstance(message, bytes):
            return [message.removeprefix(b"\x04")]
        case "reads-no-astral-messages" if isinstance(message, str):
            return [ASTRAL.sub("?", message)]
        case "drops-what-follows-upgrade" if "behind" in str(message):
            return []
    return [message]


# CORS.


def cors(fault: str | None, response: Response) -> Response:
    """The response with its CORS fields."""
    match fault:
        case "names-the-origin-twice":
            origin = response.get("Access-Control-Allow-Origin") or "*"
            twice = ("Access-Control-Allow-Origin", origin)
            return replace(response, headers=(*response.headers, twice))
        case "allows-credentials-to-all":
            kept = [pair for pair in response.headers if pair[0] != "Access-Control-Allow-Origin"]
            kept += [("Access-Control-Allow-Origin", "*")]
            kept += [("Access-Control-Allow-Credentials", "true")]
            return replace(response, headers=tuple(kept))
        case "does-not-vary":
            return _without(response, "Vary")
        case "preflights-allow-no-headers":
            return _without(response, "Access-Control-Allow-Headers")
    return response


def _without(response: Response, name: str) -> Response:
    kept = tuple(pair for pair in response.headers if pair[0] != name)
    return replace(response, headers=kept)
