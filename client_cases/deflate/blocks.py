"""RFC 7692, section 7.2: blocks, windows and contexts, and what is no DEFLATE at all."""

import random
import zlib

from sockproof.clients import (
    RSV1,
    TAIL,
    Compressor,
    Opcode,
    Parameters,
    WebSocketVisitor,
    case,
)

NOISE = random.Random(1951).randbytes(40_000)
HELLO = bytes.fromhex("f2 48 cd c9 c9 07 00")
EXAMPLES = {
    "one block": ([HELLO], b"Hello"),
    "two fragments": ([HELLO[:3], HELLO[3:]], b"Hello"),
    "a stored block": ([bytes.fromhex("00 05 00 fa ff 48 65 6c 6c 6f 00")], b"Hello"),
    "bfinal": ([bytes.fromhex("f3 48 cd c9 c9 07 00 00")], b"Hello"),
    "two blocks": ([bytes.fromhex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00")], b"Hello"),
    "an empty message": ([b"\0"], b""),
    "an empty last fragment": ([HELLO + TAIL, b"\0"], b"Hello"),
}


async def opened(client: WebSocketVisitor, wanted: Parameters | None = None) -> None:
    """Compression is agreed on, and the client surely in its loop."""
    await client.accept(deflate=wanted or Parameters())
    client.send(client.frame(Opcode.TEXT, b"not compressed"))  # so that no window is used yet
    await client.expect_echo("not compressed")


def send_compressed(client: WebSocketVisitor, payload: bytes) -> None:
    """Send these octets as a compressed binary message."""
    client.send(client.frame(Opcode.BINARY, payload, rsv=RSV1))


@case("client-rfc7692-7.2.3-examples", over={"example": list(EXAMPLES)})
async def example_of_the_document_is_inflated(client: WebSocketVisitor, example: str) -> None:
    await opened(client)
    pieces, content = EXAMPLES[example]
    for place, piece in enumerate(pieces):
        fin, rsv = place == len(pieces) - 1, 0 if place else RSV1
        client.send(client.frame(Opcode.CONT if place else Opcode.TEXT, piece, fin=fin, rsv=rsv))
    await client.expect(Opcode.TEXT, content)


@case("client-rfc7692-7.2.3-examples")
async def example_with_a_shared_window_is_inflated(client: WebSocketVisitor) -> None:
    await opened(client)
    assert client.deflate is not None
    second = "f2 00 11 00 00" if not client.deflate.server_no_context_takeover else HELLO.hex()
    for payload in (HELLO, bytes.fromhex(second)):
        client.send(client.frame(Opcode.TEXT, payload, rsv=RSV1))
        await client.expect(Opcode.TEXT, b"Hello")


def stored(content: bytes, final: int = 0) -> bytes:
    """A block without compression."""
    length = len(content).to_bytes(2, "little")
    return bytes([final]) + length + bytes(each ^ 255 for each in length) + content


def of_kind(kind: str, content: bytes) -> bytes:
    """The content in blocks of this kind, without the tail."""
    if kind == "stored":
        return stored(content) + b"\0"
    if kind == "several stored":
        return b"".join(stored(content[at : at + 9]) for at in range(0, len(content), 9)) + b"\0"
    if kind == "empty ones before":
        return TAIL.join([b"\0", b"\0", b""]) + of_kind("stored", content)
    strategy = zlib.Z_FIXED if kind == "fixed" else zlib.Z_DEFAULT_STRATEGY
    stream = zlib.compressobj(9, zlib.DEFLATED, -9, 9, strategy)
    flush = zlib.Z_FULL_FLUSH if kind == "flushed often" else zlib.Z_SYNC_FLUSH
    size = 10 if kind == "flushed often" else len(content)
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    octets = b"".join(stream.compress(piece) + stream.flush(flush) for piece in pieces)
    return octets.removesuffix(TAIL)


BLOCKS = ("stored", "several stored", "empty ones before", "fixed", "dynamic", "flushed often")


@case("client-rfc7692-7.2.1-block-types", over={"blocks": BLOCKS})
async def blocks_of_every_kind_are_inflated(client: WebSocketVisitor, blocks: str) -> None:
    await opened(client)
    content = b"words, words and more words " * 20 + NOISE[:60]
    send_compressed(client, of_kind(blocks, content))
    await client.expect_echo(content)


@case("client-rfc7692-7.2.1-bfinal", over={"content": ("stored", "fixed", "dynamic")})
async def block_with_bfinal_is_inflated_and_the_next_message_too(
    client: WebSocketVisitor, content: str
) -> None:
    await opened(client)
    text = b"final " * 40 + NOISE[:40]
    if content == "stored":
        payload = stored(text, final=1)
    else:
        strategy = zlib.Z_FIXED if content == "fixed" else zlib.Z_DEFAULT_STRATEGY
        stream = zlib.compressobj(9, zlib.DEFLATED, -9, 9, strategy)
        payload = stream.compress(text) + stream.flush(zlib.Z_FINISH)
    for _ in range(2):
        send_compressed(client, payload + b"\0")
        await client.expect_echo(text)
    send_compressed(client, of_kind("fixed", b"and behind it"))
    await client.expect_echo(b"and behind it")


@case("client-rfc7692-7.2.1-bfinal")
async def block_behind_one_with_bfinal_belongs_to_the_message(client: WebSocketVisitor) -> None:
    await opened(client)
    send_compressed(client, stored(b"before, ", final=1) + of_kind("fixed", b"and behind"))
    await client.expect_echo(b"before, and behind")


@case("client-rfc7692-7.2.2-server-takeover", over={"octets": (100, 10_000, 30_000)})
async def references_to_earlier_messages_are_inflated(
    client: WebSocketVisitor, octets: int
) -> None:
    await opened(client)
    for _ in range(3):
        await client.echoed(NOISE[:octets])


@case("client-rfc7692-7.2.2-server-no-takeover")
async def messages_of_a_server_without_takeover_are_inflated(client: WebSocketVisitor) -> None:
    await opened(client, Parameters(server_no_context_takeover=True))
    for _ in range(3):
        await client.echoed(NOISE[:500])


@case("client-rfc7692-7.2.2-server-window-default")
async def references_up_to_32768_octets_back_are_inflated(client: WebSocketVisitor) -> None:
    await opened(client)
    assert client.deflate is not None
    far = 1 << client.deflate.server_max_window_bits
    content = NOISE[: far - 300] + NOISE[:200]  # zlib goes 262 octets less far than it may
    await client.echoed(content)


@case("client-rfc7692-7.2.2-server-window", over={"bits": (9, 10, 12, 14)})
async def references_within_the_agreed_server_window_are_inflated(
    client: WebSocketVisitor, bits: int
) -> None:
    await opened(client, Parameters(server_max_window_bits=bits))
    far = 1 << bits
    for _ in range(2):
        await client.echoed(NOISE[: far - 300] + NOISE[:200])


@case("client-rfc7692-7.2.1-client-no-takeover")
async def client_without_takeover_begins_each_message_anew(client: WebSocketVisitor) -> None:
    await opened(client, Parameters(client_no_context_takeover=True))
    for _ in range(3):
        await client.echoed(NOISE[:600])  # the peer inflates each by itself
        await client.echoed("the same text again " * 10)
        await client.echoed("a short text that comes again")


@case("client-rfc7692-7.2.1-client-window", over={"bits": (9, 10, 12, 14)})
async def client_keeps_to_the_window_it_agreed_to(client: WebSocketVisitor, bits: int) -> None:
    await opened(client, Parameters(client_max_window_bits=bits))
    content = NOISE[: (1 << bits) * 5 // 4]  # a reference further back is refused by the peer
    await client.echoed(content * 3)
    await client.echoed(content)


@case("client-rfc7692-7.2.1-tail-removed", over={"octets": (0, 1, 100, 20_000)})
async def compressed_messages_of_the_client_inflate(client: WebSocketVisitor, octets: int) -> None:
    await opened(client)
    await client.echoed(NOISE[:octets])
    await client.echoed("i" * octets)


CORRUPT = {
    "a reserved kind of block": b"\x06",
    "a stored length that does not match": bytes.fromhex("00 05 00 05 00 48 65 6c 6c 6f 00"),
    "noise": b"\xff\xfe\xfd\xfc\xfb\xfa",
    "a distance that is none": bytes.fromhex("4b 04 1e 00 00"),
    "codes that cannot be": bytes.fromhex("04 c0 81 00 ff ff ff ff ff"),
}


@case("client-rfc7692-7.2.2-corrupt", over={"payload": list(CORRUPT)})
async def corrupt_compressed_message_fails_the_connection(
    client: WebSocketVisitor, payload: str
) -> None:
    await opened(client)
    send_compressed(client, CORRUPT[payload])
    await client.expect_failed(1002, 1007, fence="message")


@case("client-rfc7692-7.2.2-corrupt")
async def corrupt_last_fragment_fails_the_connection(client: WebSocketVisitor) -> None:
    await opened(client)
    client.send(
        client.frame(Opcode.BINARY, stored(b"right so far"), fin=False, rsv=RSV1),
        client.frame(Opcode.CONT, b"\x06"),
    )
    await client.expect_failed(1002, 1007, fence="message")


@case("client-rfc7692-7.2.2-truncated", over={"blocks": ("stored", "dynamic")})
async def compressed_message_that_was_cut_short_fails_the_connection(
    client: WebSocketVisitor, blocks: str
) -> None:
    await opened(client)
    content = b"words that end in the middle " * 8 + NOISE[:200]
    whole = of_kind(blocks, content)
    send_compressed(client, whole[: len(whole) // 2])
    await client.expect_failed(1002, 1007, fence="message")


@case("client-rfc7692-7.2.2-beyond-data")
async def reference_beyond_the_data_there_is_fails_the_connection(
    client: WebSocketVisitor,
) -> None:
    await opened(client)
    assert client.deflate is not None
    stream = Compressor(client.deflate.server_max_window_bits)
    stream.compress(NOISE[:200])  # never sent
    send_compressed(client, stream.compress(NOISE[:200]))
    await client.expect_failed(1002, 1007, fence="message")
