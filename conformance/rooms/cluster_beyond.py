"""Room R34: several server processes, in each namespace, over each transport, beyond the usual."""

from typing import Any

from sockproof.conformance import SocketIOPeer, Target, Unsupported, case

NEEDS = {"cluster", "info", "emit", "join"}
MOST_CLIENTS = 16  # that are connected to find some on different processes
PLACES = {"transport": ("websocket", "polling"), "namespace": ("/", "/custom")}


async def _apart(
    target: Target, count: int = 2, transport: str | None = None, namespace: str = "/"
) -> list[SocketIOPeer]:
    """So many clients; the first is on another process than the rest."""
    if transport == "polling" and not target.supports("polling"):
        raise Unsupported("a cluster with long-polling", "the target does not offer it")
    places: dict[str, list[SocketIOPeer]] = {}
    for _ in range(MOST_CLIENTS):
        peer = await target.socketio(transport, namespace=namespace)
        process = str((await peer.proof("info")).get("process"))
        places.setdefault(process, []).append(peer)
        for name, peers in places.items():
            others = [each for other in places if other != name for each in places[other]]
            if len(others) >= count - 1:
                return [peers[0], *others[: count - 1]]
    got = f"{MOST_CLIENTS} clients on {len(places)} processes"
    raise Unsupported(f"{count} clients on different processes", got)


async def _fence(speaker: SocketIOPeer, *hearers: SocketIOPeer) -> None:
    """Nothing more came: the next event of each hearer is this one, which goes the same way."""
    await speaker.proof("emit", event="fence", args=[], to=[each.sid for each in hearers])
    for hearer in hearers:
        await hearer.expect_event("fence")


async def _joined(speaker: SocketIOPeer, *members: SocketIOPeer, rooms: list[str]) -> None:
    """The members are in the rooms, and the speaker's process knows it."""
    for member in members:
        await member.proof("join", rooms=rooms)
    await _fence(speaker, *members)


VALUES: list[Any] = ["", None, 0, 2**31, "long " * 4_000, {"$bin": []}, [{"$bin": [1]}], "end"]
HEARD: list[Any] = ["", None, 0, 2**31, "long " * 4_000, b"", [b"\1"], "end"]


@case("rooms-cluster-room", needs=NEEDS, over=PLACES)
async def event_reaches_another_process_once_and_unchanged(
    target: Target, transport: str, namespace: str
) -> None:
    speaker, member = await _apart(target, 2, transport, namespace)
    room = target.unique("room")
    await _joined(speaker, member, rooms=[room])
    await speaker.proof("emit", event="said", args=VALUES, to=[room])
    await member.expect_event("said", *HEARD)
    await _fence(speaker, member)


@case("rooms-cluster-broadcast", needs=NEEDS, exclusive=True, over=PLACES)
async def event_to_everyone_of_a_namespace_reaches_every_process(
    target: Target, transport: str, namespace: str
) -> None:
    speaker, member = await _apart(target, 2, transport, namespace)
    await speaker.proof("emit", event="said", args=["to all"])
    for peer in (speaker, member):
        await peer.expect_event("said", "to all")
    await _fence(speaker, speaker, member)


@case("rooms-cluster-join", needs=NEEDS)
async def client_of_another_process_joins_several_rooms(target: Target) -> None:
    speaker, member = await _apart(target)
    rooms = [target.unique("room") for _ in range(3)]
    await speaker.proof("join", rooms=rooms, sid=member.sid)
    await _fence(speaker, member)
    for room in rooms:
        await speaker.proof("emit", event="said", args=[room], to=[room])
        await member.expect_event("said", room)
    await _fence(speaker, member)


@case("rooms-cluster-leave", needs={*NEEDS, "leave"})
async def client_of_another_process_leaves_several_rooms(target: Target) -> None:
    speaker, member = await _apart(target)
    rooms = [target.unique("room") for _ in range(3)]
    await _joined(speaker, member, rooms=rooms)
    await speaker.proof("leave", rooms=rooms[1:], sid=member.sid)
    await _fence(speaker, member)
    for room in reversed(rooms):
        await speaker.proof("emit", event="said", args=[room], to=[room])
    await member.expect_event("said", rooms[0])
    await _fence(speaker, member)


@case("rooms-cluster-close-room", needs={*NEEDS, "close_room"})
async def closed_room_has_none_of_three_members_of_another_process(target: Target) -> None:
    speaker, *members = await _apart(target, 4)
    room = target.unique("room")
    await _joined(speaker, *members, rooms=[room])
    await speaker.proof("close_room", room=room)
    await _fence(speaker, *members)
    await speaker.proof("emit", event="said", args=["closed"], to=[room])
    await _fence(speaker, *members)
