"""Room R34: several server processes, in each namespace, over each transport, beyond the usual."""

from itertools import permutations
from typing import Any

from sockproof.conformance import SocketIOPeer, Target, case, clients_apart, fence_across

NEEDS = {"cluster", "info", "emit", "join"}
PLACES = {"transport": ("websocket", "polling"), "namespace": ("/", "/custom")}


async def _joined(speaker: SocketIOPeer, *members: SocketIOPeer, rooms: list[str]) -> None:
    """The members are in the rooms, and the speaker's process knows it."""
    for member in members:
        await member.proof("join", rooms=rooms)
    await fence_across(speaker, *members)


VALUES: list[Any] = ["", None, 0, 2**31, "long " * 4_000, {"$bin": []}, [{"$bin": [1]}], "end"]
HEARD: list[Any] = ["", None, 0, 2**31, "long " * 4_000, b"", [b"\1"], "end"]


@case("rooms-cluster-room", needs=NEEDS, over=PLACES)
async def event_reaches_another_process_once_and_unchanged(
    target: Target, transport: str, namespace: str
) -> None:
    for speaker, member in permutations(await clients_apart(target, 2, transport, namespace)):
        room = target.unique("room")
        await _joined(speaker, member, rooms=[room])
        await speaker.proof("emit", event="said", args=VALUES, to=[room])
        await member.expect_event("said", *HEARD)
        await fence_across(speaker, member)


@case("rooms-cluster-broadcast", needs=NEEDS, exclusive=True, over=PLACES)
async def event_to_everyone_of_a_namespace_reaches_every_process(
    target: Target, transport: str, namespace: str
) -> None:
    for speaker, member in permutations(await clients_apart(target, 2, transport, namespace)):
        await speaker.proof("emit", event="said", args=["to all"])
        for peer in (speaker, member):
            await peer.expect_event("said", "to all")
        await fence_across(speaker, speaker, member)


@case("rooms-cluster-join", needs=NEEDS)
async def client_of_another_process_joins_several_rooms(target: Target) -> None:
    for speaker, member in permutations(await clients_apart(target, namespace="/")):
        rooms = [target.unique("room") for _ in range(3)]
        await speaker.proof("join", rooms=rooms, sid=member.sid)
        await fence_across(speaker, member)
        for room in rooms:
            await speaker.proof("emit", event="said", args=[room], to=[room])
            await member.expect_event("said", room)
        await fence_across(speaker, member)


@case("rooms-cluster-leave", needs={*NEEDS, "leave"})
async def client_of_another_process_leaves_several_rooms(target: Target) -> None:
    for speaker, member in permutations(await clients_apart(target, namespace="/")):
        rooms = [target.unique("room") for _ in range(3)]
        await _joined(speaker, member, rooms=rooms)
        await speaker.proof("leave", rooms=rooms[1:], sid=member.sid)
        await fence_across(speaker, member)
        for room in reversed(rooms):
            await speaker.proof("emit", event="said", args=[room], to=[room])
        await member.expect_event("said", rooms[0])
        await fence_across(speaker, member)


@case("rooms-cluster-close-room", needs={*NEEDS, "close_room"})
async def closed_room_has_none_of_three_members_of_another_process(target: Target) -> None:
    speaker, *members = await clients_apart(target, 4, namespace="/")
    room = target.unique("room")
    await _joined(speaker, *members, rooms=[room])
    await speaker.proof("close_room", room=room)
    await fence_across(speaker, *members)
    await speaker.proof("emit", event="said", args=["closed"], to=[room])
    await fence_across(speaker, *members)
