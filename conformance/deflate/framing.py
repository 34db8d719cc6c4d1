"""RFC 7692, sections 5, 6 and 7.2: frames, blocks and sizes beyond the RFC's own examples."""

import random
import zlib

from sockproof.conformance import (
    RSV1,
    Failure,
    Opcode,
    Target,
    Unsupported,
    case,
    client_frame,
    ordinary_text,
)
from sockproof.wire.deflate import TAIL

NEEDS = {"permessage-deflate", "echo"}
HELLO = bytes.fromhex("f2 48 cd c9 c9 07 00")  # 7.2.3.1
NOISE = random.Random(7692).randbytes(66_000)
UNCOMPRESSED = {
    "empty": [b""],
    "looking compressed": [HELLO],
    "in fragments": [b"a message ", b"", b"in pieces"],
    "long": [NOISE[:5000]],
}
FLUSHES = {"sync": zlib.Z_SYNC_FLUSH, "full": zlib.Z_FULL_FLUSH}


@case("rfc7692-6.2-uncompressed-received", needs=NEEDS, over={"message": list(UNCOMPRESSED)})
async def uncompressed_message_of_any_form_is_taken_as_it_is(target: Target, message: str) -> None:
    socket = await target.connect_deflate()
    pieces = UNCOMPRESSED[message]
    for index, piece in enumerate(pieces):
        opcode = Opcode.CONT if index else Opcode.BINARY
        socket.send(client_frame(opcode, piece, fin=index == len(pieces) - 1))
    await socket.expect_message(b"".join(pieces))


@case(
    "rfc7692-6.2-compressed-received",
    needs=NEEDS,
    over={"octets": [125, 126, 127, 65_535, 65_536]},
)
async def compressed_payload_may_have_any_length(target: Target, octets: int) -> None:
    socket = await target.connect_deflate()
    content = NOISE[: octets - 6]  # a stored block has 5 octets before it, the tail leaves one
    length = len(content).to_bytes(2, "little")
    payload = b"\0" + length + bytes(each ^ 255 for each in length) + content + b"\0"
    with target.large(octets):
        socket.send(client_frame(Opcode.BINARY, payload, rsv=RSV1))
        await socket.expect_message(content)


@case("rfc7692-7.2.1-block-types", needs=NEEDS, over={"flush": list(FLUSHES)})
async def message_of_many_blocks_is_inflated(target: Target, flush: str) -> None:
    socket = await target.connect_deflate()
    assert socket.deflate is not None
    bits = max(9, socket.deflate.client_max_window_bits)
    stream = zlib.compressobj(wbits=-bits)
    words = [b"block %d, " % number for number in range(20)]
    payload = b"".join(stream.compress(word) + stream.flush(FLUSHES[flush]) for word in words)
    socket.send(client_frame(Opcode.TEXT, payload.removesuffix(TAIL), rsv=RSV1))
    await socket.expect(Opcode.TEXT, b"".join(words))


@case("rfc7692-7.2.1-bfinal-padding", needs=NEEDS)
async def block_behind_a_final_one_is_inflated(target: Target) -> None:
    socket = await target.connect_deflate()
    final = zlib.compressobj(wbits=-9)
    payload = final.compress(b"before the end, ") + final.flush(zlib.Z_FINISH)
    behind = zlib.compressobj(wbits=-9)
    payload += behind.compress(b"and behind it") + behind.flush(zlib.Z_SYNC_FLUSH)
    socket.send(client_frame(Opcode.TEXT, payload.removesuffix(TAIL), rsv=RSV1))
    await socket.expect_message("before the end, and behind it")


@case(
    "rfc7692-5-declined-unused",
    needs={"echo"},
    over={"kind": (Opcode.TEXT, Opcode.BINARY)},
    control=ordinary_text,
)
async def compressed_message_fails_the_connection_when_the_offer_was_declined(
    target: Target, kind: Opcode
) -> None:
    wanted = "an offer with an unknown parameter declined"
    request = target.upgrade_request(extensions="permessage-deflate; x_unknown=1")
    try:
        socket = await target.handshake(request)
    except Failure as failure:
        raise Unsupported(wanted, f"the handshake fails: {failure.got}") from failure
    if socket.deflate is not None:
        raise Unsupported(wanted, "it is accepted")
    await socket.echoes()
    socket.send(client_frame(kind, HELLO, rsv=RSV1))
    await socket.expect_failed(1002)
