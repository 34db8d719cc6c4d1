"""RFC 6455, section 10.4, with RFC 7692: a short message that inflates to a very long one."""

import zlib

from sockproof.conformance import (
    RSV1,
    Failure,
    Opcode,
    StreamClosed,
    Target,
    case,
    client_frame,
    still_serves,
)

INFLATED = 64 * 1024 * 1024


def _bomb() -> bytes:
    """About 64 KiB that inflate to 64 MiB of zeros, without the tail that is not sent."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(1 << 20)
    parts = [deflater.compress(zeros) for _ in range(INFLATED // len(zeros))]
    parts.append(deflater.flush(zlib.Z_SYNC_FLUSH))
    return b"".join(parts).removesuffix(b"\0\0\xff\xff")


@case(
    "rfc6455-10.4-message-limit",
    needs={"echo", "permessage-deflate"},
    exclusive=True,
    limit=30,
)
async def message_that_inflates_a_thousandfold_is_refused_or_survived(target: Target) -> None:
    peer = await target.connect_deflate()
    bomb = _bomb()
    peer.send(client_frame(Opcode.BINARY, bomb, rsv=RSV1))
    wanted = f"{len(bomb)} octets that inflate to {INFLATED} refused with Close 1009"
    with target.awaits(f"{wanted}, or echoed"):
        try:
            got = await peer.receive_frame()  # as it came: inflating it would be the bomb again
        except Failure as failure:
            raise Failure(wanted, failure) from failure
        except StreamClosed as closed:
            peer.dropped(wanted, closed)
            got = None
    declared = target.limit("max_message")
    if got is not None and got.opcode != Opcode.CLOSE:
        target.report("a message that inflates a thousandfold", "taken")
        if declared is not None and declared < INFLATED:
            target.non_strict(wanted, f"it is taken, and max_message = {declared} is declared")
    elif got is not None:
        target.report("a message that inflates a thousandfold", "refused")
    await still_serves(target)
