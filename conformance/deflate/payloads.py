"""RFC 7692, sections 5 and 7.2: messages of every kind and size, with every mix of parameters.

The content is made up here, by rule, so that every run sends the same: text and binary that
compresses very well, fairly and hardly at all. Several messages are under way at once, up to
`IN_FLIGHT` octets of them, so that neither side can block the other by writing.
"""

import asyncio
import json
import random
from collections import deque
from functools import cache

from sockproof.conformance import RSV1, Failure, Opcode, Target, case, client_frame
from sockproof.wire.deflate import Compressor

NEEDS = {"permessage-deflate", "echo"}
IN_FLIGHT = 256 * 1024  # octets
PATIENCE = 20.0  # seconds for one message to come back, however many there are
LIMIT = 600.0  # seconds for all of them, which `--thorough` needs
LONGEST = 131_072
FILLING = 16_384  # octets: three messages of so many are more than the largest window
SHIFT = 4096  # each message begins elsewhere in its content, within so many octets
BROWSER = "permessage-deflate; client_no_context_takeover; client_max_window_bits"
OFFERS = {
    "client-only": BROWSER,
    "server-no-takeover": f"{BROWSER}; server_no_context_takeover",
    "server-window-9": f"{BROWSER}; server_max_window_bits=9",
    "server-window-15": f"{BROWSER}; server_max_window_bits=15",
    "no-takeover-window-9": f"{BROWSER}; server_no_context_takeover; server_max_window_bits=9",
    "no-takeover-window-15": f"{BROWSER}; server_no_context_takeover; server_max_window_bits=15",
}
OFFERS["fallbacks"] = ", ".join(
    OFFERS[name] for name in ("no-takeover-window-9", "server-no-takeover", "client-only")
)


def _sizes() -> dict[str, tuple[int, int]]:
    """Octets of a message, and of each of its fragments once it is compressed, by name."""
    whole = (16, 64, 256, 1024, 4096, 8192, 16_384, 32_768, 65_536, LONGEST)
    cut = [(size, 256) for size in whole[5:]]
    cut += [(LONGEST, fragment) for fragment in (1024, 4096, 32_768)]
    sizes = {str(size): (size, size + 1024) for size in whole}
    return sizes | {f"{size}-in-{each}": (size, each) for size, each in cut}


SIZES = _sizes()


def _json(chance: random.Random) -> bytes:
    records = [
        {
            "id": number,
            "name": f"{chance.choice('ABCDEFGH')}. {chance.choice(('Meyer', 'Silva', 'Sato'))}",
            "active": chance.random() < 0.5,
            "score": round(chance.gauss(50, 20), 3),
            "tags": chance.sample(["red", "green", "blue", "round", "square"], 2),
        }
        for number in range(1600)
    ]
    return json.dumps(records, indent=1).encode()


def _bitmap(chance: random.Random) -> bytes:
    """Rows of soft colours with a little noise, three octets a pixel."""
    rows = bytearray()
    for y in range(256):
        noise = chance.randbytes(180)
        rows += bytes(
            (base + (noise[x] & 3)) & 255
            for x in range(180)
            for base in (x + y, x * y >> 7, 255 - y)
        )
    return bytes(rows)


def _prose(chance: random.Random) -> bytes:
    syllables = ("ta", "ri", "mön", "sel", "ka", "vo", "len", "dé", "ir", "pu")
    words = ["".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(900)]
    often = [1 / rank for rank in range(1, len(words) + 1)]
    lines = (" ".join(chance.choices(words, often, k=11)).capitalize() for _ in range(3000))
    return ".\n".join(lines).encode()


def _html(chance: random.Random) -> bytes:
    rows = (
        f'<tr class="{chance.choice(("odd", "even"))}"><td>{number}</td>'
        f'<td><a href="/page/{chance.getrandbits(40):x}.html">Page {number}</a></td></tr>\n'
        for number in range(1700)
    )
    return f"<!DOCTYPE html>\n<table>\n{''.join(rows)}</table>\n".encode()


def _document(chance: random.Random) -> bytes:
    """Short text between long stretches that are compressed already, as in a PDF file."""
    parts = (
        b"%d 0 obj << /Length 2900 >> stream\n%b\nendstream endobj\n" % (at, chance.randbytes(2900))
        for at in range(48)
    )
    return b"%made-up\n" + b"".join(parts)


KINDS = {
    "json": (Opcode.TEXT, _json),
    "bitmap": (Opcode.BINARY, _bitmap),
    "prose": (Opcode.BINARY, _prose),
    "html": (Opcode.TEXT, _html),
    "document": (Opcode.BINARY, _document),
}


@cache
def _content(kind: str) -> bytes:
    content = KINDS[kind][1](random.Random(7692))
    assert len(content) >= LONGEST + SHIFT
    return content


def _aliases(section: str, names) -> dict[str, list[str]]:
    """The ids of Autobahn|Testsuite by variant; it counts kinds and offers, then sizes, from 1."""
    return {
        f"{name},{size}": [f"{section}.{group}.{number}"]
        for group, name in enumerate(names, start=1)
        for number, size in enumerate(SIZES, start=1)
    }


@case(
    "rfc7692-5-agreed-used",
    needs=NEEDS,
    limit=LIMIT,
    over={"kind": list(KINDS), "size": list(SIZES)},
    autobahn=_aliases("12", KINDS),
)
async def messages_of_this_kind_come_back_unchanged(target: Target, kind: str, size: str) -> None:
    await _exchange(target, BROWSER, kind, *SIZES[size])


@case(
    "rfc7692-5-agreed-used",
    needs=NEEDS,
    limit=LIMIT,
    over={"offer": list(OFFERS), "size": list(SIZES)},
    autobahn=_aliases("13", OFFERS),
)
async def messages_come_back_with_the_parameters_agreed(
    target: Target, offer: str, size: str
) -> None:
    await _exchange(target, OFFERS[offer], "json", *SIZES[size])


async def _exchange(target: Target, offer: str, kind: str, size: int, fragment: int) -> None:
    """Messages of `size` octets there and back, each compressed and cut into fragments."""
    socket = await target.connect_deflate(offer)
    agreed = socket.deflate
    assert agreed is not None
    takeover = not agreed.client_no_context_takeover
    compressor = Compressor(agreed.client_max_window_bits, takeover, level=1)
    opcode, _ = KINDS[kind]
    content = _content(kind)
    waiting: deque[bytes] = deque()
    with target.large(size, size // fragment + 1):
        for number in range(target.rounds(5 if size < FILLING else 3)):
            start = number * 997 % SHIFT
            message = content[start : start + size]
            socket.send(*_fragments(opcode, compressor.compress(message), fragment))
            waiting.append(message)
            while (len(waiting) + 1) * size > IN_FLIGHT:
                await _comes_back(socket, opcode, waiting.popleft())
        while waiting:
            await _comes_back(socket, opcode, waiting.popleft())


async def _comes_back(socket, opcode: Opcode, message: bytes) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await socket.expect(opcode, message)
    except TimeoutError:
        wanted = f"the echo of {len(message)} octets"
        raise Failure(wanted, f"timed out after {PATIENCE:g} s") from None


def _fragments(opcode: Opcode, payload: bytes, size: int):
    """A compressed message in fragments of `size` octets, RSV1 on the first alone."""
    pieces = [payload[start : start + size] for start in range(0, len(payload), size)]
    for number, piece in enumerate(pieces, start=1):
        first = number == 1
        yield client_frame(
            opcode if first else Opcode.CONT,
            piece,
            fin=number == len(pieces),
            rsv=RSV1 if first else 0,
        )
