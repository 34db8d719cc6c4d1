"""Rooms: whatever a client is and has outlives the upgrade of its session."""

from sockproof.conformance import Failure, SocketIOPeer, Target, case

NEEDS = {"fixture", "upgrade", "join", "leave", "rooms", "emit"}


async def _upgraded(target: Target, peer: SocketIOPeer) -> None:
    await peer.engine.upgrade()
    with target.awaits("the session at work after the upgrade"):
        await peer.quiet()


@case("rooms-members-only", needs=NEEDS, over={"namespace": ("/", "/custom")})
async def rooms_outlive_an_upgrade(target: Target, namespace: str) -> None:
    speaker = await target.socketio(namespace=namespace)
    member = await target.socketio("polling", namespace=namespace)
    room = target.unique("room")
    await member.proof("join", rooms=[room])
    await _upgraded(target, member)
    answer = await member.proof("rooms")
    if not {room, member.sid} <= set(answer.get("rooms") or ()):
        raise Failure(f"the rooms {room} and its own", repr(answer)[:200])
    for to in (room, member.sid):
        await speaker.proof("emit", event="said", args=[to], to=[to])
        await member.expect_event("said", to)
    await member.proof("leave", rooms=[room])
    await speaker.proof("emit", event="said", args=["left"], to=[room])
    await speaker.fence(member)


@case("rooms-broadcast-everyone", needs=NEEDS, exclusive=True)
async def client_hears_what_is_said_to_everyone_after_an_upgrade(target: Target) -> None:
    speaker, member = await target.socketio(), await target.socketio("polling")
    await _upgraded(target, member)
    await speaker.proof("emit", event="said", args=["to all"])
    await member.expect_event("said", "to all")
    await speaker.fence(member)


@case("rooms-namespace-left-keeps-main", needs=NEEDS)
async def namespaces_outlive_an_upgrade(target: Target) -> None:
    peer = await target.socketio("polling")
    sid = await peer.enter("/custom")
    await _upgraded(target, peer)
    for namespace in ("/custom", "/"):
        await peer.emit("message", "still here", namespace=namespace)
        await peer.expect_event("message-back", "still here", namespace=namespace)
    answer = await peer.proof("info", via="/custom")
    if answer.get("sid") != sid:
        raise Failure(f"the sid {sid}", repr(answer)[:200])


@case("rooms-session-kept", needs={*NEEDS, "session_set", "session_get"})
async def sessions_of_two_namespaces_outlive_an_upgrade(target: Target) -> None:
    peer = await target.socketio("polling")
    await peer.enter("/custom")
    for namespace in ("/", "/custom"):
        await peer.proof("session_set", data={"of": namespace}, via=namespace)
    await _upgraded(target, peer)
    for namespace in ("/", "/custom"):
        answer = await peer.proof("session_get", via=namespace)
        if answer.get("data") != {"of": namespace}:
            raise Failure(f"the session of {namespace}", repr(answer)[:200])
