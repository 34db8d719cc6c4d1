"""Rooms R2 to R10: who hears an event, and how often."""

from sockproof.conformance import Failure, Target, case

TRANSPORTS = {"transport": ("websocket", "polling")}


@case("rooms-emit-to-sid", needs={"emit", "join"}, over=TRANSPORTS)
async def event_to_a_sid_reaches_that_client_alone(target: Target, transport: str) -> None:
    speaker, addressed, other = await target.connect_socketio(3, transport)
    await speaker.proof("emit", event="said", args=["to you"], to=[addressed.sid])
    await addressed.expect_event("said", "to you")
    await speaker.fence(speaker, addressed, other)


@case("rooms-broadcast-everyone", needs={"emit", "join"}, exclusive=True, over=TRANSPORTS)
async def event_to_everyone_reaches_each_client_once(target: Target, transport: str) -> None:
    speaker, *others = await target.connect_socketio(3, transport)
    await speaker.proof("emit", event="said", args=["to all"])
    for other in others:
        await other.expect_event("said", "to all")
    await speaker.fence(*others)


@case("rooms-broadcast-sender", needs={"emit", "join"}, exclusive=True)
async def event_to_everyone_reaches_its_sender_once(target: Target) -> None:
    speaker = await target.socketio()
    await speaker.proof("emit", event="said", args=["to all"])
    await speaker.expect_event("said", "to all")
    await speaker.fence(speaker)


@case(
    "rooms-skip-sender", needs={"emit", "emit.skip_self", "join"}, exclusive=True, over=TRANSPORTS
)
async def event_that_skips_its_sender_reaches_the_others(target: Target, transport: str) -> None:
    speaker, other = await target.connect_socketio(2, transport)
    await speaker.proof("emit", event="said", args=["to the rest"], skip_self=True)
    await other.expect_event("said", "to the rest")
    await speaker.fence(speaker, other)


@case("rooms-skip-one", needs={"emit", "emit.skip", "join"})
async def event_that_skips_a_member_reaches_the_others(target: Target) -> None:
    speaker, skipped, heard = await target.connect_socketio(3)
    room = target.unique("room")
    for member in (skipped, heard):
        await member.proof("join", rooms=[room])
    await speaker.proof("emit", event="said", args=["not you"], to=[room], skip=[skipped.sid])
    await heard.expect_event("said", "not you")
    await speaker.fence(skipped, heard)


@case("rooms-skip-several", needs={"emit", "emit.skip", "join"})
async def event_that_skips_several_members_reaches_the_others(target: Target) -> None:
    speaker, first, second, heard = await target.connect_socketio(4)
    room = target.unique("room")
    for member in (first, second, heard):
        await member.proof("join", rooms=[room])
    skip = [first.sid, second.sid]
    await speaker.proof("emit", event="said", args=["neither of you"], to=[room], skip=skip)
    await heard.expect_event("said", "neither of you")
    await speaker.fence(first, second, heard)


@case("rooms-members-only", needs={"join", "emit"}, over=TRANSPORTS)
async def event_to_a_room_reaches_its_members_and_nobody_else(
    target: Target, transport: str
) -> None:
    speaker, member, outsider = await target.connect_socketio(3, transport)
    room = target.unique("room")
    await member.proof("join", rooms=[room])
    await speaker.proof("emit", event="said", args=["hello"], to=[room])
    await member.expect_event("said", "hello")
    await speaker.fence(member, outsider)


@case("rooms-sender-outside", needs={"join", "emit"})
async def sender_outside_a_room_is_heard_in_it_and_hears_nothing(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    room = target.unique("room")
    await member.proof("join", rooms=[room])
    await speaker.proof("emit", event="said", args=["from outside"], to=[room])
    await member.expect_event("said", "from outside")
    await speaker.fence(speaker)


@case("rooms-union-once", needs={"join", "emit"}, over=TRANSPORTS)
async def member_of_two_rooms_hears_an_event_to_both_once(target: Target, transport: str) -> None:
    speaker, both, one = await target.connect_socketio(3, transport)
    rooms = [target.unique("first"), target.unique("second")]
    await both.proof("join", rooms=rooms)
    await one.proof("join", rooms=rooms[1:])
    await speaker.proof("emit", event="said", args=["once"], to=rooms)
    await both.expect_event("said", "once")
    await one.expect_event("said", "once")
    await speaker.fence(both, one)


@case("rooms-union-with-sid", needs={"join", "emit"})
async def member_that_is_named_by_its_sid_too_hears_an_event_once(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    room = target.unique("room")
    await member.proof("join", rooms=[room])
    await speaker.proof("emit", event="said", args=["once"], to=[room, member.sid])
    await member.expect_event("said", "once")
    await speaker.fence(member)


@case("rooms-union-repeated", needs={"join", "emit"})
async def room_that_is_named_twice_hears_an_event_once(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    room = target.unique("room")
    await member.proof("join", rooms=[room])
    await speaker.proof("emit", event="said", args=["once"], to=[room, room])
    await member.expect_event("said", "once")
    await speaker.fence(member)


@case("rooms-except", needs={"join", "emit", "emit.except"})
async def members_of_an_excepted_room_hear_nothing(target: Target) -> None:
    speaker, excepted, heard = await target.connect_socketio(3)
    room, outside = target.unique("room"), target.unique("except")
    await excepted.proof("join", rooms=[room, outside])
    await heard.proof("join", rooms=[room])
    await speaker.proof("emit", event="said", args=["not them"], to=[room], **{"except": [outside]})
    await heard.expect_event("said", "not them")
    await speaker.fence(excepted, heard)


@case("rooms-emit-unknown", needs={"join", "emit"}, over=TRANSPORTS)
async def event_to_a_room_that_nobody_is_in_reaches_nobody(target: Target, transport: str) -> None:
    speaker, other = await target.connect_socketio(2, transport)
    room = target.unique("nobody")
    answer = await speaker.operate("emit", event="said", args=["anyone?"], to=[room])
    if answer["ok"] is not True:
        raise Failure("no error", repr(answer))
    await speaker.fence(speaker, other)


@case("rooms-emit-emptied", needs={"join", "leave", "emit"})
async def event_to_a_room_that_was_left_by_all_reaches_nobody(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    room = target.unique("room")
    await member.proof("join", rooms=[room])
    await member.proof("leave", rooms=[room])
    await speaker.proof("emit", event="said", args=["anyone left?"], to=[room])
    await speaker.fence(speaker, member)


@case("rooms-emit-no-rooms", needs={"join", "emit"}, exclusive=True)
async def event_to_an_empty_list_of_rooms_reaches_nobody(target: Target) -> None:
    speaker, other = await target.connect_socketio(2)
    await speaker.proof("emit", event="said", args=["nowhere"], to=[])
    await speaker.fence(other)


@case("rooms-empty-name", needs={"join", "emit"}, exclusive=True)
async def room_with_an_empty_name_is_a_room(target: Target) -> None:
    speaker, member, outsider = await target.connect_socketio(3)
    await member.proof("join", rooms=[""])
    await speaker.proof("emit", event="said", args=["to no name"], to=[""])
    await member.expect_event("said", "to no name")
    await speaker.fence(member, outsider)
