"""RFC 6455, section 6.1: a message goes out on the connection that it belongs to, and on no other.

The run keeps an idle client of its own, the first to connect. These cases end the run: each says
something itself, and then tells what was overheard of it and of all that was said before.
"""

from sockproof.conformance import (
    Failure,
    Seen,
    Target,
    WebSocketPeer,
    case,
    idle_websocket,
    text_frame,
)

WANTED = "nothing of what was said on other connections"
REQUIREMENT = "rfc6455-6.1-own-connection"


async def _speak(target: Target, peer: WebSocketPeer) -> None:
    """Say things that nobody else says, and have them back."""
    for size in (1, 10, 100):
        text = f"{target.context.mark} {target.unique('own')} " * size
        peer.send(text_frame(text))
        await peer.expect_message(text)


@case(REQUIREMENT, needs="echo", last=True)
async def idle_client_hears_nothing_that_was_said_to_others(target: Target) -> None:
    idle = idle_websocket(target)
    await _speak(target, await target.connect())
    with target.preparing("a Ping of the idle client answered"):
        await idle.fence()
    if idle.leaks:
        raise Failure(WANTED, "; ".join(map(str, idle.leaks[:3])), seen=Seen.OVERHEARD)


@case(REQUIREMENT, needs="echo", last=True)
async def client_that_connected_last_hears_nothing_that_was_said_to_others(target: Target) -> None:
    idle_websocket(target)
    speaker = await target.connect()
    latest = await target.beside().connect()
    await _speak(target, speaker)
    await latest.fence()
    await _tell(target)


@case(REQUIREMENT, needs="echo", last=True)
async def clients_of_one_case_hear_nothing_that_another_case_said(target: Target) -> None:
    """What the peers of all cases overheard is told here."""
    idle_websocket(target)
    await _tell(target)


async def _tell(target: Target) -> None:
    overheard = [leak for leak in target.context.company.leaks if not leak.idle]
    if overheard:
        raise Failure(WANTED, "; ".join(map(str, overheard[:3])), seen=Seen.OVERHEARD)
