"""Autobahn|Testsuite, sections 6.1 to 6.4: text in pieces, and text that is not UTF-8."""

from sockproof.clients import WAITS, Opcode, WebSocketVisitor, case

AT_ONCE = 1.0  # seconds in which a client that fails early does so
GREETING = "Hello-µ@ßöäüàá-UTF-8!!"
KOSME = "κ\u1f79σμε"
SURROGATE = KOSME.encode() + b"\xed\xa0\x80edited"
BEYOND = b"\xf4\x90\x80\x80"  # U+110000
PIECES = {
    "6.1.2": (b"", b"", b""),
    "6.1.3": (b"", b"middle frame payload", b""),
    "6.2.2": (GREETING.encode()[:15], GREETING.encode()[15:]),
    "6.2.3": (*(bytes([octet]) for octet in GREETING.encode()), b""),
    "6.2.4": (*(bytes([octet]) for octet in KOSME.encode()), b""),
}
EMPTY = ("6.1.2", "6.1.3")
CUT = tuple(number for number in PIECES if number not in EMPTY)
WRONG_LATE = {  # what is right, what is wrong, and what comes behind
    "6.4.1": (KOSME.encode(), BEYOND, b"edited"),
    "6.4.2": (KOSME.encode() + BEYOND[:1], BEYOND[1:2], BEYOND[2:] + b"edited"),
}
WRONG_INSIDE = {
    "6.4.3": (KOSME.encode(), BEYOND, b"edited"),
    "6.4.4": (KOSME.encode() + BEYOND[:1], BEYOND[1:2], BEYOND[2:] + b"edited"),
}
EARLY = "client-rfc6455-8.1-fails-early"


@case("client-rfc6455-5.2-length-7-received", autobahn=["6.1.1"])
async def empty_text_comes_back(client: WebSocketVisitor) -> None:
    await _comes_back(client, b"")


@case(
    "client-rfc6455-5.4-empty-fragments",
    over={"number": EMPTY},
    autobahn={number: [number] for number in EMPTY},
)
async def empty_fragments_of_text_count(client: WebSocketVisitor, number: str) -> None:
    await _comes_back(client, *PIECES[number])


@case("client-rfc6455-8.1-valid-accepted", autobahn=["6.2.1"])
async def text_beyond_ascii_comes_back(client: WebSocketVisitor) -> None:
    await _comes_back(client, GREETING.encode())


@case(
    "client-rfc6455-5.6-text-split",
    over={"number": CUT},
    autobahn={number: [number] for number in CUT},
)
async def text_cut_anywhere_comes_back(client: WebSocketVisitor, number: str) -> None:
    await _comes_back(client, *PIECES[number])


async def _comes_back(client: WebSocketVisitor, *pieces: bytes) -> None:
    await client.accept()
    client.send_pieces_of_a_message(Opcode.TEXT, pieces)
    await client.expect(Opcode.TEXT, b"".join(pieces))
    await client.fence()


@case(
    "client-rfc6455-8.1-invalid-text",
    over={"number": ("6.3.1", "6.3.2")},
    autobahn={"6.3.1": ["6.3.1"], "6.3.2": ["6.3.2"]},
)
async def text_that_is_not_utf8_fails_the_connection(client: WebSocketVisitor, number: str) -> None:
    pieces = [SURROGATE]
    if number == "6.3.2":
        pieces = [*(bytes([octet]) for octet in SURROGATE), b""]
    await client.accept()
    client.send_pieces_of_a_message(Opcode.TEXT, pieces)
    await client.expect_failed(1007, fence="message")


@case(
    "client-rfc6455-8.1-invalid-text",
    over={"number": tuple(WRONG_LATE)},
    autobahn={number: [number] for number in WRONG_LATE},
)
async def fragment_that_is_not_utf8_fails_the_connection(
    client: WebSocketVisitor, number: str
) -> None:
    right, wrong, rest = WRONG_LATE[number]
    await client.accept()
    client.send(client.frame(Opcode.TEXT, right, fin=False))
    await client.fence()
    client.send(client.frame(Opcode.CONT, wrong, fin=False))
    late = await client.goes_on()
    if late:
        client.send(client.frame(Opcode.CONT, rest))
    await _fails(client, late)


@case(
    "client-rfc6455-8.1-invalid-text",
    over={"number": tuple(WRONG_INSIDE)},
    autobahn={number: [number] for number in WRONG_INSIDE},
    told=WAITS,
)
async def octets_that_are_not_utf8_fail_the_connection(
    client: WebSocketVisitor, number: str
) -> None:
    right, wrong, rest = WRONG_INSIDE[number]
    octets = client.frame(Opcode.TEXT, right + wrong + rest, fin=False).encode()
    behind = len(octets) - len(rest)
    await client.accept()
    client.send_octets(octets[: behind - len(wrong)], "TEXT, its beginning", inside=True)
    await client.flush()
    client.send_octets(octets[behind - len(wrong) : behind], "octets not of UTF-8", inside=True)
    late = not await client.closes_within(AT_ONCE)
    if late:
        client.send_octets(octets[behind:], "the rest of the frame")
        client.send(client.frame(Opcode.CONT))
    await _fails(client, late)


async def _fails(client: WebSocketVisitor, late: bool) -> None:
    """The connection fails; `late` is when the message is complete, which is allowed."""
    await client.expect_failed(1007, fence="message" if late else "none")
    if late:
        wanted = "the connection failed at the first octet that is not UTF-8"
        client.context.non_strict(wanted, "it failed when the message was complete", EARLY)
