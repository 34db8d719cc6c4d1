"""RFC 6455, section 5.2: the three ways to write a length, both ways."""

from sockproof.conformance import (
    Failure,
    Opcode,
    StreamClosed,
    Target,
    WebSocketPeer,
    case,
    client_frame,
    ordinary_fragments,
    ordinary_frame,
)

BOTH = (Opcode.TEXT, Opcode.BINARY)
AT_ONCE = 0.5  # seconds in which a frame that is taken for whole has been answered


def _payload(kind: Opcode, length: int) -> bytes:
    """Octets that differ from place to place, so that a piece lost or moved shows."""
    pattern = b"0123456789 sockproof " if kind == Opcode.TEXT else bytes(range(251))
    return (pattern * (length // len(pattern) + 1))[:length]


def _aliases(*numbers: int, lengths: tuple[int, ...]) -> dict[str, list[str]]:
    """Variants of `kind,length` to the cases of Autobahn's chapters 1.1 (text) and 1.2 (binary)."""
    return {
        f"{kind.name.lower()},{length}": [f"1.{kind.value}.{number}"]
        for number, length in zip(numbers, lengths, strict=True)
        for kind in BOTH
    }


@case(
    "rfc6455-5.2-length-7-received",
    needs="echo",
    over={"kind": BOTH, "length": (0, 1, 125)},
    autobahn=_aliases(1, 2, lengths=(0, 125)),
    deflated=True,
)
async def short_message_comes_back_whole(target: Target, kind: Opcode, length: int) -> None:
    await _echo(target, kind, length)


@case(
    "rfc6455-5.2-length-16-received",
    needs="echo",
    over={"kind": BOTH, "length": (126, 127, 128, 4096, 16384, 32768, 65535)},
    autobahn=_aliases(3, 4, 5, 6, lengths=(126, 127, 128, 65535)),
    deflated=True,
)
async def message_with_a_16_bit_length_comes_back_whole(
    target: Target, kind: Opcode, length: int
) -> None:
    await _echo(target, kind, length)


@case(
    "rfc6455-5.2-length-64-received",
    needs="echo",
    over={"kind": BOTH, "length": (65536, 131_071, 984_963, 1_200_000)},
    autobahn=_aliases(7, lengths=(65536,)),
    deflated=True,
)
async def message_with_a_64_bit_length_comes_back_whole(
    target: Target, kind: Opcode, length: int
) -> None:
    await _echo(target, kind, length)


async def _echo(target: Target, kind: Opcode, length: int) -> None:
    peer = await target.connect()
    payload = _payload(kind, length)
    with target.large(length):
        peer.send(client_frame(kind, payload))
        await peer.expect(kind, payload)


@case(
    "rfc6455-5.2-octet-by-octet",
    needs="echo",
    over={"kind": BOTH},
    autobahn={"text": ["1.1.8"], "binary": ["1.2.8"]},
)
async def long_message_in_pieces_of_997_octets_is_the_same(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    payload = _payload(kind, 65536)
    with target.large(65536):
        await peer.send_pieces(client_frame(kind, payload), size=997)
        await peer.expect(kind, payload)


@case("rfc6455-5.2-octet-by-octet", needs="echo", over={"length": (5, 300, 70_000)})
async def header_may_be_cut_at_any_octet(target: Target, length: int) -> None:
    """While another connection waits for a Pong, the server reads what there is of the frame."""
    peer, other = await target.connect(), await target.connect()
    payload = _payload(Opcode.BINARY, length)
    with target.large(length):
        for cut in range(1, 16):
            octets = client_frame(Opcode.BINARY, payload).encode()
            peer.send_octets(octets[:cut], f"the first {cut} octets of a frame of {length}")
            await peer.flush()
            with target.preparing("a PONG on another connection"):
                await other.fence()
            peer.send_octets(octets[cut:], "the rest of it")
            await peer.expect_message(payload)


@case(
    "rfc6455-5.2-length-minimal-sent",
    needs="echo",
    over={"length": (1, 125, 126, 127, 65535)},
)
async def server_writes_each_length_in_its_shortest_form(target: Target, length: int) -> None:
    peer = await target.connect()
    payload = _payload(Opcode.BINARY, length)
    with target.large(length):
        peer.send(client_frame(Opcode.BINARY, payload))
        await peer.expect_message(payload)
    for frame in peer.frames:
        if frame.length_octets is not None:
            raise Failure("a length in its shortest form", frame)


@case("rfc6455-5.2-length-order-sent", needs="echo", over={"length": (513, 770, 66_051)})
async def server_announces_as_many_octets_as_follow(target: Target, length: int) -> None:
    """Their lengths differ when their octets are swapped, and a fence needs each octet there."""
    peer = await target.connect()
    payload = _payload(Opcode.BINARY, length)
    with target.large(length):
        peer.send(client_frame(Opcode.BINARY, payload))
        await peer.expect_message(payload)
    await peer.fence()


@case(
    "rfc6455-5.2-length-non-minimal",
    over={"width": (2, 8), "length": (5, 125)},
    control=ordinary_frame,
)
async def length_that_is_not_in_its_shortest_form_is_refused(
    target: Target, width: int, length: int
) -> None:
    peer = await target.connect()
    payload = b"n" * length
    ping = client_frame(Opcode.PING, b"behind it")
    peer.send(client_frame(Opcode.TEXT, payload, length_octets=width), ping)
    wanted = "the length refused as a protocol error, or the message taken as it is"
    with target.awaits(wanted):
        try:
            got = await peer.receive_answer()
        except StreamClosed as closed:
            peer.dropped("Close 1002", closed)
            return
    if got.payload in (payload, ping.payload):
        target.non_strict("the length refused as a protocol error", "the message is accepted")
    elif got.opcode != Opcode.CLOSE:
        raise Failure(wanted, got)


LONG_FORMS = {
    "64-bits-for-16": client_frame(Opcode.BINARY, b"n" * 126, length_octets=8),
    "longest-of-16-bits": client_frame(Opcode.BINARY, b"n" * 65535, length_octets=8),
    "empty": client_frame(Opcode.BINARY, length_octets=2),
    "ping": client_frame(Opcode.PING, b"not minimal", length_octets=2),
    "pong": client_frame(Opcode.PONG, b"not minimal", length_octets=8),
}


@case("rfc6455-5.2-length-non-minimal", over={"frame": list(LONG_FORMS)}, control=ordinary_frame)
async def long_form_is_refused_in_any_frame(target: Target, frame: str) -> None:
    peer = await target.connect()
    peer.send(LONG_FORMS[frame])
    await _refused_or_taken(target, peer, b"behind it")


@case("rfc6455-5.2-length-non-minimal", over={"width": (2, 8)}, control=ordinary_fragments)
async def long_form_is_refused_in_a_continuation(target: Target, width: int) -> None:
    peer = await target.connect()
    rest = client_frame(Opcode.CONT, b"minimal", length_octets=width)
    peer.send(client_frame(Opcode.TEXT, b"not ", fin=False), rest)
    await _refused_or_taken(target, peer, b"behind it")


async def _refused_or_taken(target: Target, peer: WebSocketPeer, fence: bytes) -> None:
    """The connection fails with 1002; a server that goes on is tolerated."""
    peer.send(client_frame(Opcode.PING, fence))
    strict = "the length refused as a protocol error"
    with target.awaits(f"{strict}, or the frame taken as it is"):
        try:
            got = await peer.receive_answer()
            while got.opcode != Opcode.CLOSE and got.payload != fence:
                got = await peer.receive_answer()
        except StreamClosed as closed:
            peer.dropped("Close 1002", closed)
            return
    if got.opcode != Opcode.CLOSE:
        target.non_strict(strict, "the frame is accepted")


@case("rfc6455-5.2-length-64-received", needs="echo")
async def length_counts_with_its_upper_32_bits_too(target: Target) -> None:
    peer = await target.connect()
    part = bytes(65_536)  # all there is, by the lower half of the length
    peer.send(client_frame(Opcode.BINARY, part, announced=(1 << 32) + len(part)))
    peer.send(client_frame(Opcode.PING, b"inside"))  # more of the payload, for who awaits it
    await peer.closes_within(AT_ONCE)


@case("rfc6455-5.2-length-top-bit", control=ordinary_frame)
async def length_with_its_top_bit_set_fails_the_connection(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.BINARY, b"t" * 65536, announced=(1 << 63) + 65536))
    await peer.expect_failed(1002, 1009)


@case("rfc6455-5.2-length-top-bit", over={"announced": (5, 126, 2**63 - 1)}, control=ordinary_frame)
async def small_length_with_its_top_bit_set_fails_the_connection(
    target: Target, announced: int
) -> None:
    """Read without its sign it is a small number, or none at all."""
    peer = await target.connect()
    payload = b"t" * min(announced, 126)
    peer.send(client_frame(Opcode.TEXT, payload, length_octets=8, announced=(1 << 63) + announced))
    await peer.expect_failed(1002, 1009, fence="none" if announced > 126 else "ping")


@case("rfc6455-5.2-octet-by-octet", needs="echo", deflated=True)
async def frame_in_pieces_of_one_octet_is_the_same(target: Target) -> None:
    peer = await target.connect()
    await peer.send_pieces(client_frame(Opcode.TEXT, b"one by one"))
    await peer.expect_message("one by one")


@case("rfc6455-6.2-next-message", needs="echo", deflated=True)
async def messages_in_one_segment_stay_apart(target: Target) -> None:
    peer = await target.connect()
    peer.send(
        client_frame(Opcode.TEXT, b"first of two"), client_frame(Opcode.TEXT, b"second of two")
    )
    await peer.expect_message("first of two")
    await peer.expect_message("second of two")


@case("rfc6455-6.1-opcode", needs="echo", over={"kind": BOTH}, deflated=True)
async def message_comes_back_as_the_type_it_was(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    peer.send(client_frame(kind, b"type"))
    await peer.expect(kind, b"type")
