"""Socket.IO protocol, "Sending and receiving data": attachments of a client, right and wrong."""

import json

from sockproof.conformance import Failure, SocketIOPeer, Target, case, ordinary_client
from sockproof.wire import engineio

TRANSPORTS = {"transport": ("websocket", "polling")}
NEEDS = {"fixture", "slow-timers"}
PASSED_OVER = "the packet passed over, or the connection closed"
NUMBERS = {"behind": "1", "far-behind": "4294967296", "below": "-1"}
NO_NUMBERS = {"text": '"0"', "null": "null", "literal": "true", "list": "[0]"}


@case("sio-event-placeholder-lookalike", needs=NEEDS, over=TRANSPORTS)
async def object_like_a_placeholder_is_data_in_an_event(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    wanted = "the object as it was, or the connection closed"
    came = await peer.aftermath('2["message",{"_placeholder":true,"num":0}]', expected=wanted)
    if came is None:
        return
    if [each.data for each in came] != [["message-back", {"_placeholder": True, "num": 0}]]:
        raise Failure(wanted, ", ".join(map(str, came)) or "the event passed over")


@case("sio-binary-received-polling", needs={"fixture", "polling"}, over={"posts": ("one", "two")})
async def attachment_completes_its_event_over_long_polling(target: Target, posts: str) -> None:
    peer = await target.socketio("polling")
    text, octets = '51-["message",{"_placeholder":true,"num":0}]', b"posted"
    if posts == "one":
        await peer.send_raw(text, octets)
    else:
        await peer.send_raw(text)
        await peer.engine.send(engineio.Packet(engineio.PacketType.MESSAGE, octets))
    await peer.expect_event("message-back", octets)


@case("sio-binary-stray", needs=NEEDS, over=TRANSPORTS, control=ordinary_client)
async def binary_message_that_nothing_announced_leaves_no_trace(
    target: Target, transport: str
) -> None:
    peer = await target.socketio(transport)
    if came := await peer.aftermath(b"stray", expected=PASSED_OVER):
        raise Failure(PASSED_OVER, came[0])


async def _strange_placeholder(target: Target, peer: SocketIOPeer, number: str) -> None:
    """It is passed over, alone or with its event; to put the attachment there is lenient."""
    placeholder = f'{{"_placeholder":true,"num":{number}}}'
    text = f'51-["message",{placeholder}]'
    came = await peer.aftermath(text, b"only one", expected=PASSED_OVER)
    for packet in came or ():
        if packet.data == ["message-back", b"only one"]:
            target.non_strict(PASSED_OVER, packet)
        elif packet.data != ["message-back", json.loads(placeholder)]:
            raise Failure(PASSED_OVER, packet)


@case(
    "sio-binary-placeholder-range",
    needs=NEEDS,
    over={**TRANSPORTS, "number": tuple(NUMBERS)},
    control=ordinary_client,
)
async def placeholder_out_of_range_is_not_filled_in(
    target: Target, transport: str, number: str
) -> None:
    await _strange_placeholder(target, await target.socketio(transport), NUMBERS[number])


@case(
    "sio-binary-placeholder-type",
    needs=NEEDS,
    over={**TRANSPORTS, "number": tuple(NO_NUMBERS)},
    control=ordinary_client,
)
async def placeholder_without_a_number_is_not_filled_in(
    target: Target, transport: str, number: str
) -> None:
    await _strange_placeholder(target, await target.socketio(transport), NO_NUMBERS[number])


@case(
    "sio-binary-count-missing",
    needs=NEEDS,
    over={**TRANSPORTS, "header": ("5", "5-")},
    control=ordinary_client,
)
async def binary_event_without_a_number_of_attachments_does_not_deafen(
    target: Target, transport: str, header: str
) -> None:
    peer = await target.socketio(transport)
    came = await peer.aftermath(header + '["message","no number"]', expected=PASSED_OVER)
    for packet in came or ():
        if packet.data != ["message-back", "no number"]:
            raise Failure(PASSED_OVER, packet)
        target.non_strict(PASSED_OVER, packet)


@case("sio-binary-count-zero", needs=NEEDS, over=TRANSPORTS, control=ordinary_client)
async def binary_event_with_no_attachments_does_not_deafen(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    wanted = "the event answered or passed over, or the connection closed"
    came = await peer.aftermath('50-["message","none attached"]', expected=wanted)
    for packet in came or ():
        if packet.data != ["message-back", "none attached"]:
            raise Failure(wanted, packet)
