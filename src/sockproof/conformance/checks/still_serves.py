"""Whether a server, after whatever was done to it, still serves an ordinary client at once."""

from __future__ import annotations

import asyncio

from sockproof.conformance.context.outcome import CaseEnd, Failure, StreamClosed
from sockproof.conformance.peers.client_frames import text_frame
from sockproof.conformance.peers.websocket import WebSocketPeer
from sockproof.conformance.targets.target import Target
from sockproof.vocabulary import Seen

AT_ONCE = 2.0  # seconds from the TCP connection to the answer


async def still_serves(target: Target, seconds: float = AT_ONCE) -> None:
    """A new client gets its echo (a Pong, where the target does not echo) within that time."""
    wanted = f"a new client served within {seconds:g} s"
    try:
        async with asyncio.timeout(seconds):
            await _serves(target, await target.connect())
    except TimeoutError:
        raise Failure(wanted, "no answer to it", seen=Seen.NO_ANSWER) from None
    except StreamClosed as closed:
        raise Failure(wanted, closed) from closed
    except CaseEnd as end:
        raise Failure(wanted, end.got or end.expected, came=end) from end


async def _serves(target: Target, peer: WebSocketPeer) -> None:
    if not target.supports("echo"):
        await peer.fence()
        return
    peer.send(text_frame("an ordinary client"))
    await peer.expect_message("an ordinary client")
