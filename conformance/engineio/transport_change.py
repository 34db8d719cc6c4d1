"""Engine.IO protocol, section "Upgrade": all that has to survive the change of the transport."""

import contextlib

from sockproof.conformance import (
    Failure,
    Opcode,
    StreamClosed,
    abandon,
    case,
    client_frame,
    expect_no_message,
    expect_no_probe,
    ordinary_upgrade,
    text_frame,
    text_packet,
)
from sockproof.wire.engineio import Packet, PacketType
from sockproof.wire.socketio import Packet as Event
from sockproof.wire.socketio import PacketType as EventType

NEEDS = {"upgrade", "fixture"}
WHEN = {"when": ["before-the-probe", "during-the-probe"]}


def _args(number):
    return (number, bytes([number]) * 5, b"", bytes([number]))


@case("eio-upgrade-nothing-lost", needs=NEEDS, over=WHEN)
async def text_and_binary_data_that_wait_arrive_in_order(target, when):
    peer = await target.socketio("polling")
    if when == "during-the-probe":
        await peer.engine.probed()
    for number in range(8):
        await peer.emit("message", "text", number)
        await peer.emit("message", *_args(number))
    if when == "before-the-probe":
        await peer.engine.probed()
    peer.engine.complete_upgrade()
    for number in range(8):
        await peer.expect_event("message-back", "text", number)
        await peer.expect_event("message-back", *_args(number))
    await peer.quiet()


@case("eio-upgrade-nothing-lost", needs=NEEDS, over=WHEN)
async def each_acknowledgement_that_waits_arrives(target, when):
    peer = await target.socketio("polling")
    if when == "during-the-probe":
        await peer.engine.probed()
    for number in range(5):
        data = ["message-with-ack", number, bytes([number])]
        await peer.send(Event(EventType.EVENT, peer.namespace, data, 100 + number))
    if when == "before-the-probe":
        await peer.engine.probed()
    peer.engine.complete_upgrade()
    waiting = {100 + number: [number, bytes([number])] for number in range(5)}
    while waiting:  # an application acknowledges in whatever order it is done
        packet = await peer.receive()
        if packet.id not in waiting or packet.data != waiting.pop(packet.id):
            raise Failure("an acknowledgement of each message, once", packet)


@case("eio-upgrade-not-before", needs=NEEDS)
async def binary_data_before_upgrade_is_not_sent_on_the_websocket(target):
    peer = await target.socketio("polling")
    await peer.engine.probed()
    for number in range(3):
        await peer.emit("message", *_args(number))
    await peer.engine.passes()
    await expect_no_message(peer.engine.websocket)


@case("eio-upgrade-completed", needs=NEEDS)
async def all_kinds_of_packets_are_sent_on_the_websocket_after_an_upgrade(target):
    peer = await target.socketio("upgrade")
    for args in (("short",), ("long " * 1000,), _args(1)):
        await peer.emit("message", *args)
        await peer.expect_event("message-back", *args)


@case("eio-upgrade-client-order", needs=NEEDS)
async def attachments_posted_before_upgrade_are_handled_before_the_websocket(target):
    peer = await target.socketio("polling")
    await peer.engine.probed()
    await peer.emit("message", *_args(1))
    peer.engine.complete_upgrade()
    await peer.emit("message", "sent")
    await peer.expect_event("message-back", *_args(1))
    await peer.expect_event("message-back", "sent")


# Upgrades that come to nothing, or are no upgrades.


@case("eio-upgrade-abandoned", needs=NEEDS, over={"how": ["close", "reset"]})
async def what_waits_is_not_lost_with_an_abandoned_upgrade(target, how):
    peer = await target.socketio("polling")
    await peer.emit("message", "before")
    websocket = await peer.engine.probed()
    await peer.emit("message", *_args(2))
    await abandon(peer.engine, websocket, how)
    await peer.emit("message", "after")
    await peer.expect_event("message-back", "before")
    await peer.expect_event("message-back", *_args(2))
    await peer.expect_event("message-back", "after")


@case(
    "eio-upgrade-no-probe",
    needs={*NEEDS, "slow-timers"},
    over={"first": ["upgrade", "message"]},
    control=ordinary_upgrade,
)
async def websocket_without_a_probe_takes_and_says_nothing(target, first):
    peer = await target.socketio("polling")
    websocket = await peer.engine.unprobed()
    (text,) = peer.text(Event(EventType.EVENT, peer.namespace, ["message", "no probe"]))
    if first == "upgrade":
        websocket.send(text_packet(PacketType.UPGRADE))
    websocket.send(text_frame(f"4{text}"), client_frame(Opcode.PING, b"fence"))
    wanted = "the WebSocket closed or ignored"
    with target.awaits(wanted), contextlib.suppress(StreamClosed):
        while (frame := await websocket.receive()).opcode not in (Opcode.PONG, Opcode.CLOSE):
            if b"no probe" in frame.payload:
                raise Failure(wanted, frame)
    for packet in await peer.aftermath(expected=wanted) or ():
        if packet.data == ["message-back", "no probe"]:
            raise Failure(wanted, f"it is answered over long-polling: {packet}")


@case("eio-websocket-second", needs=NEEDS, control=ordinary_upgrade)
async def second_websocket_during_a_probe_is_closed(target):
    peer = await target.socketio("polling")
    await peer.engine.probed()
    where = f"{target.engineio_path}?{peer.engine.query_of('websocket')}"
    http = await target.http()
    http.send(target.upgrade_request(where))
    wanted = "a second WebSocket refused or closed"
    response = await http.response_or_end(wanted)
    if response is None or response.status != 101:
        return
    await expect_no_probe(http.upgraded(response), wanted)


@case(
    "eio-heartbeat-client-ping",
    needs={"upgrade", "slow-timers"},
    over={"data": ["", "data"]},
    control=ordinary_upgrade,
)
async def ping_of_a_client_after_an_upgrade_closes_the_session(target, data):
    engine = await target.connect_engineio("upgrade")
    await engine.send(Packet(PacketType.PING, data))
    await engine.expect_closed("the session closed by a client's PING", lenient=True)
