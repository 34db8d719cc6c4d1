"""RFC 6455, sections 5.2 and 5.4: long messages, in one frame, in many fragments, in many segments.

Without `--thorough` a message has 2048 fragments or segments at most: small ones then make a
shorter message.
"""

from collections.abc import Sequence

from sockproof.conformance import Opcode, Target, case, client_frame

BOTH = (Opcode.TEXT, Opcode.BINARY)
KIB, MIB = 1024, 1024 * 1024
PATTERN = {Opcode.TEXT: b"BAsd7&jh23", Opcode.BINARY: b"\0\xfe#\xfa\xf0"}
FILLING = {Opcode.TEXT: b"*", Opcode.BINARY: b"\xfe"}

SIZES = {
    "64-kib": 64 * KIB,
    "256-kib": 256 * KIB,
    "1-mib": MIB,
    "4-mib": 4 * MIB,
    "8-mib": 8 * MIB,
    "16-mib": 16 * MIB,
}
FRAGMENTED = 4 * MIB
FEW = 2048  # fragments or segments
FRAGMENTS = (64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB)
CUT_UP = MIB
SEGMENTS = (64, 128, 256, 512, KIB, 2 * KIB)
ROUND_TRIPS = (0, 16, 64, 256, KIB, 4 * KIB)


def _aliases(text: str, binary: str, values: Sequence[int | str]) -> dict[str, list[str]]:
    """The ids of Autobahn|Testsuite by variant: `text.1`, `binary.1`, … in the order of values."""
    return {
        f"{kind},{value}": [f"{section}.{number}"]
        for kind, section in (("text", text), ("binary", binary))
        for number, value in enumerate(values, start=1)
    }


def _content(kind: Opcode, length: int) -> bytes:
    pattern = PATTERN[kind]
    return (pattern * (length // len(pattern) + 1))[:length]


@case(
    "rfc6455-5.2-length-64-received",
    needs="echo",
    exclusive=True,
    limit=20,
    over={"kind": BOTH, "size": tuple(SIZES)},
    autobahn=_aliases("9.1", "9.2", tuple(SIZES)),
)
async def long_message_comes_back_whole(target: Target, kind: Opcode, size: str) -> None:
    peer = await target.connect()
    content = _content(kind, SIZES[size])
    with target.large(len(content)):
        peer.send(client_frame(kind, content))
        await peer.expect(kind, content)


@case(
    "rfc6455-5.4-fragmented-received",
    needs="echo",
    exclusive=True,
    limit=20,
    over={"kind": BOTH, "octets": FRAGMENTS},
    autobahn=_aliases("9.3", "9.4", FRAGMENTS),
)
async def long_message_in_equal_fragments_comes_back_whole(
    target: Target, kind: Opcode, octets: int
) -> None:
    peer = await target.connect()
    count = min(target.rounds(FEW, FRAGMENTED), FRAGMENTED // octets)
    piece = FILLING[kind] * octets
    with target.large(count * octets, count + 1):
        peer.send(client_frame(kind, piece, fin=False))
        peer.send(*(client_frame(Opcode.CONT, piece, fin=False) for _ in range(count - 1)))
        peer.send(client_frame(Opcode.CONT))
        await peer.expect(kind, piece * count)


@case(
    "rfc6455-5.2-octet-by-octet",
    needs="echo",
    exclusive=True,
    limit=20,
    over={"kind": BOTH, "octets": SEGMENTS},
    autobahn=_aliases("9.5", "9.6", SEGMENTS),
)
async def long_message_in_small_segments_comes_back_whole(
    target: Target, kind: Opcode, octets: int
) -> None:
    peer = await target.connect()
    content = _content(kind, octets * min(target.rounds(FEW, CUT_UP), CUT_UP // octets))
    with target.large(len(content)):
        await peer.send_pieces(client_frame(kind, content), size=octets)
        await peer.expect(kind, content)


@case(
    "rfc6455-6.2-next-message",
    needs="echo",
    limit=20,
    over={"kind": BOTH, "length": ROUND_TRIPS},
    autobahn=_aliases("9.7", "9.8", ROUND_TRIPS),
)
async def message_after_message_comes_back(target: Target, kind: Opcode, length: int) -> None:
    peer = await target.connect()
    content = FILLING[kind] * length
    for _ in range(target.rounds(20)):
        peer.send(client_frame(kind, content))
        await peer.expect(kind, content)


@case("rfc6455-6.2-next-message", needs="echo", over={"kind": BOTH}, deflated=True)
async def messages_sent_without_waiting_come_back_in_order(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    messages = [b"number %d of them" % number for number in range(target.rounds(50))]
    peer.send(*(client_frame(kind, message) for message in messages))
    for message in messages:
        await peer.expect(kind, message)
