"""Rooms R20 to R24: rooms and namespaces, and `send`."""

from sockproof.conformance import Failure, Target, case


@case("rooms-namespaces-isolated", needs={"join", "emit"})
async def rooms_of_one_name_in_two_namespaces_are_two(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    room = target.unique("room")
    await member.connect("/custom")
    await member.greeted("/custom")
    await member.proof("join", rooms=[room], via="/custom")
    await speaker.proof("emit", event="said", args=["in the main one"], to=[room])
    await speaker.fence(member)


@case("rooms-namespaces-isolated", needs={"emit"}, exclusive=True)
async def event_to_everyone_stays_in_its_namespace(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    await member.enter("/custom")
    await speaker.proof("emit", event="said", args=["to all of /custom"], namespace="/custom")
    await member.expect_event("said", "to all of /custom", namespace="/custom")
    await speaker.proof("emit", event="said", args=["to all of /"])
    await member.expect_event("said", "to all of /")
    await member.quiet()


@case("rooms-sid-other-namespace", needs={"join", "emit"}, over={"where": ("/", "/custom")})
async def sid_of_one_namespace_is_nobodys_in_another(target: Target, where: str) -> None:
    speaker, member = await target.connect_socketio(2)
    await member.enter("/custom")
    other = {"/": "/custom", "/custom": "/"}[where]
    to = [member.sids[other]]
    await speaker.proof("emit", event="said", args=["to nobody"], to=to, namespace=where)
    await speaker.fence(member)


@case("rooms-namespace-left-keeps-main", needs={"join", "emit"})
async def leaving_a_namespace_keeps_the_main_one(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    room = target.unique("room")
    await member.proof("join", rooms=[room])
    await member.connect("/custom")
    await member.greeted("/custom")
    await member.disconnect("/custom")
    await member.quiet()  # the server has taken the DISCONNECT in, and the main one answers
    await speaker.proof("emit", event="said", args=["still here"], to=[room])
    await member.expect_event("said", "still here")


@case("rooms-namespace-left-empties", needs={"join", "members"})
async def leaving_a_namespace_leaves_its_rooms(target: Target) -> None:
    member, other = await target.connect_socketio(2)
    room = target.unique("room")
    await member.connect("/custom")
    await member.greeted("/custom")
    await member.proof("join", rooms=[room], via="/custom")
    await member.disconnect("/custom")
    await member.quiet()  # what came before it on this connection has been done
    answer = await other.proof("members", room=room, namespace="/custom")
    if answer.get("sids") != []:
        raise Failure("no members", repr(answer))


@case("rooms-namespace-rejoined", needs={"join", "rooms"})
async def namespace_joined_again_begins_with_a_new_sid_and_its_own_room(target: Target) -> None:
    peer = await target.socketio()
    first = await peer.connect("/custom")
    await peer.greeted("/custom")
    room = target.unique("room")
    await peer.proof("join", rooms=[room], via="/custom")
    await peer.disconnect("/custom")
    await peer.quiet()
    second = await peer.connect("/custom")
    await peer.greeted("/custom")
    rooms = set((await peer.proof("rooms", via="/custom")).get("rooms") or ())
    if second == first or second not in rooms or rooms & {room, first}:
        got = f"{second}: {sorted(rooms)}"
        raise Failure(f"a sid other than {first} and its room, none of those before", got)


@case("rooms-namespace-left-event", needs={"fixture", "join", "emit", "slow-timers"})
async def event_of_a_client_that_has_left_the_namespace_reaches_nobody(target: Target) -> None:
    member, leaver = await target.socketio(namespace="/custom"), await target.socketio()
    room = target.unique("room")
    await member.proof("join", rooms=[room])
    await leaver.enter("/custom")
    await leaver.disconnect("/custom")
    request = {"op": "emit", "event": "said", "args": ["from outside"], "to": [room]}
    await leaver.emit("sockproof", request, namespace="/custom")
    await leaver.goes_on("the event passed over, or the connection closed")
    await member.fence(member)


@case("rooms-send-message", needs={"send", "join"})
async def send_is_the_event_message(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    room = target.unique("room")
    await member.proof("join", rooms=[room])
    await speaker.proof("send", args=["hello"], to=[room])
    await member.expect_event("message", "hello")
    await speaker.fence(member, through="send")
