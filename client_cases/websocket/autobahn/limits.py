"""Autobahn|Testsuite, sections 9 and 10: big messages, many pieces, many round trips."""

from sockproof.clients import Opcode, WebSocketVisitor, case

SLOW = 60.0  # seconds for megabytes, on a machine that is busy
PATTERNS = {Opcode.TEXT: b"BAsd7&jh23", Opcode.BINARY: b"\x00\xfe#\xfa\xf0"}
KINDS = (Opcode.TEXT, Opcode.BINARY)
SIZES = [1 << power for power in (16, 18, 20, 22, 23, 24)]
FRAGMENTS = [1 << power for power in (6, 8, 10, 12, 14, 16, 18, 20, 22)]
SEGMENTS = [1 << power for power in (6, 7, 8, 9, 10, 11)]
ROUND_TRIPS = [0, 16, 64, 256, 1024, 4096]
TIMES = 250  # a quarter of what Autobahn sends


def _numbered(first: int, values: list[int]) -> dict[str, tuple[Opcode, int]]:
    return {
        f"9.{first + kind}.{place}": (KINDS[kind], value)
        for kind in (0, 1)
        for place, value in enumerate(values, 1)
    }


WHOLE, FRAGMENTED = _numbered(1, SIZES), _numbered(3, FRAGMENTS)
CHOPPED, MANY = _numbered(5, SEGMENTS), _numbered(7, ROUND_TRIPS)


def _payload(opcode: Opcode, length: int) -> bytes:
    pattern = PATTERNS[opcode]
    return (pattern * (length // len(pattern) + 1))[:length]


@case(
    "client-rfc6455-5.2-length-64-received",
    over={"number": tuple(WHOLE)},
    autobahn={number: [number] for number in WHOLE},
    limit=SLOW,
)
async def big_message_comes_back(client: WebSocketVisitor, number: str) -> None:
    opcode, length = WHOLE[number]
    payload = _payload(opcode, length)
    await client.accept()
    client.send(client.frame(opcode, payload))
    await client.expect(opcode, payload)


@case(
    "client-rfc6455-5.4-fragmented-received",
    over={"number": tuple(FRAGMENTED)},
    autobahn={number: [number] for number in FRAGMENTED},
    limit=SLOW,
)
async def big_message_in_fragments_comes_back(client: WebSocketVisitor, number: str) -> None:
    opcode, size = FRAGMENTED[number]
    octet = b"\xfe" if number == "9.4.1" else b"*"
    payload = octet * (1 << 22)
    await client.accept()
    client.send_in_fragments(opcode, payload, size)
    await client.expect(opcode, payload)


@case(
    "client-rfc6455-5.2-octet-by-octet",
    over={"number": tuple(CHOPPED)},
    autobahn={number: [number] for number in CHOPPED},
    limit=SLOW,
)
async def big_message_in_many_segments_comes_back(client: WebSocketVisitor, number: str) -> None:
    opcode, size = CHOPPED[number]
    payload = _payload(opcode, 1 << 20)
    await client.accept()
    await client.flush()
    await client.send_pieces(client.frame(opcode, payload), size=size)
    await client.expect(opcode, payload)


@case(
    "client-rfc6455-6.2-next-message",
    over={"number": tuple(MANY)},
    autobahn={number: [number] for number in MANY},
    limit=SLOW,
)
async def many_messages_come_back_one_by_one(client: WebSocketVisitor, number: str) -> None:
    opcode, length = MANY[number]
    payload = (b"*" if opcode == Opcode.TEXT else b"\xfe") * length
    await client.accept()
    for _ in range(TIMES):
        client.send(client.frame(opcode, payload))
        await client.expect(opcode, payload)


@case("client-rfc6455-5.4-fragmented-received", autobahn=["10.1.1"])
async def message_in_fragments_of_1300_octets_comes_back(client: WebSocketVisitor) -> None:
    payload = b"*" * 65536
    await client.accept()
    client.send_in_fragments(Opcode.TEXT, payload, 1300)
    await client.expect(Opcode.TEXT, payload)
    await client.fence()
