"""Socket.IO protocol, "Sending and receiving data": attachments as they arrive, right and wrong."""

from sockproof.conformance import Failure, Target, case, ordinary_client
from sockproof.wire import engineio

NEEDS = {"fixture", "slow-timers"}
TRANSPORTS = {"transport": ("websocket", "polling")}


def _event(*values: str, count: object = 1, name: str = "message") -> str:
    """The text of a BINARY_EVENT whose arguments are given as JSON."""
    return f'5{count}-["{name}"{"".join("," + value for value in values)}]'


def _placeholder(number: object) -> str:
    return f'{{"_placeholder":true,"num":{number}}}'


@case("sio-binary-received-polling", needs={"polling", "fixture"})
async def posted_packets_behind_attachments_are_handled(target: Target) -> None:
    peer = await target.socketio("polling")
    kind = engineio.PacketType.MESSAGE
    messages: list[str | bytes] = [_event(_placeholder(0)), b"binary", '2["message","text"]']
    messages += [_event(_placeholder(0)), b"again"]
    await peer.engine.send(*(engineio.Packet(kind, message) for message in messages))
    for word in (b"binary", "text", b"again"):
        await peer.expect_event("message-back", word)


@case("sio-binary-received", needs="fixture", over={**TRANSPORTS, "octets": (1, 2, 3, 126, 65_536)})
async def attachment_of_any_length_comes_back_as_it_was(
    target: Target, transport: str, octets: int
) -> None:
    peer = await target.socketio(transport)
    data = bytes(number * 7 % 256 for number in range(octets))
    await peer.emit("message", data)
    await peer.expect_event("message-back", data)


@case("sio-binary-received", needs="fixture", over=TRANSPORTS)
async def many_attachments_come_back_in_their_places(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    data = [number.to_bytes(2, "big") for number in range(10)]  # a count of two digits
    await peer.emit("message", *data)
    await peer.expect_event("message-back", *data)


@case("sio-placeholder-shared", needs=NEEDS)
async def placeholders_that_share_an_attachment_both_hold_it(target: Target) -> None:
    peer = await target.socketio()
    wanted = "the attachment in both places, the packet ignored, or the connection closed"
    text = _event(_placeholder(0), _placeholder(0))
    came = await peer.aftermath(text, b"shared", expected=wanted)
    if came and [each.data for each in came] != [["message-back", b"shared", b"shared"]]:
        raise Failure(wanted, ", ".join(map(str, came)))


@case("sio-binary-stray", needs=NEEDS, control=ordinary_client)
async def binary_message_out_of_nowhere_is_no_attachment_of_a_later_event(target: Target) -> None:
    peer = await target.socketio()
    wanted = "message-back with b'announced', or the connection closed"
    stray = (b"stray", _event(_placeholder(0)), b"announced")
    came = await peer.aftermath(*stray, expected=wanted)
    if came is not None and [each.data for each in came] != [["message-back", b"announced"]]:
        raise Failure(wanted, ", ".join(map(str, came)) or "nothing")


@case("sio-binary-text-while-pending", needs=NEEDS)
async def attachments_of_two_events_are_never_mixed(target: Target) -> None:
    peer = await target.socketio()
    events = [_event(f'"{word}"', _placeholder(0)) for word in ("first", "second")]
    wanted = "the connection closed, both dropped, or each with its own"
    came = await peer.aftermath(*events, b"first", b"second", expected=wanted)
    for got in came or ():
        if got.data[1:] not in (["first", b"first"], ["second", b"second"]):
            raise Failure(wanted, got)


@case("sio-binary-text-while-pending", needs=NEEDS, control=ordinary_client)
async def connection_is_not_deaf_after_a_text_packet_while_attachments_are_pending(
    target: Target,
) -> None:
    peer = await target.socketio()
    text = '2["message","in between"]'
    octets = b"the attachment, if it is still waited for"
    wanted = "the connection closed, or an event behind it answered"
    await peer.aftermath(_event(_placeholder(0)), text, octets, expected=wanted)
