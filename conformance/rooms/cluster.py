"""Room R34: several server processes behind one address and a shared message queue are one."""

from itertools import permutations
from typing import Any

from sockproof.conformance import Failure, SocketIOPeer, Target, case, clients_apart, fence_across
from sockproof.wire.socketio import Packet, PacketType

NEEDS = {"cluster", "info", "emit", "join"}


async def _say(speaker: SocketIOPeer, word: Any, **options: Any) -> None:
    await speaker.proof("emit", event="said", args=[word], **options)


async def _joined(speaker: SocketIOPeer, room: str, *members: SocketIOPeer) -> None:
    """The members are in the room, and the speaker's process knows it."""
    for member in members:
        await member.proof("join", rooms=[room])
    await fence_across(speaker, *members)


@case("rooms-cluster-broadcast", needs=NEEDS, exclusive=True)
async def event_to_everyone_reaches_every_process_once(target: Target) -> None:
    speaker, *others = await clients_apart(target, 3)
    await _say(speaker, "to all processes")
    for peer in (speaker, *others):
        await peer.expect_event("said", "to all processes")
    await fence_across(speaker, speaker, *others)


@case("rooms-cluster-room", needs=NEEDS)
async def event_to_a_room_reaches_its_members_on_every_process(target: Target) -> None:
    speaker, member, outsider = await clients_apart(target, 3)
    room = target.unique("room")
    await _joined(speaker, room, speaker, member)
    await _say(speaker, "across processes", to=[room])
    for peer in (speaker, member):
        await peer.expect_event("said", "across processes")
    await fence_across(speaker, speaker, member, outsider)


@case("rooms-cluster-union", needs=NEEDS)
async def event_to_several_rooms_reaches_members_on_every_process_once(target: Target) -> None:
    for speaker, member in permutations(await clients_apart(target)):
        rooms = [target.unique("first"), target.unique("second")]
        for room in rooms:
            await _joined(speaker, room, speaker, member)
        await _say(speaker, "once on each process", to=rooms)
        for peer in (speaker, member):
            await peer.expect_event("said", "once on each process")
        await fence_across(speaker, speaker, member)


@case("rooms-cluster-skip", needs={*NEEDS, "emit.skip"})
async def client_of_another_process_can_be_skipped(target: Target) -> None:
    speaker, skipped, member = await clients_apart(target, 3)
    room = target.unique("room")
    await _joined(speaker, room, skipped, member)
    await _say(speaker, "not to one over there", to=[room], skip=[skipped.sid])
    await member.expect_event("said", "not to one over there")
    await fence_across(speaker, skipped, member)


@case("rooms-cluster-join", needs=NEEDS)
async def client_of_another_process_can_be_made_to_join(target: Target) -> None:
    for speaker, member in permutations(await clients_apart(target)):
        room = target.unique("room")
        await speaker.proof("join", rooms=[room], sid=member.sid)
        await fence_across(speaker, member)  # behind the join, on its way to the other process
        await _say(speaker, "joined from afar", to=[room])
        await member.expect_event("said", "joined from afar")
        await fence_across(speaker, member)


@case("rooms-cluster-leave", needs={*NEEDS, "leave"})
async def client_of_another_process_can_be_made_to_leave(target: Target) -> None:
    for speaker, member in permutations(await clients_apart(target)):
        room = target.unique("room")
        await _joined(speaker, room, member)
        await speaker.proof("leave", rooms=[room], sid=member.sid)
        await fence_across(speaker, member)
        await _say(speaker, "left from afar", to=[room])
        await fence_across(speaker, member)


@case("rooms-cluster-disconnect", needs={*NEEDS, "disconnect"})
async def client_of_another_process_can_be_disconnected(target: Target) -> None:
    speaker, member = await clients_apart(target)
    await speaker.proof("disconnect", sid=member.sid)
    await member.expect(PacketType.DISCONNECT)


@case("rooms-cluster-close-room", needs={*NEEDS, "close_room"})
async def closing_a_room_empties_it_on_every_process(target: Target) -> None:
    for speaker, member in permutations(await clients_apart(target)):
        room = target.unique("room")
        await _joined(speaker, room, speaker, member)
        await speaker.proof("close_room", room=room)
        await fence_across(speaker, speaker, member)
        await _say(speaker, "closed everywhere", to=[room])
        await fence_across(speaker, speaker, member)


@case("rooms-cluster-binary", needs=NEEDS)
async def binary_event_reaches_another_process_unchanged(target: Target) -> None:
    for speaker, member in permutations(await clients_apart(target)):
        room = target.unique("room")
        await _joined(speaker, room, speaker, member)
        every = bytes(range(256))
        args = [{"$bin": list(every)}, {"deep": [{"$bin": []}, {"$bin": [7]}]}]
        await speaker.proof("emit", event="said", args=args, to=[room])
        for peer in (speaker, member):
            await peer.expect_event("said", every, {"deep": [b"", b"\7"]})


@case("rooms-cluster-call", needs={*NEEDS, "call"}, over={"answer": ("text", "binary")})
async def client_of_another_process_answers_a_call(target: Target, answer: str) -> None:
    for asker, peer in permutations(await clients_apart(target)):
        request = {
            "op": "call",
            "sid": peer.sid,
            "event": "ask",
            "args": ["from afar"],
            "timeout": 3,
        }
        await asker.send(Packet(PacketType.EVENT, asker.namespace, ["sockproof", request], 9))
        question = await peer.receive_event()
        if question.id is None or question.data != ["ask", "from afar"]:
            raise Failure("EVENT ['ask', 'from afar'] with an id", question)
        said, shown = ("answer", "answer") if answer == "text" else (b"\0\xff", {"$bin": [0, 255]})
        await peer.send(Packet(PacketType.ACK, peer.namespace, [said, 2], question.id))
        got = await asker.ack(9)
        if got != [{"ok": True, "result": [shown, 2]}]:
            raise Failure(f"the result {[shown, 2]}", repr(got)[:200])


@case("rooms-cluster-order", needs=NEEDS)
async def events_reach_another_process_in_order(target: Target) -> None:
    for speaker, member in permutations(await clients_apart(target)):
        room = target.unique("room")
        await _joined(speaker, room, member)
        for start in (0, 20):
            args = {"event": "said", "args": [start], "to": [room], "count": 20, "sequence": True}
            await speaker.proof("emit", **args)
        for number in range(40):
            await member.expect_event("said", number // 20 * 20, number % 20)
