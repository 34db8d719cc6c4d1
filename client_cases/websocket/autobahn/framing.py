"""Autobahn|Testsuite, section 1: messages of each length come back as they were sent."""

from sockproof.clients import Opcode, WebSocketVisitor, case

TEXT, BINARY = b"*", b"\xfe"
SHORT = (0, 125)
MIDDLE = (126, 127, 128, 65535)
LENGTHS = {1: 0, 2: 125, 3: 126, 4: 127, 5: 128, 6: 65535, 7: 65536, 8: 65536}
CHOPPED = {"1.1.8": 997, "1.2.8": 997}  # octets of each TCP segment


def _numbers(*lengths: int) -> tuple[str, ...]:
    """The cases about messages of these lengths, text and binary."""
    return tuple(f"1.{kind}.{n}" for kind in (1, 2) for n in LENGTHS if LENGTHS[n] in lengths)


def _own(numbers: tuple[str, ...]) -> dict[str, list[str]]:
    return {number: [number] for number in numbers}


async def _comes_back(client: WebSocketVisitor, number: str) -> None:
    _, kind, place = map(int, number.split("."))
    opcode, content = (Opcode.TEXT, TEXT) if kind == 1 else (Opcode.BINARY, BINARY)
    payload = content * LENGTHS[place]
    await client.accept()
    await client.flush()
    frame = client.frame(opcode, payload)
    if number in CHOPPED:
        await client.send_pieces(frame, size=CHOPPED[number])
    else:
        client.send(frame)
    await client.expect(opcode, payload)
    await client.fence()


@case(
    "client-rfc6455-5.2-length-7-received",
    over={"number": _numbers(*SHORT)},
    autobahn=_own(_numbers(*SHORT)),
)
async def short_message_comes_back(client: WebSocketVisitor, number: str) -> None:
    await _comes_back(client, number)


@case(
    "client-rfc6455-5.2-length-16-received",
    over={"number": _numbers(*MIDDLE)},
    autobahn=_own(_numbers(*MIDDLE)),
)
async def message_with_a_length_of_16_bits_comes_back(
    client: WebSocketVisitor, number: str
) -> None:
    await _comes_back(client, number)


@case(
    "client-rfc6455-5.2-length-64-received",
    over={"number": _numbers(65536)},
    autobahn=_own(_numbers(65536)),
)
async def message_with_a_length_of_64_bits_comes_back(
    client: WebSocketVisitor, number: str
) -> None:
    await _comes_back(client, number)
