"""RFC 6455, section 10.4: clients that send more than they read, and messages that never end."""

import asyncio
import contextlib

from sockproof.conformance import (
    Opcode,
    StreamClosed,
    Target,
    WebSocketPeer,
    case,
    client_frame,
    still_serves,
)

MIB = 1024 * 1024
# What the systems' buffers between two programs hold is less than half of this.
MORE_THAN_BUFFERS = 48 * MIB
FRAGMENTS = 50_000
QUIET = 0.5  # seconds without an octet, after which nothing more is on its way


@case("rfc6455-10.4-slow-reader", needs="echo", exclusive=True, limit=30)
async def client_that_does_not_read_is_not_served_without_bound(target: Target) -> None:
    peer = await target.connect()
    await peer.echoes()
    content = b"echo" * (min(target.limit("max_message") or 65536, 65536) // 4)
    octets = client_frame(Opcode.BINARY, content).encode()
    times = MORE_THAN_BUFFERS // len(octets)
    peer.send_octets(octets, f"BINARY of {len(content)} octets, up to {times} times; none is read")
    taken = await peer.stream.pour(octets, times)
    await still_serves(target)
    what = "a client that sends and does not read"
    if taken < times:
        target.report(what, f"no longer read after {taken * len(octets)} octets")
    elif await _comes(peer) > MORE_THAN_BUFFERS // 2:
        target.non_strict(
            "reading stopped while echoes wait to be read",
            f"{times} messages of {len(content)} octets read, and the echoes held",
        )


@case("rfc6455-10.4-control-flood", exclusive=True, limit=30)
async def flood_of_pings_is_not_answered_without_bound(target: Target) -> None:
    peer = await target.connect()
    await peer.fence()
    octets = client_frame(Opcode.PING, b"f" * 125).encode() * 500
    times = MORE_THAN_BUFFERS // 2 // len(octets)
    peer.send_octets(octets[:131], f"PING of 125 octets, up to {500 * times} times; none is read")
    taken = await peer.stream.pour(octets, times)
    await still_serves(target)
    if taken < times:
        target.report("a flood of Pings", f"no longer read after {500 * taken} of them")
    elif await _comes(peer) > MORE_THAN_BUFFERS * 3 // 8:
        target.non_strict(
            "reading stopped while Pongs wait to be read", f"{500 * times} Pongs held"
        )


async def _comes(peer: WebSocketPeer) -> int:
    """How many octets come now that they are read."""
    octets = 0
    with contextlib.suppress(TimeoutError, StreamClosed):
        while True:
            async with asyncio.timeout(QUIET):
                octets += len(await peer.stream.read())
    return octets


@case("rfc6455-10.4-tiny-fragments", needs="echo", exclusive=True, limit=30)
async def message_of_very_many_fragments_exhausts_nobody(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.BINARY, b"f", fin=False))
    octets = client_frame(Opcode.CONT, b"f", fin=False).encode() * 500
    peer.send_octets(octets[:7], f"CONT of 1 octet, up to {FRAGMENTS} times")
    await peer.stream.pour(octets, FRAGMENTS // 500)
    await still_serves(target)
    with target.awaits("the fragments refused, or a Ping answered between them"):
        goes_on = await peer.goes_on()
    target.report(
        f"a message of {FRAGMENTS} fragments", "awaited to its end" if goes_on else "refused"
    )
