"""RFC 6455, sections 5.2 and 5.4: frames that a client must refuse, and those it must take."""

import asyncio

from sockproof.clients import (
    RSV1,
    RSV2,
    RSV3,
    WAITS,
    Frame,
    Opcode,
    WebSocketVisitor,
    case,
    expect_end_without,
    expect_refused_close,
    fails_or_tolerates,
)

LOOKS = {
    "a response": "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "a frame": "\x01\x01a",
    "a close frame": "\x08\x02\x03",
}
APART = 0.05  # seconds after which what was sent has been read by itself
RESERVED_DATA, RESERVED_CONTROL = (3, 4, 5, 6, 7), (11, 12, 13, 14, 15)


async def opened(client: WebSocketVisitor) -> None:
    """The connection is open, and the client surely in its loop."""
    await client.accept()
    await client.echoed("an ordinary message")


ALL_BITS = RSV1 | RSV2 | RSV3


@case(
    "client-rfc6455-5.2-rsv-received", over={"bit": (RSV2, RSV3, ALL_BITS), "opcode": list(Opcode)}
)
async def reserved_bit_fails_the_connection(
    client: WebSocketVisitor, bit: int, opcode: Opcode
) -> None:
    await opened(client)
    if opcode == Opcode.CONT:
        client.send(client.frame(Opcode.TEXT, b"first, ", fin=False))
    if opcode == Opcode.CLOSE:
        client.send(client.frame(opcode, client.close_frame(4321).payload, rsv=bit))
        await expect_refused_close(client, 4321, 1002)
    else:
        client.send(client.frame(opcode, rsv=bit))
        await client.expect_failed(1002)


@case("client-rfc6455-5.2-rsv-received", over={"opcode": (Opcode.TEXT, Opcode.BINARY)})
async def first_reserved_bit_without_compression_fails_the_connection(
    client: WebSocketVisitor, opcode: Opcode
) -> None:
    await opened(client)
    client.send(client.frame(opcode, bytes.fromhex("f248cdc9c90700"), rsv=RSV1))
    await client.expect_failed(1002)


@case("client-rfc6455-5.2-rsv-zero", over={"octets": (0, 1, 300, 70_000)})
async def client_sets_no_reserved_bit(client: WebSocketVisitor, octets: int) -> None:
    await client.accept()
    await client.echoed("x" * octets)  # the peer refuses such a bit
    client.send(client.frame(Opcode.PING, b"y"))
    await client.expect(Opcode.PONG, b"y")


@case("client-rfc6455-5.2-opcode-data-unknown", over={"opcode": RESERVED_DATA})
async def reserved_data_opcode_inside_a_message_fails_the_connection(
    client: WebSocketVisitor, opcode: int
) -> None:
    await opened(client)
    client.send(client.frame(Opcode.TEXT, b"one ", fin=False), client.frame(opcode, b""))
    await client.expect_failed(1002)


@case("client-rfc6455-5.2-opcode-control-unknown", over={"opcode": RESERVED_CONTROL})
async def reserved_control_opcode_inside_a_message_fails_the_connection(
    client: WebSocketVisitor, opcode: int
) -> None:
    await opened(client)
    client.send(client.frame(Opcode.TEXT, b"one ", fin=False), client.frame(opcode, b""))
    await client.expect_failed(1002)


@case("client-rfc6455-5.2-length-non-minimal", over={"octets": (0, 1, 125), "form": (2, 8)})
async def length_in_more_octets_than_needed_is_refused_or_taken(
    client: WebSocketVisitor, octets: int, form: int
) -> None:
    await opened(client)
    client.send(client.frame(Opcode.TEXT, b"x" * octets, length_octets=form))
    await fails_or_tolerates(client, Frame(Opcode.TEXT, b"x" * octets), 1002)


@case(
    "client-rfc6455-5.2-length-top-bit",
    over={"opcode": (Opcode.TEXT, Opcode.BINARY)},
    told=WAITS,
)
async def length_with_its_highest_bit_set_is_refused(
    client: WebSocketVisitor, opcode: Opcode
) -> None:
    await opened(client)
    header = bytes([0x80 | opcode, 127]) + (1 << 63 | 4).to_bytes(8, "big")
    client.send_octets(header + b"spam", "a frame of 2 to the power 63, and 4, octets", inside=True)
    if not await client.closes_within(1):
        client.context.non_strict("Close 1002 at once", "it awaits the payload")
    client.stream.end_writing()
    await expect_end_without(client, Opcode.TEXT, Opcode.BINARY)


@case("client-rfc6455-5.2-length-order-sent", over={"octets": (126, 258, 65_535, 65_536, 70_000)})
async def client_sends_as_many_octets_as_it_announces(
    client: WebSocketVisitor, octets: int
) -> None:
    await client.accept()
    await client.echoed("y" * octets)
    client.send(client.frame(Opcode.PING, b"still in step"))
    await client.expect(Opcode.PONG, b"still in step")


@case("client-rfc6455-5.2-length-minimal-sent", over={"octets": (0, 125, 126, 65_535, 65_536)})
async def client_sends_lengths_in_their_shortest_form(
    client: WebSocketVisitor, octets: int
) -> None:
    await client.accept()
    await client.echoed(b"y" * octets)  # the peer refuses a longer form


@case("client-rfc6455-5.2-octet-by-octet", over={"octets": (0, 5, 125, 126, 300)})
async def frame_may_arrive_octet_by_octet(client: WebSocketVisitor, octets: int) -> None:
    await client.accept()
    await client.send_pieces(client.frame(Opcode.TEXT, b"z" * octets))
    await client.expect_echo("z" * octets)


@case("client-rfc6455-5.2-octet-by-octet", over={"cut": (1, 2, 3, 4, 9, 10, 11)})
async def long_frame_may_be_cut_in_its_header(client: WebSocketVisitor, cut: int) -> None:
    await client.accept()
    payload = b"w" * 66_000
    octets = client.frame(Opcode.BINARY, payload).encode()
    client.send_octets(octets[:cut], f"the first {cut} octets of a frame", inside=True)
    await client.flush()
    await asyncio.sleep(APART)
    client.send_octets(octets[cut:], "the rest of it")
    await client.expect_echo(payload)


@case("client-rfc6455-5.4-unfinished")
async def unfinished_message_is_not_delivered(client: WebSocketVisitor) -> None:
    await opened(client)
    client.send(client.frame(Opcode.TEXT, b"never finished", fin=False))
    await client.fence()
    client.stream.end_writing()
    await expect_end_without(client, Opcode.TEXT, Opcode.BINARY)


@case("client-rfc6455-5.4-type-of-first", over={"opcode": (Opcode.TEXT, Opcode.BINARY)})
async def first_fragment_tells_the_type_of_the_message(
    client: WebSocketVisitor, opcode: Opcode
) -> None:
    await client.accept()
    client.send(client.frame(opcode, b"o", fin=False), client.frame(Opcode.CONT, b"ne"))
    await client.expect(opcode, b"one")


@case("client-rfc6455-5.4-fragments-sent-form", over={"octets": (1, 10_000, 200_000)})
async def fragments_of_the_client_are_well_formed(client: WebSocketVisitor, octets: int) -> None:
    await client.accept()
    for opcode in (Opcode.TEXT, Opcode.BINARY):
        client.send(client.frame(opcode, b"v" * octets))
    client.send(client.frame(Opcode.PING, b"between"))
    await client.expect_all(
        Frame(Opcode.TEXT, b"v" * octets),
        Frame(Opcode.BINARY, b"v" * octets),
        Frame(Opcode.PONG, b"between"),
    )


@case("client-rfc6455-5.8-extensions-negotiated")
async def no_extension_is_used_that_was_not_agreed_on(client: WebSocketVisitor) -> None:
    await client.accept()
    for text in ("a" * 1000, "b", ""):
        await client.echoed(text)  # the peer refuses reserved bits and opcodes


@case("client-rfc6455-6.2-parsed-as-frames", over={"like": list(LOOKS)})
async def payload_that_looks_like_something_else_is_payload(
    client: WebSocketVisitor, like: str
) -> None:
    await client.accept()
    await client.echoed(LOOKS[like])
    await client.echoed(LOOKS[like].encode("latin-1"))


@case("client-rfc6455-6.1-fin")
async def messages_of_the_client_end(client: WebSocketVisitor) -> None:
    await client.accept()
    for payload in (b"", b"a", b"b" * 100_000):
        await client.echoed(payload)
    await client.close_handshake()
