"""RFC 6455, section 5.4: fragmentation."""

from sockproof.conformance import Opcode, Target, case, client_frame

BOTH = (Opcode.TEXT, Opcode.BINARY)


def fragments(kind: Opcode, *pieces: bytes) -> list:
    """The frames of one message cut into these pieces."""
    last = len(pieces) - 1
    return [
        client_frame(Opcode.CONT if at else kind, piece, fin=at == last)
        for at, piece in enumerate(pieces)
    ]


@case("rfc6455-5.4-fragmented-received", needs="echo", over={"kind": BOTH})
async def message_in_two_fragments_is_one(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    peer.send(*fragments(kind, b"fragment ", b"by fragment"))
    await peer.expect(kind, b"fragment by fragment")


@case("rfc6455-5.4-fragmented-received", needs="echo", over={"kind": BOTH})
async def message_in_many_fragments_is_one(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    pieces = [b"frag %d " % number for number in range(300)]
    peer.send(*fragments(kind, *pieces))
    await peer.expect(kind, b"".join(pieces))


@case("rfc6455-5.4-fragmented-received", needs="echo")
async def fragments_in_segments_of_their_own_are_one_message(target: Target) -> None:
    peer = await target.connect()
    for frame in fragments(Opcode.TEXT, b"frag", b"men", b"ted"):
        peer.send(frame)
        await peer.flush()
    await peer.expect_message("fragmented")


@case("rfc6455-5.4-empty-fragments", needs="echo")
async def empty_fragments_add_nothing(target: Target) -> None:
    peer = await target.connect()
    peer.send(*fragments(Opcode.TEXT, b"", b"middle", b""))
    await peer.expect_message("middle")


@case("rfc6455-5.4-empty-fragments", needs="echo")
async def message_of_empty_fragments_is_empty(target: Target) -> None:
    peer = await target.connect()
    peer.send(*fragments(Opcode.TEXT, b"", b"", b""))
    await peer.expect_message("")


@case("rfc6455-5.4-type-of-first", needs="echo")
async def type_of_the_first_fragment_is_the_type_of_the_message(target: Target) -> None:
    peer = await target.connect()
    peer.send(*fragments(Opcode.TEXT, b"typed by ", b"the first"))
    await peer.expect_message("typed by the first")


@case("rfc6455-5.4-continuation-alone", over={"fin": (True, False)})
async def continuation_of_nothing_fails_the_connection(target: Target, fin: bool) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.CONT, b"of what?", fin=fin))
    await peer.expect_failed(1002)


@case("rfc6455-5.4-continuation-alone", needs="echo")
async def continuation_behind_a_whole_message_fails_the_connection(target: Target) -> None:
    peer = await target.connect()
    await peer.echoes("whole")
    peer.send(client_frame(Opcode.CONT, b"of what?"))
    await peer.expect_failed(1002)


@case("rfc6455-5.4-not-interleaved", over={"kind": BOTH})
async def new_message_inside_another_fails_the_connection(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, b"unfinished", fin=False), client_frame(kind, b"another"))
    await peer.expect_failed(1002)
