"""RFC 6455, sections 5.6 and 8.1: text that is UTF-8, and text that is not."""

from sockproof.clients import WAITS, Failure, Opcode, WebSocketVisitor, case

INVALID = {
    "an octet that is none": b"\xff",
    "a continuation alone": b"\x80",
    "overlong slash": b"\xc0\xaf",
    "overlong zero": b"\xe0\x80\x80",
    "overlong in four": b"\xf0\x80\x80\x80",
    "a surrogate": b"\xed\xa0\x80",
    "a pair of surrogates": b"\xed\xa0\xbd\xed\xb8\x80",
    "beyond U+10FFFF": b"\xf4\x90\x80\x80",
    "five octets": b"\xf8\x88\x80\x80\x80",
    "cut off by a letter": b"\xe2\x82a",
}
OVERLONG = ("overlong slash", "overlong zero", "overlong in four", "a surrogate", "beyond U+10FFFF")
UNFINISHED = {"two of three": b"\xe2\x82", "one of two": b"\xc3", "three of four": b"\xf0\x9f\x98"}
VALID = {
    "zero": "\0",
    "the last of each length": "\x7f\u07ff\uffff\U0010ffff",
    "the first of each length": "\x80\u0800\U00010000",
    "noncharacters": "\ufffe\ufdd0\U0001fffe",
    "beside the surrogates": "\ud7ff\ue000",
    "a byte order mark": "\ufeffa",
    "lines of every kind": "a\r\nb\n\r\u2028\u2029\x85",
    "combined": "e\u0301 \u1100\u1161 \U0001f468\u200d\U0001f469",
}


async def opened(client: WebSocketVisitor) -> None:
    """The connection is open, and the client surely in its loop."""
    await client.accept()
    await client.echoed("an ordinary message")


@case("client-rfc6455-8.1-invalid-text", over={"text": list(INVALID)})
async def text_that_is_not_utf8_fails_the_connection(client: WebSocketVisitor, text: str) -> None:
    await opened(client)
    client.send(client.frame(Opcode.TEXT, b"before " + INVALID[text] + b" behind"))
    await client.expect_failed(1007, fence="message")


@case("client-rfc6455-8.1-overlong-and-surrogates", over={"text": OVERLONG})
async def fragments_that_are_not_utf8_fail_the_connection(
    client: WebSocketVisitor, text: str
) -> None:
    await opened(client)
    octets = INVALID[text]
    client.send(
        client.frame(Opcode.TEXT, octets[:1], fin=False),
        client.frame(Opcode.CONT, octets[1:], fin=False),
        client.frame(Opcode.CONT, b""),
    )
    await client.expect_failed(1007, fence="message")


@case("client-rfc6455-8.1-1007")
async def text_that_is_not_utf8_is_told_by_1007(client: WebSocketVisitor) -> None:
    await opened(client)
    client.send(client.frame(Opcode.TEXT, b"\xff"))
    await client.expect_failed(1007, fence="message")


@case("client-rfc6455-8.1-incomplete-text", over={"text": list(UNFINISHED)})
async def text_that_ends_inside_a_character_fails_the_connection(
    client: WebSocketVisitor, text: str
) -> None:
    await opened(client)
    client.send(client.frame(Opcode.TEXT, b"before " + UNFINISHED[text]))
    await client.expect_failed(1007, fence="message")


@case("client-rfc6455-8.1-incomplete-text")
async def next_message_does_not_complete_a_character(client: WebSocketVisitor) -> None:
    await opened(client)
    first, rest = client.frame(Opcode.TEXT, b"\xe2\x82"), client.frame(Opcode.TEXT, b"\xac")
    client.send(first, rest)
    await client.expect_failed(1007, fence="message")


@case(
    "client-rfc6455-8.1-fails-early",
    over={"where": ("in a fragment", "in a frame")},
    told=WAITS,
)
async def first_octet_that_cannot_be_utf8_fails_the_connection(
    client: WebSocketVisitor, where: str
) -> None:
    await opened(client)
    payload = b"before \xff and what is behind it"
    if where == "in a fragment":
        client.send(client.frame(Opcode.TEXT, payload, fin=False))
        early = not await client.goes_on()
        rest = client.frame(Opcode.CONT, b", at last").encode()
    else:
        octets = client.frame(Opcode.TEXT, payload).encode()
        client.send_octets(octets[:-3], "a frame without its last 3 octets", inside=True)
        early, rest = await client.closes_within(1), octets[-3:]
    if early:
        return
    client.context.non_strict("Close 1007 before the message is complete", "it awaits the rest")
    client.send_octets(rest, "the rest of the message")
    try:
        with client.context.awaits("Close 1007"):
            got = await client.receive_answer()
    except Failure:
        return
    if got.opcode != Opcode.CLOSE:
        raise Failure("Close 1007", got)


@case("client-rfc6455-8.1-valid-accepted", over={"text": list(VALID)})
async def every_valid_text_is_taken(client: WebSocketVisitor, text: str) -> None:
    await client.accept()
    await client.echoed(VALID[text])


@case("client-rfc6455-5.6-text-split", over={"text": list(VALID)})
async def text_may_be_cut_at_every_octet(client: WebSocketVisitor, text: str) -> None:
    await client.accept()
    octets = VALID[text].encode()
    client.send(
        *(
            client.frame(Opcode.CONT if place else Opcode.TEXT, bytes([octet]), fin=False)
            for place, octet in enumerate(octets)
        ),
        client.frame(Opcode.CONT),
    )
    await client.expect_echo(VALID[text])


@case("client-rfc6455-5.6-text-utf8-sent")
async def text_of_the_client_is_utf8(client: WebSocketVisitor) -> None:
    await client.accept()
    await client.echoed("".join(VALID.values()))  # the peer refuses what is not


@case("client-rfc6455-5.6-binary-any", over={"octets": list(INVALID)})
async def binary_message_is_not_checked_as_text(client: WebSocketVisitor, octets: str) -> None:
    await client.accept()
    await client.echoed(INVALID[octets])
