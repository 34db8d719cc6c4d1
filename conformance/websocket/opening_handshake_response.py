"""RFC 6455, sections 4.2.2, 9.1 and 11.3: what the server answers to an opening handshake."""

from sockproof.conformance import (
    UNANSWERED,
    Failure,
    Opcode,
    Unsupported,
    agreed_deflate,
    case,
    check_upgrade,
    client_frame,
    ordinary_handshake,
    text_frame,
)
from sockproof.wire import WireError
from sockproof.wire.deflate import parse_extensions
from sockproof.wire.http import accept_value

# The key of RFC 6455, 1.3, and one from an introduction to the protocol, with their answers.
PAIRS = {
    "rfc 6455": ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    "introduction": ("sN9cRrP/n9NdMgdcy2VJFQ==", "fFBooB7FAkLlXgRSz0BT3v4hq5s="),
}
SAMPLE = PAIRS["rfc 6455"][0]
REFUSED = {
    "version": ("Sec-WebSocket-Version", "14"),
    "key": ("Sec-WebSocket-Key", None),
}
QUOTED = {"as it is": '"10"', "escaped": r'"1\0"'}
WINDOW = "permessage-deflate; client_max_window_bits={}"
UNKNOWN = ["x-sockproof", "x-sockproof; level=3; fast", 'x-sockproof; level="3", x-other']
MALFORMED = {
    "empty": "",
    "commas only": ", ,",
    "two words": "permessage deflate",
    "no parameter": "permessage-deflate; ; x",
    "no value": "permessage-deflate; client_max_window_bits=",
    "open quote": 'permessage-deflate; client_max_window_bits="10',
    "not a token": "permessage-deflate; (x)",
    "two values": "permessage-deflate; client_max_window_bits=10=11",
    "no name": "permessage-deflate; =10",
    "semicolon at the end": "permessage-deflate;",
    "semicolon before a comma": "x-sockproof;, permessage-deflate",
}


# What a handshake offers or says beside what it must: subprotocols, extensions, other fields.
OFFERS = {
    "subprotocols": (["proof.v1", "proof.v2"], None, {}),
    "extensions": ((), "permessage-deflate; client_max_window_bits", {}),
    "origin": ((), None, {"Origin": "http://127.0.0.1", "Cookie": "a=b"}),
    "keep-alive": ((), None, {"Connection": "keep-alive, Upgrade", "User-Agent": "Mozilla/5.0"}),
    "everything": (
        ["proof.v1", "x-unknown"],
        "x-unknown, permessage-deflate",
        {"Connection": "keep-alive, Upgrade", "Cache-Control": "no-cache", "Cookie": "a=b; c=d"},
    ),
}


# Sec-WebSocket-Accept.


@case("rfc6455-4.2.2-accept", over={"pair": list(PAIRS)}, control=ordinary_handshake)
async def accept_value_of_a_printed_key_is_the_printed_one(target, pair):
    key, accept = PAIRS[pair]
    response = await _answer(target, target.upgrade_request().having("Sec-WebSocket-Key", key))
    if response.get("Sec-WebSocket-Accept") != accept:
        got = f"Sec-WebSocket-Accept: {response.get('Sec-WebSocket-Accept')}"
        raise Failure(f"Sec-WebSocket-Accept: {accept}", got)


@case("rfc6455-4.2.2-accept")
async def accept_values_of_random_keys_are_right(target):
    for _ in range(4):
        await target.handshake(target.upgrade_request())


@case(
    "rfc6455-4.1-key-untouched",
    over={"key": ["plus and slash", "plus"]},
    control=ordinary_handshake,
)
async def accept_value_is_made_of_the_key_as_it_was_sent(target, key):
    key = ("+/" * 10 + "+w==") if key == "plus and slash" else "+" * 21 + "w=="
    await target.handshake(target.upgrade_request().having("Sec-WebSocket-Key", key))


@case("rfc6455-11.3.3-accept-once")
async def accept_value_stands_there_once(target):
    response = await _answer(target, _sample(target))
    values = response.all("Sec-WebSocket-Accept")
    if len(values) != 1:
        raise Failure("one Sec-WebSocket-Accept", f"{len(values)}: {', '.join(values)}")


# The head.


@case("rfc6455-4.2.2-valid-response")
async def response_is_a_valid_head_of_http_1_1(target):
    response = await _answer(target, _sample(target))
    if response.version != "HTTP/1.1":
        raise Failure("HTTP/1.1 101", response)
    wrong = [name for name, value in response.headers if "\r" in value or "\0" in value]
    if response.violations or wrong:
        got = [*response.violations, *(f"CR or NUL in the value of {name}" for name in wrong)]
        raise Failure("a valid head", "; ".join(got))


@case("rfc6455-4.2.2-upgrade")
async def response_has_upgrade_and_connection(target):
    request = _sample(target)
    response = await _answer(target, request)
    check_upgrade(request, response)


@case("rfc6455-4.2.2-no-content", over={"field": ["Content-Length", "Transfer-Encoding"]})
async def response_announces_no_content(target, field):
    response = await _answer(target, _sample(target))
    if response.get(field) is not None:
        raise Failure(f"no {field} in a 101", f"{field}: {response.get(field)}")


@case("rfc6455-4.2.2-no-content")
async def octets_behind_the_101_are_frames(target):
    socket = await target.connect()
    fence = client_frame(Opcode.PING, b"what follows the 101?")
    socket.send(fence)
    with target.awaits("frames, and a Pong among them"):
        while (await socket.receive()).payload != fence.payload:
            pass  # a server may send of its own accord


@case("rfc6455-4.2.2-valid-response", over={"offer": list(OFFERS)})
async def response_is_a_valid_head_whatever_was_offered(target, offer):
    _, response = await _offered(target, offer)
    if response is not None and response.violations:
        raise Failure("a valid head", "; ".join(response.violations))


@case("rfc6455-11.3.3-accept-once", over={"offer": list(OFFERS)})
async def accept_value_stands_there_once_whatever_was_offered(target, offer):
    request, response = await _offered(target, offer)
    wanted = [accept_value(request.get("Sec-WebSocket-Key"))]
    if response is not None and response.all("Sec-WebSocket-Accept") != wanted:
        got = ", ".join(response.all("Sec-WebSocket-Accept"))
        raise Failure(f"one Sec-WebSocket-Accept: {wanted[0]}", got or "none")


@case("rfc6455-4.2.2-no-content", over={"offer": list(OFFERS)})
async def response_announces_no_content_whatever_was_offered(target, offer):
    _, response = await _offered(target, offer)
    for field in ("Content-Length", "Transfer-Encoding"):
        if response is not None and response.get(field) is not None:
            raise Failure(f"no {field} in a 101", f"{field}: {response.get(field)}")


@case("rfc6455-4.2.2-open-after-101", needs={"echo", "subprotocols"})
async def frame_right_behind_a_101_with_a_subprotocol_is_served(target):
    socket = await target.handshake(target.upgrade_request(protocols=["proof.v1"]))
    socket.send(text_frame("the very first"), text_frame("second"))
    await socket.expect_message("the very first")


@case("rfc6455-4.2.2-open-after-101", needs={"echo"})
async def frame_right_behind_the_101_is_served(target):
    socket = await target.connect()
    socket.send(text_frame("the very first"), text_frame("second"))
    await socket.expect_message("the very first")


# Extensions. Those of permessage-deflate are in the suite `deflate`.


@case("rfc6455-4.2.2-extensions-offered")
async def no_extension_is_agreed_when_none_was_offered(target):
    response = await _answer(target, _sample(target))
    if response.get("Sec-WebSocket-Extensions") is not None:
        got = f"Sec-WebSocket-Extensions: {response.get('Sec-WebSocket-Extensions')!r}"
        raise Failure("no Sec-WebSocket-Extensions", got)


@case("rfc6455-4.2.2-extension-unknown-declined", control=ordinary_handshake)
async def unknown_extension_is_declined_silently(target):
    for unknown in UNKNOWN:
        request = target.upgrade_request(extensions=unknown)
        response = await (await target.http()).ask(request, "101 Switching Protocols", body=False)
        if response.status != 101:
            raise Failure("101 Switching Protocols", response)
        if response.get("Sec-WebSocket-Extensions") is not None:
            got = f"Sec-WebSocket-Extensions: {response.get('Sec-WebSocket-Extensions')!r}"
            raise Failure("no Sec-WebSocket-Extensions", got)


@case("rfc6455-9.1-malformed-header", over={"value": list(MALFORMED)}, control=ordinary_handshake)
async def malformed_extensions_are_refused(target, value):
    await _refused_unless_unread(target, MALFORMED[value])


@case("rfc6455-9.1-quoted-not-token", control=ordinary_handshake)
async def quoted_value_that_is_no_token_is_refused(target):
    await _refused_unless_unread(target, 'x-sockproof; level="1 0"')


async def _refused_unless_unread(target, value):
    """A server without any extension may ignore the offers, and need not read the field."""
    try:
        await (await target.http()).refused(target.upgrade_request(extensions=value), 400)
    except Failure as failure:
        if target.supports("permessage-deflate"):
            raise
        target.non_strict(failure.expected, failure)


@case(
    "rfc6455-9.1-quoted-value",
    needs={"permessage-deflate"},
    over={"value": list(QUOTED)},
)
async def quoted_value_equals_the_same_value_unquoted(target, value):
    plain = await _answer(target, target.upgrade_request(extensions=WINDOW.format("10")))
    wanted = f"as without quotes: {plain.get('Sec-WebSocket-Extensions')}"
    request = target.upgrade_request(extensions=WINDOW.format(QUOTED[value]))
    quoted = await (await target.http()).ask(request, wanted, body=False)
    if quoted.status != 101:
        raise Failure(wanted, quoted)
    if agreed_deflate(quoted) is None and agreed_deflate(plain) is not None:
        target.non_strict(wanted, "None")  # any offer may be declined (RFC 7692, 5.1)
    elif agreed_deflate(plain) != agreed_deflate(quoted):
        raise Failure(wanted, str(quoted.get("Sec-WebSocket-Extensions")))


@case("rfc6455-11.3.2-response-once", needs={"permessage-deflate"})
async def response_has_one_line_with_the_extension(target):
    for offer in ("permessage-deflate", "permessage-deflate; client_max_window_bits"):
        response = await _answer(target, target.upgrade_request(extensions=offer))
        lines = response.all("Sec-WebSocket-Extensions")
        if len(lines) > 1:
            got = f"{len(lines)}: {', '.join(lines)}"
            raise Failure("one line Sec-WebSocket-Extensions", got)


@case("rfc6455-11.3.2-response-once", needs={"permessage-deflate"})
async def response_to_several_lines_has_one_with_the_extension(target):
    request = target.upgrade_request(extensions="x-unknown, permessage-deflate")
    request = request.adding("Sec-WebSocket-Extensions", "permessage-deflate")
    response = await _answer(target, request)
    lines = response.all("Sec-WebSocket-Extensions")
    if len(lines) > 1:
        got = f"{len(lines)}: {', '.join(lines)}"
        raise Failure("one line Sec-WebSocket-Extensions", got)


@case("rfc6455-9.1-response-grammar", needs={"permessage-deflate"})
async def extensions_of_the_response_keep_to_the_grammar(target):
    offer = "permessage-deflate; client_max_window_bits"  # as browsers offer it
    request = target.upgrade_request(extensions=offer)
    value = (await _answer(target, request)).get("Sec-WebSocket-Extensions")
    try:
        names = [each.name for each in parse_extensions(value)] if value is not None else []
    except WireError as error:
        raise Failure("extensions by the grammar of 9.1", f"{value!r}: {error}") from error
    if set(names) - {"permessage-deflate"}:
        raise Failure("only extensions that were offered", repr(value))


# Refusals.


@case("rfc6455-4.2.1-error-status", over={"cause": list(REFUSED)}, control=ordinary_handshake)
async def refusal_has_an_error_status(target, cause):
    _, response = await _refusal(target, cause)
    if response is None:
        target.non_strict("an error status", UNANSWERED)
    elif response.status < 400:
        raise Failure("an error status", response)


@case("rfc6455-10.7-handshake-status", over={"cause": list(REFUSED)}, control=ordinary_handshake)
async def invalid_handshake_is_answered_rather_than_cut_off(target, cause):
    _, response = await _refusal(target, cause)
    if response is None:
        target.non_strict("a fitting HTTP status", UNANSWERED)


@case("rfc6455-4.2.1-error-framing", over={"cause": list(REFUSED)}, control=ordinary_handshake)
async def refusal_is_a_whole_http_response(target, cause):
    peer, response = await _refusal(target, cause, whole=True)
    if response is None:
        target.non_strict("a refusal by HTTP", UNANSWERED)
        return
    if response.violations:
        raise Failure("a valid head", "; ".join(response.violations))
    if response.get("Content-Length") is not None and response.get("Transfer-Encoding") is not None:
        raise Failure("Content-Length or Transfer-Encoding (RFC 9112, 6.2)", "both")
    if "close" in response.tokens("Connection"):
        await peer.expect_end()  # and nothing behind the body
        return
    again = target.upgrade_request()
    peer.send(again)
    response = await peer.response_or_end("another response, or the end")
    if response is not None:
        check_upgrade(again, response)


@case("rfc6455-1.3-not-101-not-open", over={"cause": list(REFUSED)}, control=ordinary_handshake)
async def no_frame_follows_a_refusal(target, cause):
    with target.preparing("the whole of a refusal"):
        peer, response = await _refusal(target, cause, whole=True)
    if response is None or "close" not in response.tokens("Connection"):
        peer.send(target.upgrade_request().without("Upgrade"))
    peer.stream.end_writing()  # so that a server which forgets to close has a reason to
    octets = await peer.octets("no frame: an HTTP response, or the end")
    if octets and not octets.startswith(b"HTTP/1."):
        raise Failure("no frame: an HTTP response, or the end", repr(octets[:60]))


@case("rfc6455-4.2.1-stops-processing", over={"cause": list(REFUSED)}, control=ordinary_handshake)
async def frames_behind_a_refusal_are_not_served(target, cause):
    with target.preparing("the whole of a refusal"):
        peer, _ = await _refusal(target, cause, whole=True)
    frame = text_frame("served?")
    peer.send_octets(frame.encode() + b"\r\n\r\n", f"{frame}, and an empty line")
    peer.stream.end_writing()
    octets = await peer.octets("no frame: an HTTP response, or the end")
    if octets and not octets.startswith(b"HTTP/1."):
        raise Failure("no frame: an HTTP response, or the end", repr(octets[:60]))


async def _refusal(target, cause, *, whole=False):
    """A connection on which a handshake has been refused, and the refusal (None: cut off).

    Its body is read if it is wanted `whole`: whether one that is announced comes is for the case
    about that.
    """
    name, value = REFUSED[cause]
    request = target.upgrade_request()
    peer = await target.http()
    peer.send(request.without(name) if value is None else request.having(name, value))
    wanted = "a refusal as a whole HTTP response"
    response = await peer.response_or_end(wanted, body=whole)
    if response is not None and response.status == 101:
        raise Unsupported("a refusal, so that it can be looked at", f"it is accepted: {response}")
    return peer, response


async def _offered(target, offer):
    """A handshake that offers more than it has to, and its 101 (None: it was refused)."""
    protocols, extensions, fields = OFFERS[offer]
    request = target.upgrade_request(protocols=protocols, extensions=extensions)
    for name, value in fields.items():
        request = request.having(name, value)
    peer = await target.http()
    peer.send(request)
    response = await peer.response_or_end("a 101, or a refusal")
    return request, response if response is not None and response.status == 101 else None


def _sample(target):
    return target.upgrade_request().having("Sec-WebSocket-Key", SAMPLE)


async def _answer(target, request):
    """The 101 to a request, not judged any further; of another answer these cases say nothing."""
    with target.preparing("101 Switching Protocols"):
        response = await (await target.http()).ask(request, "101 Switching Protocols", body=False)
        if response.status != 101:
            raise Failure("101 Switching Protocols", response)
    return response
