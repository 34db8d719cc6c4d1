"""Rooms R1, R11 to R13: who is in a room, and what joining and leaving change."""

from sockproof.conformance import Failure, Target, case

TRANSPORTS = {"transport": ("websocket", "polling")}


@case("rooms-auto-join", needs={"rooms"}, over=TRANSPORTS)
async def new_client_is_in_the_room_of_its_own_sid_alone(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    answer = await peer.proof("rooms")
    if answer.get("rooms") != [peer.sid]:
        raise Failure(f"rooms [{peer.sid!r}]", repr(answer))


@case("rooms-auto-join-per-namespace", needs={"rooms"})
async def client_is_in_the_room_of_its_sid_in_each_namespace(target: Target) -> None:
    peer = await target.socketio()
    sid = await peer.connect("/custom")
    answer = await peer.proof("rooms", via="/custom")
    if answer.get("rooms") != [sid]:
        raise Failure(f"rooms [{sid!r}]", repr(answer))


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
