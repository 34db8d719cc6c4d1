"""RFC 6455, sections 5.1 and 5.3: a client masks every frame, a server none."""

from sockproof.conformance import Failure, Opcode, Target, case, client_frame, close_frame

KINDS = (Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.CLOSE, Opcode.CONT)


@case("rfc6455-5.1-unmasked-closes", over={"kind": KINDS})
async def unmasked_frame_closes_the_connection(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    if kind == Opcode.CONT:
        peer.send(client_frame(Opcode.TEXT, b"masked, ", fin=False))
    payload = (1000).to_bytes(2, "big") if kind == Opcode.CLOSE else b"bare"
    peer.send(client_frame(kind, payload, mask=None))
    await peer.expect_failed(1002)


@case("rfc6455-5.3-unmasking", needs="echo")
async def key_of_four_zeros_is_a_key(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, b"in the clear", mask=b"\0\0\0\0"))
    await peer.expect_message("in the clear")


@case("rfc6455-5.3-unmasking", needs="echo")
async def each_octet_is_unmasked_with_its_own_octet_of_the_key(target: Target) -> None:
    peer = await target.connect()
    messages = [b"mask me!"[:length] for length in range(1, 9)]
    peer.send(*(client_frame(Opcode.BINARY, each, mask=b"\x01\x20\x83\xff") for each in messages))
    for each in messages:
        await peer.expect_message(each)


@case("rfc6455-5.1-server-unmasked", over={"kind": (Opcode.TEXT, Opcode.PONG, Opcode.CLOSE)})
async def server_masks_no_frame(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    if kind == Opcode.TEXT:
        if not target.supports("echo"):
            return
        peer.send(client_frame(Opcode.TEXT, b"unmasked, please"))
    elif kind == Opcode.PONG:
        peer.send(client_frame(Opcode.PING, b"unmasked, please, ping"))
    else:
        peer.send(close_frame(1000, "unmasked, please"))
    with target.awaits(f"an unmasked {kind.name}"):
        while True:
            frame = await peer.receive_frame()
            if frame.masked:
                raise Failure("frames without a mask", f"{frame}, masked")
            if frame.opcode == kind:
                return
