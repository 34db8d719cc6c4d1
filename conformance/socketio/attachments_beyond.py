"""Socket.IO protocol: attachments, their numbers at each boundary, and how packets are written."""

import re
from typing import Any

from sockproof.conformance import Failure, SocketIOPeer, Target, Unsupported, case, ordinary_client
from sockproof.wire import engineio
from sockproof.wire.socketio import PacketType

NEEDS = {"fixture", "slow-timers"}
TRANSPORTS = {"transport": ("websocket", "polling")}
CLOSED = "the connection closed"
STRING = re.compile(r'"(?:\\.|[^"\\])*"')
PLACEHOLDER = '{"_placeholder":true,"num":%s}'


async def _ignored(peer: SocketIOPeer, *messages: str | bytes) -> None:
    """What is sent is passed over or closes the connection, which must not stop responding."""
    wanted = "the packet passed over, or the connection closed"
    for packet in await peer.aftermath(*messages, expected=wanted) or ():
        if packet.type == PacketType.DISCONNECT:  # put out for it
            return
        raise Failure(wanted, packet)


COUNTS = {"none": "5", "minus": "5-", "below-zero": "5-1-", "letters": "51a-"}


@case("sio-binary-count-missing", needs=NEEDS, over={**TRANSPORTS, "count": tuple(COUNTS)})
async def binary_event_without_a_proper_count_is_not_handled(
    target: Target, transport: str, count: str
) -> None:
    peer = await target.socketio(transport)
    attachments = [b"octets"] if count == "letters" else []
    await _ignored(peer, f'{COUNTS[count]}["message","counted"]', *attachments)


@case("sio-binary-count-zero", needs=NEEDS, over=TRANSPORTS, control=ordinary_client)
async def binary_event_of_no_attachments_leaves_nobody_deaf(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    wanted = "the event handled or not, or the connection closed"
    for packet in await peer.aftermath('50-["message","counted"]', expected=wanted) or ():
        if packet.data != ["message-back", "counted"]:
            raise Failure(wanted, packet)


NUMBERS = ("1", "-1", "10", "0.5", "1.5", '"0"', "false", "true", "null", "[]")


@case("sio-binary-placeholder-range", needs=NEEDS, over={"number": NUMBERS[:3]})
async def placeholder_out_of_range_is_filled_with_nothing(target: Target, number: str) -> None:
    text = f'51-["message","filled",{PLACEHOLDER % number}]'
    await _ignored(await target.socketio(), text, b"octets")


@case(
    "sio-binary-placeholder-type",
    needs=NEEDS,
    over={"number": NUMBERS[3:]},
    control=ordinary_client,
)
async def placeholder_of_no_whole_number_is_filled_with_nothing(
    target: Target, number: str
) -> None:
    peer = await target.socketio()
    text = f'51-["message","filled",{PLACEHOLDER % number}]'
    wanted = "the packet passed over, or the connection closed"
    for packet in await peer.aftermath(text, b"octets", expected=wanted) or ():
        if b"octets" in packet.data:
            raise Failure(wanted, packet)
        target.non_strict(wanted, packet)


@case("sio-binary-placeholder-type", needs=NEEDS)
async def placeholder_without_a_number_is_filled_with_nothing(target: Target) -> None:
    text = '51-["message","filled",{"_placeholder":true}]'
    await _ignored(await target.socketio(), text, b"octets")


@case("sio-placeholder-by-number", needs=NEEDS, over=TRANSPORTS)
async def placeholders_above_nine_are_filled_by_their_number(
    target: Target, transport: str
) -> None:
    peer = await target.socketio(transport)
    numbers = [11, 1, 10, 0, *range(2, 10)]
    text = ",".join(PLACEHOLDER % number for number in numbers)
    octets = [bytes([65 + number]) for number in range(12)]
    wanted = "each attachment in its place"
    head = f'512-["message",{{"one":{PLACEHOLDER % 3}}},{text}]'
    if not await _sent(peer, head) or not await _sent(peer, *octets[:6]):
        raise Unsupported("a server that takes 12 attachments", "it closes the connection")
    came = await peer.aftermath(*octets[6:], expected=wanted)
    if came is None:
        raise Unsupported("a server that takes 12 attachments", "it closes the connection")
    data = ["message-back", {"one": octets[3]}, *(octets[n] for n in numbers)]
    if [each.data for each in came] != [data]:
        raise Failure(wanted, ", ".join(map(str, came))[:300])


async def _sent(peer: SocketIOPeer, *messages: str | bytes) -> bool:
    kind = engineio.PacketType.MESSAGE
    return await peer.engine.send_or_end(*(engineio.Packet(kind, each) for each in messages))


@case("sio-placeholder-by-number", needs=NEEDS, over=TRANSPORTS)
async def placeholders_in_objects_and_lists_are_filled_by_their_number(
    target: Target, transport: str
) -> None:
    peer = await target.socketio(transport)
    one, two, three = (PLACEHOLDER % number for number in (2, 0, 1))
    await peer.send_raw(
        f'53-["message",{{"a":{one},"b":[{two}]}},[{three}]]', b"zero", b"one", b"two"
    )
    await peer.expect_event("message-back", {"a": b"two", "b": [b"zero"]}, [b"one"])


@case("sio-placeholder-shared", needs=NEEDS, over=TRANSPORTS)
async def shared_attachment_is_in_both_places(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    text = f'51-["message",{PLACEHOLDER % 0},{{"again":{PLACEHOLDER % 0}}}]'
    wanted = "the attachment in both places, or the packet ignored, or the connection closed"
    for packet in await peer.aftermath(text, b"shared", expected=wanted) or ():
        if packet.data != ["message-back", b"shared", {"again": b"shared"}]:
            raise Failure(wanted, packet)


@case("sio-binary-stray", needs=NEEDS, over=TRANSPORTS, control=ordinary_client)
async def stray_attachment_is_no_part_of_the_next_event(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    text = f'52-["message",{PLACEHOLDER % 0},{PLACEHOLDER % 1}]'
    wanted = "the stray attachment passed over, or the connection closed"
    came = await peer.aftermath(b"stray", text, b"one", b"two", expected=wanted)
    for packet in came or ():
        if packet.data != ["message-back", b"one", b"two"]:
            raise Failure(wanted, packet)
    if came is not None and len(came) != 1:
        raise Failure(wanted, f"{len(came)} answers to the event behind it")


@case("sio-binary-text-while-pending", needs=NEEDS, over=TRANSPORTS, control=ordinary_client)
async def text_amid_attachments_ends_their_event(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    text = f'52-["message","begun",{PLACEHOLDER % 0},{PLACEHOLDER % 1}]'
    wanted = "the connection closed, or both discarded"
    messages = (text, b"one", '2["message","amid"]', b"two")
    for packet in await peer.aftermath(*messages, expected=wanted) or ():
        raise Failure(wanted, packet)


@case("sio-binary-received-polling", needs={*NEEDS, "polling"})
async def attachments_in_posts_of_their_own_complete_their_event(target: Target) -> None:
    peer = await target.socketio("polling")
    octets = [bytes([number]) * number for number in range(5)]
    text = ",".join(PLACEHOLDER % number for number in range(5))
    await peer.send_raw(f'55-["message",{text}]')
    for each in octets:
        await peer.send_raw(each)
    await peer.expect_event("message-back", *octets)


@case("sio-binary-received", needs=NEEDS, over=TRANSPORTS)
async def pong_between_attachments_is_no_part_of_them(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.send_raw(f'52-["message",{PLACEHOLDER % 0},{PLACEHOLDER % 1}]', b"one")
    await peer.engine.send(engineio.Packet(engineio.PacketType.PONG))
    await peer.send_raw(b"two")
    await peer.expect_event("message-back", b"one", b"two")


@case("sio-binary-received", needs={*NEEDS, "upgrade"})
async def event_whose_attachments_follow_an_upgrade_is_whole(target: Target) -> None:
    peer = await target.socketio("polling")
    await peer.send_raw(f'52-["message",{PLACEHOLDER % 0},{PLACEHOLDER % 1}]', b"one")
    await peer.engine.upgrade()
    await peer.send_raw(b"two")
    await peer.expect_event("message-back", b"one", b"two")


# What the server writes.


@case("sio-binary-only-with-data", needs=NEEDS, over=TRANSPORTS)
async def event_behind_a_binary_one_has_its_own_type(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    several: tuple[list[Any], ...] = ([b"octets"], ["text"], [b""], [{"_placeholder": False}])
    for number, args in enumerate(several):
        await peer.emit("message", *args)
        got = await peer.expect_event("message-back", *args)
        wanted = PacketType.EVENT if number % 2 else PacketType.BINARY_EVENT
        if got.type != wanted:
            raise Failure(wanted.name, got.type.name)


PLACES_OF_TWO = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'
OTHERS = ("ack", "connect", "refusal", "binary", "binary-ack")


@case("sio-format-json-compact", needs=NEEDS, over={"kind": OTHERS})
async def json_of_other_packets_has_no_blanks(target: Target, kind: str) -> None:
    peer = await target.socketio()
    texts = {
        "ack": '27["message-with-ack","a",["b"],{"c":"d"}]',
        "connect": "0/custom,",
        "refusal": "0/random,",
        "binary": f'52-["message",{PLACES_OF_TWO}]',
        "binary-ack": f'52-8["message-with-ack",{PLACES_OF_TWO}]',
    }
    octets = [b"one", b"two"] if kind.startswith("binary") else []
    await peer.send_raw(texts[kind], *octets)
    text = await peer.receive_raw()
    if isinstance(text, str) and re.search(r"\s", STRING.sub("", text)):
        target.non_strict("JSON without blanks between its parts", repr(text))


@case("sio-format-main-omitted", needs={*NEEDS, "disconnect"})
async def disconnect_from_the_main_namespace_does_not_name_it(target: Target) -> None:
    peer, other = await target.connect_socketio(2)
    await other.proof("disconnect", sid=peer.sid)
    text = await peer.receive_raw()
    if text != "1":
        target.non_strict("DISCONNECT without a namespace", repr(text))
