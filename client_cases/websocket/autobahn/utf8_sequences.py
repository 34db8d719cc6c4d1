"""Autobahn|Testsuite, sections 6.5 to 6.23: sequences that are UTF-8, and some that are not."""

from collections.abc import Iterable

from sockproof.clients import Opcode, WebSocketVisitor, case

KOSME = "κ\u1f79σμε".encode()
LAST_OF_PLANES = [chr((plane << 16) + 0xFFFE + last) for plane in range(17) for last in (0, 1)]


def _alone(first: int, last: int) -> bytes:
    """Each first octet of a sequence, with a blank in the place of what follows it."""
    return b"".join(b"%c " % octet for octet in range(first, last))


def _surrogates(*codes: int) -> list[bytes]:
    return [chr(code).encode("utf-8", "surrogatepass") for code in codes]


def _octets(text: str) -> list[bytes]:
    return [bytes.fromhex(word) for word in text.split()]


INCOMPLETE = _octets("c0 e080 f08080 f8808080 fc80808080 df efbf f7bfbf fbbfbfbf fdbfbfbfbf")
HIGH, LOW = (0xD800, 0xDB7F, 0xDB80, 0xDBFF), (0xDC00, 0xDF80, 0xDFFF)
SEQUENCES: dict[int, Iterable[bytes]] = {
    5: [f"hello{each}world".encode() for each in "$¢€𤭢"] + [KOSME],
    6: [KOSME[:length] for length in range(1, len(KOSME) + 1)],
    7: [chr(code).encode() for code in (0, 0x80, 0x800, 0x10000)],
    8: _octets("f888808080 fc8480808080"),
    9: [chr(code).encode() for code in (0x7F, 0x7FF, 0xFFFF, 0x10FFFF)],
    10: _octets("f7bfbfbf fbbfbfbfbf fdbfbfbfbfbf"),
    11: [*(chr(code).encode() for code in (0xD7FF, 0xE000, 0xFFFD, 0x10FFFF)), b"\xf4\x90\x80\x80"],
    12: [
        *(b"\x80", b"\xbf"),
        *((b"\x80\xbf" * 3)[:length] for length in range(2, 7)),
        bytes(range(0x80, 0xBF)),
    ],
    13: [
        *(_alone(0xC0, 0xDF), _alone(0xE0, 0xEF), _alone(0xF0, 0xF7)),
        *(_alone(0xF8, 0xFB), _alone(0xFC, 0xFD)),
    ],
    14: INCOMPLETE,
    15: [b"".join(INCOMPLETE)],
    16: _octets("fe ff fefeffff"),
    17: _octets("c0af e080af f08080af f8808080af fc80808080af"),
    18: _octets("c1bf e09fbf f08fbfbf f887bfbfbf fc83bfbfbfbf"),
    19: _octets("c080 e08080 f0808080 f880808080 fc8080808080"),
    20: _surrogates(*HIGH, *LOW),
    21: [b"".join(_surrogates(high, low)) for high in HIGH for low in (LOW[0], LOW[-1])],
    22: [each.encode() for each in LAST_OF_PLANES],
    23: [chr(code).encode() for code in range(0xFFF9, 0x10000)],
}
NUMBERED = {
    f"6.{section}.{place}": octets
    for section, sequences in SEQUENCES.items()
    for place, octets in enumerate(sequences, 1)
}


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


VALID = tuple(number for number, octets in NUMBERED.items() if _is_utf8(octets))
ENDS_INSIDE = tuple(f"6.6.{place}" for place in (1, 3, 4, 6, 8, 10))
INVALID = tuple(number for number in NUMBERED if number not in (*VALID, *ENDS_INSIDE))


@case(
    "client-rfc6455-8.1-valid-accepted",
    over={"number": VALID},
    autobahn={number: [number] for number in VALID},
)
async def valid_sequence_comes_back(client: WebSocketVisitor, number: str) -> None:
    await client.accept()
    client.send_text(NUMBERED[number].decode())
    await client.expect(Opcode.TEXT, NUMBERED[number])
    await client.fence()


@case(
    "client-rfc6455-8.1-incomplete-text",
    over={"number": ENDS_INSIDE},
    autobahn={number: [number] for number in ENDS_INSIDE},
)
async def text_that_ends_inside_a_character_fails_the_connection(
    client: WebSocketVisitor, number: str
) -> None:
    await _fails(client, number)


@case(
    "client-rfc6455-8.1-overlong-and-surrogates",
    over={"number": INVALID},
    autobahn={number: [number] for number in INVALID},
)
async def invalid_sequence_fails_the_connection(client: WebSocketVisitor, number: str) -> None:
    await _fails(client, number)


async def _fails(client: WebSocketVisitor, number: str) -> None:
    await client.accept()
    client.send(client.frame(Opcode.TEXT, NUMBERED[number]))
    await client.expect_failed(1007, fence="message")
