"""RFC 6455, section 5.2: the three ways to write a length, both ways."""

from sockproof.conformance import Failure, Opcode, StreamClosed, Target, case, client_frame

BOTH = (Opcode.TEXT, Opcode.BINARY)


def _payload(kind: Opcode, length: int) -> bytes:
    """Octets that differ from place to place, so that a piece lost or moved shows."""
    pattern = b"0123456789 sockproof " if kind == Opcode.TEXT else bytes(range(251))
    return (pattern * (length // len(pattern) + 1))[:length]


@case("rfc6455-5.2-length-7-received", needs="echo", over={"kind": BOTH, "length": (0, 1, 125)})
async def short_message_comes_back_whole(target: Target, kind: Opcode, length: int) -> None:
    await _echo(target, kind, length)


@case(
    "rfc6455-5.2-length-16-received", needs="echo", over={"kind": BOTH, "length": (126, 127, 65535)}
)
async def message_with_a_16_bit_length_comes_back_whole(
    target: Target, kind: Opcode, length: int
) -> None:
    await _echo(target, kind, length)


@case(
    "rfc6455-5.2-length-64-received",
    needs="echo",
    over={"kind": BOTH, "length": (65536, 1_200_000)},
)
async def message_with_a_64_bit_length_comes_back_whole(
    target: Target, kind: Opcode, length: int
) -> None:
    await _echo(target, kind, length)


async def _echo(target: Target, kind: Opcode, length: int) -> None:
    peer = await target.connect()
    payload = _payload(kind, length)
    peer.send(client_frame(kind, payload))
    await peer.expect(kind, payload)


@case("rfc6455-5.2-length-minimal-sent", needs="echo", over={"length": (1, 125, 127, 65535)})
async def server_writes_each_length_in_its_shortest_form(target: Target, length: int) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.BINARY, _payload(Opcode.BINARY, length)))
    with target.awaits("a frame"):
        while True:
            frame = await peer.receive_frame()
            if frame.length_octets is not None:
                raise Failure("a length in its shortest form", str(frame))
            if frame.fin and frame.opcode in (Opcode.BINARY, Opcode.CONT):
                return


@case("rfc6455-5.2-length-non-minimal", over={"width": (2, 8), "length": (5, 125)})
async def length_that_is_not_in_its_shortest_form_is_refused(
    target: Target, width: int, length: int
) -> None:
    peer = await target.connect()
    payload = b"n" * length
    peer.send(client_frame(Opcode.TEXT, payload, length_octets=width))
    wanted = "the length refused as a protocol error, or the message taken as it is"
    with target.awaits(wanted):
        try:
            got = await peer.receive()
        except StreamClosed as closed:
            target.non_strict("Close 1002", f"{closed.how} without a Close frame")
            return
    if got.opcode == Opcode.TEXT and got.payload == payload:
        target.non_strict("the length refused as a protocol error", "the message is accepted")
    elif got.opcode != Opcode.CLOSE:
        raise Failure(wanted, str(got))


@case("rfc6455-5.2-length-top-bit")
async def length_with_its_top_bit_set_fails_the_connection(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.BINARY, b"t" * 65536, announced=(1 << 63) + 65536))
    await peer.expect_failed(1002, 1009)


@case("rfc6455-5.2-octet-by-octet", needs="echo")
async def frame_in_pieces_of_one_octet_is_the_same(target: Target) -> None:
    peer = await target.connect()
    await peer.send_pieces(client_frame(Opcode.TEXT, b"one by one"))
    await peer.expect_message("one by one")


@case("rfc6455-6.2-next-message", needs="echo")
async def messages_in_one_segment_stay_apart(target: Target) -> None:
    peer = await target.connect()
    peer.send(
        client_frame(Opcode.TEXT, b"first of two"), client_frame(Opcode.TEXT, b"second of two")
    )
    await peer.expect_message("first of two")
    await peer.expect_message("second of two")


@case("rfc6455-6.1-opcode", needs="echo", over={"kind": BOTH})
async def message_comes_back_as_the_type_it_was(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    peer.send(client_frame(kind, b"type"))
    await peer.expect(kind, b"type")
