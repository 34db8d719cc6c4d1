"""Rooms R18: a client that falls silent is taken out of its rooms when its ping timeout is over."""

import asyncio
import time

from sockproof.conformance import Failure, Target, case

LOOKS = 0.1  # seconds between two looks at the members


def limit(interval: float, timeout: float) -> float:
    """Until the client has to be out, and time for all else."""
    return 8 + 3 * (interval + timeout)


@case(
    "rooms-disconnect-leaves",
    needs={"fixture", "join", "members", "emit", "fast-timers", "upgrade"},
    limit=limit,
    over={"transport": ("websocket", "polling", "upgrade")},
)
async def client_that_fell_silent_is_in_no_room(target: Target, transport: str) -> None:
    silent, other = await target.socketio(transport), await target.socketio()
    room = target.unique("room")
    for member in (silent, other):
        await member.proof("join", rooms=[room])
    interval, timeout = silent.engine.timers
    end = time.monotonic() + interval + timeout + max(interval, timeout) + 1
    while (await other.proof("members", room=room)).get("sids") != [other.sid]:
        if time.monotonic() > end:
            raise Failure("the room without the client that answers no PING", "it is still in it")
        await asyncio.sleep(LOOKS)  # the client's silence is what is tested
    answer = await other.proof("members", room=silent.sid)
    if answer.get("sids"):
        raise Failure("nobody in the room of its sid", f"{answer!r:.200}")
    await other.proof("emit", event="said", args=["who is left?"], to=[room])
    await other.expect_event("said", "who is left?")
    await other.fence(other)
