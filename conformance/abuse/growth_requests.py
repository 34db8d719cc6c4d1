"""RFC 6455, sections 9.1 and 10.4: requests whose fields are long in a way that costs much to read.

What is known of such servers: an expression that tries each of many blanks, a list that is copied
for each of its members. Each is compared with an ordinary field of the same length.
"""

from collections.abc import Callable
from dataclasses import replace

from sockproof.conformance import Target, case, expect_proportion, request_probe
from sockproof.wire.http import Request

HEAD = 64 * 1024  # octets of a head that is declared to be taken
USUAL_HEAD = 16 * 1024  # where none is declared: few servers take more
ROOM = 2 * 1024  # octets for the rest of the request
NAMES = {
    "connection": "Connection",
    "extensions": "Sec-WebSocket-Extensions",
    "subprotocols": "Sec-WebSocket-Protocol",
    "cookie": "Cookie",
    "other": "X-Sockproof",
}
SHAPES = ("blanks", "tabs", "commas", "tokens", "parameters", "escapes", "equals")
OF_FIELDS = {"field": tuple(NAMES), "shape": SHAPES}
OF_SESSIONS = {**OF_FIELDS, "field": ("extensions", "subprotocols")}
OF_LINES = {"what": ("names", "one-name", "path", "percent", "query")}


def _value(shape: str, length: int) -> str:
    match shape:
        case "blanks":
            return "a" + " " * length + "b"
        case "tabs":
            return "a" + "\t" * length + "b"
        case "commas":
            return "a" + "," * length + "b"
        case "tokens":
            return "a" + ",a" * (length // 2)
        case "parameters":
            return "a" + ";a" * (length // 2)
        case "escapes":
            return 'a;a="' + "\\a" * (length // 2) + '"'
    return "a" + "=" * length


def _field(request: Request, field: str, value: str) -> Request:
    name = NAMES[field]
    if field == "connection":
        return request.having(name, f"Upgrade, {value}")
    return request.having(name, value)


def _lines(request: Request, what: str, length: int) -> Request:
    path, _, query = request.target.partition("?")
    match what:
        case "names":
            more = tuple((f"x{number:x}", "") for number in range(length // 8))
            return replace(request, headers=(*request.headers, *more))
        case "one-name":
            return replace(request, headers=(*request.headers, *[("x-many", "")] * (length // 10)))
        case "path":
            return replace(request, target=f"{path}{'/..' * (length // 3)}?{query}")
        case "percent":
            return replace(request, target=f"{path}?{query}&a={'%41' * (length // 3)}")
    return replace(request, target=f"{path}?{query}{'&a' * (length // 2)}")


async def _compare(target: Target, what: str, spoil: Callable[[Request, int], Request]) -> None:
    def spoilt(length: int) -> Request:
        return spoil(_handshake(target), length)

    def harmless(length: int) -> Request:
        return _handshake(target).adding("X-Sockproof", "x" * length)

    most = min(target.limit("max_header_octets") or USUAL_HEAD, HEAD) - ROOM
    probes = (request_probe(target, spoilt), request_probe(target, harmless))
    await expect_proportion(what, *probes, most)


def _handshake(target: Target) -> Request:
    if target.address.is_websocket:
        return target.upgrade_request(protocols=())
    return target.upgrade_request(f"{target.engineio_path}?EIO=4&transport=websocket")


async def _compare_field(target: Target, field: str, shape: str) -> None:
    await _compare(
        target,
        f"{shape} in {NAMES[field]}",
        lambda request, length: _field(request, field, _value(shape, length)),
    )


async def _compare_lines(target: Target, what: str) -> None:
    await _compare(target, what, lambda request, length: _lines(request, what, length))


@case("rfc6455-10.4-proportion", exclusive=True, limit=90, over=OF_FIELDS)
async def long_field_is_read_in_proportion(target: Target, field: str, shape: str) -> None:
    await _compare_field(target, field, shape)


@case("rfc6455-10.4-proportion", exclusive=True, limit=90, over=OF_LINES)
async def many_parts_of_a_request_are_read_in_proportion(target: Target, what: str) -> None:
    await _compare_lines(target, what)


@case("eio-proportion", needs="websocket", exclusive=True, limit=90, over=OF_SESSIONS)
async def long_field_of_a_session_is_read_in_proportion(
    target: Target, field: str, shape: str
) -> None:
    await _compare_field(target, field, shape)


@case("eio-proportion", needs="websocket", exclusive=True, limit=90, over=OF_LINES)
async def many_parts_of_a_session_request_are_read_in_proportion(target: Target, what: str) -> None:
    await _compare_lines(target, what)
