"""RFC 6455, section 8.1: the sequences of octets that are UTF-8 (RFC 3629), and those that are not.

Each stands alone in a text message. The valid ones share a connection, which every invalid one
would end.
"""

from sockproof.conformance import Opcode, Target, case, client_frame, ordinary_text, text_frame

KOSME = "κ\u1f79σμε".encode()  # its ό takes three octets
CUTS = range(1, len(KOSME) + 1)  # 6.6 of Autobahn|Testsuite: every beginning of that word
WHOLE = (2, 5, 7, 9, 11)  # those that end behind a character


def _numbers(section: str, count: int) -> list[str]:
    """The ids `section.1` to `section.count` of Autobahn|Testsuite."""
    return [f"{section}.{number}" for number in range(1, count + 1)]


VALID = {
    "latin": ["Hello-µ@ßöäüàá-UTF-8!!"],
    "each-length-among-letters": [
        "hello$world",
        "hello¢world",
        "hello€world",
        "hello𤭢world",
        KOSME.decode(),
    ],
    "beginnings": [KOSME[:cut].decode() for cut in WHOLE],
    "first-of-each-length": ["\0", "\u0080", "\u0800", "\U00010000"],
    "last-of-each-length": ["\x7f", "\u07ff", "\uffff", "\U0010ffff"],
    "boundaries": ["\ud7ff", "\ue000", "\ufffd", "\U0010ffff"],
    "noncharacters": [chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)],
    "byte-order-mark": ["\ufeffat the beginning", "\ufeff", "in \ufeff between"],
    "specials": [chr(code) for code in range(0xFFF9, 0x10000)],
}
VALID_NUMBERS = {
    "latin": ["6.2.1"],
    "each-length-among-letters": _numbers("6.5", 5),
    "beginnings": [f"6.6.{cut}" for cut in WHOLE],
    "first-of-each-length": _numbers("6.7", 4),
    "last-of-each-length": _numbers("6.9", 4),
    "boundaries": _numbers("6.11", 4),
    "noncharacters": _numbers("6.22", 34),
    "specials": _numbers("6.23", 7),
}

CUT_SHORT = {
    "c0": ("c0", "6.14.1"),
    "e0-80": ("e0 80", "6.14.2"),
    "f0-80-80": ("f0 80 80", "6.14.3"),
    "f8-80-80-80": ("f8 80 80 80", "6.14.4"),
    "fc-80-80-80-80": ("fc 80 80 80 80", "6.14.5"),
    "df": ("df", "6.14.6"),
    "ef-bf": ("ef bf", "6.14.7"),
    "f7-bf-bf": ("f7 bf bf", "6.14.8"),
    "fb-bf-bf-bf": ("fb bf bf bf", "6.14.9"),
    "fd-bf-bf-bf-bf": ("fd bf bf bf bf", "6.14.10"),
} | {f"after-{cut}-octets": (KOSME[:cut].hex(), f"6.6.{cut}") for cut in CUTS if cut not in WHOLE}

STRAY = {
    "one-continuation": ("80", "6.12.1"),
    "last-continuation": ("bf", "6.12.2"),
    "2-continuations": ("80 bf", "6.12.3"),
    "3-continuations": ("80 bf 80", "6.12.4"),
    "4-continuations": ("80 bf 80 bf", "6.12.5"),
    "5-continuations": ("80 bf 80 bf 80", "6.12.6"),
    "6-continuations": ("80 bf 80 bf 80 bf", "6.12.7"),
    "every-continuation": (bytes(range(0x80, 0xBF)).hex(), "6.12.8"),
    "starts-of-2": (b"".join(b"%c " % start for start in range(0xC0, 0xDF)).hex(), "6.13.1"),
    "starts-of-3": (b"".join(b"%c " % start for start in range(0xE0, 0xEF)).hex(), "6.13.2"),
    "starts-of-4": (b"".join(b"%c " % start for start in range(0xF0, 0xF7)).hex(), "6.13.3"),
    "starts-of-5": (b"".join(b"%c " % start for start in range(0xF8, 0xFB)).hex(), "6.13.4"),
    "start-of-6": ("fc 20", "6.13.5"),
    "cut-short-in-a-row": (
        "c0 e0 80 f0 80 80 f8 80 80 80 fc 80 80 80 80df ef bf f7 bf bf fb bf bf bf fd bf bf bf bf",
        "6.15.1",
    ),
    "fe": ("fe", "6.16.1"),
    "ff": ("ff", "6.16.2"),
    "fe-and-ff": ("fe fe ff ff", "6.16.3"),
}

FORBIDDEN = {
    "surrogate-among-letters": (KOSME.hex() + "ed a0 80 65 64 69 74 65 64", "6.3.1"),
    "first-of-5": ("f8 88 80 80 80", "6.8.1"),
    "first-of-6": ("fc 84 80 80 80 80", "6.8.2"),
    "last-of-4": ("f7 bf bf bf", "6.10.1"),
    "last-of-5": ("fb bf bf bf bf", "6.10.2"),
    "last-of-6": ("fd bf bf bf bf bf", "6.10.3"),
    "above-u-10ffff": ("f4 90 80 80", "6.11.5"),
    "slash-in-2": ("c0 af", "6.17.1"),
    "slash-in-3": ("e0 80 af", "6.17.2"),
    "slash-in-4": ("f0 80 80 af", "6.17.3"),
    "slash-in-5": ("f8 80 80 80 af", "6.17.4"),
    "slash-in-6": ("fc 80 80 80 80 af", "6.17.5"),
    "longest-overlong-in-2": ("c1 bf", "6.18.1"),
    "longest-overlong-in-3": ("e0 9f bf", "6.18.2"),
    "longest-overlong-in-4": ("f0 8f bf bf", "6.18.3"),
    "longest-overlong-in-5": ("f8 87 bf bf bf", "6.18.4"),
    "longest-overlong-in-6": ("fc 83 bf bf bf bf", "6.18.5"),
    "nul-in-2": ("c0 80", "6.19.1"),
    "nul-in-3": ("e0 80 80", "6.19.2"),
    "nul-in-4": ("f0 80 80 80", "6.19.3"),
    "nul-in-5": ("f8 80 80 80 80", "6.19.4"),
    "nul-in-6": ("fc 80 80 80 80 80", "6.19.5"),
    "surrogate-d800": ("ed a0 80", "6.20.1"),
    "surrogate-db7f": ("ed ad bf", "6.20.2"),
    "surrogate-db80": ("ed ae 80", "6.20.3"),
    "surrogate-dbff": ("ed af bf", "6.20.4"),
    "surrogate-dc00": ("ed b0 80", "6.20.5"),
    "surrogate-df80": ("ed be 80", "6.20.6"),
    "surrogate-dfff": ("ed bf bf", "6.20.7"),
    "pair-d800-dc00": ("ed a0 80 ed b0 80", "6.21.1"),
    "pair-d800-dfff": ("ed a0 80 ed bf bf", "6.21.2"),
    "pair-db7f-dc00": ("ed ad bf ed b0 80", "6.21.3"),
    "pair-db7f-dfff": ("ed ad bf ed bf bf", "6.21.4"),
    "pair-db80-dc00": ("ed ae 80 ed b0 80", "6.21.5"),
    "pair-db80-dfff": ("ed ae 80 ed bf bf", "6.21.6"),
    "pair-dbff-dc00": ("ed af bf ed b0 80", "6.21.7"),
    "pair-dbff-dfff": ("ed af bf ed bf bf", "6.21.8"),
}


def _aliases(table: dict[str, tuple[str, str]]) -> dict[str, list[str]]:
    return {name: [number] for name, (_, number) in table.items()}


async def _fails(target: Target, octets: str) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, bytes.fromhex(octets)))
    await peer.expect_failed(1007, fence="message")


@case(
    "rfc6455-8.1-valid-accepted",
    needs="echo",
    over={"texts": list(VALID)},
    autobahn=VALID_NUMBERS,
)
async def valid_sequences_come_back_as_they_were(target: Target, texts: str) -> None:
    peer = await target.connect()
    peer.send(*map(text_frame, VALID[texts]))
    for text in VALID[texts]:
        await peer.expect_message(text)


@case(
    "rfc6455-8.1-incomplete-text",
    needs="echo",
    over={"octets": list(CUT_SHORT)},
    autobahn=_aliases(CUT_SHORT),
    control=ordinary_text,
)
async def sequence_cut_short_fails_the_connection(target: Target, octets: str) -> None:
    await _fails(target, CUT_SHORT[octets][0])


@case(
    "rfc6455-8.1-invalid-text",
    needs="echo",
    over={"octets": list(STRAY)},
    autobahn=_aliases(STRAY),
    control=ordinary_text,
)
async def octets_that_begin_no_character_fail_the_connection(target: Target, octets: str) -> None:
    await _fails(target, STRAY[octets][0])


@case(
    "rfc6455-8.1-overlong-and-surrogates",
    needs="echo",
    over={"octets": list(FORBIDDEN)},
    autobahn=_aliases(FORBIDDEN),
    control=ordinary_text,
)
async def sequence_that_utf8_forbids_fails_the_connection(target: Target, octets: str) -> None:
    await _fails(target, FORBIDDEN[octets][0])
