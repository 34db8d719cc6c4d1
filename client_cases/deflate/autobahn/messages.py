"""Autobahn|Testsuite, sections 12 and 13: compressed messages of each kind, size and parameters.

Contents are like Autobahn's files (JSON, a picture, a text, HTML, a document that is compressed
already), made here. It sends a thousand of each size; fewer show the same in a share of the time,
and each is another piece of the contents, so that a window that is kept wrongly shows.
"""

import functools
import json
import random
import zlib
from collections.abc import Callable

from sockproof.clients import (
    Opcode,
    Parameters,
    Unsupported,
    WebSocketVisitor,
    case,
)

SLOW = 60.0  # seconds for megabytes, on a machine that is busy
CONTENTS_OCTETS = 1 << 18
VOLUME, FEWEST, MOST = 1 << 18, 4, 30  # octets of all messages of a case; how many there are
FAUST = """
Habe nun ach Philosophie Juristerei und Medizin und leider auch Theologie durchaus studiert mit
heißem Bemühn da steh ich nun ich armer Tor und bin so klug als wie zuvor
"""
WORDS = FAUST.split()
# Octets of a message, and of its fragments; 0 for one frame.
SHAPES = [
    *((1 << power, 0) for power in (4, 6, 8, 10, 12, 13, 14, 15, 16, 17)),
    *((1 << power, 256) for power in (13, 14, 15, 16, 17)),
    *((1 << 17, size) for size in (1024, 4096, 32768)),
]
# What the response asks of the client in section 13: no context takeover, window bits (0: nothing).
ASKED = [
    [(False, 0)],
    [(True, 0)],
    [(False, 9)],
    [(False, 15)],
    [(True, 9)],
    [(True, 15)],
    [(True, 9), (True, 0), (False, 0)],
]


def _json() -> bytes:
    draw = random.Random(1)
    cases = {
        f"{section}.{place}": {"behavior": draw.choice(("OK", "FAILED")), "duration": draw.random()}
        for section in range(1, 60)
        for place in range(1, 60)
    }
    return json.dumps(cases, indent=3).encode()


def _picture() -> bytes:
    draw = random.Random(2)
    head = b"BM" + (CONTENTS_OCTETS).to_bytes(4, "little") + bytes(48)
    return head + bytes(
        (x // 2 + y // 3 + draw.randrange(4)) % 256 for y in range(512) for x in range(512)
    )


def _text() -> bytes:
    draw = random.Random(3)
    lines = (" ".join(draw.choices(WORDS, k=8)) for _ in range(6000))
    return "\ufeff".encode() + "\r\n".join(lines).encode()


def _html() -> bytes:
    draw = random.Random(4)
    rows = "\n".join(
        f'      <tr class="row{place % 2}"><td>{place}</td><td>{draw.choice(WORDS)}</td></tr>'
        for place in range(5000)
    )
    page = f"<!DOCTYPE html>\n<html>\n   <body><table>\n{rows}\n</table></body></html>"
    return page.encode("ascii", "xmlcharrefreplace")  # so that it can be cut anywhere


def _document() -> bytes:
    return b"%PDF-1.2\n" + random.Random(5).randbytes(CONTENTS_OCTETS)


CONTENTS: list[tuple[Opcode, Callable[[], bytes]]] = [
    (Opcode.TEXT, _json),
    (Opcode.BINARY, _picture),
    (Opcode.BINARY, _text),
    (Opcode.TEXT, _html),
    (Opcode.BINARY, _document),
]
OF_CONTENTS = {
    f"12.{kind}.{place}": (kind, *shape)
    for kind in range(1, len(CONTENTS) + 1)
    for place, shape in enumerate(SHAPES, 1)
}
OF_PARAMETERS = {
    f"13.{asked}.{place}": (asked, *shape)
    for asked in range(1, len(ASKED) + 1)
    for place, shape in enumerate(SHAPES, 1)
}


@functools.cache
def _contents(kind: int) -> tuple[Opcode, bytes]:
    opcode, make = CONTENTS[kind - 1]
    made = make()
    assert len(zlib.compress(made)) > FEWEST
    return opcode, (made * (CONTENTS_OCTETS // len(made) + 1))[:CONTENTS_OCTETS]


def _pieces(kind: int, length: int) -> tuple[Opcode, list[bytes]]:
    """Messages of this length, each another piece; text is cut between characters of one octet."""
    opcode, contents = _contents(kind)
    times = max(FEWEST, min(MOST, VOLUME // length))
    step = (CONTENTS_OCTETS - length) // times
    return opcode, [contents[step * place : step * place + length] for place in range(times)]


async def _come_back(client: WebSocketVisitor, kind: int, length: int, size: int) -> None:
    opcode, messages = _pieces(kind, length)
    client.compresses = True
    for message in messages:
        client.send_in_fragments(opcode, message, size or length + 1)
        await client.expect(opcode, message)


@case(
    "client-rfc7692-5-agreed-used",
    over={"number": tuple(OF_CONTENTS)},
    autobahn={number: [number] for number in OF_CONTENTS},
    limit=SLOW,
)
async def compressed_messages_come_back(client: WebSocketVisitor, number: str) -> None:
    await client.accept(deflate=Parameters())
    await _come_back(client, *OF_CONTENTS[number])


@case(
    "client-rfc7692-7-response-unsupported",
    over={"number": tuple(OF_PARAMETERS)},
    autobahn={number: [number] for number in OF_PARAMETERS},
    limit=SLOW,
)
async def compressed_messages_come_back_by_the_agreed_parameters(
    client: WebSocketVisitor, number: str
) -> None:
    asked, length, size = OF_PARAMETERS[number]
    await _accept(client, ASKED[asked - 1])
    await _come_back(client, 1, length, size)


async def _accept(client: WebSocketVisitor, wishes: list[tuple[bool, int]]) -> None:
    """Open the connection by the first wish that an offer allows, with its bits written out."""
    for place, (no_takeover, bits) in enumerate(wishes):
        offers_bits = any(
            "client_max_window_bits" in dict(each.parameters) for each in client.offers
        )
        if bits and not offers_bits and place < len(wishes) - 1:
            continue
        if bits and not offers_bits:
            raise Unsupported(
                "a client that offers client_max_window_bits",
                client.request.get("Sec-WebSocket-Extensions") or "it offers no extension",
                lacks=["permessage-deflate"],
            )
        wanted = Parameters(
            client_no_context_takeover=no_takeover, client_max_window_bits=bits or 15
        )
        agreed = client.agreeable(wanted)
        response = client.right_response(deflate=agreed)
        if bits == 15 == agreed.client_max_window_bits:
            value = response.get("Sec-WebSocket-Extensions") or ""
            response = response.having(
                "Sec-WebSocket-Extensions", f"{value}; client_max_window_bits=15"
            )
        await client.answer(response, deflate=agreed)
        return
