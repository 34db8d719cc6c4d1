"""Engine.IO protocol, section "WebSocket", and the packet encoding on it."""

import asyncio

from sockproof.conformance import (
    Failure,
    Opcode,
    StreamClosed,
    Unsupported,
    case,
    text_frame,
    text_packet,
)
from sockproof.wire.engineio import PacketType

NEEDS = {"websocket", "fixture"}
LARGEST = 16 * 1024 * 1024  # octets; a larger maxPayload is not exceeded by a case


async def _opens_no_session(target, query):
    """A WebSocket with this query is refused, or closed before an OPEN packet."""
    wanted = "the WebSocket refused or closed"
    websocket, opened = await _session_of(target, query, wanted)
    if websocket is not None:
        raise Failure(wanted, str(opened))


async def _session_of(target, query, wanted):
    """The WebSocket with this query and the OPEN packet on it; two None when it is refused.

    Some servers write an HTTP response on a WebSocket that they have opened and close it then:
    no right frame, but the client is refused.
    """
    http = await target.http()
    http.send(target.upgrade_request(f"{target.engineio_path}?{query}"))
    response = await http.response_or_end(wanted)
    if response is None or response.status != 101:
        return None, None
    websocket = http.upgraded(response)
    with target.awaits(wanted):
        try:
            frame = await websocket.receive()
        except StreamClosed:
            return None, None
        except Failure as failure:
            target.non_strict(wanted, failure.got)
            return None, None
    if frame.opcode == Opcode.CLOSE or frame.payload[:1] != b"0":
        return None, None
    return websocket, frame


@case("eio-websocket-eio-missing", needs={"websocket"})
async def websocket_without_eio_is_refused(target):
    await _opens_no_session(target, "transport=websocket")


@case("eio-websocket-transport-missing", needs={"websocket"})
async def websocket_without_transport_is_refused(target):
    await _opens_no_session(target, "EIO=4")


@case("eio-websocket-eio-invalid", needs={"websocket"}, over={"revision": ["abc", "3", "99"]})
async def websocket_of_another_revision_is_refused(target, revision):
    wanted = "the WebSocket refused or closed, or a session of another revision"
    websocket, opened = await _session_of(target, f"EIO={revision}&transport=websocket", wanted)
    if websocket is None:
        return
    # A server may speak revision 3 too, whose client is in the main namespace without asking.
    websocket.send(text_frame("40"))
    with target.awaits(wanted):
        try:
            frame = await websocket.receive()
        except StreamClosed:
            return
    if frame.payload.startswith(b"40{"):
        raise Failure(wanted, f"a session of revision 4: {opened}")
    target.non_strict(wanted, str(opened))


@case("eio-websocket-transport-unknown", needs={"websocket"})
async def websocket_for_an_unknown_transport_is_refused(target):
    await _opens_no_session(target, "EIO=4&transport=abc")


@case("eio-websocket-sid-unknown", needs={"websocket"})
async def websocket_with_an_unknown_sid_is_refused(target):
    sid = target.unique("nobody")
    await _opens_no_session(target, f"EIO=4&transport=websocket&sid={sid}")


@case("eio-websocket-packet-sent", needs=NEEDS)
async def each_packet_is_a_message_of_its_own(target):
    peer = await target.socketio("websocket")
    words = [f"word {number}" for number in range(6)]
    frames = (text_frame(f'42["message","{word}"]') for word in words)
    peer.engine.websocket.send(*frames)
    for word in words:
        await peer.expect_event("message-back", word)


@case("eio-websocket-packet-received", needs={*NEEDS, "slow-timers"})
async def separator_in_a_message_separates_nothing(target):
    peer = await target.socketio("websocket")
    peer.engine.websocket.send(text_frame('3\x1e42["message","split"]'))
    wanted = "the PONG with its odd data ignored, or the session closed"
    if came := await peer.aftermath(expected=wanted):
        raise Failure(wanted, str(came[0]))


@case("eio-websocket-binary-sent", needs=NEEDS)
async def binary_data_is_sent_as_it_is(target):
    peer = await target.socketio("websocket")
    octets = b"sockproof" * 40
    await peer.emit("message", octets)
    await peer.receive_raw()
    got = await peer.receive_raw()
    if got != octets:
        raise Failure(f"BINARY {octets[:20]!r}…", f"{got[:20]!r}…")


@case("eio-websocket-binary-received", needs=NEEDS)
async def binary_data_is_read_as_it_is(target):
    peer = await target.socketio("websocket")
    octets = b"\x04 begins as a MESSAGE of older revisions did"
    await peer.emit("message", octets)
    await peer.expect_event("message-back", octets)


@case("eio-websocket-utf8", needs=NEEDS)
async def text_beyond_ascii_comes_back_as_it_was(target):
    peer = await target.socketio("websocket")
    await peer.emit("message", "é € ☃ 𝄞")
    await peer.expect_event("message-back", "é € ☃ 𝄞")


@case("eio-message-websocket", needs=NEEDS, over={"text": ["controls", "long"]})
async def message_on_a_websocket_arrives_unchanged(target, text):
    peer = await target.socketio("websocket")
    value = "".join(map(chr, range(32))) + '"\\/\x7f' if text == "controls" else "long " * 20_000
    await peer.emit("message", value)
    await peer.expect_event("message-back", value)


@case("eio-message-websocket", needs=NEEDS)
async def many_messages_on_a_websocket_keep_their_order(target):
    peer = await target.socketio("websocket")
    for number in range(100):
        await peer.emit("message", number)
    for number in range(100):
        await peer.expect_event("message-back", number)
    await peer.quiet()


# A second WebSocket for a session.

BOTH = {"transport": ["websocket", "upgrade"]}


async def _second(target, peer):
    """A second WebSocket for the session, or None when its handshake is refused."""
    where = f"{target.engineio_path}?EIO=4&transport=websocket&sid={peer.engine.sid}"
    http = await target.http()
    http.send(target.upgrade_request(where))
    try:
        response = await http.response("an answer to a second handshake", body=False)
    except Failure as failure:
        if isinstance(failure.__cause__, StreamClosed):
            return None
        raise
    return http.upgraded(response) if response.status == 101 else None


@case("eio-websocket-second", needs={"upgrade", "fixture"}, over=BOTH)
async def second_websocket_of_a_session_is_closed(target, transport):
    peer = await target.socketio(transport)
    await peer.quiet()  # an upgrade is complete by now
    second = await _second(target, peer)
    if second is None:
        return
    wanted = "the second WebSocket closed"
    second.send(text_packet(PacketType.PING, "probe"))
    with target.awaits(wanted):
        try:
            frame = await second.receive()
        except StreamClosed:
            return
    if frame.opcode != Opcode.CLOSE:
        raise Failure(wanted, str(frame))


@case("eio-websocket-second-harmless", needs={"upgrade", "fixture"}, over=BOTH)
async def second_websocket_takes_nothing_from_the_first(target, transport):
    peer = await target.socketio(transport)
    await peer.quiet()
    second = await _second(target, peer)
    await peer.emit("message", "for the first")
    wanted = "the message on the first WebSocket, or the session closed"
    with target.awaits(wanted):
        first_heard = asyncio.ensure_future(_heard(peer.engine.websocket, b"for the first"))
        second_heard = asyncio.ensure_future(_heard(second))
        try:
            await asyncio.wait({first_heard, second_heard}, return_when=asyncio.FIRST_COMPLETED)
            if second_heard.done() and second_heard.result():
                raise Failure(wanted, f"on the second WebSocket: {second_heard.result()}")
            await first_heard
        finally:
            first_heard.cancel()
            second_heard.cancel()


async def _heard(websocket, word=b""):
    """The next message with this word; None when the WebSocket ends first, or was never there."""
    if websocket is None:
        return None
    try:
        while word not in (frame := await websocket.receive()).payload:
            if frame.opcode == Opcode.CLOSE:
                return None
    except StreamClosed:
        return None
    return None if frame.opcode == Opcode.CLOSE else frame


# How large a message may be.


def _filled(octets):
    """An event of so many octets that is acknowledged."""
    head, tail = '427["message-with-ack","', '"]'
    return head + "x" * (octets - len(head) - len(tail)) + tail


def _max_payload(peer):
    announced = peer.engine.handshake.max_payload
    if announced is None or announced > LARGEST:
        raise Unsupported(f"a maxPayload of at most {LARGEST}", f"maxPayload: {announced}")
    return announced


@case("eio-websocket-max-payload-accepted", needs=NEEDS, exclusive=True)
async def message_of_max_payload_octets_is_accepted(target):
    peer = await target.socketio("websocket")
    octets = _max_payload(peer)
    peer.engine.websocket.send(text_frame(_filled(octets)))
    with target.awaits(f"the answer to a message of {octets} octets"):
        await peer.ack(7)


@case("eio-websocket-max-payload-exceeded", needs={*NEEDS, "slow-timers"}, exclusive=True)
async def message_of_more_than_max_payload_octets_is_refused(target):
    peer = await target.socketio("websocket")
    octets = _max_payload(peer) + 1
    peer.engine.websocket.send(text_frame(_filled(octets)))
    await peer.engine.expect_closed(f"a message of {octets} octets refused", lenient=True)


@case("eio-packet-type-unknown-websocket", needs={"websocket", "slow-timers"})
async def message_without_a_packet_type_closes_the_session(target):
    engine = await target.connect_engineio("websocket")
    engine.websocket.send(text_frame("abc"))
    await engine.expect_closed(lenient=True)
