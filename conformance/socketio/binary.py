"""Socket.IO protocol, "Packet encoding": attachments and the placeholders that stand for them."""

from sockproof.conformance import Failure, Target, case, ordinary_client
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling")}
EVERY = bytes(range(256))


@case("sio-binary-received", needs="fixture", over=TRANSPORTS)
async def binary_argument_comes_back_as_it_was(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.emit("message", EVERY)
    await peer.expect_event("message-back", EVERY)


@case("sio-placeholder-nested", needs="fixture", over=TRANSPORTS)
async def binary_data_at_any_depth_comes_back_in_its_place(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    arguments = [b"first", {"deep": [b"second", {"deeper": b"third"}]}, "text", b"fourth"]
    await peer.emit("message", *arguments)
    await peer.expect_event("message-back", *arguments)


@case("sio-attachment-empty", needs="fixture")
async def empty_attachment_is_an_attachment(target: Target) -> None:
    peer = await target.socketio()
    await peer.emit("message", b"", "behind it")
    await peer.expect_event("message-back", b"", "behind it")


@case("sio-ack-binary-sent", needs="fixture", over=TRANSPORTS)
async def acknowledgement_carries_binary_data(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.send(Packet(PacketType.EVENT, peer.namespace, ["message-with-ack", EVERY], 6))
    got = await peer.expect(PacketType.BINARY_ACK)
    if (got.id, got.data) != (6, [EVERY]):
        raise Failure("BINARY_ACK id 6 with every octet", got)


@case("sio-placeholder-by-number", needs="fixture")
async def placeholders_are_filled_in_by_their_number(target: Target) -> None:
    peer = await target.socketio()
    swapped = '["message",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]'
    await peer.send_raw("52-" + swapped, b"zero", b"one")
    await peer.expect_event("message-back", b"one", b"zero")


@case("sio-order-binary", needs="fixture", over=TRANSPORTS)
async def text_and_binary_events_keep_their_order(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    for number in range(10):
        await peer.emit("message", number, bytes([number]))
        await peer.emit("message", number)
    for number in range(10):
        await peer.expect_event("message-back", number, bytes([number]))
        await peer.expect_event("message-back", number)


@case("sio-binary-only-with-data", needs="fixture")
async def event_without_binary_data_is_no_binary_event(target: Target) -> None:
    peer = await target.socketio()
    await peer.emit("message", "just text")
    await peer.expect(PacketType.EVENT)


@case("sio-binary-text-while-pending", needs={"fixture", "slow-timers"}, control=ordinary_client)
async def text_packet_never_takes_the_place_of_an_attachment(target: Target) -> None:
    peer = await target.socketio()
    wanted = "the connection closed, or both dropped"
    texts = ('51-["message",{"_placeholder":true,"num":0}]', '2["message","in between"]')
    for got in await peer.aftermath(*texts, expected=wanted) or ():
        if got.data != ["message-back", "in between"]:
            raise Failure(wanted, got)
