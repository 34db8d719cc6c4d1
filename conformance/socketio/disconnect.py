"""Socket.IO protocol, "Disconnection from a namespace", by the client and by the server."""

from sockproof.conformance import Failure, Target, case
from sockproof.wire.engineio import Packet as EnginePacket
from sockproof.wire.engineio import PacketType as EnginePacketType
from sockproof.wire.socketio import PacketType

TRANSPORTS = {"transport": ("websocket", "polling")}


@case("sio-disconnect-received", needs={"fixture", "slow-timers"}, over=TRANSPORTS)
async def namespace_that_was_left_processes_nothing(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.connect("/custom")
    await peer.expect_event("auth", {}, namespace="/custom")
    await peer.disconnect("/custom")
    await peer.emit("message", "gone", namespace="/custom")
    await peer.goes_on("the event passed over, or the connection closed")


@case("sio-disconnect-sent", needs={"fixture", "disconnect"}, over=TRANSPORTS)
async def client_that_the_server_disconnects_is_told(target: Target, transport: str) -> None:
    peer, other = await target.connect_socketio(2, transport)
    await other.proof("disconnect", sid=peer.sid)
    await peer.expect(PacketType.DISCONNECT)


@case("sio-disconnect-no-reply", needs="fixture", over=TRANSPORTS)
async def disconnect_of_the_client_is_not_answered(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.enter("/custom")
    await peer.disconnect("/custom")
    await peer.quiet()


@case("sio-disconnect-transport", needs={"fixture", "slow-timers"})
async def connection_stays_or_ends_when_its_only_namespace_is_left(target: Target) -> None:
    peer = await target.socketio()
    await peer.disconnect()
    fence = EnginePacket(EnginePacketType.MESSAGE, "0/custom,")
    below = await peer.engine.next_message_or_end(fence)
    how = "is closed" if below is None else "stays"
    target.report("the connection after a client's DISCONNECT", how)


@case("sio-disconnect-received", needs="fixture")
async def namespace_that_was_left_can_be_connected_to_again(target: Target) -> None:
    peer = await target.socketio()
    await peer.enter("/custom")
    await peer.disconnect("/custom")
    await peer.quiet()
    await peer.connect("/custom")
    await peer.expect_event("auth", {}, namespace="/custom")
    await peer.emit("message", "back again", namespace="/custom")
    await peer.expect_event("message-back", "back again", namespace="/custom")


@case("sio-disconnect-sent-final", needs={"fixture", "disconnect", "join", "emit", "slow-timers"})
async def nothing_is_heard_or_handled_after_the_servers_disconnect(target: Target) -> None:
    peer, other = await target.connect_socketio(2)
    sid, room = await peer.enter("/custom"), target.unique("room")
    await peer.proof("join", rooms=[room], via="/custom")
    await other.proof("disconnect", sid=sid, namespace="/custom")
    await peer.expect(PacketType.DISCONNECT, "/custom")
    for to in (room, sid):
        emit = {"event": "said", "args": ["after the end"], "to": [to], "namespace": "/custom"}
        await other.proof("emit", **emit)
    await peer.emit("message", "after the end", namespace="/custom")
    await peer.goes_on("nothing more in /custom, or the connection closed")


@case("sio-order-received", needs="fixture", over=TRANSPORTS)
async def connect_right_behind_a_disconnect_is_handled_behind_it(
    target: Target, transport: str
) -> None:
    peer = await target.socketio(transport)
    first = await peer.enter("/custom")
    await peer.send_raw("1/custom,", "0/custom,")
    wanted = "CONNECT in /custom with a new sid"
    with target.awaits(wanted):
        below = await peer.engine.next_message_or_end()
    if below is None:  # nothing is lost: a client connects again
        target.non_strict(wanted, "the connection closed")
        return
    peer.engine.inbox.appendleft(below)
    got = await peer.expect(PacketType.CONNECT, "/custom")
    if not isinstance(got.data, dict) or got.data.get("sid") in (None, first):
        raise Failure(wanted, str(got))
