"""RFC 6455, section 10.4: messages in very many pieces, for each of which some servers copy all."""

import contextlib

from sockproof.conformance import (
    RSV1,
    Failure,
    Opcode,
    Send,
    StreamClosed,
    Target,
    WebSocketPeer,
    case,
    client_frame,
    expect_proportion,
)

FRAGMENTS = 16 * 1024
SEGMENTED = 64 * 1024  # octets, in segments as long as the longest control frame
EMPTY_BLOCK = b"\0\0\0\xff\xff"  # of DEFLATE: five octets that hold nothing
BLOCKS = 48 * 1024
PONG = client_frame(Opcode.PONG, b"f").encode()
LONG_PONG = client_frame(Opcode.PONG, b"f" * 125).encode()


async def _past(peer: WebSocketPeer) -> None:
    """Return when the server has come past what was sent, or has ended the connection."""
    peer.send(client_frame(Opcode.PING, b"past"))
    with contextlib.suppress(Failure, StreamClosed):
        while True:
            frame = await peer.receive_frame()
            if frame.opcode == Opcode.CLOSE or (frame.opcode, frame.payload) == (
                Opcode.PONG,
                b"past",
            ):
                break
    peer.stream.close()


def _sending(peer: WebSocketPeer, octets: bytes, meaning: str, piece: int | None = None) -> Send:
    async def send() -> None:
        peer.send_octets(octets if piece is None else b"", meaning)
        if piece is not None:
            await peer.stream.write_pieces(octets, piece)
        await _past(peer)

    return send


@case(
    "rfc6455-10.4-proportion",
    needs="echo",
    exclusive=True,
    limit=90,
    over={"opcode": (Opcode.TEXT, Opcode.BINARY)},
)
async def many_fragments_are_joined_in_proportion(target: Target, opcode: Opcode) -> None:
    first = client_frame(opcode, b"f", fin=False).encode()
    middle = client_frame(Opcode.CONT, b"f", fin=False).encode()
    last = client_frame(Opcode.CONT, b"f").encode()

    async def fragments(count: int) -> Send:
        peer = await target.connect()
        return _sending(peer, first + middle * count + last, f"a message of {count + 2} fragments")

    async def pongs(count: int) -> Send:
        return _sending(await target.connect(), PONG * count, f"{count} Pongs")

    most = min(target.limit("max_fragments") or FRAGMENTS, FRAGMENTS) - 2
    await expect_proportion("fragments of a message", fragments, pongs, most)


@case("rfc6455-10.4-proportion", needs="echo", exclusive=True, limit=90)
async def message_in_small_segments_is_put_together_in_proportion(target: Target) -> None:
    async def segments(length: int) -> Send:
        octets = client_frame(Opcode.TEXT, b"s" * length).encode()
        return _sending(await target.connect(), octets, "a message", len(LONG_PONG))

    async def pongs(length: int) -> Send:
        octets = LONG_PONG * (length // len(LONG_PONG))
        return _sending(await target.connect(), octets, "Pongs", len(LONG_PONG))

    most = min(target.limit("max_message") or SEGMENTED, SEGMENTED)
    await expect_proportion("a message in small segments", segments, pongs, most)


@case("rfc6455-10.4-proportion", needs={"echo", "permessage-deflate"}, exclusive=True, limit=90)
async def many_compressed_blocks_are_inflated_in_proportion(target: Target) -> None:
    async def blocks(length: int) -> Send:
        content = EMPTY_BLOCK * (length // len(EMPTY_BLOCK)) + b"\0"
        octets = client_frame(Opcode.TEXT, content, rsv=RSV1).encode()
        return _sending(await target.connect_deflate(), octets, "a message of empty blocks")

    async def pongs(length: int) -> Send:
        octets = LONG_PONG * (length // len(LONG_PONG))
        return _sending(await target.connect_deflate(), octets, "Pongs")

    await expect_proportion("empty blocks of a compressed message", blocks, pongs, BLOCKS)
