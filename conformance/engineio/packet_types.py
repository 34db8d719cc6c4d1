"""Engine.IO protocol, section "Protocol": types that do not exist, and those of the other end."""

from sockproof.conformance import (
    Failure,
    Seen,
    StreamClosed,
    Unsupported,
    beside_gets,
    case,
    expect_post_refused,
    ordinary_post,
    ordinary_websocket_session,
    text_frame,
)
from sockproof.wire.engineio import Packet, PacketType
from sockproof.wire.socketio import Packet as Event
from sockproof.wire.socketio import PacketType as EventType

EVENT = EventType.EVENT
BOTH = {"transport": ["polling", "websocket"]}
UNKNOWN = {  # each would be answered if its type were taken for MESSAGE
    "digits": '7["message","no"]',
    "nine": "9",
    "script": '\u06642["message","no"]',
    "blank": ' 42["message","no"]',
    "letter": "abc",
    "capital": "BNDI=",
    "sign": '+42["message","no"]',
}


@case(
    "eio-packet-type-unknown-polling",
    needs={"polling", "slow-timers"},
    over={"kind": list(UNKNOWN)},
    control=ordinary_post,
)
async def post_of_an_unknown_type_is_refused(target, kind):
    engine = await target.connect_engineio("polling")
    await expect_post_refused(engine, UNKNOWN[kind].encode())


@case("eio-packet-type-unknown-polling", needs={"polling", "slow-timers"}, control=ordinary_post)
async def unknown_type_behind_another_packet_is_refused(target):
    engine = await target.connect_engineio("polling")
    wanted = "400, or the session closed"
    with target.awaits(wanted):
        response = await engine.post(b"6\x1eabc")
    if response.status < 400:
        await engine.expect_closed(wanted, lenient=True)


@case(
    "eio-packet-type-unknown-websocket",
    needs={"websocket", "fixture", "slow-timers"},
    over={"kind": [*UNKNOWN, "base64", "empty"]},
    control=ordinary_websocket_session,
)
async def message_of_an_unknown_type_closes_the_session(target, kind):
    peer = await target.socketio("websocket")
    peer.engine.websocket.send(text_frame({**UNKNOWN, "base64": "bNDI=", "empty": ""}[kind]))
    wanted = "the session closed"
    if came := await peer.aftermath(expected=wanted):
        raise Failure(wanted, came[0])
    if came is not None:
        target.non_strict(wanted, "the server went on", seen=Seen.NOT_CLOSED)


# Types that are the other end's, or have no sense now.


@case(
    "eio-packet-open-received",
    needs={"polling", "websocket", "fixture", "slow-timers"},
    over={**BOTH, "kind": [PacketType.OPEN, PacketType.UPGRADE, PacketType.NOOP]},
    control=ordinary_post,
)
async def packet_without_sense_is_ignored_or_closes_the_session(target, transport, kind):
    peer = await target.socketio(transport)
    wanted = f"{kind.name} ignored, or the session closed"
    (text,) = peer.text(Event(EVENT, peer.namespace, ["message", "behind"]))
    with target.awaits(wanted):
        for packet in (Packet(kind), Packet(PacketType.MESSAGE, text)):
            sending = peer.engine.send_or_end(packet)
            over_polling = transport == "polling"
            if not await (beside_gets(peer.engine, sending) if over_polling else sending):
                return
        while (packet := await _next_or_end(peer.engine)) is not None:
            if packet.type == PacketType.OPEN:
                raise Failure(wanted, packet)
            if "behind" in str(packet.data):
                return


async def _next_or_end(engine):
    """The next packet of any type; None at the session's end."""
    try:
        packet = await engine.receive()
    except (Failure, StreamClosed):
        return None
    return None if packet.type == PacketType.CLOSE else packet


# CLOSE.


@case(
    "eio-close-received-polling",
    needs={"polling", "slow-timers"},
    over={"form": ["behind-a-noop", "behind-a-message", "with-data"]},
    control=ordinary_post,
)
async def close_packet_in_any_place_of_a_post_closes_the_session(target, form):
    engine = await target.connect_engineio("polling")
    bodies = {
        "behind-a-noop": b"6\x1e1",
        "behind-a-message": b"40\x1e1",
        "with-data": b"1data",
    }
    get = await engine.hold_get()  # some answer the POST only when their CLOSE has been taken
    with target.awaits("an answer to the POST"):
        await engine.post(bodies[form])
    get.stream.close()
    await engine.expect_closed("the session closed by a CLOSE packet", lenient=form == "with-data")


@case(
    "eio-close-received-polling",
    needs={"polling", "slow-timers"},
    over={"method": ["GET", "POST"]},
    control=ordinary_post,
)
async def session_whose_get_waited_is_closed_too(target, method):
    engine = await target.connect_engineio("polling")
    get = await engine.hold_get()
    await engine.send(Packet(PacketType.CLOSE))
    await get.response_or_end("an answer to the waiting GET", body=True)
    with target.awaits("400"):
        await engine.refused(method, engine.session_query, b"6" if method == "POST" else b"")


@case(
    "eio-close-received-websocket",
    needs={"websocket", "slow-timers"},
    control=ordinary_websocket_session,
)
async def close_packet_with_data_closes_the_session(target):
    engine = await target.connect_engineio("websocket")
    await engine.send(Packet(PacketType.CLOSE, "data"))
    await engine.expect_closed("the session closed by a CLOSE packet", lenient=True)


@case("eio-packet-type-sent", needs={"polling", "slow-timers"})
async def answer_to_a_get_at_the_sessions_end_holds_packets(target):
    engine = await target.connect_engineio("polling")
    get = await engine.hold_get()
    await engine.post(b"abc")
    if (await engine.post(b"6")).status < 400:
        raise Unsupported("a session that ends for a bad packet", "it goes on")
    wanted = "packets in the answer to the GET that waited, or a refusal"
    response = await get.response_or_end(wanted, body=True)
    if response is None or response.status >= 400:
        return
    parts = response.body.split(b"\x1e")
    if not response.body or any(part[:1] not in b"0123456b" or not part for part in parts):
        raise Failure(wanted, f"{response}: {response.body[:60]!r}", came=response)


@case(
    "eio-packet-type-unknown-websocket",
    needs={"websocket", "fixture", "slow-timers"},
    control=ordinary_websocket_session,
)
async def base64_on_a_websocket_is_no_binary_data(target):
    peer = await target.socketio("websocket")
    text, _ = peer.text(Event(EVENT, peer.namespace, ["message", b"an attachment"]))
    await peer.send_raw(text)
    peer.engine.websocket.send(text_frame("bNDI="))
    wanted = "the session closed"
    if came := await peer.aftermath(expected=wanted):
        target.non_strict(wanted, came[0])
