"""RFC 6455, section 5.2: frames leave whole, however slowly the client reads."""

import asyncio
import os

from sockproof.conformance import (
    Failure,
    Frame,
    Opcode,
    StreamClosed,
    Target,
    WebSocketPeer,
    case,
    client_frame,
)

OCTETS = 64 * 1024  # of a message, unless the server takes less
MESSAGES = 160  # far more than the buffers of two systems hold
STANDSTILL = 0.3  # seconds without room for another octet
BETWEEN = ("nothing", "pings", "texts", "compressed")


@case(
    "rfc6455-5.2-frames-whole-sent",
    needs={"echo", "binary"},
    limit=30,
    over={"between": BETWEEN},
)
async def slow_reader_gets_whole_frames_in_order(target: Target, between: str) -> None:
    """A server may part from a client that reads too slowly, but between two frames only.

    A reset is another matter: it takes away what is under way, wherever that ends.
    """
    deflated = between == "compressed"
    peer = await (target.connect_deflate() if deflated else target.connect())
    await peer.echoes()
    octets = min(target.limit("max_message") or OCTETS, OCTETS)
    peer.stream.hold()
    sent = await _send_until_it_stands_still(target, peer, octets, between)
    peer.stream.release()
    last = Frame(Opcode.TEXT, f"the last one {target.unique('slow')}".encode())
    peer.send_message(last.opcode, last.payload)
    with target.awaits("each message again, whole and in order, or the end of the connection"):
        try:
            await _expect_in_order(target, peer, [*sent, last])
        except StreamClosed as closed:
            if closed.inside and not closed.reset:
                raise
            target.report("a client that reads slowly", f"parted from: {closed.how}")


async def _expect_in_order(target: Target, peer: WebSocketPeer, sent: list[Frame]) -> None:
    """All that was sent comes back in its order, between Pongs and what nobody asked for."""
    known = {(each.opcode, each.payload) for each in sent}
    for wanted in sent:
        got = await peer.receive()
        while (got.opcode, got.payload) not in known:
            if got.opcode == Opcode.CLOSE:
                target.report("a client that reads slowly", f"parted from: {got}")
                return
            got = await peer.receive()
        if (got.opcode, got.payload) != (wanted.opcode, wanted.payload):
            raise Failure(str(wanted), got)


async def _send_until_it_stands_still(
    target: Target, peer: WebSocketPeer, octets: int, between: str
) -> list[Frame]:
    """Send until the server reads no more, since nobody reads what it says; gives the messages."""
    sent = []
    for number in range(MESSAGES):
        content = b"%d %s " % (number, target.unique("slow").encode())
        content += (
            os.urandom(octets - len(content)) if peer.deflate else b"s" * (octets - len(content))
        )
        messages = [Frame(Opcode.BINARY, content)]
        if between == "texts":
            messages.append(Frame(Opcode.TEXT, b"text %d" % number))
        for message in messages:
            peer.send_message(message.opcode, message.payload)
        if between == "pings":
            peer.send(client_frame(Opcode.PING, b"ping %d" % number))
        sent += messages
        try:
            async with asyncio.timeout(STANDSTILL):
                await peer.flush()
        except TimeoutError:
            break
    return sent
