"""RFC 6455, section 5.2: opcodes that are reserved fail the connection."""

from sockproof.conformance import (
    Opcode,
    Target,
    case,
    client_frame,
    ordinary_fragments,
    ordinary_frame,
    text_frame,
)

DATA = (0x3, 0x4, 0x5, 0x6, 0x7)
CONTROL = (0xB, 0xC, 0xD, 0xE, 0xF)


async def reserved_opcode_alone(target: Target, opcode: int) -> None:
    """A frame with the reserved opcode alone did not end the connection."""
    peer = await target.connect()
    peer.send(client_frame(opcode, b"reserved"))
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.2-opcode-data-unknown",
    over={"opcode": DATA},
    autobahn={"4": ["4.1.2"]},
    deflated=True,
    control=ordinary_frame,
)
async def reserved_data_opcode_fails_the_connection(target: Target, opcode: int) -> None:
    peer = await target.connect()
    peer.send(client_frame(opcode, b"reserved opcode payload"))
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.2-opcode-data-unknown",
    over={"opcode": DATA},
    autobahn={"3": ["4.1.1"]},
    control=ordinary_frame,
)
async def reserved_data_opcode_without_payload_fails_the_connection(
    target: Target, opcode: int
) -> None:
    peer = await target.connect()
    peer.send(client_frame(opcode))
    await peer.expect_failed(1002)


@case("rfc6455-5.2-opcode-data-unknown", over={"opcode": DATA}, control=ordinary_fragments)
async def reserved_data_opcode_that_is_continued_fails_the_connection(
    target: Target, opcode: int
) -> None:
    peer = await target.connect()
    peer.send(client_frame(opcode, b"un", fin=False), client_frame(Opcode.CONT, b"known"))
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.2-opcode-control-unknown",
    over={"opcode": CONTROL},
    autobahn={"12": ["4.2.2"]},
    deflated=True,
    control=ordinary_frame,
)
async def reserved_control_opcode_fails_the_connection(target: Target, opcode: int) -> None:
    peer = await target.connect()
    peer.send(client_frame(opcode, b"reserved opcode payload"))
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.2-opcode-control-unknown",
    over={"opcode": CONTROL},
    autobahn={"11": ["4.2.1"]},
    control=ordinary_frame,
)
async def reserved_control_opcode_without_payload_fails_the_connection(
    target: Target, opcode: int
) -> None:
    peer = await target.connect()
    peer.send(client_frame(opcode))
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.2-opcode-data-unknown",
    over={"opcode": (*DATA, *CONTROL)},
    control=ordinary_fragments,
)
async def reserved_opcode_inside_a_message_fails_the_connection(
    target: Target, opcode: int
) -> None:
    peer = await target.connect()
    peer.send(
        client_frame(Opcode.TEXT, b"begun", fin=False),
        client_frame(opcode, b"unknown"),
    )
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.2-opcode-data-unknown",
    needs="echo",
    over={"opcode": (*DATA, *CONTROL)},
    control=ordinary_frame,
)
async def reserved_opcode_after_a_message_fails_the_connection(target: Target, opcode: int) -> None:
    peer = await target.connect()
    await peer.echoes()
    peer.send(client_frame(opcode, b"unknown"))
    await peer.expect_failed(1002)


@case(
    "rfc6455-7.1.7-earlier-messages",
    over={"opcode": (*DATA, *CONTROL), "octets": (0, 13)},
    autobahn={"5,0": ["4.1.3"], "6,13": ["4.1.4"], "13,0": ["4.2.3"], "14,13": ["4.2.4"]},
    control=reserved_opcode_alone,
)
async def reserved_opcode_in_the_segment_of_a_message_fails_the_connection(
    target: Target, opcode: int, octets: int
) -> None:
    """The message before it was complete and may be answered."""
    peer = await target.connect()
    peer.send(text_frame("Hello, world!"), client_frame(opcode, b"Hello, world!"[:octets]))
    await peer.expect_failed(1002, after="Hello, world!")


@case(
    "rfc6455-7.1.7-earlier-messages",
    over={"opcode": (0x7, 0xF)},
    autobahn={"7": ["4.1.5"], "15": ["4.2.5"]},
    control=reserved_opcode_alone,
)
async def reserved_opcode_octet_by_octet_fails_the_connection(target: Target, opcode: int) -> None:
    peer = await target.connect()
    await peer.send_pieces(text_frame("Hello, world!"), client_frame(opcode, b"Hello, world!"))
    await peer.expect_failed(1002, after="Hello, world!", lossy=True)
