"""RFC 6455, section 4.1, items 8 and 12: fields of the request reach the application."""

import json

from sockproof.conformance import (
    UNANSWERED,
    Failure,
    Opcode,
    Unsupported,
    case,
    ordinary_handshake,
    text_frame,
)

FIELDS = {
    "cookie": ("Cookie", 'sockproof_a=1; sockproof_b="two"; sockproof_c=a%3Db'),
    "own": ("X-Sockproof-Value", 'commas, semicolons; "quotes" and = signs'),
    "language": ("Accept-Language", "de-CH, en;q=0.5"),
    "origin": ("Origin", "http://localhost:8080"),
    "user-agent": ("User-Agent", "sockproof (conformance)"),
    "blanks": ("X-Sockproof-Blanks", "two  blanks and   three"),
    "equals": ("Cookie", "sockproof=a=b==; other=c=d"),
    "quoted": ("X-Sockproof-Quoted", '"all of it"'),
    "long": ("X-Sockproof-Long", "Abc " * 500 + "end"),
}

UNKNOWN = {
    "list-in-two-lines": [("Accept-Language", "en-US"), ("Accept-Language", "de;q=0.5")],
    "name-of-72-letters": [(f"X-Sockproof-{'Long-' * 11}Name!", "1")],
    "name-of-one-letter": [("X", "1")],
    "name-of-digits": [("1-2-3", "1")],
}


@case("rfc6455-4.2.1-unknown-fields", over={"fields": list(UNKNOWN)}, control=ordinary_handshake)
async def unknown_field_of_an_unusual_form_is_ignored(target, fields):
    await target.handshake(target.upgrade_request(headers=UNKNOWN[fields]))


@case("rfc6455-4.1-header-fields-delivered", needs={"headers"}, over={"field": list(FIELDS)})
async def field_of_the_request_reaches_the_application(target, field):
    name, value = FIELDS[field]
    fields = await _seen(target, [(name, value)])
    if value not in str(fields.get(name.lower())):
        raise Failure(f"{name.lower()}: {value}", f"{name.lower()}: {fields.get(name.lower())}")


@case("rfc6455-4.2.1-obs-fold", needs={"headers"})
async def field_folded_by_a_tab_is_refused_or_read_as_one_line(target):
    wanted = "the handshake refused with 400, or the field read as one line"
    fields = await _odd_line(target, b"X-Odd: one\r\n\ttwo", wanted)
    if fields is not None and str(fields.get("x-odd")).split() != ["one", "two"]:
        raise Failure("x-odd: one two", f"x-odd: {fields.get('x-odd')}")


@case("rfc6455-4.2.1-obs-fold", needs={"headers"})
async def folded_field_is_refused_or_read_as_one_line(target):
    wanted = "the handshake refused with 400, or the field read as one line"
    fields = await _odd_line(target, b"X-Odd: one\r\n  two", wanted)
    if fields is not None and str(fields.get("x-odd")).split() != ["one", "two"]:
        raise Failure("x-odd: one two", f"x-odd: {fields.get('x-odd')}")


@case("rfc6455-4.2.1-field-control-characters", needs={"headers"})
async def nul_in_a_field_is_refused_or_replaced(target):
    wanted = "the handshake refused with 400, or a blank in place of the NUL"
    fields = await _odd_line(target, b"X-Odd: one\0two", wanted)
    if fields is not None and "\0" in str(fields.get("x-odd")):
        raise Failure(wanted, f"x-odd: {fields.get('x-odd')!r}")


@case("rfc6455-4.2.1-field-control-characters", needs={"headers"})
async def cr_in_a_field_is_refused_or_replaced(target):
    wanted = "the handshake refused with 400, or a blank in place of the CR"
    fields = await _odd_line(target, b"X-Odd: one\rtwo", wanted)
    if fields is not None and str(fields.get("x-odd")).split(" ") != ["one", "two"]:
        raise Failure(wanted, f"x-odd: {fields.get('x-odd')!r}")


async def _odd_line(target, line, wanted):
    """What the application sees of a request with an odd line in it; None when it is refused."""
    request = target.upgrade_request("/headers")
    octets = request.encode().replace(b"\r\n", b"\r\n" + line + b"\r\n", 1)
    peer = await target.http()
    peer.send_octets(octets, f"{request}  with a line {line!r}")
    response = await peer.response_or_end(wanted)
    if response is None or response.status not in (101, 400):
        target.non_strict(wanted, response or UNANSWERED)
    if response is None or response.status != 101:
        return None
    socket = peer.upgraded(response)
    return await _told(target, socket)


async def _seen(target, headers):
    """What the application says that it was sent."""
    request = target.upgrade_request("/headers", headers=headers)
    try:
        socket = await target.handshake(request)
    except Failure as failure:  # its policy may be against an Origin, or against any other
        raise Unsupported("a server that lets this request in", failure.got) from failure
    return await _told(target, socket)


async def _told(target, socket):
    """The first JSON object that has the field which every handshake has."""
    socket.send(text_frame("headers"))
    with target.awaits("the request's fields as a JSON object"):
        while True:
            fields = _parsed(await socket.receive())
            if isinstance(fields, dict) and "host" in fields:
                return fields


def _parsed(frame):
    if frame.opcode == Opcode.CLOSE:
        raise Failure("the request's fields as a JSON object", frame)
    try:
        return json.loads(frame.payload)
    except ValueError:
        return None
