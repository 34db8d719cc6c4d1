"""RFC 6455, section 5.2: opcodes that are reserved fail the connection."""

from sockproof.conformance import Opcode, Target, case, client_frame

DATA = (0x3, 0x4, 0x5, 0x6, 0x7)
CONTROL = (0xB, 0xC, 0xD, 0xE, 0xF)


@case("rfc6455-5.2-opcode-data-unknown", over={"opcode": DATA})
async def reserved_data_opcode_fails_the_connection(target: Target, opcode: int) -> None:
    peer = await target.connect()
    peer.send(client_frame(opcode, b"unknown"))
    await peer.expect_failed(1002)


@case("rfc6455-5.2-opcode-control-unknown", over={"opcode": CONTROL})
async def reserved_control_opcode_fails_the_connection(target: Target, opcode: int) -> None:
    peer = await target.connect()
    peer.send(client_frame(opcode, b"unknown"))
    await peer.expect_failed(1002)


@case("rfc6455-5.2-opcode-control-unknown", over={"opcode": CONTROL})
async def reserved_control_opcode_without_payload_fails_the_connection(
    target: Target, opcode: int
) -> None:
    peer = await target.connect()
    peer.send(client_frame(opcode))
    await peer.expect_failed(1002)


@case("rfc6455-5.2-opcode-data-unknown", over={"opcode": (0x3, 0xB)})
async def reserved_opcode_inside_a_message_fails_the_connection(
    target: Target, opcode: int
) -> None:
    peer = await target.connect()
    peer.send(
        client_frame(Opcode.TEXT, b"begun", fin=False),
        client_frame(opcode, b"unknown"),
    )
    await peer.expect_failed(1002)
