"""Rooms R2 to R10: who hears an event, in each namespace and over each transport."""

from typing import Any

from sockproof.conformance import SocketIOPeer, Target, case

TRANSPORTS = ("websocket", "polling")
NAMESPACES = ("/", "/custom")
PLACES = {"transport": TRANSPORTS, "namespace": NAMESPACES}
NEEDS = {"emit", "join", "polling", "websocket"}


async def _members(target: Target, count: int, *rooms: str) -> list[SocketIOPeer]:
    """A speaker, and so many members of all the rooms."""
    speaker, *members = await target.connect_socketio(count + 1)
    for member in members:
        if rooms:
            await member.proof("join", rooms=list(rooms))
    return [speaker, *members]


async def _say(speaker: SocketIOPeer, word: str, *hearers: SocketIOPeer, **options: Any) -> None:
    """Say a word; each of these hears it next."""
    await speaker.proof("emit", event="said", args=[word], **options)
    for hearer in hearers:
        await hearer.expect_event("said", word)


# Everyone.


@case("rooms-broadcast-sender", needs=NEEDS, exclusive=True, over=PLACES)
async def event_to_everyone_reaches_its_sender(
    target: Target, transport: str, namespace: str
) -> None:
    speaker, other = await target.connect_socketio(2, transport, namespace=namespace)
    await _say(speaker, "to all here", speaker, other)
    await speaker.fence(speaker, other)


@case("rooms-broadcast-everyone", needs={*NEEDS, "leave"}, exclusive=True)
async def event_to_everyone_takes_no_account_of_rooms(target: Target) -> None:
    speaker, many, none = await target.connect_socketio(3)
    await many.proof("join", rooms=[target.unique("room") for _ in range(5)])
    await none.proof("leave", rooms=[none.sid])
    await _say(speaker, "to all, whatever their rooms", many, none)
    await speaker.fence(many, none)


@case("rooms-broadcast-everyone", needs=NEEDS, exclusive=True)
async def ten_events_to_everyone_come_once_each(target: Target) -> None:
    speaker, other = await target.connect_socketio(2)
    await speaker.proof("emit", event="said", args=["burst"], count=10, sequence=True)
    for number in range(10):
        await other.expect_event("said", "burst", number)
    await speaker.fence(other)


@case("rooms-broadcast-everyone", needs={*NEEDS, "fixture"}, exclusive=True)
async def event_to_everyone_stays_in_its_namespace(target: Target) -> None:
    idle = await target.socketio(namespace="/other")
    speaker, other = await target.connect_socketio(2)
    await _say(speaker, "to all of the main namespace", other)
    await idle.quiet()


@case("rooms-emit-to-sid", needs={*NEEDS, "fixture"})
async def event_to_a_sid_is_heard_in_its_namespace_alone(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    await member.enter("/custom")
    await _say(speaker, "to one of two sids", member, to=[member.sid])
    await speaker.fence(member)


@case("rooms-emit-no-rooms", needs=NEEDS, exclusive=True, over={"namespace": NAMESPACES})
async def event_to_no_rooms_reaches_neither_sender_nor_others(
    target: Target, namespace: str
) -> None:
    speaker, other = await target.connect_socketio(2, namespace=namespace)
    await _say(speaker, "to no rooms", to=[])
    await speaker.fence(speaker, other)


@case("rooms-empty-name", needs=NEEDS, exclusive=True, over={"namespace": NAMESPACES})
async def room_with_an_empty_name_has_its_members_in_each_namespace(
    target: Target, namespace: str
) -> None:
    speaker, member, outsider = await target.connect_socketio(3, namespace=namespace)
    await member.proof("join", rooms=[""])
    await _say(speaker, "to the room without a name", member, to=[""])
    await speaker.fence(member, outsider)


# Several rooms at once.


@case("rooms-union-once", needs=NEEDS)
async def event_to_twelve_rooms_reaches_the_members_of_the_last(target: Target) -> None:
    rooms = [target.unique("room") for _ in range(12)]
    speaker, member, all_of_them = await target.connect_socketio(3)
    await member.proof("join", rooms=rooms[-1:])
    await all_of_them.proof("join", rooms=rooms)
    await _say(speaker, "to twelve rooms", member, all_of_them, to=rooms)
    await speaker.fence(member, all_of_them)


@case("rooms-union-repeated", needs=NEEDS, over={"named": ("room", "sid"), "times": (2, 3, 5)})
async def room_that_is_named_again_and_again_hears_an_event_once(
    target: Target, named: str, times: int
) -> None:
    room = target.unique("room")
    speaker, member = await _members(target, 1, room)
    to = [room if named == "room" else member.sid] * times
    await _say(speaker, "named more than once", member, to=to)
    await speaker.fence(member)


@case("rooms-union-with-sid", needs=NEEDS, over={"first": ("room", "sid")})
async def room_and_sid_of_another_reach_both(target: Target, first: str) -> None:
    room = target.unique("room")
    speaker, member = await _members(target, 1, room)
    named = await target.socketio()
    to = [room, named.sid] if first == "room" else [named.sid, room]
    await _say(speaker, "to a room and a sid", member, named, to=to)
    await speaker.fence(member, named)


# But for some.


@case("rooms-skip-sender", needs={*NEEDS, "emit.skip_self"})
async def event_to_a_room_skips_its_sender(target: Target) -> None:
    room = target.unique("room")
    speaker, member = await _members(target, 1, room)
    await speaker.proof("join", rooms=[room])
    await _say(speaker, "not to myself", member, to=[room], skip_self=True)
    await speaker.fence(speaker, member)


@case("rooms-skip-several", needs={*NEEDS, "emit.skip"}, over={"to": ("room", "everyone")})
async def four_of_five_are_skipped(target: Target, to: str) -> None:
    room = target.unique("room")
    speaker, heard, *skipped = await _members(target, 5, room)
    options: dict[str, Any] = {"skip": [each.sid for each in skipped]}
    if to == "room":
        options["to"] = [room]
    await _say(speaker, "to one of five", heard, **options)
    await speaker.fence(heard, *skipped)


EXCEPT = ("two-rooms", "a-sid", "of-everyone", "of-two-rooms", "an-empty-room")


@case("rooms-except", needs={*NEEDS, "emit.except"}, exclusive=True, over={"what": EXCEPT})
async def excepted_clients_hear_nothing_and_all_others_do(target: Target, what: str) -> None:
    rooms = [target.unique("first"), target.unique("second")]
    outside = [target.unique("outside"), target.unique("outside")]
    speaker, heard, one, two = await _members(target, 3, *rooms)
    options: dict[str, Any] = {"to": rooms if what == "of-two-rooms" else rooms[:1]}
    if what == "of-everyone":
        options = {}
    excepted = [one, two]
    if what == "an-empty-room":
        options["except"], excepted = [target.unique("nobody")], []
    elif what == "a-sid":
        options["except"], excepted = [one.sid], [one]
    elif what == "two-rooms":
        await one.proof("join", rooms=outside[:1])
        await two.proof("join", rooms=outside[1:])
        options["except"] = outside
    else:
        for each in excepted:
            await each.proof("join", rooms=outside[:1])
        options["except"] = outside[:1]
    hearers = [each for each in (heard, one, two) if each not in excepted]
    await _say(speaker, "but for some", *hearers, **options)
    await speaker.fence(heard, one, two)


# What is said: values beyond the usual, to both transports and in each namespace.

VALUES: dict[str, list[Any]] = {
    "empty": ["", None, 0, False, [], {}],
    "integers": [2**31 - 1, 2**31, 2**32, -(2**31) - 1, 2**53 - 1],
    "binary-in-lists": [[{"$bin": [1, 2]}, [{"$bin": []}]], {"deep": [{"$bin": [3]}]}],
    "binary-empty": [{"$bin": []}, "", {"$bin": []}],
    "binary-long": [{"$bin": [7] * 70_000}],
    "text-long": ["long " * 14_000],
}
HEARD: dict[str, list[Any]] = {
    "binary-in-lists": [[b"\1\2", [b""]], {"deep": [b"\3"]}],
    "binary-empty": [b"", "", b""],
    "binary-long": [b"\7" * 70_000],
}


@case("rooms-binary-nested", needs=NEEDS, over={"value": tuple(VALUES), "namespace": NAMESPACES})
async def every_member_hears_values_unchanged(target: Target, value: str, namespace: str) -> None:
    room = target.unique("room")
    speaker = await target.socketio(namespace=namespace)
    members = [await target.socketio(each, namespace=namespace) for each in TRANSPORTS * 2]
    for member in members:
        await member.proof("join", rooms=[room])
    await speaker.proof("emit", event="said", args=VALUES[value], to=[room])
    for member in members:
        await member.expect_event("said", *HEARD.get(value, VALUES[value]))
    await speaker.fence(*members)


@case("rooms-members-only", needs=NEEDS, over={"kind": ("text", "binary")})
async def fifty_events_to_a_room_come_once_each(target: Target, kind: str) -> None:
    room = target.unique("room")
    speaker, *members = await _members(target, 2, room)
    args: list[Any] = [{"$bin": [1, 2, 3]}] if kind == "binary" else ["text"]
    await speaker.proof("emit", event="said", args=args, to=[room], count=50, sequence=True)
    for member in members:
        for number in range(50):
            heard = b"\1\2\3" if kind == "binary" else "text"
            await member.expect_event("said", heard, number)
    await speaker.fence(*members)


@case("rooms-send-message", needs={*NEEDS, "send"}, over={"namespace": NAMESPACES})
async def several_values_sent_without_a_name_are_the_event_message(
    target: Target, namespace: str
) -> None:
    room = target.unique("room")
    speaker, member = await target.connect_socketio(2, namespace=namespace)
    await member.proof("join", rooms=[room])
    await speaker.proof("send", args=["one value"], to=[room])
    await member.expect_event("message", "one value")
    await speaker.proof("send", args=["two", "values"], to=[room])
    await member.expect_event("message", "two", "values")
