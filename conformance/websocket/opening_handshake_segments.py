"""RFC 6455, sections 4.1 and 4.2: how the handshake's octets fall into TCP segments."""

from sockproof.conformance import (
    Failure,
    Opcode,
    StreamClosed,
    case,
    check_upgrade,
    ordinary_handshake,
    text_frame,
)

# What has arrived when the first segment of two has.
FIRST_SEGMENTS = {
    "half a request line": lambda octets: octets[:7],
    "request line": lambda octets: octets[: octets.index(b"\r\n") + 2],
    "half a field name": lambda octets: octets[: octets.index(b"Sec-WebSocket-Key") + 9],
    "half a value": lambda octets: octets[: octets.index(b"Sec-WebSocket-Key") + 25],
    "CR of a line": lambda octets: octets[: octets.index(b"\r\nSec-WebSocket-Version") + 1],
    "all lines": lambda octets: octets[:-2],
    "all but the last octet": lambda octets: octets[:-1],
}


@case("rfc6455-4.2.1-octet-by-octet", control=ordinary_handshake)
async def request_in_pieces_of_one_octet_is_the_same_request(target):
    request = target.upgrade_request()
    peer = await target.http()
    await peer.send_pieces(request)
    check_upgrade(request, await peer.response("101 Switching Protocols"))


@case(
    "rfc6455-4.2.1-octet-by-octet", over={"first": list(FIRST_SEGMENTS)}, control=ordinary_handshake
)
async def request_in_two_segments_is_the_same_request(target, first):
    request = target.upgrade_request()
    peer = await _after_the_first(target, request, first)
    check_upgrade(request, await peer.response("101 Switching Protocols"))


@case(
    "rfc6455-4.2.2-whole-request",
    over={"first": ["all lines", "all but the last octet"]},
    control=ordinary_handshake,
)
async def request_is_answered_when_its_end_has_come(target, first):
    peer = await _after_the_first(target, target.upgrade_request(), first, nothing_yet=True)
    await peer.response("an answer")


@case("rfc6455-4.1-client-waits", needs={"echo"}, control=ordinary_handshake)
async def frame_in_the_segment_of_the_request_is_served_or_refused(target):
    peer = await target.http()
    peer.send(target.upgrade_request())
    peer.send_octets(text_frame("early").encode(), "TEXT 'early', before the response")
    response = await peer.response_or_end("101 or a refusal")
    if response is None or response.status != 101:
        return
    socket = peer.upgraded(response)
    socket.remember(text_frame("early").encode())
    socket.send(text_frame("later"))
    wanted = "an echo of 'early' before that of 'later', or the connection failed"
    with target.awaits(wanted):
        try:
            got = await socket.receive_answer()
        except StreamClosed:
            return
    # The client should have waited (4.1), so that the loss is its own fault as well.
    if got.payload == b"later":
        target.non_strict(wanted, f"'early' is lost: {got}")
    elif got.opcode != Opcode.CLOSE and got.payload != b"early":
        raise Failure(wanted, got)


@case("rfc6455-4.1-client-waits", needs={"echo"})
async def frames_in_the_segment_of_the_request_are_served_all_or_none(target):
    """Where the first of them is served, there is no reason to lose the second."""
    early = [text_frame("early"), text_frame("as early")]
    peer = await target.http()
    peer.send(target.upgrade_request())
    octets = b"".join(frame.encode() for frame in early)
    peer.send_octets(octets, "TEXT 'early' and TEXT 'as early', before the response")
    response = await peer.response_or_end("101 or a refusal")
    if response is None or response.status != 101:
        return
    socket = peer.upgraded(response)
    socket.remember(octets)
    socket.send(text_frame("later"))
    wanted = "echoes of 'early' and 'as early' before that of 'later', or the connection failed"
    with target.awaits(wanted):
        try:
            if (await socket.receive_answer()).payload != b"early":
                return  # all of them are lost, which the case above says
            got = await socket.receive_answer()
        except StreamClosed:
            return
    if got.payload == b"later":
        target.non_strict(wanted, "'as early' is lost")


async def _after_the_first(target, request, first, nothing_yet=False):
    """A connection on which the request has been sent in two segments, surely read one by one."""
    octets = request.encode()
    begin = FIRST_SEGMENTS[first](octets)
    peer = await target.http()
    peer.send_octets(begin, f"{request}  up to {begin[-12:]!r}")
    await target.connect()  # the server has looked at its sockets by the time that this is open
    await target.connect()
    if nothing_yet:
        peer.expect_nothing_yet("an answer when the empty line has come")
    peer.send_octets(octets[len(begin) :], "the rest of it")
    return peer
