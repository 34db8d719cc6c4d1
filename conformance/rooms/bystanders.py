"""Whoever was not spoken to hears nothing, and whoever was hears it: idle clients, other cases.

The run keeps idle clients of its own: the first to connect, one that joined a room and left it,
one over long-polling, and one in the other namespaces. These cases end the run. Each says
something itself, and then tells what was overheard of it and of all that was said before.
"""

from sockproof.conformance import BYSTANDERS, Failure, Seen, SocketIOPeer, Target, bystander, case

NEEDS = {"fixture", "emit", "join"}
AUDIENCES = {"audience": ("main", "custom")}
WANTED = "nothing of what was said to others"


async def _speak(target: Target) -> tuple[SocketIOPeer, SocketIOPeer]:
    """Say something to a room and to a client; gives who spoke and who was spoken to."""
    speaker, member = await target.connect_socketio(2)
    room = target.unique("room")
    await member.proof("join", rooms=[room])
    for word, to in (("to a room", room), ("to a client", member.sid)):
        await speaker.proof("emit", event="said", args=[word], to=[to])
        await member.expect_event("said", word)
    nobody = target.unique("nobody")
    await speaker.operate("emit", event="said", args=["to an empty room"], to=[nobody])
    await member.quiet()
    return speaker, member


@case("rooms-bystanders", needs=NEEDS, last=True, over={"bystander": BYSTANDERS})
async def idle_client_hears_nothing_that_was_said_to_others(
    target: Target, **parameters: str
) -> None:
    idle = bystander(target, parameters["bystander"])
    speaker, _ = await _speak(target)
    await idle.fence(speaker)
    if idle.leaks:
        raise Failure(WANTED, "; ".join(map(str, idle.leaks[:3])), seen=Seen.OVERHEARD)


@case("rooms-broadcast-everyone", needs=NEEDS, last=True, over={"bystander": BYSTANDERS})
async def idle_client_hears_what_is_said_to_everyone(target: Target, **parameters: str) -> None:
    idle = bystander(target, parameters["bystander"])
    await idle.hears_everyone(await target.socketio())


@case("rooms-namespaces-isolated", needs=NEEDS, last=True, over=AUDIENCES)
async def idle_client_hears_nothing_that_was_said_to_everyone_in_another_namespace(
    target: Target, audience: str
) -> None:
    idle = bystander(target, "elsewhere" if audience == "main" else "first")
    namespace = None if audience == "main" else "/custom"
    speaker, other = await target.connect_socketio(2, namespace=namespace)
    await speaker.proof("emit", event="said", args=["to everyone here"])
    await other.expect_event("said", "to everyone here")
    await idle.fence(speaker)
    overheard = [leak for leak in idle.leaks if leak.case == target.context.case]
    if overheard:
        raise Failure(WANTED, overheard[0], seen=Seen.OVERHEARD)


@case("rooms-bystanders", needs=NEEDS, last=True, over={"transport": ("websocket", "polling")})
async def client_that_connected_last_hears_nothing_that_was_said_to_others(
    target: Target, transport: str
) -> None:
    speaker, member = await _speak(target)
    latest, room = await target.socketio(transport), target.unique("room")
    await member.proof("join", rooms=[room])
    for word, to in (("to a room again", room), ("to a client again", member.sid)):
        await speaker.proof("emit", event="said", args=[word], to=[to])
        await member.expect_event("said", word)
    await speaker.fence(latest)


@case("rooms-bystanders", needs=NEEDS, last=True)
async def clients_of_one_case_hear_nothing_that_another_case_said(target: Target) -> None:
    stranger = await target.beside().socketio()
    await _speak(target)
    await stranger.quiet()
    overheard = [leak for leak in target.context.company.leaks if not leak.idle]
    if overheard:
        raise Failure(WANTED, "; ".join(map(str, overheard[:3])), seen=Seen.OVERHEARD)
