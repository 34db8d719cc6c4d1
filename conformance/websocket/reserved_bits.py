"""RFC 6455, section 5.2: reserved bits that no negotiated extension defines."""

from sockproof.conformance import (
    RSV1,
    RSV2,
    RSV3,
    Opcode,
    Target,
    case,
    client_frame,
    close_frame,
    ordinary_close,
    ordinary_fragments,
    ordinary_frame,
    ordinary_length,
    text_frame,
)

BITS = {"rsv1": RSV1, "rsv2": RSV2, "rsv3": RSV3}
NEVER = {"rsv2": RSV2, "rsv3": RSV3}  # permessage-deflate defines the other one
BOTH = (Opcode.TEXT, Opcode.BINARY)


async def reserved_bits_alone(target: Target, bits: int) -> None:
    """A text with these reserved bits alone did not end the connection."""
    peer = await target.connect()
    peer.send(text_frame("reserved", rsv=bits))
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.2-rsv-received",
    over={
        "bit": tuple(BITS),
        "kind": (Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.PONG, Opcode.CLOSE),
    },
    control=ordinary_frame,
)
async def reserved_bit_fails_the_connection(target: Target, bit: str, kind: Opcode) -> None:
    peer = await target.connect()
    if kind == Opcode.CLOSE:
        peer.send(client_frame(kind, (1000).to_bytes(2, "big"), rsv=BITS[bit]))
        await target.expect_close_refused(peer, 1000, 1002)
        return
    peer.send(client_frame(kind, b"reserved", rsv=BITS[bit]))
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.2-rsv-received",
    over={"bits": range(1, 8), "kind": (Opcode.TEXT, Opcode.BINARY, Opcode.PING)},
    autobahn={"4,text": ["3.1"], "5,binary": ["3.5"], "6,binary": ["3.6"]},
    control=ordinary_frame,
)
async def reserved_bits_together_fail_the_connection(
    target: Target, bits: int, kind: Opcode
) -> None:
    """Autobahn|Testsuite writes them as one number too, RSV1 first."""
    peer = await target.connect()
    peer.send(client_frame(kind, b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff" * 2, rsv=bits))
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.2-rsv-received",
    over={"bit": tuple(BITS), "octets": (0, 126, 65_536)},
    control=ordinary_length,
)
async def reserved_bit_on_a_frame_of_any_length_fails_the_connection(
    target: Target, bit: str, octets: int
) -> None:
    peer = await target.connect()
    with target.large(octets):
        peer.send(client_frame(Opcode.BINARY, b"r" * octets, rsv=BITS[bit]))
        await peer.expect_failed(1002)


@case("rfc6455-5.2-rsv-received", autobahn=["3.7"], control=ordinary_close)
async def empty_close_with_reserved_bits_fails_the_connection(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.CLOSE, rsv=7))
    await target.expect_close_refused(peer, None, 1002)


@case("rfc6455-5.2-rsv-received", over={"bit": tuple(BITS)}, control=ordinary_fragments)
async def reserved_bit_on_a_continuation_fails_the_connection(target: Target, bit: str) -> None:
    peer = await target.connect()
    peer.send(
        client_frame(Opcode.TEXT, b"clean, ", fin=False),
        client_frame(Opcode.CONT, b"not clean", rsv=BITS[bit]),
    )
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.2-rsv-received", over={"bit": tuple(BITS), "kind": BOTH}, control=ordinary_fragments
)
async def reserved_bit_on_a_first_fragment_fails_the_connection(
    target: Target, bit: str, kind: Opcode
) -> None:
    peer = await target.connect()
    peer.send(client_frame(kind, b"to be continued", fin=False, rsv=BITS[bit]))
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.2-rsv-received",
    over={"bit": tuple(NEVER), "fin": (True, False)},
    deflated=True,
    control=ordinary_fragments,
)
async def reserved_bit_on_a_later_fragment_fails_the_connection(
    target: Target, bit: str, fin: bool
) -> None:
    peer = await target.connect()
    peer.send(
        client_frame(Opcode.BINARY, b"clean, ", fin=False),
        client_frame(Opcode.CONT, b"still clean, ", fin=False),
        client_frame(Opcode.CONT, b"not clean", fin=fin, rsv=NEVER[bit]),
    )
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.2-rsv-received",
    needs="echo",
    over={"bit": tuple(NEVER), "kind": BOTH},
    deflated=True,
    control=ordinary_frame,
)
async def reserved_bit_after_a_message_fails_the_connection(
    target: Target, bit: str, kind: Opcode
) -> None:
    peer = await target.connect()
    await peer.echoes()
    peer.send(client_frame(kind, b"reserved", rsv=NEVER[bit]))
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.2-rsv-received",
    over={"bit": tuple(NEVER)},
    deflated=True,
    control=ordinary_fragments,
)
async def reserved_bit_on_a_ping_inside_a_message_fails_the_connection(
    target: Target, bit: str
) -> None:
    peer = await target.connect()
    peer.send(
        client_frame(Opcode.TEXT, b"clean, ", fin=False),
        client_frame(Opcode.PING, b"not clean", rsv=NEVER[bit]),
    )
    await peer.expect_failed(1002)


@case(
    "rfc6455-7.1.7-earlier-messages",
    over={"bits": range(1, 8), "how": ("segment", "segments", "octets")},
    autobahn={"2,segment": ["3.2"], "3,segments": ["3.3"], "4,octets": ["3.4"]},
    control=reserved_bits_alone,
)
async def reserved_bits_behind_a_message_fail_the_connection(
    target: Target, bits: int, how: str
) -> None:
    """The message before them was complete and may be answered."""
    peer = await target.connect()
    frames = (text_frame("Hello, world!"), text_frame("Hello, world!", rsv=bits))
    if how == "octets":
        await peer.send_pieces(*frames)
    elif how == "segments":
        peer.send(frames[0])
        await peer.flush()
        peer.send(frames[1])
    else:
        peer.send(*frames)
    await peer.expect_failed(1002, after="Hello, world!", lossy=how == "octets")


@case("rfc6455-5.2-rsv-received", needs="echo", over={"bit": tuple(BITS)}, control=ordinary_close)
async def close_with_a_reserved_bit_after_a_message_fails_the_connection(
    target: Target, bit: str
) -> None:
    peer = await target.connect()
    await peer.echoes()
    close = close_frame(4001, "reserved")
    peer.send(client_frame(Opcode.CLOSE, close.payload, rsv=BITS[bit]))
    await target.expect_close_refused(peer, 4001, 1002)
