"""Room R34: several server processes behind one address and a shared message queue are one."""

from typing import Any

from sockproof.conformance import Failure, SocketIOPeer, Target, Unsupported, case
from sockproof.wire.socketio import Packet, PacketType

NEEDS = {"cluster", "info", "emit", "join"}
MOST_CLIENTS = 16  # that are connected to find two on different processes


async def _apart(target: Target, count: int = 2) -> list[SocketIOPeer]:
    """So many clients; the first is on another process than the rest."""
    places: dict[str, list[SocketIOPeer]] = {}
    for _ in range(MOST_CLIENTS):
        peer = await target.socketio()
        process = str((await peer.proof("info")).get("process"))
        places.setdefault(process, []).append(peer)
        for name, peers in places.items():
            others = [each for other in places if other != name for each in places[other]]
            if len(others) >= count - 1:
                return [peers[0], *others[: count - 1]]
    got = f"{MOST_CLIENTS} clients on {len(places)} processes"
    raise Unsupported(f"{count} clients on different processes", got)


async def _say(speaker: SocketIOPeer, word: Any, **options: Any) -> None:
    await speaker.proof("emit", event="said", args=[word], **options)


async def _fence(speaker: SocketIOPeer, *hearers: SocketIOPeer) -> None:
    """Nothing more came: the next event of each hearer is this one, which goes the same way."""
    await speaker.proof("emit", event="fence", args=[], to=[each.sid for each in hearers])
    for hearer in hearers:
        await hearer.expect_event("fence")


async def _joined(speaker: SocketIOPeer, room: str, *members: SocketIOPeer) -> None:
    """The members are in the room, and the speaker's process knows it."""
    for member in members:
        await member.proof("join", rooms=[room])
    await _fence(speaker, *members)


@case("rooms-cluster-broadcast", needs=NEEDS, exclusive=True)
async def event_to_everyone_reaches_every_process_once(target: Target) -> None:
    speaker, *others = await _apart(target, 3)
    await _say(speaker, "to all processes")
    for peer in (speaker, *others):
        await peer.expect_event("said", "to all processes")
    await _fence(speaker, speaker, *others)


@case("rooms-cluster-room", needs=NEEDS)
async def event_to_a_room_reaches_its_members_on_every_process(target: Target) -> None:
    speaker, member, outsider = await _apart(target, 3)
    room = target.unique("room")
    await _joined(speaker, room, speaker, member)
    await _say(speaker, "across processes", to=[room])
    for peer in (speaker, member):
        await peer.expect_event("said", "across processes")
    await _fence(speaker, speaker, member, outsider)


@case("rooms-cluster-union", needs=NEEDS)
async def event_to_several_rooms_reaches_members_on_every_process_once(target: Target) -> None:
    speaker, member = await _apart(target)
    rooms = [target.unique("first"), target.unique("second")]
    for room in rooms:
        await _joined(speaker, room, speaker, member)
    await _say(speaker, "once on each process", to=rooms)
    for peer in (speaker, member):
        await peer.expect_event("said", "once on each process")
    await _fence(speaker, speaker, member)


@case("rooms-cluster-skip", needs={*NEEDS, "emit.skip"})
async def client_of_another_process_can_be_skipped(target: Target) -> None:
    speaker, skipped, member = await _apart(target, 3)
    room = target.unique("room")
    await _joined(speaker, room, skipped, member)
    await _say(speaker, "not to one over there", to=[room], skip=[skipped.sid])
    await member.expect_event("said", "not to one over there")
    await _fence(speaker, skipped, member)


@case("rooms-cluster-join", needs=NEEDS)
async def client_of_another_process_can_be_made_to_join(target: Target) -> None:
    speaker, member = await _apart(target)
    room = target.unique("room")
    await speaker.proof("join", rooms=[room], sid=member.sid)
    await _fence(speaker, member)  # behind the join, on its way to the other process
    await _say(speaker, "joined from afar", to=[room])
    await member.expect_event("said", "joined from afar")
    await _fence(speaker, member)


@case("rooms-cluster-leave", needs={*NEEDS, "leave"})
async def client_of_another_process_can_be_made_to_leave(target: Target) -> None:
    speaker, member = await _apart(target)
    room = target.unique("room")
    await _joined(speaker, room, member)
    await speaker.proof("leave", rooms=[room], sid=member.sid)
    await _fence(speaker, member)
    await _say(speaker, "left from afar", to=[room])
    await _fence(speaker, member)


@case("rooms-cluster-disconnect", needs={*NEEDS, "disconnect"})
async def client_of_another_process_can_be_disconnected(target: Target) -> None:
    speaker, member = await _apart(target)
    await speaker.proof("disconnect", sid=member.sid)
    await member.expect(PacketType.DISCONNECT)


@case("rooms-cluster-close-room", needs={*NEEDS, "close_room"})
async def closing_a_room_empties_it_on_every_process(target: Target) -> None:
    speaker, member = await _apart(target)
    room = target.unique("room")
    await _joined(speaker, room, speaker, member)
    await speaker.proof("close_room", room=room)
    await _fence(speaker, speaker, member)
    await _say(speaker, "closed everywhere", to=[room])
    await _fence(speaker, speaker, member)


@case("rooms-cluster-binary", needs=NEEDS)
async def binary_event_reaches_another_process_unchanged(target: Target) -> None:
    speaker, member = await _apart(target)
    room = target.unique("room")
    await _joined(speaker, room, speaker, member)
    every = bytes(range(256))
    args = [{"$bin": list(every)}, {"deep": [{"$bin": []}, {"$bin": [7]}]}]
    await speaker.proof("emit", event="said", args=args, to=[room])
    for peer in (speaker, member):
        await peer.expect_event("said", every, {"deep": [b"", b"\7"]})


@case("rooms-cluster-call", needs={*NEEDS, "call"}, over={"answer": ("text", "binary")})
async def client_of_another_process_answers_a_call(target: Target, answer: str) -> None:
    asker, peer = await _apart(target)
    request = {"op": "call", "sid": peer.sid, "event": "ask", "args": ["from afar"], "timeout": 3}
    await asker.send(Packet(PacketType.EVENT, asker.namespace, ["sockproof", request], 9))
    question = await peer.receive_event()
    if question.id is None or question.data != ["ask", "from afar"]:
        raise Failure("EVENT ['ask', 'from afar'] with an id", str(question))
    said, shown = ("answer", "answer") if answer == "text" else (b"\0\xff", {"$bin": [0, 255]})
    await peer.send(Packet(PacketType.ACK, peer.namespace, [said, 2], question.id))
    got = await asker.ack(9)
    if got != [{"ok": True, "result": [shown, 2]}]:
        raise Failure(f"the result {[shown, 2]}", repr(got)[:200])


@case("rooms-cluster-order", needs=NEEDS)
async def events_reach_another_process_in_order(target: Target) -> None:
    speaker, member = await _apart(target)
    room = target.unique("room")
    await _joined(speaker, room, member)
    for start in (0, 20):
        args = {"event": "said", "args": [start], "to": [room], "count": 20, "sequence": True}
        await speaker.proof("emit", **args)
    for number in range(40):
        await member.expect_event("said", number // 20 * 20, number % 20)
