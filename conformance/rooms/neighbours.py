"""Rooms R11 to R33: what befalls one thing, and not its neighbours."""

from collections.abc import Iterable
from typing import Any

from sockproof.conformance import Failure, SocketIOPeer, Target, case
from sockproof.wire.socketio import Packet, PacketType

NEEDS = {"fixture", "join", "leave", "rooms", "emit"}
TRANSPORTS = {"transport": ("websocket", "polling")}


async def _say(speaker: SocketIOPeer, room: str, *hearers: SocketIOPeer, via: str = "/") -> None:
    """Say the room's name to it; each of these hears it next."""
    await speaker.proof("emit", event="said", args=[room], to=[room], via=via)
    for hearer in hearers:
        await hearer.expect_event("said", room, namespace=via)


async def _expect_rooms(
    peer: SocketIOPeer, *rooms: str, without: Iterable[str] = (), via: str = "/"
) -> None:
    """The peer is in these rooms and its own; the application may have put it into others."""
    answer = await peer.proof("rooms", via=via)
    found = answer.get("rooms") or []
    if not {*rooms, peer.sids[via]} <= set(found) or set(without) & set(found):
        wanted = f"the rooms {rooms} and its own, without {list(without)}"
        raise Failure(wanted, repr(answer)[:200])


# Rooms.


@case("rooms-auto-join-per-namespace", needs=NEEDS)
async def client_is_in_its_own_room_alone_in_a_third_namespace(target: Target) -> None:
    peer = await target.socketio()
    for namespace in ("/custom", "/other"):
        await peer.enter(namespace)
    for namespace, sid in peer.sids.items():
        others = [peer.engine.sid, *(each for each in peer.sids.values() if each != sid)]
        await _expect_rooms(peer, without=others, via=namespace)


@case("rooms-leave-unknown", needs=NEEDS)
async def leaving_a_room_that_nobody_is_in_leaves_no_other(target: Target) -> None:
    peer, room = await target.socketio(), target.unique("room")
    await peer.proof("join", rooms=[room])
    await peer.operate("leave", rooms=[target.unique("nobody")])
    await _expect_rooms(peer, room)


@case("rooms-leave-not-joined", needs=NEEDS)
async def leaving_a_room_of_others_does_not_join_it(target: Target) -> None:
    member, stranger = await target.connect_socketio(2)
    room = target.unique("room")
    await member.proof("join", rooms=[room])
    await stranger.operate("leave", rooms=[room])
    await _expect_rooms(stranger, without=[room])
    await _say(stranger, room, member)
    await stranger.fence(stranger, member)


@case("rooms-leave-stops", needs=NEEDS)
async def leaving_a_room_keeps_those_whose_names_begin_alike(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    room = target.unique("room")
    await member.proof("join", rooms=[room, f"{room}0", f"{room}/more"])
    await member.proof("leave", rooms=[room])
    await _expect_rooms(member, f"{room}0", f"{room}/more", without=[room])
    await _say(speaker, room)
    await _say(speaker, f"{room}0", member)
    await speaker.fence(member)


@case("rooms-leave-stops", needs=NEEDS)
async def one_of_six_leaves_and_the_others_stay(target: Target) -> None:
    speaker, *members = await target.connect_socketio(7)
    room = target.unique("room")
    for member in members:
        await member.proof("join", rooms=[room])
    await members[2].proof("leave", rooms=[room])
    await _say(speaker, room, *(each for each in members if each is not members[2]))
    await speaker.fence(*members)


@case("rooms-rejoin-once", needs=NEEDS)
async def room_that_is_named_twice_in_one_join_is_joined_once(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    room = target.unique("room")
    await member.proof("join", rooms=[room, room])
    await _say(speaker, room, member)
    await speaker.fence(member)


@case("rooms-rejoin-one-leave", needs=NEEDS)
async def room_of_the_connect_handler_that_is_joined_again_is_left_once(target: Target) -> None:
    speaker, room = await target.socketio(), target.unique("room")
    member = await target.socketio(auth={"join": [room]})
    await member.proof("join", rooms=[room])
    await member.proof("leave", rooms=[room])
    await _say(speaker, room)
    await speaker.fence(member)


@case("rooms-join-in-connect", needs={*NEEDS, "auth"}, over={"namespace": ("/", "/custom")})
async def connect_handler_joins_several_rooms(target: Target, namespace: str) -> None:
    rooms = [target.unique(word) for word in ("first", "second", "third")]
    member = await target.socketio(namespace=namespace, auth={"join": rooms})
    await _expect_rooms(member, *rooms, via=namespace)


@case("rooms-close-keeps-others", needs={*NEEDS, "close_room"})
async def closing_a_room_keeps_those_whose_names_begin_alike(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    room = target.unique("room")
    await member.proof("join", rooms=[room, f"{room}0"])
    await speaker.proof("close_room", room=room)
    await _expect_rooms(member, f"{room}0", without=[room])


# Namespaces.


@case("rooms-namespaces-isolated", needs={*NEEDS, "close_room"}, over={"what": ("leave", "close")})
async def room_of_the_same_name_in_another_namespace_is_kept(target: Target, what: str) -> None:
    speaker, member = await target.connect_socketio(2)
    room = target.unique("room")
    for peer in (speaker, member):
        await peer.enter("/custom")
    for namespace in ("/", "/custom"):
        await member.proof("join", rooms=[room], via=namespace)
    if what == "leave":
        await member.proof("leave", rooms=[room])
    else:
        await speaker.proof("close_room", room=room)
    await _expect_rooms(member, room, via="/custom")
    await _expect_rooms(member, without=[room])
    await _say(speaker, room, member, via="/custom")


@case("rooms-namespaces-isolated", needs=NEEDS)
async def event_to_a_room_of_a_second_namespace_stays_out_of_a_third(target: Target) -> None:
    speaker = await target.socketio(namespace="/custom")
    member = await target.socketio(namespace="/custom")
    stranger = await target.socketio(namespace="/other")
    room = target.unique("room")
    for peer in (member, stranger):
        await peer.proof("join", rooms=[room])
    await _say(speaker, room, member, via="/custom")
    await stranger.quiet()


@case("rooms-namespace-left-keeps-main", needs={*NEEDS, "session_set", "session_get"})
async def namespace_that_is_left_takes_nothing_from_the_main_one(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    room = target.unique("room")
    await member.enter("/custom")
    await member.proof("join", rooms=[room])
    await member.proof("session_set", data={"user": "jo"})
    await member.disconnect("/custom")
    await _expect_rooms(member, room)
    answer = await member.proof("session_get")
    if answer.get("data") != {"user": "jo"}:
        raise Failure("the session of the main namespace", repr(answer)[:200])
    await _say(speaker, room, member)


@case("rooms-server-disconnect-transport", needs={*NEEDS, "disconnect"})
async def client_that_is_put_out_keeps_its_rooms_elsewhere(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    room = target.unique("room")
    await member.enter("/custom")
    await member.proof("join", rooms=[room])
    await speaker.enter("/custom")
    await speaker.proof("disconnect", sid=member.sids["/custom"], via="/custom")
    await member.expect(PacketType.DISCONNECT, "/custom")
    await _expect_rooms(member, room)


# Sessions.

SESSIONS = {"fixture", "session_set", "session_get", "join", "leave"}


async def _expect_session(peer: SocketIOPeer, data: object, **fields: str) -> None:
    answer = await peer.proof("session_get", **fields)
    if answer.get("data") != data:
        raise Failure(f"the session {data!r}", repr(answer)[:200])


@case("rooms-session-kept", needs=SESSIONS)
async def session_is_kept_with_nulls_and_while_a_room_is_left(target: Target) -> None:
    peer, room = await target.socketio(), target.unique("room")
    data: dict[str, Any] = {"user": None, "empty": "", "zero": 0, "list": [], "large": 2**40}
    await peer.proof("session_set", data=data)
    await _expect_session(peer, data)
    await peer.proof("join", rooms=[room])
    await peer.proof("leave", rooms=[room])
    await _expect_session(peer, data)


@case("rooms-session-per-client", needs=SESSIONS)
async def session_of_another_client_is_stored_for_that_client(target: Target) -> None:
    one, other = await target.connect_socketio(2)
    await one.proof("session_set", data={"of": "one"})
    await one.proof("session_set", data={"of": "other"}, sid=other.sid)
    await _expect_session(one, {"of": "one"})
    await _expect_session(other, {"of": "other"})


@case("rooms-session-per-namespace", needs=SESSIONS)
async def namespace_that_is_entered_later_has_a_session_of_its_own(target: Target) -> None:
    peer = await target.socketio()
    await peer.proof("session_set", data={"of": "main"})
    await peer.enter("/custom")
    answer = await peer.proof("session_get", via="/custom")
    if answer.get("data") == {"of": "main"}:
        raise Failure("another session than the main namespace's", repr(answer)[:200])
    await peer.proof("session_set", data={"of": "custom"}, via="/custom")
    await _expect_session(peer, {"of": "main"})


# Going.

ENDS = ("leaves", "closes", "breaks")


async def _end(peer: SocketIOPeer, how: str) -> None:
    if how == "leaves":
        await peer.disconnect()
    elif how == "closes":
        await peer.engine.say_goodbye()
    elif peer.engine.websocket is not None:
        peer.engine.websocket.stream.reset()


@case(
    "rooms-disconnect-leaves",
    needs={*NEEDS, "log", "polling", "websocket"},
    over={**TRANSPORTS, "how": ("leaves", "closes")},
)
async def client_that_has_gone_is_in_none_of_its_rooms(
    target: Target, transport: str, how: str
) -> None:
    speaker, rest = await target.connect_socketio(2)
    member = await target.socketio(transport)
    rooms = [target.unique("room") for _ in range(5)]
    for peer in (member, rest):
        await peer.proof("join", rooms=rooms)
    sid = member.sid
    await _end(member, how)
    with target.awaits("the disconnect in the log"):
        await speaker.entries(sid)
    answer = await speaker.operate("rooms", sid=sid)  # an error says as well that it is gone
    if set(rooms) & set(answer.get("rooms") or ()):
        raise Failure("none of its rooms", repr(answer)[:200])
    for room in rooms[::4]:
        await _say(speaker, room, rest)


AMID = ("rooms", "attachments", "call")


@case("rooms-abrupt-close-once", needs={*NEEDS, "log", "call", "websocket"}, over={"amid": AMID})
async def client_that_breaks_off_amid_something_is_told_of_once(target: Target, amid: str) -> None:
    other, peer = await target.connect_socketio(2, "websocket")
    await peer.enter("/custom")
    sids = [peer.sid, peer.sids["/custom"]]
    if amid == "rooms":
        await peer.proof("join", rooms=[target.unique("room") for _ in range(4)])
    elif amid == "attachments":
        await peer.send_raw('52-["message",{"_placeholder":true,"num":0}]')
    else:
        request = {"op": "call", "sid": peer.sid, "event": "ask", "args": [], "timeout": 2}
        await other.send(Packet(PacketType.EVENT, "/", ["sockproof", request], 900))
        await peer.receive_event()
    assert peer.engine.websocket is not None
    await peer.engine.websocket.flush()
    await other.quiet()
    await _end(peer, "breaks")
    for sid in sids:
        with target.awaits("the disconnect in the log"):
            entries = await other.entries(sid)
        ends = [entry for entry in entries if entry.get("type") == "disconnect"]
        if len(ends) != 1:
            raise Failure("one disconnect", f"{ends!r:.300}")
        if not ends[0].get("reason"):
            raise Failure("a reason", f"{ends!r:.300}")
