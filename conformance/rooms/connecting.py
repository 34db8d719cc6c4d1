"""Rooms R29 and R30: what a connect handler does with rooms, and clients that it refuses."""

from sockproof.conformance import Failure, Target, case
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling")}


@case("rooms-join-in-connect", needs={"auth", "fixture", "rooms"}, over=TRANSPORTS)
async def room_that_the_connect_handler_joined_is_there(target: Target, transport: str) -> None:
    room = target.unique("room")
    peer = await target.socketio(transport, auth={"join": [room]})
    answer = await peer.proof("rooms")
    if not {room, peer.sid} <= set(answer.get("rooms") or ()):
        raise Failure(f"the rooms of its sid and {room}", repr(answer)[:200])


@case("rooms-join-in-connect", needs={"auth", "fixture", "emit"}, over=TRANSPORTS)
async def client_that_has_seen_its_connect_is_heard_of_in_its_rooms(
    target: Target, transport: str
) -> None:
    speaker, room = await target.socketio(), target.unique("room")
    peer = await target.unconnected(transport)
    await peer.connect("/", {"join": [room]})
    await speaker.proof("emit", event="said", args=["already there?"], to=[room])
    await speaker.proof("emit", event="fence", args=[], to=[peer.sid])
    heard = []
    while "fence" not in heard:
        heard.append((await peer.receive_event()).data[0])
    if "said" not in heard:
        raise Failure("the event 'said'", f"the events {heard}")


@case("rooms-refusal-data", needs="fixture", over=TRANSPORTS)
async def refusal_with_data_hands_it_over(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.send(Packet(PacketType.CONNECT, "/reject", {"mode": "data"}))
    refusal = await peer.expect(PacketType.CONNECT_ERROR, "/reject")
    wanted = {"message": "no entry", "data": {"code": 7}}
    if refusal.data != wanted:
        raise Failure(repr(wanted), str(refusal))


@case("rooms-refusal-connection", needs="fixture", over={"mode": ("false", "message", "data")})
async def refused_client_keeps_its_connection_and_its_namespaces(target: Target, mode: str) -> None:
    peer = await target.socketio()
    await peer.enter("/custom")
    await peer.send(Packet(PacketType.CONNECT, "/reject", {"mode": mode}))
    await peer.expect(PacketType.CONNECT_ERROR, "/reject")
    await peer.emit("message", "still here", namespace="/custom")
    await peer.expect_event("message-back", "still here", namespace="/custom")
    await peer.quiet()


@case("rooms-refusal-no-member", needs={"fixture", "emit"}, exclusive=True)
async def refused_client_hears_nothing_of_the_namespace(target: Target) -> None:
    speaker, peer = await target.socketio(namespace="/reject"), await target.socketio()
    room = target.unique("room")
    await peer.send(Packet(PacketType.CONNECT, "/reject", {"mode": "message", "join": [room]}))
    await peer.expect(PacketType.CONNECT_ERROR, "/reject")
    await speaker.proof("emit", event="said", args=["to the room"], to=[room])
    await speaker.proof("emit", event="said", args=["to all"])
    await speaker.proof("emit", event="fence", args=[], to=[peer.sid], namespace="/")
    await peer.expect_event("fence")
