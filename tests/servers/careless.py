"""Faults of servers written without a second thought: names, numbers of things, full buffers.

RFC 6455, 5.2, 9.1 and 10.4. Each function takes what a right server has and gives what a careless
one makes of it.
"""

from __future__ import annotations

import asyncio
import html
import json
import unicodedata
import urllib.parse

from sockproof.wire.http import Request, Response
from sockproof.wire.websocket import Frame, Opcode
from tests.servers import neighbours

MANY = 250
INHERITED = frozenset(
    {
        "constructor",
        "__proto__",
        "toString",
        "hasOwnProperty",
        "prototype",
        "length",
        "__class__",
        "None",
        "null",
    }
)


def answer(
    fault: str | None, request: Request, response: Response, writer: asyncio.StreamWriter
) -> Response:
    """What answers the handshake."""
    offers = request.get("Sec-WebSocket-Extensions") or ""
    values = [value for _, value in request.headers]
    match fault:
        case "looks-extensions-up-in-what-is-inherited":
            if INHERITED & {each.split(";")[0].strip() for each in offers.split(",")}:
                return Response(500, "Internal Server Error", (("Content-Length", "0"),))
        case "agrees-to-inherited-extensions":
            if offers in INHERITED:
                return _with(response, ("Sec-WebSocket-Extensions", offers))
        case "agrees-to-inherited-subprotocols":
            offered = request.get("Sec-WebSocket-Protocol")
            if offered in INHERITED and response.status == 101:
                return _with(response, ("Sec-WebSocket-Protocol", "function"))
        case "refuses-fields-named-like-methods":
            if INHERITED & {name for name, _ in request.headers}:
                return Response(400, "Bad Request", (("Content-Length", "0"),))
        case "parameters-written-onto-objects":
            if any(f"; {word}" in offers for word in INHERITED):
                return Response(500, "Internal Server Error", (("Content-Length", "0"),))
        case "query-written-onto-objects":
            if any(f"?{word}=" in request.target for word in INHERITED):
                return Response(500, "Internal Server Error", (("Content-Length", "0"),))
        case "trips-over-many-fields":
            if len(request.headers) > MANY:
                neighbours.turn_away(writer)
        case "trips-over-many-values":
            if any(value.count(",") + value.count(";") > MANY for value in values):
                neighbours.turn_away(writer)
        case "trips-over-many-query-parameters":
            if request.target.count("&") > MANY:
                neighbours.turn_away(writer)
    return response


def _with(response: Response, field: tuple[str, str]) -> Response:
    if response.status != 101:
        return response
    return Response(
        response.status, response.reason, (*response.headers, field), version=response.version
    )


def echoed(fault: str | None, opcode: int, payload: bytes) -> bytes:
    """The content of an echo, as an application would not change it."""
    if opcode != Opcode.TEXT:
        return payload
    match fault:
        case "turns-crlf-into-lf":
            return payload.replace(b"\r\n", b"\n")
        case "turns-cr-into-lf":
            return payload.replace(b"\r", b"\n")
        case "strips-text":
            return payload.strip()
        case "normalises-text":
            return unicodedata.normalize("NFC", payload.decode()).encode()
        case "reads-and-writes-json":
            try:
                return json.dumps(
                    json.loads(payload, parse_float=_number, parse_int=_number)
                ).encode()
            except ValueError:
                return payload
        case "replaces-control-characters":
            return bytes(octet if octet >= 32 else 63 for octet in payload)
        case "splits-text-into-lines":
            return "\n".join(payload.decode().splitlines()).encode()
        case "unescapes-text":
            return urllib.parse.unquote(html.unescape(payload.decode())).encode()
        case "takes-marks-off":
            return payload.removeprefix(b"\xef\xbb\xbf")
        case "ends-text-at-nul":
            return payload.partition(b"\0")[0]
    return payload


def _number(text: str) -> float | int:
    """A number as languages read it that have only one kind of them."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def waiting(fault: str | None, frame: Frame, octets: bytes, writer: asyncio.StreamWriter) -> bytes:
    """The octets of a frame, while others wait for a client that does not read."""
    transport = writer.transport
    if transport is None or not transport.get_write_buffer_size():
        return octets
    large = len(frame.payload) > 60_000
    match fault:
        case "tears-frames-when-the-buffer-is-full" if large:
            return octets[:-500]
        case "loses-messages-when-the-buffer-is-full" if large:
            return b""
        case "writes-pongs-into-waiting-frames" if large:
            return octets[:700] + Frame(Opcode.PONG, b"now").encode() + octets[700:]
        case "doubles-messages-when-the-buffer-is-full" if large:
            return octets * 2
    return octets
