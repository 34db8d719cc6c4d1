"""Socket.IO protocol, "Disconnection from a namespace", by the client and by the server."""

from sockproof.conformance import Failure, StreamClosed, Target, case
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling")}


@case("sio-disconnect-received", needs={"fixture", "slow-timers"}, over=TRANSPORTS)
async def namespace_that_was_left_processes_nothing(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.connect("/custom")
    await peer.greeted("/custom")
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
    try:
        await peer.connect("/custom")
    except (Failure, StreamClosed):
        how = "is closed"
    else:
        how = "stays"
    target.report("the connection after a client's DISCONNECT", how)


@case("sio-disconnect-received", needs="fixture")
async def namespace_that_was_left_can_be_connected_to_again(target: Target) -> None:
    peer = await target.socketio()
    await peer.enter("/custom")
    await peer.disconnect("/custom")
    await peer.quiet()
    await peer.connect("/custom")
    await peer.greeted("/custom")
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
    peer.heard_nothing_since("/custom")


@case("sio-order-received", needs="fixture", over=TRANSPORTS)
async def connect_right_behind_a_disconnect_is_handled_behind_it(
    target: Target, transport: str
) -> None:
    peer = await target.socketio(transport)
    first = await peer.enter("/custom")
    connect = peer.text(Packet(PacketType.CONNECT, "/custom"))
    await peer.send_raw("1/custom,", *connect)
    wanted = "CONNECT in /custom with a new sid"
    with target.awaits(wanted):
        got = await peer.next_or_end()
    if got is None:  # nothing is lost: a client connects again
        target.non_strict(wanted, "the connection closed")
        return
    sid = got.data.get("sid") if isinstance(got.data, dict) else None
    if (got.type, got.namespace) != (PacketType.CONNECT, "/custom") or sid in (None, first):
        raise Failure(wanted, got)
