"""Rooms R1, R11 to R16: who is in a room, and what joining, leaving and closing change."""

from sockproof.conformance import Failure, SocketIOPeer, Target, case

TRANSPORTS = {"transport": ("websocket", "polling")}


async def _rooms(peer: SocketIOPeer, namespace: str = "/") -> set[str]:
    """The rooms that a client is in by itself, its sid's among them."""
    rooms = (await peer.proof("rooms", via=namespace)).get("rooms")
    sid = peer.sids[namespace]
    if not isinstance(rooms, list) or rooms.count(sid) != 1:
        raise Failure(f"rooms, {sid!r} once among them", repr(rooms)[:200])
    return set(rooms)


def _expect_alone(target: Target, rooms: set[str], sid: str, others: set[str]) -> None:
    """In the room of no other client's sid; the application may have rooms for all who come."""
    if strange := (rooms - {sid}) & others:
        raise Failure(f"no room of another's sid beside {sid!r}", repr(sorted(strange)))
    if own := rooms - {sid}:
        target.report("rooms of a new client", ", ".join(map(repr, sorted(own)))[:200])


@case("rooms-auto-join", needs={"rooms"}, over=TRANSPORTS)
async def new_client_is_in_the_room_of_its_own_sid_alone(target: Target, transport: str) -> None:
    first, second = await target.connect_socketio(2, transport)
    for peer, other in ((first, second), (second, first)):
        _expect_alone(target, await _rooms(peer), peer.sid, {other.sid, other.engine.sid})


@case("rooms-auto-join-per-namespace", needs={"rooms"})
async def client_is_in_the_room_of_its_sid_in_each_namespace(target: Target) -> None:
    peer = await target.socketio()
    sid = await peer.connect("/custom")
    _expect_alone(target, await _rooms(peer, "/custom"), sid, {peer.sid, peer.engine.sid})


@case("rooms-rejoin-once", needs={"join", "emit"}, over=TRANSPORTS)
async def member_that_joins_again_hears_an_event_once(target: Target, transport: str) -> None:
    speaker, member = await target.connect_socketio(2, transport)
    room = target.unique("room")
    await member.proof("join", rooms=[room])
    await member.proof("join", rooms=[room])
    await speaker.proof("emit", event="said", args=["once"], to=[room])
    await member.expect_event("said", "once")
    await speaker.fence(member)


@case("rooms-rejoin-one-leave", needs={"join", "leave", "emit"})
async def one_leave_undoes_two_joins(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    room = target.unique("room")
    await member.proof("join", rooms=[room])
    await member.proof("join", rooms=[room])
    await member.proof("leave", rooms=[room])
    await speaker.proof("emit", event="said", args=["too late"], to=[room])
    await speaker.fence(member)


@case("rooms-leave-not-joined", needs={"leave", "join", "emit"})
async def leaving_a_room_not_joined_changes_nothing(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    room = target.unique("room")
    await member.proof("join", rooms=[room])
    answer = await speaker.operate("leave", rooms=[room])
    if answer["ok"] is not True:
        raise Failure("no error", repr(answer))
    await speaker.proof("emit", event="said", args=["still here"], to=[room])
    await member.expect_event("said", "still here")


@case("rooms-leave-unknown", needs={"leave"})
async def leaving_a_room_that_nobody_is_in_is_no_error(target: Target) -> None:
    peer = await target.socketio()
    answer = await peer.operate("leave", rooms=[target.unique("nobody")])
    if answer["ok"] is not True:
        raise Failure("no error", repr(answer))


@case("rooms-leave-stops", needs={"join", "leave", "emit"}, over=TRANSPORTS)
async def member_that_left_hears_no_more(target: Target, transport: str) -> None:
    speaker, member, other = await target.connect_socketio(3, transport)
    room = target.unique("room")
    await member.proof("join", rooms=[room])
    await other.proof("join", rooms=[room])
    await member.proof("leave", rooms=[room])
    await speaker.proof("emit", event="said", args=["to who is left"], to=[room])
    await other.expect_event("said", "to who is left")
    await speaker.fence(member, other)


@case("rooms-leave-stops", needs={"join", "leave", "emit"})
async def several_rooms_are_joined_and_left_at_once(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    rooms = [target.unique(word) for word in ("first", "second", "third")]
    await member.proof("join", rooms=rooms)
    for room in rooms:
        await speaker.proof("emit", event="said", args=[room], to=[room])
        await member.expect_event("said", room)
    await member.proof("leave", rooms=rooms[:2])
    for room in rooms:
        await speaker.proof("emit", event="said", args=[room], to=[room])
    await member.expect_event("said", rooms[2])
    await speaker.fence(member)


@case("rooms-members-only", needs={"join", "rooms", "emit"})
async def client_is_in_a_hundred_rooms(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    rooms = [target.unique(f"room-{number}") for number in range(100)]
    await member.proof("join", rooms=rooms)
    answer = (await member.proof("rooms")).get("rooms")
    if not isinstance(answer, list) or not set(rooms) <= set(answer):
        raise Failure("a hundred rooms", repr(answer)[:200])
    for room in (rooms[0], rooms[50], rooms[99]):
        await speaker.proof("emit", event="said", args=[room], to=[room])
        await member.expect_event("said", room)
    await speaker.proof("emit", event="said", args=["to all of them"], to=rooms)
    await member.expect_event("said", "to all of them")
    await speaker.fence(member)


@case("rooms-leave-stops", needs={"join", "leave", "emit"}, over=TRANSPORTS)
async def member_that_left_and_came_back_hears_again(target: Target, transport: str) -> None:
    speaker, member = await target.connect_socketio(2, transport)
    room = target.unique("room")
    for _ in range(3):
        await member.proof("join", rooms=[room])
        await speaker.proof("emit", event="said", args=["in"], to=[room])
        await member.expect_event("said", "in")
        await member.proof("leave", rooms=[room])
        await speaker.proof("emit", event="said", args=["out"], to=[room])
    await speaker.fence(member)


@case("rooms-members-only", needs={"join", "leave", "emit"})
async def client_is_moved_by_another(target: Target) -> None:
    speaker, member, other = await target.connect_socketio(3)
    room = target.unique("room")
    await speaker.proof("join", rooms=[room], sid=member.sid)
    await other.proof("join", rooms=[room])
    await speaker.proof("emit", event="said", args=["both"], to=[room])
    for peer in (member, other):
        await peer.expect_event("said", "both")
    await speaker.proof("leave", rooms=[room], sid=member.sid)
    await speaker.proof("emit", event="said", args=["one"], to=[room])
    await other.expect_event("said", "one")
    await speaker.fence(speaker, member, other)


# The room of a client's own sid, and that of another's.


@case("rooms-join-other-sid", needs={"join", "emit"})
async def room_of_another_sid_is_refused_or_shared(target: Target) -> None:
    speaker, owner, guest = await target.connect_socketio(3)
    answer = await guest.operate("join", rooms=[owner.sid])
    if answer.get("ok") is not True:
        target.report("joining the room of another's sid", "is refused")
        return
    await speaker.proof("emit", event="said", args=["to the room of a sid"], to=[owner.sid])
    await owner.expect_event("said", "to the room of a sid")
    await guest.expect_event("said", "to the room of a sid")
    target.report("joining the room of another's sid", "is allowed: both hear")


@case("rooms-leave-own-sid", needs={"join", "leave", "emit"}, over=TRANSPORTS)
async def client_that_left_the_room_of_its_sid_is_not_reached_there(
    target: Target, transport: str
) -> None:
    speaker, member = await target.connect_socketio(2, transport)
    room = target.unique("room")
    await member.proof("join", rooms=[room])
    await member.proof("leave", rooms=[member.sid])
    await speaker.proof("emit", event="said", args=["to nobody"], to=[member.sid])
    await speaker.proof("emit", event="said", args=["to the room"], to=[room])
    await member.expect_event("said", "to the room")
    await speaker.fence(member)


@case("rooms-rejoin-own-sid", needs={"join", "leave", "emit"})
async def client_that_rejoins_the_room_of_its_sid_is_reached_again(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    await member.proof("leave", rooms=[member.sid])
    await member.proof("join", rooms=[member.sid])
    await speaker.proof("emit", event="said", args=["back again"], to=[member.sid])
    await member.expect_event("said", "back again")
    await speaker.fence(member)


# Closing a room.


@case("rooms-close-empties", needs={"join", "emit", "close_room"}, over=TRANSPORTS)
async def closed_room_has_no_members(target: Target, transport: str) -> None:
    speaker, *members = await target.connect_socketio(3, transport)
    room = target.unique("room")
    for member in members:
        await member.proof("join", rooms=[room])
    await speaker.proof("close_room", room=room)
    await speaker.proof("emit", event="said", args=["to nobody"], to=[room])
    await speaker.fence(*members)


@case("rooms-close-keeps-others", needs={"fixture", "join", "emit", "close_room"})
async def members_of_a_closed_room_keep_their_other_rooms(target: Target) -> None:
    speaker, *members = await target.connect_socketio(3)
    room, kept = target.unique("closed"), target.unique("kept")
    for member in members:
        await member.proof("join", rooms=[room, kept])
    await speaker.proof("close_room", room=room)
    await speaker.proof("emit", event="said", args=["still there"], to=[kept])
    for member in members:
        await member.expect_event("said", "still there")
        await member.quiet()


@case("rooms-close-empties", needs={"join", "emit", "close_room"})
async def closed_room_can_be_joined_again(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    room = target.unique("room")
    await member.proof("join", rooms=[room])
    await speaker.proof("close_room", room=room)
    await member.proof("join", rooms=[room])
    await speaker.proof("emit", event="said", args=["open again"], to=[room])
    await member.expect_event("said", "open again")
    await speaker.fence(member)
