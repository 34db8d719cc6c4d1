"""Engine.IO protocol, section "Upgrade"."""

from sockproof.conformance import (
    Failure,
    Opcode,
    abandon,
    case,
    expect_no_message,
    text_frame,
    text_packet,
)
from sockproof.wire.engineio import PacketType

NEEDS = {"upgrade", "message-echo"}


@case("eio-upgrade-probe", needs={"upgrade"})
async def probe_is_answered_on_the_websocket(target):
    engine = await target.connect_engineio("polling")
    websocket = await engine.unprobed()
    websocket.send(text_packet(PacketType.PING, "probe"))
    wanted = "TEXT '3probe'"
    with target.awaits(wanted):
        got = await websocket.receive()  # nothing else is sent on it before UPGRADE
    if (got.opcode, got.payload) != (Opcode.TEXT, b"3probe"):
        raise Failure(wanted, got)


@case("eio-upgrade-noop", needs={"upgrade"})
async def waiting_get_is_answered_with_noop(target):
    engine = await target.connect_engineio("polling")
    get = await engine.hold_get()
    await engine.probed()
    packets = engine.take(await get.answer("the waiting GET answered with NOOP"))
    # What the application or the heartbeat had to say has released it too.
    allowed = {PacketType.NOOP, PacketType.MESSAGE, PacketType.PING}
    if not {packet.type for packet in packets} <= allowed:
        raise Failure("NOOP as the answer to the waiting GET", ", ".join(map(str, packets)))


@case("eio-upgrade-completed", needs=NEEDS)
async def websocket_is_the_transport_from_upgrade_on(target):
    peer = await target.echo("polling")
    await peer.engine.probed()
    peer.engine.complete_upgrade()
    for word in ("after UPGRADE", "fence"):
        await peer.say(word)
    for word in ("after UPGRADE", "fence"):
        await peer.hear(word)


@case("eio-upgrade-completed", needs=NEEDS)
async def message_in_one_segment_with_upgrade_is_handled(target):
    peer = await target.echo("polling")
    await peer.engine.probed()
    peer.engine.complete_upgrade()
    peer.engine.websocket.send(*peer.frames("behind"))
    await peer.engine.websocket.flush()
    await peer.say("fence")
    await peer.hear("behind")
    await peer.hear("fence")


@case("eio-upgrade-not-before", needs=NEEDS)
async def message_before_upgrade_is_not_sent_on_the_websocket(target):
    peer = await target.echo("polling")
    websocket = await peer.engine.probed()
    await peer.say("early")
    await peer.engine.passes()
    await expect_no_message(websocket)


@case(
    "eio-upgrade-nothing-lost", needs=NEEDS, over={"when": ["before-the-probe", "during-the-probe"]}
)
async def packet_that_waits_arrives_once_after_the_upgrade(target, when):
    peer = await target.echo("polling")
    if when == "before-the-probe":
        await peer.say("one")
        await peer.say("two")
    await peer.engine.probed()
    if when == "during-the-probe":
        await peer.say("one")
        await peer.say("two")
    peer.engine.complete_upgrade()
    await peer.say("fence")
    for word in ("one", "two", "fence"):
        await peer.hear(word)
    await peer.quiet()


@case("eio-upgrade-nothing-lost", needs=NEEDS)
async def packet_for_a_waiting_get_arrives_once(target):
    peer = await target.echo("polling")
    get = await peer.engine.hold_get()
    await peer.say("for the GET")
    await peer.engine.probed()
    peer.engine.take(await get.answer("an answer to the waiting GET"))
    peer.engine.complete_upgrade()
    await peer.say("fence")
    await peer.hear("for the GET")
    await peer.hear("fence")
    await peer.quiet()


@case("eio-upgrade-client-order", needs=NEEDS)
async def post_before_upgrade_is_handled_before_the_websocket(target):
    peer = await target.echo("polling")
    await peer.engine.probed()
    await peer.say("posted")
    peer.engine.complete_upgrade()
    await peer.say("sent")
    await peer.hear("posted")
    await peer.hear("sent")


@case("eio-upgrade-abandoned", needs=NEEDS, over={"when": ["before-the-probe", "after-the-probe"]})
async def abandoned_websocket_leaves_the_session_on_long_polling(target, when):
    peer = await target.echo("polling")
    probed = when == "after-the-probe"
    websocket = await (peer.engine.probed() if probed else peer.engine.unprobed())
    await abandon(peer.engine, websocket)
    for word in ("one", "two"):
        await peer.say(word)
        await peer.hear(word)


@case("eio-upgrade-abandoned", needs=NEEDS)
async def abandoned_upgrade_can_be_made_again(target):
    peer = await target.echo("polling")
    await abandon(peer.engine, await peer.engine.probed())
    await peer.engine.upgrade()
    await peer.quiet()


@case("eio-upgrade-no-probe", needs=NEEDS)
async def websocket_that_begins_without_a_probe_is_closed_or_ignored(target):
    engine = await target.connect_engineio("polling")
    websocket = await engine.unprobed()
    websocket.send(text_frame('42["message","no probe"]'))
    await engine.passes()


METHODS = {"method": ["GET", "POST"]}


async def _poll_after_upgrade(target, method):
    peer = await target.echo("upgrade")
    await peer.quiet()  # the upgrade is complete
    body = b"6" if method == "POST" else b""
    with target.awaits("an answer to long-polling after the upgrade"):
        response = await peer.engine.exchange(
            method, peer.engine.session_query, body, "text/plain;charset=UTF-8"
        )
    return peer, response


@case("eio-upgrade-polling-refused", needs=NEEDS, over=METHODS)
async def long_polling_is_refused_after_the_upgrade(target, method):
    _, response = await _poll_after_upgrade(target, method)
    if response.status != 400:
        target.non_strict("400", f"{response}: {response.body[:60]!r}", came=response)


@case("eio-upgrade-polling-harmless", needs=NEEDS, over=METHODS)
async def long_polling_after_the_upgrade_leaves_the_websocket_alone(target, method):
    peer, _ = await _poll_after_upgrade(target, method)
    with target.awaits("the WebSocket still at work"):
        await peer.quiet()
