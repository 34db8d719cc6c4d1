"""Rooms R18, R19 and R31 to R33: clients that go, by themselves or put out."""

from collections.abc import Awaitable, Callable
from typing import Any

from sockproof.conformance import Failure, SocketIOPeer, Target, case
from sockproof.wire import engineio
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling")}
LOGGED = {"fixture", "log", "slow-timers", "websocket"}


async def _packet(peer: SocketIOPeer) -> None:
    await peer.send(Packet(PacketType.DISCONNECT))


async def _close(peer: SocketIOPeer) -> None:
    await peer.engine.send(engineio.Packet(engineio.PacketType.CLOSE))
    if peer.engine.websocket is not None:
        peer.engine.websocket.stream.close()  # as a client does that has said good-bye


async def _end(peer: SocketIOPeer) -> None:
    assert peer.engine.websocket is not None
    peer.engine.websocket.stream.close()


async def _reset(peer: SocketIOPeer) -> None:
    assert peer.engine.websocket is not None
    peer.engine.websocket.stream.reset()


WAYS: dict[str, Callable[[SocketIOPeer], Awaitable[None]]] = {
    "disconnect-packet": _packet,
    "close-packet": _close,
    "end-of-tcp": _end,
    "reset-of-tcp": _reset,
}


async def _gone(
    target: Target, peer: SocketIOPeer, other: SocketIOPeer, way: str
) -> dict[str, Any]:
    """A client goes in one of the ways; gives the log's entry of it."""
    await WAYS[way](peer)
    with target.preparing("the application's disconnect handler"):
        entries = await other.entries(peer.sid)
    return next(entry for entry in entries if entry.get("type") == "disconnect")


@case("rooms-disconnect-leaves", needs={*LOGGED, "join", "members"}, over={"way": tuple(WAYS)})
async def client_that_went_is_in_no_room(target: Target, way: str) -> None:
    peer, other = await target.connect_socketio(2, "websocket")
    room = target.unique("room")
    for member in (peer, other):
        await member.proof("join", rooms=[room])
    await _gone(target, peer, other, way)
    await other.engine.passes()  # the handler runs before the rooms are left, or behind it
    for name, wanted in ((room, [other.sid]), (peer.sid, [])):
        answer = await other.proof("members", room=name)
        if answer.get("sids") != wanted:
            raise Failure(f"the members {wanted}", repr(answer)[:200])


@case("rooms-disconnect-rest-hears", needs={*LOGGED, "join", "emit"}, over={"way": tuple(WAYS)})
async def others_hear_on_when_a_member_has_gone(target: Target, way: str) -> None:
    peer, *others = await target.connect_socketio(3, "websocket")
    room = target.unique("room")
    for member in (peer, *others):
        await member.proof("join", rooms=[room])
    await _gone(target, peer, others[0], way)
    await others[0].proof("emit", event="said", args=["who is left?"], to=[room])
    for other in others:
        await other.expect_event("said", "who is left?")
    await others[0].fence(*others)


@case("rooms-disconnecting-rooms", needs={*LOGGED, "join"})
async def rooms_of_a_client_that_goes_are_told_or_not(target: Target) -> None:
    peer, other = await target.connect_socketio(2, "websocket")
    room = target.unique("room")
    await peer.proof("join", rooms=[room])
    entry = await _gone(target, peer, other, "end-of-tcp")
    seen = room in (entry.get("rooms") or [])
    target.report("the rooms of a client while it disconnects", "are seen" if seen else "are not")


@case("rooms-abrupt-close-reason", needs=LOGGED, over={"way": ("end-of-tcp", "reset-of-tcp")})
async def broken_connection_is_told_with_a_reason(target: Target, way: str) -> None:
    peer, other = await target.connect_socketio(2, "websocket")
    entry = await _gone(target, peer, other, way)
    if not isinstance(entry.get("reason"), str) or entry["reason"] in ("", "None", "undefined"):
        raise Failure("a reason", repr(entry)[:200])


@case("rooms-disconnect-reasons", needs={*LOGGED, "disconnect"})
async def reasons_of_disconnects_are_told_apart_or_not(target: Target) -> None:
    other, reasons = await target.socketio("websocket"), {}
    for way in ("disconnect-packet", "close-packet", "end-of-tcp"):
        entry = await _gone(target, await target.socketio("websocket"), other, way)
        reasons[way] = entry.get("reason")
    peer = await target.socketio("websocket")
    await other.proof("disconnect", sid=peer.sid)
    with target.preparing("the application's disconnect handler"):
        entries = await other.entries(peer.sid)
    reasons["server"] = entries[-1].get("reason")
    target.report("reasons", ", ".join(f"{way}: {reason}" for way, reason in reasons.items()))


# Put out by the server.


@case("rooms-server-disconnect-told", needs={"fixture", "disconnect"}, over=TRANSPORTS)
async def client_that_is_put_out_gets_a_disconnect_packet(target: Target, transport: str) -> None:
    peer, other = await target.connect_socketio(2, transport)
    await peer.enter("/custom")
    await other.proof("disconnect", sid=peer.sid)
    await peer.expect(PacketType.DISCONNECT)


@case("rooms-server-disconnect-transport", needs={"fixture", "disconnect"}, over=TRANSPORTS)
async def client_that_is_put_out_keeps_its_other_namespaces(target: Target, transport: str) -> None:
    peer, other = await target.connect_socketio(2, transport)
    sid = await peer.enter("/custom")
    await other.proof("disconnect", sid=sid, namespace="/custom")
    await peer.expect(PacketType.DISCONNECT, "/custom")
    await peer.quiet()


@case("rooms-disconnect-leaves", needs={"fixture", "disconnect", "join", "emit"})
async def client_that_was_put_out_comes_back_without_its_rooms(target: Target) -> None:
    peer, other = await target.connect_socketio(2)
    room, first = target.unique("room"), await peer.enter("/custom")
    await peer.proof("join", rooms=[room], via="/custom")
    await other.proof("disconnect", sid=first, namespace="/custom")
    await peer.expect(PacketType.DISCONNECT, "/custom")
    await peer.enter("/custom")
    await other.proof("emit", event="said", args=["gone"], to=[room], namespace="/custom")
    await other.fence(peer)
