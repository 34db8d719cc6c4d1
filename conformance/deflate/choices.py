"""RFC 7692, sections 5.1, 6.1, 6.2, 7.1 and 7.2.1: what a server may choose, and its limits.

What is free is reported and not judged.
"""

import zlib

from sockproof.conformance import (
    RSV1,
    Failure,
    Opcode,
    Target,
    Unsupported,
    agreed_deflate,
    case,
    client_frame,
)
from sockproof.wire.deflate import TAIL

NEEDS = {"permessage-deflate"}
MIB = 1 << 20
FAR = 64 * MIB  # a length whose mere announcement shows whether an undeclared limit lies below it
AT_ONCE = 1.0  # seconds in which it is refused by a server that refuses it
PLAIN = "permessage-deflate"
WINDOWED = "permessage-deflate; client_max_window_bits"
FLAGGED = "permessage-deflate; client_no_context_takeover"


async def _parameters(target: Target, offer: str) -> str | None:
    """The value of the response's field, which has to be a right one; None where it is absent."""
    socket = await target.http()
    response = await socket.ask(target.upgrade_request(extensions=offer))
    agreed_deflate(response)
    return response.get("Sec-WebSocket-Extensions")


@case("rfc7692-5.1-own-decision")
async def offer_is_accepted_or_declined(target: Target) -> None:
    answer = await _parameters(target, WINDOWED)
    target.report("permessage-deflate", f"offered: {WINDOWED}; answered: {answer}")


@case("rfc7692-7.1.1.1-unasked", needs=NEEDS)
async def server_no_context_takeover_may_be_answered_unasked(target: Target) -> None:
    answer = await _parameters(target, PLAIN) or ""
    named = "server_no_context_takeover" in answer
    target.report("server_no_context_takeover unasked", "answered" if named else "not answered")


@case("rfc7692-7.1.1.2-unasked", needs=NEEDS)
async def client_no_context_takeover_may_be_answered_unasked(target: Target) -> None:
    answer = await _parameters(target, PLAIN) or ""
    named = "client_no_context_takeover" in answer
    target.report("client_no_context_takeover unasked", "answered" if named else "not answered")


@case("rfc7692-7.1.1.2-hint", needs=NEEDS)
async def client_no_context_takeover_may_be_ignored(target: Target) -> None:
    answer = await _parameters(target, FLAGGED) or ""
    named = "client_no_context_takeover" in answer
    target.report("client_no_context_takeover offered", "repeated" if named else "ignored")


@case("rfc7692-7.1.2.1-unasked", needs=NEEDS)
async def server_max_window_bits_may_be_answered_unasked(target: Target) -> None:
    answer = await _parameters(target, PLAIN) or ""
    named = "server_max_window_bits" in answer
    target.report("server_max_window_bits unasked", answer if named else "not answered")


@case("rfc7692-7.1.2.2-offered", needs=NEEDS)
async def client_max_window_bits_may_be_answered_when_offered(target: Target) -> None:
    answer = await _parameters(target, WINDOWED) or ""
    named = "client_max_window_bits" in answer
    target.report("client_max_window_bits offered", answer if named else "not answered")


@case("rfc7692-6.1-choice", needs=NEEDS | {"echo"})
async def server_compresses_what_it_likes(target: Target) -> None:
    socket = await target.connect_deflate()
    for name, text in (("a short message", b"short"), ("a long one", b"long and long " * 100)):
        socket.send_message(Opcode.TEXT, text)
        await socket.expect(Opcode.TEXT, text)
        target.report(name, "compressed" if socket.compressed else "not compressed")


@case("rfc7692-7.2.1-blocks-sent", needs=NEEDS | {"echo"})
async def server_sends_blocks_as_it_likes(target: Target) -> None:
    socket = await target.connect_deflate()
    text = b"which kind of block? " * 50
    socket.send_message(Opcode.TEXT, text)
    await socket.expect(Opcode.TEXT, text)
    frame = socket.frames[0]
    if frame.rsv & RSV1 and frame.payload:
        kind = ("stored", "fixed", "dynamic", "reserved")[frame.payload[0] >> 1 & 3]
        target.report("the first block", f"{kind}, BFINAL {frame.payload[0] & 1}")


# What is not free.


@case(
    "rfc7692-7.1.2.1-unsupported",
    needs=NEEDS,
    over={"bits": [8, 9, 10, 11, 12, 13, 14]},
)
async def window_of_the_server_is_promised_or_the_offer_declined(target: Target, bits: int) -> None:
    answer = await _parameters(target, f"permessage-deflate; server_max_window_bits={bits}")
    if answer is not None and PLAIN in answer and "server_max_window_bits" not in answer:
        wanted = f"server_max_window_bits of at most {bits}, or the offer declined"
        raise Failure(wanted, f"Sec-WebSocket-Extensions: {answer}")


@case("rfc7692-6.2-inflated-limit", needs=NEEDS | {"echo"}, exclusive=True, limit=20)
async def message_that_inflates_beyond_the_limit_is_refused(target: Target) -> None:
    limit = target.limit("max_message") or await _limit_shown(target)
    socket = await target.connect_deflate()
    await socket.echoes()
    stream = zlib.compressobj(wbits=-9)
    mebibyte = stream.compress(bytes(MIB)) + stream.flush(zlib.Z_FULL_FLUSH)
    # What a full flush leaves refers to nothing before it, so that it may stand there repeatedly.
    payload = (mebibyte * (limit // MIB + 1)).removesuffix(TAIL)
    socket.send(client_frame(Opcode.BINARY, payload, rsv=RSV1))
    await socket.expect_failed(1009, fence="message")


async def _limit_shown(target: Target) -> int:
    """The size that the server refuses when it is announced; UNSUPPORTED when it does not."""
    socket = await target.connect()
    await socket.echoes()
    socket.send(client_frame(Opcode.BINARY, announced=FAR))
    if not await socket.closes_within(AT_ONCE):
        got = f"{FAR} octets are waited for, and its profile declares no max_message"
        raise Unsupported("a server that limits the length of messages", got)
    return FAR
