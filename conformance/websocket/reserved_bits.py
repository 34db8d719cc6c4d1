"""RFC 6455, section 5.2: reserved bits that no negotiated extension defines."""

from sockproof.conformance import RSV1, RSV2, RSV3, Opcode, Target, case, client_frame

BITS = {"rsv1": RSV1, "rsv2": RSV2, "rsv3": RSV3}


@case(
    "rfc6455-5.2-rsv-received",
    over={"bit": tuple(BITS), "kind": (Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.CLOSE)},
)
async def reserved_bit_fails_the_connection(target: Target, bit: str, kind: Opcode) -> None:
    peer = await target.connect()
    payload = (1000).to_bytes(2, "big") if kind == Opcode.CLOSE else b"reserved"
    peer.send(client_frame(kind, payload, rsv=BITS[bit]))
    await peer.expect_failed(1002)


@case("rfc6455-5.2-rsv-received", over={"bit": tuple(BITS)})
async def reserved_bit_on_a_continuation_fails_the_connection(target: Target, bit: str) -> None:
    peer = await target.connect()
    peer.send(
        client_frame(Opcode.TEXT, b"clean, ", fin=False),
        client_frame(Opcode.CONT, b"not clean", rsv=BITS[bit]),
    )
    await peer.expect_failed(1002)
