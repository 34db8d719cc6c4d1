"""Engine.IO protocol, section "WebSocket", and the packet encoding on it."""

import asyncio
import contextlib

from sockproof.conformance import (
    Failure,
    Opcode,
    StreamClosed,
    Unsupported,
    case,
    expect_no_probe,
    ordinary_websocket_session,
    text_frame,
)

NEEDS = {"websocket", "message-echo"}
LARGEST = 16 * 1024 * 1024  # octets; a larger maxPayload is not exceeded by a case


async def _opens_no_session(target, query):
    """A WebSocket with this query is refused, or closed before an OPEN packet."""
    wanted = "the WebSocket refused or closed"
    websocket, opened = await _session_of(target, query, wanted)
    if websocket is not None:
        raise Failure(wanted, opened)


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
            target.non_strict(wanted, failure)
            return None, None
    if frame.opcode == Opcode.CLOSE or frame.payload[:1] != b"0":
        return None, None
    return websocket, frame


@case("eio-websocket-eio-missing", needs={"websocket"}, control=ordinary_websocket_session)
async def websocket_without_eio_is_refused(target):
    await _opens_no_session_of_revision_4(target, "transport=websocket")


@case("eio-websocket-transport-missing", needs={"websocket"}, control=ordinary_websocket_session)
async def websocket_without_transport_is_refused(target):
    await _opens_no_session(target, "EIO=4")


@case(
    "eio-websocket-eio-invalid",
    needs={"websocket"},
    over={"revision": ["abc", "3", "99"]},
    control=ordinary_websocket_session,
)
async def websocket_of_another_revision_is_refused(target, revision):
    await _opens_no_session_of_revision_4(target, f"EIO={revision}&transport=websocket")


async def _opens_no_session_of_revision_4(target, query):
    wanted = "the WebSocket refused or closed, or a session of another revision"
    websocket, opened = await _session_of(target, query, wanted)
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
    target.non_strict(wanted, opened)


@case("eio-websocket-transport-unknown", needs={"websocket"}, control=ordinary_websocket_session)
async def websocket_for_an_unknown_transport_is_refused(target):
    await _opens_no_session(target, "EIO=4&transport=abc")


@case("eio-websocket-sid-unknown", needs={"websocket"}, control=ordinary_websocket_session)
async def websocket_with_an_unknown_sid_is_refused(target):
    sid = target.unique("nobody")
    await _opens_no_session(target, f"EIO=4&transport=websocket&sid={sid}")


@case("eio-websocket-packet-sent", needs=NEEDS)
async def each_packet_is_a_message_of_its_own(target):
    peer = await target.echo("websocket")
    words = [f"word {number}" for number in range(6)]
    await peer.say(*words)
    await peer.hear(*words)


@case("eio-websocket-packet-received", needs={*NEEDS, "slow-timers"})
async def separator_in_a_message_separates_nothing(target):
    peer = await target.echo("websocket")
    (packet,) = peer.packets("split")
    peer.engine.websocket.send(text_frame(f"3\x1e{packet.encode()}"))
    await peer.say("fence")
    wanted = "the PONG with its odd data ignored, or the session closed"
    with target.awaits(wanted):
        while (message := await peer.engine.message_or_end()) is not None:
            if "split" in str(message.data):
                raise Failure(wanted, message)
            if "fence" in str(message.data):
                return


@case("eio-websocket-binary-sent", needs=NEEDS)
async def binary_data_is_sent_as_it_is(target):
    peer = await target.echo("websocket")
    octets = b"sockproof" * 40
    await peer.say(octets)
    await peer.hear(octets)


@case("eio-websocket-binary-received", needs=NEEDS)
async def binary_data_is_read_as_it_is(target):
    peer = await target.echo("websocket")
    octets = b"\x04 begins as a MESSAGE of older revisions did"
    await peer.say(octets)
    await peer.hear(octets)


@case("eio-websocket-utf8", needs=NEEDS)
async def text_beyond_ascii_comes_back_as_it_was(target):
    peer = await target.echo("websocket")
    await peer.say("é € ☃ 𝄞")
    await peer.hear("é € ☃ 𝄞")


@case("eio-message-websocket", needs=NEEDS, over={"text": ["controls", "long"]})
async def message_on_a_websocket_arrives_unchanged(target, text):
    peer = await target.echo("websocket")
    value = "".join(map(chr, range(32))) + '"\\/\x7f' if text == "controls" else "long " * 20_000
    await peer.say(value)
    await peer.hear(value)


@case("eio-message-websocket", needs=NEEDS)
async def many_messages_on_a_websocket_keep_their_order(target):
    peer = await target.echo("websocket")
    for number in range(100):
        await peer.say(number)
    for number in range(100):
        await peer.hear(number)
    await peer.quiet()


# A second WebSocket for a session.

BOTH = {"transport": ["websocket", "upgrade"]}


async def _second(target, peer):
    """A second WebSocket for the session, or None when its handshake is refused."""
    where = f"{target.engineio_path}?{peer.engine.query_of('websocket')}"
    http = await target.http()
    http.send(target.upgrade_request(where))
    try:
        response = await http.response("an answer to a second handshake", body=False)
    except Failure as failure:
        if isinstance(failure.__cause__, StreamClosed):
            return None
        raise
    return http.upgraded(response) if response.status == 101 else None


@case("eio-websocket-second", needs=NEEDS, over=BOTH, control=ordinary_websocket_session)
async def second_websocket_of_a_session_is_closed(target, transport):
    peer = await target.echo(transport)
    await peer.quiet()  # an upgrade is complete by now
    second = await _second(target, peer)
    if second is None:
        return
    await expect_no_probe(second, "the second WebSocket closed")


@case("eio-websocket-second-harmless", needs=NEEDS, over=BOTH, control=ordinary_websocket_session)
async def second_websocket_takes_nothing_from_the_first(target, transport):
    peer = await target.echo(transport)
    await peer.quiet()
    second = await _second(target, peer)
    await peer.say(WORD)
    wanted = "the message on the first WebSocket, or the session closed"
    with target.awaits(wanted):
        first_heard = asyncio.ensure_future(_heard(peer))
        second_heard = asyncio.ensure_future(_taken(second))
        try:
            await asyncio.wait({first_heard, second_heard}, return_when=asyncio.FIRST_COMPLETED)
            if second_heard.done():
                raise Failure(wanted, f"on the second WebSocket: {second_heard.result()}")
            await first_heard
        finally:
            first_heard.cancel()
            second_heard.cancel()


WORD = "for the first"


async def _heard(peer):
    """The first WebSocket gives the word, or ends."""
    while (message := await peer.engine.message_or_end()) is not None:
        if WORD in str(message.data):
            return


async def _taken(websocket):
    """The frame with the word on a WebSocket that must not give it; it may end, or never be."""
    with contextlib.suppress(StreamClosed):
        while websocket is not None:
            frame = await websocket.receive()
            if WORD.encode() in frame.payload:
                return frame
            if frame.opcode == Opcode.CLOSE:
                break
    return await asyncio.Future()


# How large a message may be.


def _max_payload(peer):
    announced = peer.engine.handshake.max_payload
    if announced is None or announced > LARGEST:
        raise Unsupported(f"a maxPayload of at most {LARGEST}", f"maxPayload: {announced}")
    return announced


@case("eio-websocket-max-payload-accepted", needs=NEEDS, exclusive=True)
async def message_of_max_payload_octets_is_accepted(target):
    peer = await target.echo("websocket")
    octets = _max_payload(peer)
    text = peer.sized(octets)
    await peer.say(text)
    with target.awaits(f"the answer to a message of {octets} octets"):
        await peer.hear(text)


@case(
    "eio-websocket-max-payload-exceeded",
    needs={*NEEDS, "slow-timers"},
    exclusive=True,
    control=ordinary_websocket_session,
)
async def message_of_more_than_max_payload_octets_is_refused(target):
    peer = await target.echo("websocket")
    octets = _max_payload(peer) + 1
    peer.engine.websocket.send(*peer.frames(peer.sized(octets)))
    await peer.engine.expect_closed(f"a message of {octets} octets refused", lenient=True)


@case(
    "eio-packet-type-unknown-websocket",
    needs={"websocket", "slow-timers"},
    control=ordinary_websocket_session,
)
async def message_without_a_packet_type_closes_the_session(target):
    engine = await target.connect_engineio("websocket")
    engine.websocket.send(text_frame("abc"))
    await engine.expect_closed(lenient=True)
