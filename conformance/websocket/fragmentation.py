"""RFC 6455, section 5.4: fragmentation."""

from sockproof.conformance import (
    Frame,
    Opcode,
    Target,
    WebSocketPeer,
    case,
    client_frame,
    ordinary_fragments,
    text_frame,
)

BOTH = (Opcode.TEXT, Opcode.BINARY)
HOW = ("segment", "segments", "octets")


def fragments(kind: Opcode, *pieces: bytes) -> list[Frame]:
    """The frames of one message cut into these pieces."""
    last = len(pieces) - 1
    return [
        client_frame(Opcode.CONT if at else kind, piece, fin=at == last)
        for at, piece in enumerate(pieces)
    ]


def cut(message: bytes, size: int) -> list[bytes]:
    """The message in pieces of `size` octets."""
    return [message[start : start + size] for start in range(0, len(message), size)]


async def send(peer: WebSocketPeer, how: str, *frames) -> None:
    """Send frames in one TCP segment, in one each, or octet by octet."""
    if how == "octets":
        await peer.send_pieces(*frames)
        return
    for frame in frames:
        peer.send(frame)
        if how == "segments":
            await peer.flush()


@case(
    "rfc6455-5.4-fragmented-received",
    needs="echo",
    over={"kind": BOTH},
    autobahn={"text": ["5.3"]},
    deflated=True,
)
async def message_in_two_fragments_is_one(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    peer.send(*fragments(kind, b"fragment ", b"by fragment"))
    await peer.expect(kind, b"fragment by fragment")


@case("rfc6455-5.4-fragmented-received", needs="echo", over={"kind": BOTH}, deflated=True)
async def message_in_many_fragments_is_one(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    pieces = [b"frag %d " % number for number in range(300)]
    peer.send(*fragments(kind, *pieces))
    await peer.expect(kind, b"".join(pieces))


@case("rfc6455-5.4-fragmented-received", needs="echo", autobahn=["5.4"], deflated=True)
async def fragments_in_segments_of_their_own_are_one_message(target: Target) -> None:
    peer = await target.connect()
    for frame in fragments(Opcode.TEXT, b"frag", b"men", b"ted"):
        peer.send(frame)
        await peer.flush()
    await peer.expect_message("fragmented")


@case(
    "rfc6455-5.4-fragmented-received", needs="echo", over={"kind": BOTH}, autobahn={"text": ["5.5"]}
)
async def fragments_octet_by_octet_are_one_message(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    await peer.send_pieces(*fragments(kind, b"fragment ", b"by fragment"))
    await peer.expect(kind, b"fragment by fragment")


@case("rfc6455-5.4-fragmented-received", needs="echo", autobahn=["10.1.1"], deflated=True)
async def message_of_65536_octets_in_fragments_of_1300_is_one(target: Target) -> None:
    peer = await target.connect()
    message = (b"auto-fragmented " * 4096)[:65536]
    with target.large(65536):
        peer.send(*fragments(Opcode.TEXT, *cut(message, 1300)))
        await peer.expect(Opcode.TEXT, message)


@case("rfc6455-5.4-fragmented-received", needs="echo", over={"kind": BOTH}, deflated=True)
async def fragments_have_lengths_of_every_form(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    sizes = (125, 126, 65535, 0, 65536, 127, 1)
    pieces = [bytes([97 + at]) * size for at, size in enumerate(sizes)]
    with target.large(sum(sizes)):
        peer.send(*fragments(kind, *pieces))
        await peer.expect(kind, b"".join(pieces))


@case("rfc6455-5.4-fragmented-received", needs="echo", over={"kind": BOTH}, deflated=True)
async def fragmented_messages_follow_one_another(target: Target, kind: Opcode) -> None:
    """Nothing of one message is left for the next, fragmented or not, of this type or the other."""
    peer = await target.connect()
    other = Opcode.BINARY if kind == Opcode.TEXT else Opcode.TEXT
    peer.send(
        *fragments(kind, b"the ", b"first"),
        client_frame(other, b"the second"),
        *fragments(other, b"the ", b"", b"third"),
        client_frame(kind, b"the fourth"),
    )
    await peer.expect(kind, b"the first")
    await peer.expect(other, b"the second")
    await peer.expect(other, b"the third")
    await peer.expect(kind, b"the fourth")


@case("rfc6455-5.4-empty-fragments", needs="echo", deflated=True)
async def empty_fragments_add_nothing(target: Target) -> None:
    peer = await target.connect()
    peer.send(*fragments(Opcode.TEXT, b"", b"middle", b""))
    await peer.expect_message("middle")


@case("rfc6455-5.4-empty-fragments", needs="echo", over={"kind": BOTH})
async def several_empty_fragments_in_a_row_add_nothing(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    peer.send(*fragments(kind, b"", b"", b"one ", b"", b"", b"", b"message", b"", b""))
    await peer.expect(kind, b"one message")


@case("rfc6455-5.4-empty-fragments", needs="echo", deflated=True)
async def message_of_empty_fragments_is_empty(target: Target) -> None:
    peer = await target.connect()
    peer.send(*fragments(Opcode.TEXT, b"", b"", b""))
    await peer.expect_message("")


@case("rfc6455-5.4-type-of-first", needs="echo", deflated=True)
async def type_of_the_first_fragment_is_the_type_of_the_message(target: Target) -> None:
    peer = await target.connect()
    peer.send(*fragments(Opcode.TEXT, b"typed by ", b"the first"))
    await peer.expect_message("typed by the first")
    peer.send(*fragments(Opcode.BINARY, b"typed by ", b"the first"))
    await peer.expect_message(b"typed by the first")


@case("rfc6455-5.4-fragments-sent-form", needs="echo", over={"kind": BOTH}, deflated=True)
async def fragments_of_the_server_are_one_message(target: Target, kind: Opcode) -> None:
    """Whether it fragments is its own choice; a large message and a fragmented one may tempt it."""
    peer = await target.connect()
    large = b"0123456789abcdef" * 4095
    peer.send(client_frame(kind, large), *fragments(kind, b"sent ", b"in three ", b"fragments"))
    await peer.expect(kind, large)
    await peer.expect(kind, b"sent in three fragments")


# What fails the connection.


@case("rfc6455-5.4-continuation-alone", over={"fin": (True, False)}, control=ordinary_fragments)
async def continuation_of_nothing_fails_the_connection(target: Target, fin: bool) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.CONT, b"of what?", fin=fin))
    await peer.expect_failed(1002)


@case("rfc6455-5.4-continuation-alone", over={"fin": (True, False)}, control=ordinary_fragments)
async def empty_continuation_of_nothing_fails_the_connection(target: Target, fin: bool) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.CONT, fin=fin))
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.4-continuation-alone",
    over={"how": HOW, "fin": (True, False)},
    autobahn={
        "segment,true": ["5.9"],
        "segments,true": ["5.10"],
        "octets,true": ["5.11"],
        "segment,false": ["5.12"],
        "segments,false": ["5.13"],
        "octets,false": ["5.14"],
    },
    control=ordinary_fragments,
)
async def text_behind_a_continuation_of_nothing_does_not_save_it(
    target: Target, how: str, fin: bool
) -> None:
    peer = await target.connect()
    alone = client_frame(Opcode.CONT, b"non-continuation payload", fin=fin)
    await send(peer, how, alone, text_frame("Hello, world!"))
    await peer.expect_failed(1002, lossy=how != "segment")


@case(
    "rfc6455-5.4-continuation-alone",
    over={"fin": (True, False)},
    autobahn={"true": ["5.17"], "false": ["5.16"]},
    control=ordinary_fragments,
)
async def continuation_before_a_fragmented_message_fails_the_connection(
    target: Target, fin: bool
) -> None:
    peer = await target.connect()
    for _ in range(2):
        peer.send(client_frame(Opcode.CONT, b"fragment1", fin=fin))
        peer.send(*fragments(Opcode.TEXT, b"fragment2", b"fragment3"))
    await peer.expect_failed(1002)


@case("rfc6455-5.4-continuation-alone", needs="echo", control=ordinary_fragments)
async def continuation_behind_a_whole_message_fails_the_connection(target: Target) -> None:
    peer = await target.connect()
    await peer.echoes("whole")
    peer.send(client_frame(Opcode.CONT, b"of what?"))
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.4-continuation-alone",
    needs="echo",
    over={"fin": (True, False)},
    deflated=True,
    control=ordinary_fragments,
)
async def continuation_behind_a_fragmented_message_fails_the_connection(
    target: Target, fin: bool
) -> None:
    peer = await target.connect()
    with target.preparing("the echo of a fragmented message"):
        peer.send(*fragments(Opcode.BINARY, b"ended ", b"here"))
        await peer.expect_message(b"ended here")
    peer.send(client_frame(Opcode.CONT, b"of what?", fin=fin))
    await peer.expect_failed(1002)


@case("rfc6455-5.4-continuation-alone", autobahn=["5.15"], control=ordinary_fragments)
async def continuation_in_the_segment_of_a_message_that_ended_fails_the_connection(
    target: Target,
) -> None:
    peer = await target.connect()
    peer.send(
        *fragments(Opcode.TEXT, b"fragment1", b"fragment2"),
        client_frame(Opcode.CONT, b"fragment3", fin=False),
        client_frame(Opcode.TEXT, b"fragment4"),
    )
    await peer.expect_failed(1002, after="fragment1fragment2")


@case(
    "rfc6455-5.4-not-interleaved",
    over={"kind": BOTH},
    autobahn={"text": ["5.18"]},
    deflated=True,
    control=ordinary_fragments,
)
async def new_message_inside_another_fails_the_connection(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, b"unfinished", fin=False), client_frame(kind, b"another"))
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.4-not-interleaved",
    over={"inside": BOTH, "kind": BOTH, "fin": (True, False), "behind": (1, 3)},
    control=ordinary_fragments,
)
async def message_begun_inside_another_fails_the_connection(
    target: Target, inside: Opcode, kind: Opcode, fin: bool, behind: int
) -> None:
    """Whole or only begun, of the same type or not, behind the first fragment or a later one."""
    peer = await target.connect()
    peer.send(client_frame(inside, b"un", fin=False))
    for _ in range(behind - 1):
        peer.send(client_frame(Opcode.CONT, b"finished", fin=False))
    peer.send(client_frame(kind, b"another", fin=fin))
    await peer.expect_failed(1002)


@case("rfc6455-5.4-not-interleaved", over={"fin": (True, False)}, control=ordinary_fragments)
async def empty_message_inside_another_fails_the_connection(target: Target, fin: bool) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.BINARY, b"un", fin=False), client_frame(Opcode.BINARY, fin=fin))
    await peer.expect_failed(1002)
