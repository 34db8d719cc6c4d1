"""Room R25: binary data in events to rooms."""

import re
from typing import Any

from sockproof.conformance import Failure, SocketIOPeer, Target, case

TRANSPORTS = {"transport": ("websocket", "polling")}
NEEDS = {"join", "emit"}


def _bin(octets: bytes) -> dict[str, list[int]]:
    """Octets as an operation has them."""
    return {"$bin": list(octets)}


async def _speak(
    target: Target, transport: str, *args: Any, **options: Any
) -> tuple[SocketIOPeer, list[SocketIOPeer]]:
    """Say something to a room of two; gives the speaker and the members."""
    speaker, *members = await target.connect_socketio(3, transport)
    room = target.unique("room")
    for member in members:
        await member.proof("join", rooms=[room])
    await speaker.proof("emit", event="said", args=list(args), to=[room], **options)
    return speaker, members


@case("rooms-binary-header", needs=NEEDS, over=TRANSPORTS)
async def binary_event_to_a_room_announces_its_attachments(target: Target, transport: str) -> None:
    _, members = await _speak(target, transport, "announced", _bin(b"one"), _bin(b"two"))
    for member in members:
        text = str(await member.receive_raw())
        if re.match(r'52-\["said", ?"announced"', text) is None:
            raise Failure('52-["said","announced",…]', f"{text!r:.100}")
        for octets in (b"one", b"two"):
            got = await member.receive_raw()
            if got != octets:
                raise Failure(f"the attachment {octets!r}", f"{got!r:.100}")


@case("rooms-binary-contiguous", needs=NEEDS, over=TRANSPORTS)
async def attachments_to_a_room_follow_their_packet_at_once(target: Target, transport: str) -> None:
    args = ("contiguous", _bin(b"one"), _bin(b"two"))
    speaker, members = await _speak(target, transport, *args, count=4, sequence=True)
    for member in members:
        for number in range(4):
            await member.expect_event("said", "contiguous", b"one", b"two", number)
    await speaker.fence(*members)


@case("rooms-binary-nested", needs=NEEDS, over=TRANSPORTS)
async def nested_binary_data_reaches_a_room_in_its_place(target: Target, transport: str) -> None:
    every = bytes(range(256))
    args = [_bin(b"first"), {"deep": [_bin(every), {"deeper": _bin(b"third")}]}, _bin(b"fourth")]
    _, members = await _speak(target, transport, *args, "text")
    wanted = [b"first", {"deep": [every, {"deeper": b"third"}]}, b"fourth", "text"]
    for member in members:
        await member.expect_event("said", *wanted)


@case("rooms-binary-empty", needs=NEEDS, over=TRANSPORTS)
async def empty_binary_data_reaches_a_room(target: Target, transport: str) -> None:
    _, members = await _speak(target, transport, "empty", _bin(b""), _bin(b"not empty"))
    for member in members:
        await member.expect_event("said", "empty", b"", b"not empty")


@case("rooms-union-once", needs=NEEDS)
async def binary_event_to_two_rooms_reaches_a_member_of_both_once(target: Target) -> None:
    speaker, both, one = await target.connect_socketio(3)
    rooms = [target.unique("first"), target.unique("second")]
    await both.proof("join", rooms=rooms)
    await one.proof("join", rooms=rooms[:1])
    await speaker.proof("emit", event="said", args=[_bin(b"once")], to=rooms)
    for member in (both, one):
        await member.expect_event("said", b"once")
    await speaker.fence(both, one)


@case("rooms-broadcast-everyone", needs={"emit", "join", "upgrade"}, exclusive=True)
async def binary_event_to_everyone_reaches_each_transport(target: Target) -> None:
    transports = ("websocket", "websocket", "polling", "upgrade")
    speaker, *peers = await target.neighbours(*transports)
    await speaker.proof("emit", event="said", args=[_bin(b"to all"), "of you"])
    for peer in (speaker, *peers):
        await peer.expect_event("said", b"to all", "of you")
    await speaker.fence(*peers)
