"""RFC 7692, section 6: compressed and uncompressed messages, their frames and their bits."""

import random

from sockproof.clients import (
    RSV1,
    RSV2,
    RSV3,
    Compressor,
    Failure,
    Frame,
    Opcode,
    Parameters,
    StreamClosed,
    WebSocketVisitor,
    case,
    expect_refused_close,
)

HELLO = bytes.fromhex("f2 48 cd c9 c9 07 00")  # 7.2.3.1
NOISE = random.Random(7692).randbytes(70_000)
KINDS = (Opcode.TEXT, Opcode.BINARY)


async def opened(client: WebSocketVisitor) -> None:
    """Compression is agreed on, and the client surely in its loop."""
    await client.accept(deflate=Parameters())
    await client.echoed("an ordinary message")


def deflated(client: WebSocketVisitor, payload: bytes) -> bytes:
    """The payload, compressed by itself with a window that every agreement allows."""
    assert client.deflate is not None
    return Compressor(client.deflate.server_max_window_bits, False).compress(payload)


@case("client-rfc7692-6-rsv1-control-received", over={"opcode": (Opcode.PING, Opcode.PONG)})
async def compressed_control_frame_fails_the_connection(
    client: WebSocketVisitor, opcode: Opcode
) -> None:
    await opened(client)
    client.send(client.frame(opcode, HELLO, rsv=RSV1))
    await client.expect_failed(1002)


@case("client-rfc7692-6-rsv1-control-received")
async def close_frame_with_rsv1_is_not_answered_like_another(client: WebSocketVisitor) -> None:
    await opened(client)
    client.send(client.frame(Opcode.CLOSE, client.close_frame(4321).payload, rsv=RSV1))
    await expect_refused_close(client, 4321, 1002)


@case("client-rfc7692-6-rsv1-control-received")
async def empty_ping_with_rsv1_inside_a_message_fails_the_connection(
    client: WebSocketVisitor,
) -> None:
    await opened(client)
    client.send(
        client.frame(Opcode.TEXT, HELLO[:2], fin=False, rsv=RSV1),
        client.frame(Opcode.PING, rsv=RSV1),
    )
    await client.expect_failed(1002)


@case(
    "client-rfc7692-6-rsv1-continuation-received",
    over={"message": ("compressed", "uncompressed"), "place": ("second", "last")},
)
async def continuation_with_rsv1_fails_the_connection(
    client: WebSocketVisitor, message: str, place: str
) -> None:
    await opened(client)
    payload = HELLO if message == "compressed" else b"Hello, w"
    rsv = RSV1 if message == "compressed" else 0
    client.send(client.frame(Opcode.TEXT, payload[:2], fin=False, rsv=rsv))
    client.send(client.frame(Opcode.CONT, payload[2:], fin=place == "last", rsv=RSV1))
    await client.expect_failed(1002)


@case("client-rfc7692-6-rsv2-rsv3", over={"bits": (RSV2, RSV3, RSV1 | RSV2, RSV1 | RSV3)})
async def other_reserved_bits_fail_the_connection(client: WebSocketVisitor, bits: int) -> None:
    await opened(client)
    client.send(client.frame(Opcode.TEXT, HELLO, rsv=bits))
    await client.expect_failed(1002)


@case("client-rfc7692-5-declined", over={"opcode": KINDS})
async def compressed_message_fails_a_connection_without_compression(
    client: WebSocketVisitor, opcode: Opcode
) -> None:
    client.agreeable()
    await client.accept()
    await client.echoed("an ordinary message")
    client.send(client.frame(opcode, HELLO, rsv=RSV1))
    await client.expect_failed(1002)


@case("client-rfc7692-5-declined")
async def client_does_not_compress_when_its_offer_was_declined(client: WebSocketVisitor) -> None:
    client.agreeable()
    await client.accept()
    for message in ("a" * 5000, "b"):
        await client.echoed(message)  # the peer refuses RSV1


@case("client-rfc7692-6-rsv1-sent")
async def client_sets_rsv1_on_the_first_frame_of_messages_alone(client: WebSocketVisitor) -> None:
    await opened(client)
    await client.echoed("c" * 100_000)
    await client.echoed(NOISE)
    client.send(client.frame(Opcode.PING, b"d" * 125))
    await client.expect(Opcode.PONG, b"d" * 125)
    await client.close_handshake(1000)


@case("client-rfc7692-6-control-uncompressed", over={"octets": (0, 125)})
async def pong_is_not_compressed(client: WebSocketVisitor, octets: int) -> None:
    await opened(client)
    client.send(client.frame(Opcode.PING, b"e" * octets))
    await client.expect(Opcode.PONG, b"e" * octets)


@case("client-rfc7692-6-control-uncompressed")
async def answer_to_a_close_frame_is_not_compressed(client: WebSocketVisitor) -> None:
    await opened(client)
    await client.close_handshake(1001, "going away " * 10)


@case("client-rfc7692-6-control-in-between", over={"opcode": KINDS})
async def ping_inside_a_compressed_message_leaves_it_whole(
    client: WebSocketVisitor, opcode: Opcode
) -> None:
    await opened(client)
    payload = deflated(client, b"in between, in between")
    client.send(
        client.frame(opcode, payload[:3], fin=False, rsv=RSV1),
        client.frame(Opcode.PING, b"in between"),
        client.frame(Opcode.CONT, payload[3:]),
    )
    await client.expect_all(
        Frame(Opcode.PONG, b"in between"), Frame(opcode, b"in between, in between")
    )


@case("client-rfc7692-6-control-in-between")
async def control_frames_between_messages_leave_the_window_as_it_is(
    client: WebSocketVisitor,
) -> None:
    await opened(client)
    await client.echoed(NOISE[:400])
    client.send(client.frame(Opcode.PONG, b"unasked"), client.frame(Opcode.PING, b"between"))
    await client.expect(Opcode.PONG, b"between")
    await client.echoed(NOISE[:400])


@case("client-rfc7692-6-opcode-kept")
async def text_and_binary_keep_their_types(client: WebSocketVisitor) -> None:
    await opened(client)
    for number in range(3):
        await client.echoed(f"text {number}")
        await client.echoed(f"binary {number}".encode())


INVALID = {"an octet that is none": b"\xff", "a surrogate": b"\xed\xa0\x80", "cut off": b"\xe2\x82"}


@case("client-rfc7692-6-text-after-decompression", over={"text": list(INVALID)})
async def text_that_inflates_to_no_utf8_fails_the_connection(
    client: WebSocketVisitor, text: str
) -> None:
    await opened(client)
    payload = deflated(client, b"before " + INVALID[text])
    client.send(client.frame(Opcode.TEXT, payload, rsv=RSV1))
    await client.expect_failed(1007, fence="message")


@case("client-rfc7692-6.1-rsv1-set")
async def what_the_client_compresses_is_marked(client: WebSocketVisitor) -> None:
    await opened(client)
    for message in (b"", b"f", b"g" * 3000, NOISE[:3000], HELLO, b"\0", b"\0\0\xff\xff"):
        await client.echoed(message)


CUTS = {"at each octet": 1, "in threes": 3, "in two": 20}


@case("client-rfc7692-6.2-compressed-received", over={"cut": list(CUTS)})
async def compressed_message_may_be_cut_anywhere(client: WebSocketVisitor, cut: str) -> None:
    await opened(client)
    text = b"cut into fragments, cut into fragments, and whole again"
    payload, size = deflated(client, text), CUTS[cut]
    pieces = [payload[start : start + size] for start in range(0, len(payload), size)]
    for place, piece in enumerate(pieces):
        opcode = Opcode.CONT if place else Opcode.TEXT
        client.send(client.frame(opcode, piece, fin=False, rsv=0 if place else RSV1))
    client.send(client.frame(Opcode.CONT))
    await client.expect(Opcode.TEXT, text)


@case("client-rfc7692-6.2-compressed-received", over={"octets": (0, 1, 125, 126, 65_536, 70_000)})
async def compressed_message_may_have_any_length(client: WebSocketVisitor, octets: int) -> None:
    await opened(client)
    await client.echoed(NOISE[:octets])
    await client.echoed(b"h" * octets)


@case("client-rfc7692-6.2-uncompressed-received", over={"opcode": KINDS})
async def uncompressed_message_is_taken_as_it_is(client: WebSocketVisitor, opcode: Opcode) -> None:
    await opened(client)
    for payload in (b"plain", b"", HELLO if opcode == Opcode.BINARY else b"\0\0"):
        client.send(client.frame(opcode, payload))
        await client.expect(opcode, payload)


@case("client-rfc7692-6.2-uncompressed-received")
async def uncompressed_fragments_are_taken_as_they_are(client: WebSocketVisitor) -> None:
    await opened(client)
    client.send(
        client.frame(Opcode.BINARY, HELLO[:3], fin=False), client.frame(Opcode.CONT, HELLO[3:])
    )
    await client.expect(Opcode.BINARY, HELLO)


@case("client-rfc7692-6.2-mixed")
async def uncompressed_message_leaves_the_window_as_it_is(client: WebSocketVisitor) -> None:
    await opened(client)
    await client.echoed(NOISE[:400])
    client.send(client.frame(Opcode.BINARY, NOISE[400:900]))
    await client.expect(Opcode.BINARY, NOISE[400:900])
    await client.echoed(NOISE[:400])


@case("client-rfc7692-5-agreed-used")
async def conversation_in_both_directions_keeps_its_contents(client: WebSocketVisitor) -> None:
    await opened(client)
    for number in range(40):
        await client.echoed(f"message {number}: " + "the same words again " * (number % 7))
        await client.echoed(NOISE[number * 100 : number * 100 + 90])


@case("client-rfc7692-6.2-inflated-limit", over={"mebibytes": (1, 16)}, limit=15)
async def message_that_inflates_enormously_is_taken_or_refused(
    client: WebSocketVisitor, mebibytes: int
) -> None:
    await opened(client)
    client.send_message(Opcode.BINARY, bytes(mebibytes << 20))
    with client.context.awaits("the message back, or the connection ended"):
        try:
            got = await client.receive_answer()
        except StreamClosed:
            return
    if got.opcode != Opcode.CLOSE and got.payload != bytes(mebibytes << 20):
        raise Failure("the message back, or Close 1009", got)
