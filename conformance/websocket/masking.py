"""RFC 6455, sections 5.1 and 5.3: a client masks every frame, a server none."""

from sockproof.conformance import (
    Failure,
    Frame,
    Opcode,
    StreamClosed,
    Target,
    Unsupported,
    case,
    client_frame,
    close_frame,
    ordinary_fragments,
    ordinary_frame,
)

KINDS = (Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.PONG, Opcode.CLOSE, Opcode.CONT)
KEYS = {
    "ones": b"\xff\xff\xff\xff",
    "last-octet": b"\0\0\0\x01",
    "first-octet": b"\x80\0\0\0",
    "zero-inside": b"\x12\0\0\x34",
    "line-ends": b"\r\n\r\n",
}


@case("rfc6455-5.1-unmasked-closes", over={"kind": KINDS}, deflated=True, control=ordinary_frame)
async def unmasked_frame_closes_the_connection(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    if kind == Opcode.CONT:
        peer.send(client_frame(Opcode.TEXT, b"masked, ", fin=False))
    if kind == Opcode.CLOSE:
        peer.send(client_frame(kind, (1000).to_bytes(2, "big"), mask=None))
        await target.expect_close_refused(peer, 1000, 1002)
        return
    peer.send(client_frame(kind, b"bare", mask=None))
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.1-unmasked-closes",
    over={"kind": KINDS[:-1], "octets": (0, 126)},
    control=ordinary_frame,
)
async def unmasked_frame_of_any_length_closes_the_connection(
    target: Target, kind: Opcode, octets: int
) -> None:
    peer = await target.connect()
    if kind == Opcode.CLOSE:
        payload = close_frame(4001, "r" * (octets - 3)).payload if octets else b""
        peer.send(client_frame(kind, payload, mask=None))
        await target.expect_close_refused(peer, 4001 if octets else None, 1002)
        return
    octets = min(octets, 125) if kind in (Opcode.PING, Opcode.PONG) else octets
    peer.send(client_frame(kind, b"b" * octets, mask=None))
    await peer.expect_failed(1002)


@case("rfc6455-5.1-unmasked-closes", needs="echo", over={"kind": KINDS}, control=ordinary_frame)
async def unmasked_frame_after_masked_ones_closes_the_connection(
    target: Target, kind: Opcode
) -> None:
    peer = await target.connect()
    await peer.echoes()
    if kind == Opcode.CONT:
        peer.send(client_frame(Opcode.BINARY, b"masked, ", fin=False))
        peer.send(client_frame(Opcode.CONT, b"masked too, ", fin=False))
    if kind == Opcode.CLOSE:
        peer.send(client_frame(kind, close_frame(4001, "bare").payload, mask=None))
        await target.expect_close_refused(peer, 4001, 1002)
        return
    peer.send(client_frame(kind, b"bare", mask=None))
    await peer.expect_failed(1002)


@case("rfc6455-5.1-unmasked-closes", control=ordinary_fragments)
async def unmasked_first_fragment_closes_the_connection(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, b"bare, ", fin=False, mask=None))
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.1-unmasked-not-processed",
    needs="echo",
    over={"kind": KINDS[:2]},
    control=ordinary_frame,
)
async def unmasked_message_is_not_echoed(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    await peer.echoes()
    peer.send(client_frame(kind, b"bare", mask=None))
    await peer.expect_failed(1002)


@case("rfc6455-5.1-unmasked-1002", control=ordinary_frame)
async def unmasked_frame_is_answered_by_any_close_or_none(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, b"bare", mask=None))
    with target.awaits("the end of the connection, with a Close frame or without one"):
        try:
            got = await peer.receive_answer()
        except StreamClosed as closed:
            target.report("an unmasked frame", f"{closed.how} without a Close frame")
            return
    if got.opcode != Opcode.CLOSE:
        raise Failure("the end of the connection", got)
    target.report("an unmasked frame", str(got))


@case("rfc6455-5.3-unmasking", needs="echo", deflated=True)
async def key_of_four_zeros_is_a_key(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, b"in the clear", mask=b"\0\0\0\0"))
    await peer.expect_message("in the clear")


@case("rfc6455-5.3-unmasking", needs="echo", over={"key": list(KEYS)})
async def any_four_octets_are_a_key(target: Target, key: str) -> None:
    peer = await target.connect()
    message = bytes(range(256)) * 3
    peer.send(client_frame(Opcode.BINARY, message, mask=KEYS[key]))
    await peer.expect_message(message)


@case("rfc6455-5.3-unmasking", needs="echo", deflated=True)
async def each_octet_is_unmasked_with_its_own_octet_of_the_key(target: Target) -> None:
    peer = await target.connect()
    messages = [b"mask me!"[:length] for length in range(1, 9)]
    peer.send(*(client_frame(Opcode.BINARY, each, mask=b"\x01\x20\x83\xff") for each in messages))
    for each in messages:
        await peer.expect_message(each)


@case("rfc6455-5.3-unmasking", needs="echo", over={"around": (16, 64, 128, 1024, 4096, 65536)})
async def length_around_a_block_is_unmasked_to_its_last_octet(target: Target, around: int) -> None:
    """Servers unmask in words and blocks; what is left at the end is where they go wrong."""
    peer = await target.connect()
    pattern = bytes(range(1, 252))
    for length in range(around - 3, around + 8):
        message = (pattern * (length // len(pattern) + 1))[:length]
        with target.large(length):
            peer.send(client_frame(Opcode.BINARY, message, mask=b"\x37\xfa\x21\x3d"))
            await peer.expect_message(message)


@case("rfc6455-5.3-unmasking", needs="echo")
async def frames_of_one_segment_have_keys_of_their_own(target: Target) -> None:
    peer = await target.connect()
    keys = (b"\x01\x02\x03\x04", b"\xff\xfe\xfd\xfc", b"\0\0\0\0", b"\x80\x40\x20\x10")
    peer.send(*(client_frame(Opcode.BINARY, b"same payload", mask=key) for key in keys))
    for _ in keys:
        await peer.expect_message(b"same payload")


@case("rfc6455-5.3-unmasking", needs={"echo", "binary"}, deflated=True)
async def fragments_have_keys_of_their_own_and_begin_anew(target: Target) -> None:
    peer = await target.connect()
    peer.send(
        client_frame(Opcode.BINARY, b"first", fin=False, mask=b"\x01\x02\x03\x04"),
        client_frame(Opcode.PING, b"ping", mask=b"\x11\x12\x13\x14"),
        client_frame(Opcode.CONT, b"second!", fin=False, mask=b"\x81\x82\x83\x84"),
        client_frame(Opcode.CONT, b"third", mask=b"\x21\x22\x23\x24"),
    )
    await peer.expect_all(Frame(Opcode.PONG, b"ping"), Frame(Opcode.BINARY, b"firstsecond!third"))


@case("rfc6455-5.3-unmasking", over={"octets": (1, 2, 3, 4, 5, 6, 7, 124, 125)})
async def control_frame_is_unmasked_as_well(target: Target, octets: int) -> None:
    peer = await target.connect()
    payload = bytes(range(1, octets + 1))
    ping = client_frame(Opcode.PING, payload, mask=b"\x37\xfa\x21\x3d")
    peer.send(ping)
    await peer.expect_pong(payload, ping)


@case(
    "rfc6455-5.1-server-unmasked",
    over={"kind": (Opcode.TEXT, Opcode.BINARY, Opcode.PONG, Opcode.CLOSE), "octets": (0, 9, 120)},
)
async def server_masks_no_frame_of_any_length(target: Target, kind: Opcode, octets: int) -> None:
    await _expect_unmasked(target, kind, b"unmasked," * 20, octets)


@case("rfc6455-5.1-server-unmasked", needs="echo", over={"octets": (126, 70_000)})
async def server_masks_no_long_message(target: Target, octets: int) -> None:
    with target.large(octets):
        await _expect_unmasked(target, Opcode.BINARY, b"unmasked, " * 7000, octets)


@case("rfc6455-5.1-server-unmasked")
async def server_masks_no_close_with_which_it_fails_a_connection(target: Target) -> None:
    peer = await target.connect()
    peer.send(
        client_frame(Opcode.TEXT, b"bad", rsv=7),
        client_frame(Opcode.PING, b"after what is bad"),
    )
    with target.awaits("an unmasked CLOSE, or the end of TCP"):
        try:
            while (frame := await peer.receive()).opcode != Opcode.CLOSE:
                # A frame with a mask is a Failure wherever it is met.
                if (frame.opcode, frame.payload) == (Opcode.PONG, b"after what is bad"):
                    raise Unsupported("a server that fails a connection", "it goes on")
        except StreamClosed:
            return


@case("rfc6455-5.1-server-unmasked", over={"kind": (Opcode.TEXT, Opcode.PONG, Opcode.CLOSE)})
async def server_masks_no_frame(target: Target, kind: Opcode) -> None:
    texts = {Opcode.PONG: b"unmasked, please, ping"}
    text = texts.get(kind, b"unmasked, please")
    await _expect_unmasked(target, kind, text, len(text))


async def _expect_unmasked(target: Target, kind: Opcode, payload: bytes, octets: int) -> None:
    """Have the server send such a frame: one with a mask is a Failure wherever it is met."""
    peer = await target.connect()
    payload = payload[:octets]
    if kind in (Opcode.TEXT, Opcode.BINARY):
        if target.supports("echo" if kind == Opcode.TEXT else "binary"):
            peer.send(client_frame(kind, payload), client_frame(kind, b"behind it"))
            with target.awaits("what was sent behind it"):
                while (got := await peer.receive()).payload != b"behind it":
                    if got.opcode == Opcode.CLOSE:  # the other came back or not
                        return
        return
    if kind == Opcode.PONG:
        peer.send(client_frame(Opcode.PING, payload))
    else:
        peer.send(close_frame(1000, payload) if octets else close_frame(None))
    with target.preparing(f"an unmasked {kind.name}"):
        while (await peer.receive()).opcode != kind:
            pass
